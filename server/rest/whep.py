"""/whep: watch a stream (WebRTC-HTTP Egress Protocol, draft-ietf-wish-whep)."""

from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.types import ASGIApp

from protocol.errors import UNAUTHORIZED, PlazaError
from protocol.ids import Id
from server.rest.signalling import (
    SDP,
    Reply,
    Signalling,
    Steps,
    bearer_of,
    body_of,
    created,
    every_method,
    nothing,
    stream_of,
)
from server.rest.whep_extensions import extension_links, finder
from server.rest.whip import ACCEPTS_FRAGMENTS, ACCEPTS_OFFERS, session_steps
from server.rest.wire import PlazaRequest


def whep_routes(signalling: Signalling) -> list[HTTPRouteHandler]:
    """The endpoint, and the sessions below it."""

    @every_method("/whep/{stream:str}")
    async def watch(stream: FromPath[str], request: PlazaRequest) -> ASGIApp:
        """Watch."""
        steps: Steps = {
            HttpMethod.POST: lambda: _watch(signalling, stream, request),
            HttpMethod.GET: nothing,
            HttpMethod.HEAD: nothing,
        }
        return await signalling.answer(
            request,
            steps,
            accepts=ACCEPTS_OFFERS,
            servers=lambda: signalling.servers_for(
                lambda: _may_watch(signalling, stream, request), stream
            ),
        )

    @every_method("/whep/{stream:str}/{session:str}")
    async def change(
        stream: FromPath[str], session: FromPath[str], request: PlazaRequest
    ) -> ASGIApp:
        """Change or end a session."""
        steps = session_steps(signalling, finder(signalling, stream, session), request)
        return await signalling.answer(request, steps, accepts=ACCEPTS_FRAGMENTS)

    return [watch, change]


async def _watch(signalling: Signalling, stream: str, request: PlazaRequest) -> Reply:
    viewer = await _viewer(signalling, request)
    offer = await body_of(request, SDP)
    signalling.take_offer(request)
    session = await signalling.live.watch(stream_of(stream), viewer, offer)
    return created(session, [*signalling.ice_links(stream), *extension_links(session)])


async def _may_watch(signalling: Signalling, stream: str, request: PlazaRequest) -> None:
    viewer = await _viewer(signalling, request)
    await signalling.live.streams.may_watch(stream_of(stream), viewer)


async def _viewer(signalling: Signalling, request: PlazaRequest) -> Id | None:
    """Whom the access token speaks for; None: there is none.

    Raises:
        PlazaError: unauthorized, token_expired, rate_limited: who shows a token wants to be known.
    """
    if "authorization" not in request.headers:
        return None
    token = bearer_of(request)
    if not token:
        raise PlazaError(UNAUTHORIZED, "Send an access token, as Authorization: Bearer, or none.")
    claims = signalling.auth.read(token)
    signalling.admission.charge_account(claims.account)
    await signalling.auth.confirm(claims)
    return claims.account
