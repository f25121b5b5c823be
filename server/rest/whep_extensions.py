"""What WHEP has besides (4.9 of its text): the choice of a layer, and events about the stream."""

from collections.abc import Callable
from typing import Annotated, TypeVar

import msgspec
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.types import ASGIApp
from msgspec import Meta

from protocol.codec import load_json
from protocol.errors import BAD_REQUEST, PlazaError
from server.live_session import LiveSession
from server.rest.signalling import (
    Headers,
    Reply,
    Signalling,
    Steps,
    body_of,
    every_method,
    stream_of,
)
from server.rest.wire import PlazaRequest
from server.viewer_events import EVENTS

T = TypeVar("T")

JSON = "application/json"
ACCEPTS_JSON: Headers = [("Accept-Post", JSON)]
EXTENSION = "urn:ietf:params:whep:ext:core"


class LayerChoice(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Which layer is wanted: by its rid; nothing: whichever suits the line.

    `encodingId` is what `rid` was called before the third draft.
    """

    media_id: str | None = None
    rid: Annotated[str, Meta(max_length=255)] | None = None
    encoding_id: Annotated[str, Meta(max_length=255)] | None = None


def extension_links(session: LiveSession) -> Headers:
    """How the answer to an offer says what there is."""
    links = [
        (
            "Link",
            f'<{session.path}/events>; rel="{EXTENSION}:server-sent-events"; '
            f'events="{",".join(EVENTS)}"',
        )
    ]
    if session.video_line is not None:
        links.append(("Link", f'<{session.path}/layer>; rel="{EXTENSION}:layer"'))
    return links


def finder(signalling: Signalling, stream: str, session: str) -> Callable[[], LiveSession]:
    """What finds the session of a URL, or raises PlazaError not_found."""
    return lambda: signalling.live.find("whep", stream_of(stream), session)


def extension_routes(signalling: Signalling) -> list[HTTPRouteHandler]:
    """The routes below a session's."""

    @every_method("/whep/{stream:str}/{session:str}/layer")
    async def choose(
        stream: FromPath[str], session: FromPath[str], request: PlazaRequest
    ) -> ASGIApp:
        """Choose a layer."""
        found = finder(signalling, stream, session)
        steps: Steps = {HttpMethod.POST: lambda: _choose(signalling, found, request)}
        return await signalling.answer(request, steps, accepts=ACCEPTS_JSON)

    @every_method("/whep/{stream:str}/{session:str}/events")
    async def begin_events(
        stream: FromPath[str], session: FromPath[str], request: PlazaRequest
    ) -> ASGIApp:
        """Make an event stream."""
        found = finder(signalling, stream, session)
        steps: Steps = {HttpMethod.POST: lambda: _begin_events(signalling, found, request)}
        return await signalling.answer(request, steps, accepts=ACCEPTS_JSON)

    @every_method("/whep/{stream:str}/{session:str}/events/{feed:str}")
    async def events(
        stream: FromPath[str], session: FromPath[str], feed: FromPath[str], request: PlazaRequest
    ) -> ASGIApp:
        """Follow an event stream, or end it."""
        found = finder(signalling, stream, session)

        async def follow() -> Reply:
            texts = signalling.live.events.find(found(), feed).texts()
            return Reply(200, [("X-Accel-Buffering", "no")], texts, "text/event-stream")

        async def end() -> Reply:
            signalling.live.events.drop(found(), feed)
            return Reply(200)

        steps: Steps = {HttpMethod.GET: follow, HttpMethod.DELETE: end}
        return await signalling.answer(request, steps, accepts=[])

    return [choose, begin_events, events]


async def _choose(
    signalling: Signalling, found: Callable[[], LiveSession], request: PlazaRequest
) -> Reply:
    choice = _read(await body_of(request, JSON), LayerChoice)
    session = found()
    line = session.video_line
    if line is None or choice.media_id not in (None, str(line)):
        raise PlazaError(BAD_REQUEST, f"The only video is in the m= section with index {line}.")
    signalling.live.choose(session, choice.rid or choice.encoding_id)
    return Reply(200)


async def _begin_events(
    signalling: Signalling, found: Callable[[], LiveSession], request: PlazaRequest
) -> Reply:
    wanted: tuple[str, ...] = EVENTS
    # Without a body: all of them.
    if request.headers.get("content-type"):
        text = await body_of(request, JSON)
        wanted = _read(text, tuple[str, ...]) if text else EVENTS
    session = found()
    unknown = sorted(set(wanted) - set(EVENTS))
    if unknown:
        raise PlazaError(BAD_REQUEST, f"There are no events {unknown}. There are: {list(EVENTS)}.")
    feed = signalling.live.open_events(session, wanted)
    return Reply(201, [("Location", f"{session.path}/events/{feed}")])


def _read(text: str, shape: type[T]) -> T:
    try:
        return load_json(text, shape, from_outside=True)
    except msgspec.ValidationError as error:
        raise PlazaError(BAD_REQUEST, f"{error}.") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise PlazaError(BAD_REQUEST, f"The body is not JSON: {error}.") from None
