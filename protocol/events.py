"""What the server says over the WebSocket.

Three families:
    answers       ready, ok, error: to one command, with its id
    room events   entries of a room's log: each carries room and seq, and every member gets them all
    notices       gap, room, room_gone: about the connection's own view
"""

from enum import StrEnum

from msgspec import UNSET, Struct, UnsetType, field

from protocol.ids import Id
from protocol.records import Attachment, Reaction, Role, Room, RoomKind, Seq, Time, User


class Event(Struct, tag_field="t", kw_only=True, omit_defaults=True):
    """Base of all events."""


# --- answers ---------------------------------------------------------------------------------


class Ready(Event, tag="ready"):
    """The answer to hello: who one is, and one's rooms. The missed events follow."""

    id: int
    user: User
    session: Id
    rooms: list[Room]
    heartbeat: int  # seconds: the server pings after this much silence


class Ok(Event, tag="ok"):
    """The command was carried out; what it wrote is on disk.

    `seq`, `event_id` and `at` are those of the log entry, where there is one: a command that
    changes nothing (such as the same reaction twice) writes none.
    """

    id: int
    seq: int | UnsetType = UNSET
    event_id: Id | UnsetType = UNSET
    at: Time | UnsetType = UNSET


class RoomCreated(Event, tag="ok"):
    """The answer to create."""

    id: int
    room: Room


class Page(Event, tag="ok"):
    """The answer to history. `more`: there are further events in the direction asked for."""

    id: int
    events: list["AnyRoomEvent"]
    more: bool


class Error(Event, tag="error"):
    """The command was refused. `id` is absent when the frame had none that could be read."""

    code: str
    message: str
    id: int | None = None
    retry_after: float | None = None


# --- room events -----------------------------------------------------------------------------


class RoomEvent(Event):
    """Base of the entries of a room's log.

    The log fills in `seq`, `event_id` and `at` when it writes the entry; until then they are
    empty. `sender` is the account that acted.
    """

    room: Id
    sender: Id
    seq: int = 0
    event_id: Id = field(default_factory=Id)
    at: Time = ""
    nonce: str | None = None


class Created(RoomEvent, tag="created", kw_only=True):
    """The first entry of every log: the room and its first members."""

    kind: RoomKind
    title: str | None = None
    members: dict[Id, Role]


class Message(RoomEvent, tag="message", kw_only=True):
    """A message.

    Read from the log it shows its present state: the last edited body, the reactions, or, when it
    has been deleted, no body and `deleted`.
    """

    body: str = ""
    reply_to: int | None = None
    attachments: list[Attachment] = []
    mentions: list[Id] = []
    edited_at: Time | None = None
    deleted: bool = False
    reactions: list[Reaction] = []


class Edited(RoomEvent, tag="edit", kw_only=True):
    """The body of message `target` was replaced. Without a body: the message is deleted by now."""

    target: int
    body: str = ""
    mentions: list[Id] = []


class Deleted(RoomEvent, tag="delete", kw_only=True):
    """Message `target` was deleted."""

    target: int


class Reacted(RoomEvent, tag="react", kw_only=True):
    """`sender` reacted to message `target`."""

    target: int
    emoji: str


class Unreacted(RoomEvent, tag="unreact", kw_only=True):
    """`sender` took a reaction to message `target` back."""

    target: int
    emoji: str


class MemberCause(StrEnum):
    """Why somebody's membership changed."""

    JOINED = "joined"
    INVITED = "invited"
    LEFT = "left"
    KICKED = "kicked"
    PROMOTED = "promoted"


class MemberChanged(RoomEvent, tag="member", kw_only=True):
    """`account` has a new role in the room, or none: it is no longer a member."""

    account: Id
    cause: MemberCause
    role: Role | None = None


class Renamed(RoomEvent, tag="title", kw_only=True):
    """The room has a new title."""

    title: str


AnyRoomEvent = Created | Message | Edited | Deleted | Reacted | Unreacted | MemberChanged | Renamed

# --- notices ---------------------------------------------------------------------------------


class Gap(Event, tag="gap", rename={"from_": "from"}):
    """Too many events were missed to replay them: those from `from` to `to`, both included, are to
    be read with history.
    """

    room: Id
    from_: Seq
    to: Seq


class RoomAdded(Event, tag="room"):
    """The account has become a member of a room: its events follow from `last_seq` on."""

    room: Room


class RoomGone(Event, tag="room_gone"):
    """The account is no longer a member of a room: no more of its events follow."""

    room: Id


AnyEvent = (
    Ready
    | Ok
    | Error
    | Created
    | Message
    | Edited
    | Deleted
    | Reacted
    | Unreacted
    | MemberChanged
    | Renamed
    | Gap
    | RoomAdded
    | RoomGone
)
