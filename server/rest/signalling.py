"""What WHIP and WHEP have in common over HTTP: bodies, CORS, entity tags, ICE servers, problems.

RFC 9725, and draft-ietf-wish-whep which follows it. Pages of any origin may publish and watch
(unless `server.origins` names some), so each answer says so.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

import structlog
from litestar import route
from litestar.enums import HttpMethod
from litestar.exceptions import InternalServerException
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse
from litestar.response.streaming import ASGIStreamingResponse
from litestar.types import ASGIApp, AsyncAnyCallable

from media.turn_credentials import ice_servers, link_of
from protocol.codec import dump_json
from protocol.errors import (
    BAD_OFFER,
    BAD_REQUEST,
    INTERNAL,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    RATE_LIMITED,
    TOO_LARGE,
    UNAUTHORIZED,
    UNSUPPORTED_MEDIA,
    PlazaError,
)
from protocol.ids import Id, parse_id
from server.admission import Admission
from server.auth import Auth
from server.config import Config
from server.limits import Throttle, Throttles, client_network
from server.live_session import LiveSession
from server.live_sessions import LiveSessions
from server.rest.cors import cors_headers, is_preflight
from server.rest.problems import PROBLEM, details_of, headers_of
from server.rest.wire import PlazaRequest

log = structlog.get_logger()

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
# An offer of a browser with simulcast and every codec has 9 KB.
BODY_BYTES = 65_536

Headers = list[tuple[str, str]]


class Reply(NamedTuple):
    """An answer: its status, headers and body; without a body there is no media type either."""

    status: int
    headers: Headers = []
    body: str | AsyncIterator[str] = ""
    media_type: str = ""


Steps = Mapping[str, Callable[[], Awaitable[Reply]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signalling:
    """What the routes are made of.

    Attributes:
        clock: Unix time in milliseconds.
    """

    live: LiveSessions
    auth: Auth
    admission: Admission
    throttles: Throttles
    config: Config
    clock: Callable[[], int]

    async def answer(
        self,
        request: PlazaRequest,
        steps: Steps,
        *,
        accepts: Headers,
        servers: Callable[[], Awaitable[Headers]] | None = None,
    ) -> ASGIApp:
        """Answer a request, whatever becomes of it.

        Args:
            steps: what is to be done, by method; others are not allowed.
            accepts: headers that say which bodies are taken.
            servers: what else OPTIONS says to a client that looks for ICE servers before it makes
                its offer, as GStreamer does (4.6); not to a browser's preflight.
        """
        allow = ", ".join((*steps, "OPTIONS"))
        try:
            self.admission.charge_network(_address_of(request))
            step = steps.get(request.method)
            if step is not None:
                reply = await step()
            elif request.method == HttpMethod.OPTIONS:
                wanted = servers is not None and not is_preflight(request)
                links = await servers() if servers is not None and wanted else []
                reply = Reply(200, [("Allow", allow), *accepts, *links])
            else:
                raise PlazaError(METHOD_NOT_ALLOWED)
        except PlazaError as refusal:
            reply = _refusal(request, refusal, allow, accepts)
        except Exception as bug:
            log.error("request failed", method=request.method, exc_info=bug)
            reply = _refusal(request, PlazaError(INTERNAL), allow, accepts)
        cors = cors_headers(request, origins=self.config.server.origins, allow=allow)
        return _sent(reply, cors, is_head=request.method == HttpMethod.HEAD)

    async def servers_for(self, ask: Callable[[], Awaitable[None]], name: str) -> Headers:
        """The ICE servers for whoever may publish, or watch; nothing for others.

        Args:
            ask: raises where they may not.
            name: as for `ice_links`.
        """
        if not self.config.media.ice_servers:
            return []
        try:
            await ask()
        except PlazaError:
            return []
        return self.ice_links(name)

    def ice_links(self, name: str) -> Headers:
        """The STUN and TURN servers, for whoever has been let in (RFC 9725, 4.6).

        Args:
            name: whom the credentials are for.
        """
        media = self.config.media
        servers = ice_servers(
            media.ice_servers,
            secret=media.turn_secret,
            name=name,
            now=self.clock() // 1000,
            seconds=media.turn_seconds,
        )
        return [("Link", link_of(server)) for server in servers]

    def take_offer(self, request: PlazaRequest) -> None:
        """Count an offer of the request's network. Raises PlazaError rate_limited."""
        self._take(self.throttles.offers, request)

    @asynccontextmanager
    async def guessing(self, request: PlazaRequest) -> AsyncIterator[None]:
        """Within it a stream key is checked: a network may give so many wrong ones.

        Each try is counted before its answer is known, so that many at once do not pass.
        """
        keys = self.throttles.stream_keys
        self._take(keys, request)
        try:
            yield
        except PlazaError as refusal:
            if refusal.spec is not UNAUTHORIZED:
                keys.put_back(network_of(request))
            raise
        keys.put_back(network_of(request))

    def _take(self, throttle: Throttle, request: PlazaRequest) -> None:
        wait = throttle.take(network_of(request), self.clock() / 1000)
        if wait:
            raise PlazaError(RATE_LIMITED, retry_after=wait)


