"""A room event on its way into the log: between rooms/, which makes it, and persistence/, which
writes it. Neither imports the other; what they share is here.
"""

from collections.abc import Callable

from msgspec import Struct

from protocol.events import RoomEvent
from protocol.ids import Id
from protocol.records import Attachment, Role, RoomKind


class Target(Struct, frozen=True, kw_only=True):
    """The message that an edit, delete, reaction or reply points at."""

    sender: Id
    deleted: bool
    has_reaction: bool = False  # the sender's own, with the draft's emoji
    mentions: list[Id] = []
    thread: int | None = None  # the first message of the thread that it replies in
    pinned: bool = False


class Facts(Struct, frozen=True, kw_only=True):
    """What is true of a draft in the very transaction that would write it.

    Attributes:
        kind: of the room.
        actor: the sender's role; None: not a member.
        subject: the role of the account that a membership event is about; None: not a member.
        subject_exists: whether that account exists at all.
        owners: how many owners the room has; 2 stands for more.
        alone: nobody but the sender is a member.
        members: how many the room has; 0: not looked up.
        title: of the room.
        target: the message pointed at; None: there is no such message in the room.
        now: the moment of writing; Unix time in milliseconds, as the other moments here.
        muted_until: the actor cannot write before; in a dm: one has blocked the other.
        subject_muted: the subject cannot write now.
        slow_seconds: that plain members have to wait between two messages.
        last_message: when the actor wrote last; None: never.
        banned: the subject is banned now.
        hidden: the room is the chat of a stream that the actor, who is no member, may not see.
        pins: how many messages are pinned.
        attachments: those of the draft, with what is known of them.
        unattachable: the id of one that is no upload of the actor's, or not ready.
    """

    kind: RoomKind
    actor: Role | None
    subject: Role | None = None
    subject_exists: bool = False
    owners: int = 0
    alone: bool = False
    members: int = 0
    title: str | None = None
    target: Target | None = None
    now: int = 0
    muted_until: int | None = None
    subject_muted: bool = False
    slow_seconds: int = 0
    last_message: int | None = None
    banned: bool = False
    hidden: bool = False
    pins: int = 0
    attachments: list[Attachment] = []
    unattachable: str | None = None


class Unchanged(Exception):
    """Raised by a guard: what the draft would bring about is so already. Not an error."""


Guard = Callable[[Facts], None]


class Draft(Struct):
    """An event to be written.

    Attributes:
        event: complete but for what the log fills in: seq, event_id and at; and what it knows of
            the target, the room and the attachments (thread, author, members, url ...).
        guard: called with the facts before the event is written, in the same transaction, with the
            room locked; raises PlazaError to refuse, Unchanged when there is nothing to do. None:
            that the sender is a member is all that has to hold.
        mentions: usernames; those that name members end up in the event's `mentions`.
        quick: the guard has nothing against a member who is not muted, in a room that is not in
            slow mode. The log may write it on that ground, and ask the guard only otherwise.
        seconds: how long a ban or mute lasts: the log fills in the event's `until`. None: as the
            event has it.
    """

    event: RoomEvent
    guard: Guard | None = None
    mentions: tuple[str, ...] = ()
    quick: bool = False
    seconds: int | None = None


class Written(Struct, frozen=True):
    """A draft is on disk.

    Attributes:
        event: the log's entry.
        repeated: its nonce was in the log already; `event` is that first entry.
    """

    event: RoomEvent
    repeated: bool = False
