"""A room event on its way into the log: between rooms/, which makes it, and persistence/, which
writes it. Neither imports the other; what they share is here.
"""

from collections.abc import Callable

from msgspec import Struct

from protocol.events import RoomEvent
from protocol.ids import Id
from protocol.records import Role, RoomKind


class Target(Struct, frozen=True, kw_only=True):
    """The message that an edit, delete, reaction or reply points at."""

    sender: Id
    deleted: bool
    has_reaction: bool = False  # the sender's own, with the draft's emoji


class Facts(Struct, frozen=True, kw_only=True):
    """What is true of a draft in the very transaction that would write it.

    Attributes:
        kind: of the room.
        actor: the sender's role; None: not a member.
        subject: the role of the account that a membership event is about; None: not a member.
        subject_exists: whether that account exists at all.
        owners: how many owners the room has; 2 stands for more.
        alone: nobody but the sender is a member.
        title: of the room.
        target: the message pointed at; None: there is no such message in the room.
    """

    kind: RoomKind
    actor: Role | None
    subject: Role | None = None
    subject_exists: bool = False
    owners: int = 0
    alone: bool = False
    title: str | None = None
    target: Target | None = None


class Unchanged(Exception):
    """Raised by a guard: what the draft would bring about is so already. Not an error."""


Guard = Callable[[Facts], None]


class Draft(Struct):
    """An event to be written.

    Attributes:
        event: complete but for seq, event_id and at, which the log fills in.
        guard: called with the facts before the event is written, in the same transaction, with the
            room locked; raises PlazaError to refuse, Unchanged when there is nothing to do. None:
            that the sender is a member is all that has to hold.
        mentions: usernames; those that name members end up in the event's `mentions`.
    """

    event: RoomEvent
    guard: Guard | None = None
    mentions: tuple[str, ...] = ()


class Written(Struct, frozen=True):
    """A draft is on disk.

    Attributes:
        event: the log's entry.
        repeated: its nonce was in the log already; `event` is that first entry.
    """

    event: RoomEvent
    repeated: bool = False
