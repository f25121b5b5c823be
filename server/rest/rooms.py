"""/rooms: conversations, and reading their logs."""

from typing import Annotated, Literal

from litestar import Controller, get, patch, post
from litestar.params import JSONBody, QueryParameter

from protocol import errors
from protocol.errors import BAD_REQUEST, PlazaError
from protocol.records import Room
from rooms import conversation
from server.chat import Chat
from server.rest.bodies import Entry, EventPage, NewRoom, RoomChanges, RoomPage
from server.rest.cursors import cursor_after, position_of
from server.rest.entries import write
from server.rest.errors import refusals
from server.rest.parameters import Cursor, IdempotencyKey, LogPosition, PageLimit, RoomId
from server.rest.wire import Injected
from server.tokens import Claims


class Rooms(Controller):
    """Create, list, show and change rooms."""

    path = "/rooms"
    tags = ["rooms"]

    @post(
        summary="Create a room",
        description="The dm of a pair is created once: later requests return it.",
        responses=refusals(errors.FORBIDDEN, errors.NOT_FOUND),
    )
    async def create_room(
        self,
        data: JSONBody[NewRoom],
        caller: Injected[Claims],
        chat: Injected[Chat],
        idempotency_key: IdempotencyKey = None,
    ) -> Room:
        """Create a room."""
        return await chat.create_room(
            caller.account,
            kind=data.kind,
            title=data.title,
            members=data.members,
            key=idempotency_key,
        )

    @get(
        summary="List rooms",
        description="One's own, all of them; or the channels that anyone may join, page by page.",
        responses=refusals(),
    )
    async def list_rooms(
        self,
        caller: Injected[Claims],
        chat: Injected[Chat],
        which: Annotated[
            Literal["own", "public"], QueryParameter(name="scope", description="Which rooms")
        ] = "own",
        cursor: Cursor = None,
        limit: PageLimit = 50,
    ) -> RoomPage:
        """List rooms."""
        if which == "own":
            return RoomPage(items=await chat.rooms_of(caller.account))
        rooms, position = await chat.public_rooms(
            caller.account, cursor=position_of(cursor), limit=limit
        )
        return RoomPage(items=rooms, next_cursor=cursor_after(position))

    @get("/{room:str}", summary="Show a room", responses=refusals(errors.NOT_FOUND))
    async def show_room(self, room: RoomId, caller: Injected[Claims], chat: Injected[Chat]) -> Room:
        """Show a room."""
        return await chat.room(caller.account, room)

    @patch(
        "/{room:str}",
        summary="Rename a room, or set its slow mode",
        description="`slow_mode`: the seconds that plain members wait between two messages; 0: "
        "none. The answer is the last entry written.",
        responses=refusals(errors.FORBIDDEN, errors.NOT_FOUND, errors.OVERLOADED),
    )
    async def change_room(
        self,
        room: RoomId,
        data: JSONBody[RoomChanges],
        caller: Injected[Claims],
        chat: Injected[Chat],
    ) -> Entry:
        """Change a group or channel."""
        drafts = []
        if data.title is not None:
            drafts.append(conversation.rename(caller.account, room, data.title))
        if data.slow_mode is not None:
            drafts.append(conversation.slow_mode(caller.account, room, data.slow_mode))
        if not drafts:
            raise PlazaError(BAD_REQUEST, "Give a title or slow_mode: nothing is to change.")
        entries = [await write(chat, draft) for draft in drafts]
        return max(entries, key=lambda entry: entry.seq or 0)

    @get(
        "/{room:str}/events",
        summary="Read a room's log",
        description="The events before, after or around a seq, in ascending order; the newest ones "
        "by default. At most one of `before`, `after` and `around` may be given. With `thread`, "
        "the seq of a message: the first message of its thread and the replies only.",
        responses=refusals(errors.NOT_FOUND),
    )
    async def read_events(
        self,
        room: RoomId,
        caller: Injected[Claims],
        chat: Injected[Chat],
        before: LogPosition = None,
        after: LogPosition = None,
        around: LogPosition = None,
        thread: LogPosition = None,
        limit: PageLimit = 50,
    ) -> EventPage:
        """Read a page of the log."""
        items, more = await chat.page(
            caller.account,
            room,
            thread=thread,
            before=before,
            after=after,
            around=around,
            limit=limit,
        )
        return EventPage(items, more)
