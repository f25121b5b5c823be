"""/whip: publish a stream (WebRTC-HTTP Ingestion Protocol, RFC 9725)."""

from collections.abc import Callable

from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.types import ASGIApp

from protocol.errors import UNAUTHORIZED, PlazaError
from server.live_session import LiveSession
from server.rest.signalling import (
    FRAGMENT,
    SDP,
    Headers,
    Reply,
    Signalling,
    Steps,
    bearer_of,
    body_of,
    created,
    every_method,
    nothing,
    stream_of,
    tags_of,
)
from server.rest.wire import PlazaRequest

ACCEPTS_OFFERS: Headers = [("Accept-Post", SDP)]
ACCEPTS_FRAGMENTS: Headers = [("Accept-Patch", FRAGMENT)]


def whip_routes(signalling: Signalling) -> list[HTTPRouteHandler]:
    """The endpoint, and the sessions below it."""

    @every_method("/whip/{stream:str}")
    async def publish(stream: FromPath[str], request: PlazaRequest) -> ASGIApp:
        """Publish."""
        steps: Steps = {
            HttpMethod.POST: lambda: _publish(signalling, stream, request),
            HttpMethod.GET: nothing,
            HttpMethod.HEAD: nothing,
        }
        return await signalling.answer(
            request,
            steps,
            accepts=ACCEPTS_OFFERS,
            servers=lambda: signalling.servers_for(
                lambda: _may_publish(signalling, stream, request), stream
            ),
        )

    @every_method("/whip/{stream:str}/{session:str}")
    async def change(
        stream: FromPath[str], session: FromPath[str], request: PlazaRequest
    ) -> ASGIApp:
        """Change or end a session."""

        def found() -> LiveSession:
            return signalling.live.find("whip", stream_of(stream), session)

        steps = session_steps(signalling, found, request)
        return await signalling.answer(request, steps, accepts=ACCEPTS_FRAGMENTS)

    return [publish, change]


def session_steps(
    signalling: Signalling, found: Callable[[], LiveSession], request: PlazaRequest
) -> Steps:
    """What can be done with a session, of WHIP or WHEP. Whoever knows its URL may.

    Args:
        found: the session; raises where there is none.
    """

    async def change() -> Reply:
        text = await body_of(request, FRAGMENT)
        session = found()
        answer = signalling.live.patch(session, tags_of(request), text)
        if answer is None:
            return Reply(204)  # without an ETag (4.3.2)
        return Reply(200, [("ETag", f'"{session.etag}"')], answer, FRAGMENT)

    async def end() -> Reply:
        signalling.live.delete(found())  # whatever If-Match says (4.3.1)
        return Reply(200)

    async def show() -> Reply:
        found()
        return await nothing()

    return {
        HttpMethod.PATCH: change,
        HttpMethod.DELETE: end,
        HttpMethod.GET: show,
        HttpMethod.HEAD: show,
    }


async def _publish(signalling: Signalling, stream: str, request: PlazaRequest) -> Reply:
    key = _key_of(request)
    offer = await body_of(request, SDP)
    signalling.take_offer(request)
    async with signalling.guessing(request):
        session = await signalling.live.publish(stream_of(stream), key, offer)
    return created(session, signalling.ice_links(stream))


async def _may_publish(signalling: Signalling, stream: str, request: PlazaRequest) -> None:
    key = _key_of(request)
    async with signalling.guessing(request):
        await signalling.live.streams.may_publish(stream_of(stream), key)


def _key_of(request: PlazaRequest) -> str:
    key = bearer_of(request)
    if not key:
        raise PlazaError(UNAUTHORIZED, "Send the stream's key: Authorization: Bearer STREAM_KEY.")
    return key