def every_method(path: str) -> Callable[[AsyncAnyCallable], HTTPRouteHandler]:
    """A route of all methods: which are allowed, and what is said of others, is our own business.

    Not in the OpenAPI document: the texts are the contract.
    """
    return route(
        path,
        http_method=list(HttpMethod),
        status_code=200,
        request_max_body_size=None,  # `body_of` has a cap of its own
        include_in_schema=False,
    )


async def body_of(request: PlazaRequest, kind: str) -> str:
    """The body, which must be of one media type.

    Raises:
        PlazaError: unsupported_media, too_large, bad_offer, bad_request.
    """
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != kind:
        raise PlazaError(UNSUPPORTED_MEDIA, f"Send a body of type {kind}.")
    content = bytearray()
    try:
        async for chunk in request.stream():
            content += chunk
            if len(content) > BODY_BYTES:
                raise PlazaError(TOO_LARGE, f"A body has at most {BODY_BYTES:,} bytes here.")
    except InternalServerException:
        raise PlazaError(BAD_REQUEST, "The connection ended before the body did.") from None
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise PlazaError(BAD_OFFER, "The body is not UTF-8.") from None


def bearer_of(request: PlazaRequest) -> str | None:
    """The bearer token (RFC 6750); None: there is no such header, or another scheme.

    `Bearer` may stand there twice: people who are asked for a token paste the whole header.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    first, _, rest = token.strip().partition(" ")
    return rest.strip() if first.lower() == "bearer" and rest else token.strip()


def tags_of(request: PlazaRequest) -> frozenset[str] | None:
    """The entity tags of If-Match; None: there is no such header.

    `"*"` is `*` too: it is what RFC 9725 shows. Weak tags match nothing (RFC 9110, 13.1.1).
    """
    header = request.headers.get("if-match")
    if header is None:
        return None
    tags = (tag.strip() for tag in header.split(","))
    return frozenset(tag.strip('"') for tag in tags if not tag.startswith("W/"))


def stream_of(text: str) -> Id:
    """The stream of a URL. Raises PlazaError not_found."""
    try:
        return parse_id(text)
    except ValueError:
        raise PlazaError(NOT_FOUND) from None


def network_of(request: PlazaRequest) -> str:
    """Of the client, as throttles count."""
    return client_network(_address_of(request))


def created(session: LiveSession, links: Headers) -> Reply:
    """The answer to an offer: exactly 201, which is what OBS wants.

    Location is a path, which OBS puts in the place of that of its own URL.
    """
    headers = [
        ("Location", session.path),
        ("ETag", f'"{session.etag}"'),
        ("Accept-Patch", FRAGMENT),
        *links,
    ]
    return Reply(201, headers, session.answer.sdp, SDP)


async def nothing() -> Reply:
    """For GET and HEAD: there is nothing to be had, and that is no error (RFC 9725, 4.1)."""
    return Reply(204)


def _address_of(request: PlazaRequest) -> str:
    return request.client.host if request.client else ""


def _refusal(request: PlazaRequest, refusal: PlazaError, allow: str, accepts: Headers) -> Reply:
    headers = list(headers_of(request, refusal).items())
    if refusal.spec is METHOD_NOT_ALLOWED:
        headers.append(("Allow", allow))
    if refusal.spec is UNSUPPORTED_MEDIA:
        headers += accepts
    return Reply(refusal.spec.status, headers, dump_json(details_of(refusal)), PROBLEM)


def _sent(reply: Reply, cors: Headers, *, is_head: bool) -> ASGIApp:
    headers = [*cors, ("Cache-Control", "no-store"), *reply.headers]
    if not isinstance(reply.body, str):
        return ASGIStreamingResponse(
            iterator=reply.body,
            status_code=reply.status,
            headers=dict(headers),
            media_type=reply.media_type,
        )
    return ASGIResponse(
        body="" if is_head else reply.body,
        status_code=reply.status,
        headers=headers,
        media_type=reply.media_type or "text/plain",
        is_head_response=is_head,
    )
