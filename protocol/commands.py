"""What a client may ask over the WebSocket.

Every command carries the client's own `id` and gets exactly one `ok` or `error` with it.
Unknown fields are ignored, so that an older server understands a newer client.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from protocol.ids import Id
from protocol.records import NO_CONTROLS, Attachment, Level, Limit, Role, RoomKind, Seq

CommandId = Annotated[int, Meta(ge=0, le=2**53 - 1, description="Chosen by the client")]
Nonce = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        pattern=NO_CONTROLS,
        description="Chosen by the client, unique per message: a retry with it has no second "
        "effect and gets the first result",
    ),
]
# Room for a body that shrinks when it is normalised; rooms/body.py has the exact rule.
Body = Annotated[str, Meta(max_length=16_000, description="At most 8,000 characters after NFC")]
Title = Annotated[str, Meta(min_length=1, max_length=200)]
Emoji = Annotated[str, Meta(min_length=1, max_length=64)]
Attachments = Annotated[list[Attachment], Meta(max_length=10)]
Members = Annotated[list[Id], Meta(max_length=500)]
Watched = Annotated[list[Id], Meta(max_length=100)]
WatchedTags = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=100)]], Meta(max_length=20)
]
Span = Annotated[int, Meta(ge=1, le=10 * 366 * 86_400, description="Seconds from now on")]
SlowSeconds = Annotated[
    int, Meta(ge=0, le=86_400, description="Seconds between two messages of a member; 0: none")
]


class Command(Struct, tag_field="t", kw_only=True):
    """Base of all commands."""

    id: CommandId


class Hello(Command, tag="hello"):
    """Log in and, with `cursors`, resume: must come first, within `limits.hello_seconds`.

    Answered by `ready`, then by the missed events of each room in `cursors` (room -> the last seq
    that the client has). `token` may be left out when the upgrade request carried
    `Authorization: Bearer`.
    """

    token: str | None = None
    cursors: dict[Id, Seq] = {}


class Send(Command, tag="send"):
    """Post a message."""

    room: Id
    body: Body
    nonce: Nonce | None = None
    reply_to: Seq | None = None
    attachments: Attachments = []


class Edit(Command, tag="edit"):
    """Replace the body of one's own message."""

    room: Id
    seq: Seq
    body: Body
    nonce: Nonce | None = None


class Delete(Command, tag="delete"):
    """Delete a message, one's own or as admin of the room: a tombstone stays, the body goes."""

    room: Id
    seq: Seq
    nonce: Nonce | None = None


class React(Command, tag="react"):
    """React to a message with an emoji."""

    room: Id
    seq: Seq
    emoji: Emoji
    nonce: Nonce | None = None


class Unreact(Command, tag="unreact"):
    """Take a reaction back."""

    room: Id
    seq: Seq
    emoji: Emoji
    nonce: Nonce | None = None


class Pin(Command, tag="pin"):
    """Pin a message, for all members to find: as admin, in a dm as member."""

    room: Id
    seq: Seq
    nonce: Nonce | None = None


class Unpin(Command, tag="unpin"):
    """Pin a message no longer."""

    room: Id
    seq: Seq
    nonce: Nonce | None = None


class Read(Command, tag="read"):
    """Say that everything up to `seq` has been read. The marker never moves back."""

    room: Id
    seq: Seq


class ReadAll(Command, tag="read_all"):
    """Say that everything in all of one's rooms has been read."""


class Delivered(Command, tag="delivered"):
    """Say that everything up to a seq has reached this device: room -> seq, for several at once."""

    cursors: Annotated[dict[Id, Seq], Meta(min_length=1, max_length=500)]


class Typing(Command, tag="typing"):
    """Say that one is writing, every few seconds while it goes on, or that one has stopped."""

    room: Id
    thread: Seq | None = None
    active: bool = True


class Notify(Command, tag="notify"):
    """Say which messages of a room one wants to be told about."""

    room: Id
    level: Level


