"""What users do in their rooms.

Who is to react, edit or delete and finds nothing to do it to says something instead.
"""

from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from loadtest.crowd.actions import Behaviour
from loadtest.crowd.asking import ACK
from loadtest.crowd.body import body
from loadtest.crowd.chunks import Room, see
from loadtest.scenario import Scenario

if TYPE_CHECKING:
    from loadtest.crowd.user import User

_PAGE = 50
# More than one, so that most reactions are new ones.
_EMOJI: Final = cycle(("👍", "🎉", "😂", "😮", "😢", "🙏", "🔥", "👀", "🚀", "💯"))


class _Place(Struct):
    seq: int


class _Page(Struct):
    events: list[_Place]
    more: bool


_page = msgspec.json.Decoder(_Page).decode


def message(user: "User", due: float) -> None:
    """Say something in one of one's rooms; the latency `ack` is until it is acknowledged."""
    room = _room(user)
    if room is None:
        return
    mix = user.crowd.scenario.mix
    answered = partial(_said, room) if mix.edit or mix.delete else None
    command = b'"t":"send","room":"%b","body":"%b"' % (room.id.encode(), _text(user, room, due))
    user.ask(ACK, due, command, room=room, answered=answered)


def typing(user: "User", due: float) -> None:
    """Let the others know that one types."""
    room = _room(user)
    if room is not None:
        user.ask("typing", due, b'"t":"typing","room":"%b"' % room.id.encode(), keeps=False)


def read(user: "User", due: float) -> None:
    """Move one's read marker to the newest entry of a room."""
    room = _room(user)
    if room is not None:
        command = b'"t":"read","room":"%b","seq":%d' % (room.id.encode(), user.seen.get(room, 0))
        user.ask("read", due, command)


def react(user: "User", due: float) -> None:
    """React to the newest message."""
    room = _room(user)
    if room is None or not room.newest:
        message(user, due)
        return
    fields = b'"t":"react","room":"%b","seq":%d,"emoji":"%b"'
    command = fields % (room.id.encode(), room.newest, next(_EMOJI).encode())
    user.ask("react", due, command, room=room)


def edit(user: "User", due: float) -> None:
    """Edit one's last message."""
    if user.said is None:
        message(user, due)
        return
    room, seq = user.said
    fields = b'"t":"edit","room":"%b","seq":%d,"body":"%b"'
    command = fields % (room.id.encode(), seq, _text(user, room, due))
    user.ask("edit", due, command, room=room)


def delete(user: "User", due: float) -> None:
    """Delete one's last message."""
    if user.said is None:
        message(user, due)
        return
    (room, seq), user.said = user.said, None
    command = b'"t":"delete","room":"%b","seq":%d' % (room.id.encode(), seq)
    user.ask("delete", due, command, room=room)


def history(user: "User", due: float) -> None:
    """Page back in a room: to its beginning, then from the end of another one."""
    where = user.paging
    room = _room(user) if where is None else where[0]
    if room is None:
        return
    before = b"" if where is None else b',"before":%d' % where[1]
    fields = b'"t":"history","room":"%b","limit":%d%b'
    command = fields % (room.id.encode(), _PAGE, before)
    user.ask("history", due, command, answered=partial(_paged, room))


def _said(room: Room, user: "User", payload: bytes) -> None:
    user.said = room, see(payload).seq


def _paged(room: Room, user: "User", payload: bytes) -> None:
    page = _page(payload)
    user.paging = (room, page.events[0].seq) if page.more and page.events else None


def _room(user: "User") -> Room | None:
    rooms = user.rooms
    if len(rooms) > 1:
        return user.crowd.chance.choice(rooms)
    return rooms[0] if rooms else None


def _text(user: "User", room: Room, due: float) -> bytes:
    size = user.crowd.scenario.message_bytes
    return body(room.id, user.account, round(due * 1e9), size).encode()


def _never(_: Scenario) -> bool:
    return False


CHAT: Final = Behaviour(
    actions={
        "message": message,
        "typing": typing,
        "read": read,
        "react": react,
        "edit": edit,
        "delete": delete,
        "history": history,
    },
    listeners={},
    concerns=_never,
)
