"""What the server says over the WebSocket.

Four families:
    answers       ready, ok, error: to one command, with its id
    room events   entries of a room's log: each carries room and seq, and every member gets them all
    notices       gap, room, room_gone, and what the account did elsewhere: about one's own view
    signs of life typing, presence, read, delivered: in no log, the latest counts, and a connection
                  that reads slowly does not get them

A fifth, what happens in feeds, is in feed_events.py, and a sixth, of live streams, in
stream_events.py.
"""

from enum import StrEnum

from msgspec import UNSET, Struct, UnsetType, field

from protocol.ids import Id
from protocol.records import (
    Attachment,
    Level,
    PresenceState,
    Reaction,
    Role,
    Room,
    RoomKind,
    Seq,
    Thread,
    Time,
    User,
)


class Event(Struct, tag_field="t", kw_only=True, omit_defaults=True):
    """Base of all events."""


# --- answers ---------------------------------------------------------------------------------


class Ready(Event, tag="ready"):
    """The answer to hello: who one is, and one's rooms. The missed events follow.

    `blocked` and `muted` are the accounts that one has blocked or muted. The messages of both come:
    the client hides those of the former, and draws no attention to those of the latter. `busy` and
    `hidden` are as set with `presence`.
    """

    id: int
    user: User
    session: Id
    rooms: list[Room]
    heartbeat: int  # seconds: the server pings after this much silence
    blocked: list[Id] = []
    muted: list[Id] = []
    busy: bool = False
    hidden: bool = False


class Ok(Event, tag="ok"):
    """The command was carried out; what it wrote is on disk.

    `seq`, `event_id` and `at` are those of the log entry, where there is one: a command that
    changes nothing (such as the same reaction twice) writes none.
    """

    id: int
    seq: int | UnsetType = UNSET
    event_id: Id | UnsetType = UNSET
    at: Time | UnsetType = UNSET


class RoomAnswer(Event, tag="ok"):
    """The answer to create and to subscribe. The room's entries above its `last_seq` follow."""

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
    empty. `sender` is the account that acted; "0", there and wherever else an event names somebody:
    an account that has been deleted since.
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

    `thread` is the seq of the first message of the thread that a reply belongs to, however deep it
    replies. `replies` is on such a first message, when it is read from the log.
    """

    body: str = ""
    reply_to: int | None = None
    thread: int | None = None
    attachments: list[Attachment] = []
    mentions: list[Id] = []
    edited_at: Time | None = None
    deleted: bool = False
    reactions: list[Reaction] = []
    replies: Thread | None = None
    pinned: bool = False


class Edited(RoomEvent, tag="edit", kw_only=True):
    """The body of message `target` was replaced. Without a body: the message is deleted by now.

    `former_mentions` are those that it had before.
    """

    target: int
    body: str = ""
    mentions: list[Id] = []
    former_mentions: list[Id] = []


class Deleted(RoomEvent, tag="delete", kw_only=True):
    """Message `target` was deleted: written by `author`, with `mentions`, a reply in `thread`."""

    target: int
    author: Id | None = None
    mentions: list[Id] = []
    thread: int | None = None


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
    BANNED = "banned"
    UNBANNED = "unbanned"


class MemberChanged(RoomEvent, tag="member", kw_only=True):
    """`account` has a new role in the room, or none: it is no longer a member.

    `members`: how many the room has now. `until`: when a ban ends; absent: for good.
    """

    account: Id
    cause: MemberCause
    role: Role | None = None
    members: int = 0
    until: Time | None = None


class MemberMuted(RoomEvent, tag="mute", kw_only=True):
    """`account` cannot write before `until`; without it, it can write again."""

    account: Id
    until: Time | None = None


class Renamed(RoomEvent, tag="title", kw_only=True):
    """The room has a new title."""

    title: str


class SlowModeSet(RoomEvent, tag="slow_mode", kw_only=True):
    """Plain members have to wait so many seconds between two messages; 0: no longer."""

    seconds: int


class Pinned(RoomEvent, tag="pin", kw_only=True):
    """Message `target` was pinned."""

    target: int


class Unpinned(RoomEvent, tag="unpin", kw_only=True):
    """Message `target` is pinned no longer."""

    target: int


AnyRoomEvent = (
    Created
    | Message
    | Edited
    | Deleted
    | Reacted
    | Unreacted
    | MemberChanged
    | MemberMuted
    | Renamed
    | SlowModeSet
    | Pinned
    | Unpinned
)

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


class LevelChanged(Event, tag="notify"):
    """One has set, on some device, which messages of a room one wants to be told about."""

    room: Id
    level: Level


class RelationChanged(Event, tag="relation"):
    """One has blocked or muted an account, or does so no longer."""

    account: Id
    blocked: bool
    muted: bool


class SettingsChanged(Event, tag="settings"):
    """One has set `busy` or `hidden` on some device."""

    busy: bool
    hidden: bool


# --- signs of life ---------------------------------------------------------------------------


class ReadMarker(Event, tag="read"):
    """`account` has read the room up to `seq`.

    For one's own account it is no sign of life but a notice, which never gets lost. It brings the
    counts up to date as a fresh record of the room would: they include the room's events up to
    `last_seq`, which is that of the last one sent here before the notice, and takes the place of
    the room's own, be it higher. In rooms of up to 100 members the others are told as well, without
    the counts.
    """

    room: Id
    account: Id
    seq: Seq
    unread: int | UnsetType = UNSET
    mentions: int | UnsetType = UNSET
    last_seq: int | UnsetType = UNSET


class DeliveredMarker(Event, tag="delivered"):
    """What the room has up to `seq` has reached a device of `account`."""

    room: Id
    account: Id
    seq: Seq


class TypingNotice(Event, tag="typing", omit_defaults=False):
    """`account` is writing. It holds for 8 seconds, or until a message of theirs comes, or until
    it is taken back by the same with `active` false.
    """

    room: Id
    account: Id
    active: bool = True
    thread: int | UnsetType = UNSET


class PresenceChanged(Event, tag="presence"):
    """What somebody is now. `last_seen`: when they were here last, of one who is offline.

    After `ready` there is one of these for everybody who is not offline and shares a room of up to
    200 members with one.
    """

    account: Id
    state: PresenceState
    last_seen: Time | None = None


class RoomPresence(Event, tag="room_presence", omit_defaults=False):
    """How many members of a large room are online: they are not told one by one."""

    room: Id
    online: int


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
    | MemberMuted
    | Renamed
    | SlowModeSet
    | Pinned
    | Unpinned
    | Gap
    | RoomAdded
    | RoomGone
    | LevelChanged
    | RelationChanged
    | SettingsChanged
    | ReadMarker
    | DeliveredMarker
    | TypingNotice
    | PresenceChanged
    | RoomPresence
)
