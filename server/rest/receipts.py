"""How far members have got in rooms, and what they want to be told of them."""

from litestar import Controller, get, patch, post, put
from litestar.params import JSONBody

from protocol import errors
from protocol.records import Room
from server.chat import Chat
from server.receipts import Receipts
from server.rest.bodies import OwnWishes, ReadUpTo, ReceiptPage
from server.rest.errors import refusals
from server.rest.parameters import RoomId
from server.rest.wire import Injected
from server.tokens import Claims


class Markers(Controller):
    """Move one's own marker, see those of others, choose what to be told."""

    path = "/rooms/{room:str}"
    tags = ["rooms"]

    @put(
        "/read",
        status_code=204,
        summary="Mark a room as read",
        description="Up to a seq, on all of one's devices. The marker never moves back, and not "
        "beyond the end of the room.",
        responses=refusals(errors.NOT_FOUND, errors.OVERLOADED),
    )
    async def mark_read(
        self,
        room: RoomId,
        data: JSONBody[ReadUpTo],
        caller: Injected[Claims],
        receipts: Injected[Receipts],
    ) -> None:
        """Mark a room as read."""
        await receipts.read(caller.account, room, data.seq)

    @get(
        "/receipts",
        summary="Show how far the members of a room have got",
        description="All of them: what each has read, and what has reached a device of theirs. "
        "For members, in rooms of up to `limits.receipts_members`.",
        responses=refusals(errors.NOT_FOUND, errors.FORBIDDEN),
    )
    async def list_receipts(
        self, room: RoomId, caller: Injected[Claims], receipts: Injected[Receipts]
    ) -> ReceiptPage:
        """List receipts."""
        return ReceiptPage(items=await receipts.receipts(caller.account, room))

    @patch(
        "/me",
        summary="Choose which messages of a room to be told about",
        responses=refusals(errors.NOT_FOUND),
    )
    async def change_wishes(
        self,
        room: RoomId,
        data: JSONBody[OwnWishes],
        caller: Injected[Claims],
        chat: Injected[Chat],
        receipts: Injected[Receipts],
    ) -> Room:
        """Change one's wishes for a room."""
        await receipts.set_level(caller.account, room, data.notify)
        return await chat.room(caller.account, room)


class AllMarkers(Controller):
    """Mark everything as read."""

    path = "/me/read-all"
    tags = ["rooms"]

    @post(
        status_code=204,
        summary="Mark all rooms as read",
        description="Everything that is in one's rooms now, on all of one's devices.",
        responses=refusals(errors.OVERLOADED),
    )
    async def mark_all_read(self, caller: Injected[Claims], receipts: Injected[Receipts]) -> None:
        """Mark all rooms as read."""
        await receipts.read_all(caller.account)
