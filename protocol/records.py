"""The nouns that commands, events and REST carry."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from protocol.ids import Id

Seq = Annotated[int, Meta(ge=0, le=2**53 - 1, description="Position in a room's log, from 1")]
Time = Annotated[str, Meta(description="RFC 3339, UTC, milliseconds")]
Limit = Annotated[int, Meta(ge=1, le=200, description="How many at most")]


# Postgres cannot store U+0000, and nobody means the others.
NO_CONTROLS = r"^[^\x00-\x1f\x7f-\x9f]*$"


class RoomKind(StrEnum):
    """What a room is."""

    DM = "dm"  # two accounts, one room per pair, nobody else ever
    GROUP = "group"  # private: by invitation
    CHANNEL = "channel"  # public: anyone may read and join


class Role(StrEnum):
    """What a member may do. See rooms/permissions.py for the rules."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


class Level(StrEnum):
    """Which messages of a room its member wants to be told about."""

    ALL = "all"
    MENTIONS = "mentions"
    NONE = "none"


class PresenceState(StrEnum):
    """Whether somebody is here. Of several connections of an account the first of these wins."""

    BUSY = "busy"  # here, but not to be disturbed: said by the user, for all devices
    ONLINE = "online"
    AWAY = "away"  # connected, and not used
    OFFLINE = "offline"


class Record(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Base of the nouns: immutable, and fields at their default are left out on the wire."""


class User(Record, frozen=True):
    """An account as anyone may see it."""

    id: Id
    username: str


class Attachment(Record, frozen=True):
    """An upload that a message shows. Who sends it gives the `id`, and a `name` if it is to have
    another one there; the server fills in the rest.
    """

    id: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=200,
            pattern=NO_CONTROLS,
            description="What the upload returned",
        ),
    ]
    name: Annotated[str, Meta(max_length=255, pattern=NO_CONTROLS)] | None = None
    type: (
        Annotated[
            str, Meta(max_length=127, pattern=NO_CONTROLS, description="Media type (RFC 6838)")
        ]
        | None
    ) = None
    size: Annotated[int, Meta(ge=0, le=2**53 - 1, description="Bytes")] | None = None
    url: str | None = None
    thumbnail: str | None = None
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    blurhash: str | None = None
    alt: str | None = None


class Reaction(Record, frozen=True):
    """Who reacted to a message with one emoji, first reaction first."""

    emoji: str
    accounts: list[Id]


class Thread(Record, frozen=True):
    """What the first message of a thread shows of its replies.

    `replies` counts those that stand; `last_seq` and `last_at` are of the newest reply, be it
    deleted by now. A client that counts on adds the replies above `last_seq` only.
    """

    replies: int
    last_seq: Seq
    last_at: Time


class Member(Record, frozen=True):
    """One account's place in a room. `muted_until`: it cannot write before."""

    account: Id
    username: str
    role: Role
    joined_at: Time
    muted_until: Time | None = None


class Ban(Record, frozen=True):
    """An account that cannot come back into a room. `until` is absent when it is for good."""

    account: Id
    username: str
    by: Id
    at: Time
    until: Time | None = None


class Receipt(Record, frozen=True):
    """How far one member of a room has got: what it has read, and what has reached its devices."""

    account: Id
    read_seq: Seq = 0
    delivered_seq: Seq = 0


class Fragment(Record, frozen=True):
    """A piece of a text that was found; `match`: it is what was searched for."""

    text: str
    match: bool = False


class Room(Record, frozen=True):
    """A room as one account sees it.

    `role` is absent for a channel that the account has not joined. `peer` is the other account of a
    dm, absent when that has been deleted. `members` says how many there are.

    `unread` counts the messages after `read_seq` that stand, `mentions` those of them that mention
    the account. Both follow from the room's events, each of which counts once: a message of
    somebody else's adds one; one's own moves `read_seq` to itself, and both counts to 0; a `delete`
    takes one away if its target is above `read_seq`, and a mention if one is in its `mentions`; an
    `edit` of such a target adds a mention or takes one away, by `mentions` and `former_mentions`.

    `notify` is the member's wish. `slow_mode`: seconds between two messages of a plain member; 0:
    none. `muted_until`: the account cannot write here before.
    """

    id: Id
    kind: RoomKind
    last_seq: Seq
    title: str | None = None
    role: Role | None = None
    peer: User | None = None
    members: int = 0
    read_seq: Seq = 0
    unread: int = 0
    mentions: int = 0
    notify: Level = Level.ALL
    slow_mode: int = 0
    muted_until: Time | None = None
