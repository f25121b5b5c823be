"""/streams: live streams, as people find them and as their owners make them."""

from typing import Annotated

from litestar import Controller, delete, get, patch, post
from litestar.params import JSONBody, QueryParameter

from persistence.stream_reader import LiveWish
from protocol import errors
from protocol.ids import Id
from protocol.streams import LiveOrder, Stream, StreamHealth
from server.rest.authentication import WITH_OR_WITHOUT
from server.rest.cursors import cursor_after, cursor_after_live, live_place, place_before
from server.rest.errors import refusals
from server.rest.parameters import Cursor, IdempotencyKey, PageLimit, StreamId
from server.rest.stream_bodies import (
    ChangeStream,
    MadeStream,
    MakeStream,
    PublishAccess,
    StreamPage,
    access,
    made,
)
from server.rest.wire import Injected
from server.stream_pages import StreamPages
from server.stream_rules import MAX_CATEGORY
from server.streams import Streams
from server.tokens import Claims

MAKE = """\
With its chat, a channel whose owner is the stream's: its commands are those of any channel, slow \
mode, admins, mutes and bans among them. `stream_key` is shown here alone: keep it, or ask for \
another one. A retry with the same `Idempotency-Key` makes no second stream; it gets the first one \
with another key.\
"""
DELETE = """\
One's own or, as a moderator, anyone's that is not private. It ends if it is on. Its chat becomes \
a group of those who are in it.\
"""
LIST = """\
Those that one may see, but for accounts that one has muted. Without an access token those that \
everybody may see, unless the server wants one. Numbers of viewers move: from page to page a \
stream may come twice, or not at all.\
"""
KEY = """\
The key before is good for nothing from now on, and what is published with it ends.\
"""

Order = Annotated[
    LiveOrder,
    QueryParameter(
        description="`viewers`: those that most watch first; `newest`: those that went live last"
    ),
]
CategoryName = Annotated[
    str | None,
    QueryParameter(
        min_length=1, max_length=2 * MAX_CATEGORY, description="Those of it alone; case is ignored"
    ),
]
Followed = Annotated[bool, QueryParameter(description="Those of accounts alone that one follows")]

# With a token one sees what one may see, without one what everybody may.
_EITHER: list[dict[str, list[str]]] = [{"bearer": []}, {}]


class StreamRoutes(Controller):
    """Make, find, change, end and delete streams."""

    path = "/streams"
    tags = ["streams"]

    @post(
        summary="Make a stream",
        description=MAKE,
        responses=refusals(errors.FORBIDDEN, errors.NONCE_CONFLICT),
    )
    async def make_stream(
        self,
        data: JSONBody[MakeStream],
        caller: Injected[Claims],
        streams: Injected[Streams],
        idempotency_key: IdempotencyKey = None,
    ) -> MadeStream:
        """Make a stream."""
        return made(await streams.create(caller.account, data.wanted(), key=idempotency_key))

    @get(
        summary="List the streams that are live",
        description=LIST,
        responses=refusals(),
        opt=WITH_OR_WITHOUT,
        security=_EITHER,
    )
    async def list_live_streams(
        self,
        visitor: Injected[Claims | None],
        stream_pages: Injected[StreamPages],
        order: Order = LiveOrder.VIEWERS,
        category: CategoryName = None,
        followed: Followed = False,
        cursor: Cursor = None,
        limit: PageLimit = 50,
    ) -> StreamPage:
        """List the live streams."""
        page = await stream_pages.live(
            visitor and visitor.account,
            LiveWish(order, category, followed),
            after=live_place(cursor),
            limit=limit,
        )
        return StreamPage(items=page.streams, next_cursor=cursor_after_live(page.after))

    @get(
        "/{stream:str}",
        summary="Show a stream",
        description="Without an access token one that everybody may see, unless the server wants "
        "one.",
        responses=refusals(errors.NOT_FOUND),
        opt=WITH_OR_WITHOUT,
        security=_EITHER,
    )
    async def show_stream(
        self,
        stream: StreamId,
        visitor: Injected[Claims | None],
        stream_pages: Injected[StreamPages],
    ) -> Stream:
        """Show a stream."""
        return await stream_pages.show(visitor and visitor.account, stream)

    @patch(
        "/{stream:str}",
        summary="Change a stream",
        description="The chat's title follows. Whoever may not watch any more after a change of "
        "`visibility` is sent away.",
        responses=refusals(errors.NOT_FOUND, errors.FORBIDDEN),
    )
    async def change_stream(
        self,
        stream: StreamId,
        data: JSONBody[ChangeStream],
        caller: Injected[Claims],
        streams: Injected[Streams],
    ) -> Stream:
        """Change a stream."""
        return await streams.change(caller.account, stream, data.changes())

    @delete(
        "/{stream:str}",
        summary="Delete a stream",
        description=DELETE,
        responses=refusals(errors.NOT_FOUND, errors.FORBIDDEN),
    )
    async def delete_stream(
        self, stream: StreamId, caller: Injected[Claims], streams: Injected[Streams]
    ) -> None:
        """Delete a stream."""
        await streams.delete(caller.account, stream)

    @post(
        "/{stream:str}/key",
        summary="Give a stream another key",
        description=KEY,
        responses=refusals(errors.NOT_FOUND, errors.FORBIDDEN),
    )
    async def rotate_stream_key(
        self, stream: StreamId, caller: Injected[Claims], streams: Injected[Streams]
    ) -> PublishAccess:
        """Give a stream another key."""
        return access(stream, await streams.rotate_key(caller.account, stream))

    @post(
        "/{stream:str}/end",
        status_code=200,
        summary="End a stream",
        description="One's own or, as a moderator, anyone's that is not private: at once, without "
        "the time that a lost publisher has. It may go live again.",
        responses=refusals(errors.NOT_FOUND, errors.FORBIDDEN),
    )
    async def end_stream(
        self, stream: StreamId, caller: Injected[Claims], streams: Injected[Streams]
    ) -> Stream:
        """End a stream."""
        return await streams.end(caller.account, stream)

    @get(
        "/{stream:str}/health",
        summary="Show how a stream is",
        description="What comes from its publisher, over the last seconds, and what is wrong with "
        "it. For its owner.",
        responses=refusals(errors.NOT_FOUND, errors.FORBIDDEN),
    )
    async def show_stream_health(
        self, stream: StreamId, caller: Injected[Claims], stream_pages: Injected[StreamPages]
    ) -> StreamHealth:
        """Show how a stream is."""
        return await stream_pages.health(caller.account, stream)


class OwnStreams(Controller):
    """One's own streams."""

    path = "/me/streams"
    tags = ["streams"]

    @get(
        summary="List one's streams",
        description="On or not, the newest first.",
        responses=refusals(),
    )
    async def list_own_streams(
        self,
        caller: Injected[Claims],
        stream_pages: Injected[StreamPages],
        cursor: Cursor = None,
        limit: PageLimit = 50,
    ) -> StreamPage:
        """List one's streams."""
        found, after = await stream_pages.own(
            caller.account, before=Id(place_before(cursor)), limit=limit
        )
        return StreamPage(items=found, next_cursor=cursor_after(after))
