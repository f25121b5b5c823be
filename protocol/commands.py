"""What a client may ask over the WebSocket.

Every command carries the client's own `id` and gets exactly one `ok` or `error` with it.
Unknown fields are ignored, so that an older server understands a newer client.
"""

from typing import Annotated

from msgspec import Meta, Struct

from protocol.ids import Id
from protocol.records import NO_CONTROLS, Attachment, Limit, Role, RoomKind, Seq

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


class Read(Command, tag="read"):
    """Say that everything up to `seq` has been read. The marker never moves back."""

    room: Id
    seq: Seq


class History(Command, tag="history"):
    """Read the log: the events before, after or around a seq; the newest ones by default.

    Events come in ascending order. At most one of `before`, `after` and `around` may be given.
    """

    room: Id
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


AnyCommand = (
    Hello
    | Send
    | Edit
    | Delete
    | React
    | Unreact
    | Read
    | History
    | CreateRoom
    | Join
    | Leave
    | Invite
    | Kick
    | Promote
    | Rename
)