class History(Command, tag="history"):
    """Read the log: the events before, after or around a seq; the newest ones by default.

    Events come in ascending order. At most one of `before`, `after` and `around` may be given.
    With `thread`, the seq of a thread's first message: that message and its replies only.
    """

    room: Id
    thread: Seq | None = None
    before: Seq | None = None
    after: Seq | None = None
    around: Seq | None = None
    limit: Limit = 50


class CreateRoom(Command, tag="create"):
    """Create a room. For a dm give the other account as the only member: the pair's room is
    returned if it exists.
    """

    kind: RoomKind
    title: Title | None = None
    members: Members = []
    nonce: Nonce | None = None


class Join(Command, tag="join"):
    """Join a channel."""

    room: Id


class Leave(Command, tag="leave"):
    """Leave a room. A dm cannot be left."""

    room: Id


class Subscribe(Command, tag="subscribe"):
    """Listen to a channel without joining it, on this connection, until it ends.

    The answer shows the room; its entries above `last_seq` follow. What was before: `history`.
    Members listen anyway: for them it is a way to read the room's record.
    """

    room: Id


class Unsubscribe(Command, tag="unsubscribe"):
    """Undo `subscribe`. Members go on listening."""

    room: Id


class Invite(Command, tag="invite"):
    """Make an account a member of a room."""

    room: Id
    account: Id


class Kick(Command, tag="kick"):
    """Remove a member who ranks below oneself."""

    room: Id
    account: Id


class Promote(Command, tag="promote"):
    """Give a member a role, up or down."""

    room: Id
    account: Id
    role: Role


class Rename(Command, tag="rename"):
    """Give a group or channel another title."""

    room: Id
    title: Title


class Ban(Command, tag="ban"):
    """Remove an account that ranks below oneself, and keep it out; member or not."""

    room: Id
    account: Id
    seconds: Span | None = None


class Unban(Command, tag="unban"):
    """Let a banned account come back."""

    room: Id
    account: Id


class Mute(Command, tag="mute"):
    """Keep a member who ranks below oneself from writing, for a time or for good."""

    room: Id
    account: Id
    seconds: Span | None = None


class Unmute(Command, tag="unmute"):
    """Let a muted member write again."""

    room: Id
    account: Id


class SlowMode(Command, tag="slow_mode"):
    """Make plain members wait between two messages."""

    room: Id
    seconds: SlowSeconds


class Presence(Command, tag="presence"):
    """Say whether this device is in use (`online`, `away`), and settings of the whole account:
    `busy` shows on all devices until it is taken back; `hidden` shows everybody `offline`.
    """

    state: Literal["online", "away"] | None = None
    busy: bool | None = None
    hidden: bool | None = None


class Watch(Command, tag="watch"):
    """Be told what happens: any of these, one at least.

    `accounts`: their presence, whether one shares a room with them or not. `feed`: one's home feed.
    `authors`: what these accounts post. `tags`: what is posted with these hashtags. `posts`: what
    becomes of these posts, their counters and comments.
    """

    accounts: Watched = []
    feed: Literal["home"] | None = None
    authors: Watched = []
    tags: WatchedTags = []
    posts: Watched = []


class Unwatch(Command, tag="unwatch"):
    """Be told no longer: the fields are those of `watch`."""

    accounts: Watched = []
    feed: Literal["home"] | None = None
    authors: Watched = []
    tags: WatchedTags = []
    posts: Watched = []


AnyCommand = (
    Hello
    | Send
    | Edit
    | Delete
    | React
    | Unreact
    | Pin
    | Unpin
    | Read
    | ReadAll
    | Delivered
    | Typing
    | Notify
    | History
    | CreateRoom
    | Join
    | Subscribe
    | Unsubscribe
    | Leave
    | Invite
    | Kick
    | Promote
    | Rename
    | Ban
    | Unban
    | Mute
    | Unmute
    | SlowMode
    | Presence
    | Watch
    | Unwatch
)
