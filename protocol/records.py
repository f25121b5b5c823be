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


class Record(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Base of the nouns: immutable, and fields at their default are left out on the wire."""


class User(Record, frozen=True):
    """An account as anyone may see it."""

    id: Id
    username: str


class Attachment(Record, frozen=True):
    """A reference to something uploaded elsewhere."""

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


class Reaction(Record, frozen=True):
    """Who reacted to a message with one emoji, first reaction first."""

    emoji: str
    accounts: list[Id]


class Member(Record, frozen=True):
    """One account's place in a room."""

    account: Id
    username: str
    role: Role
    joined_at: Time


class Room(Record, frozen=True):
    """A room as one account sees it.

    `role` is absent for a channel that the account has not joined. `peer` is the other account of a
    dm. `unread` counts the events after `read_seq`.
    """

    id: Id
    kind: RoomKind
    last_seq: Seq
    title: str | None = None
    role: Role | None = None
    peer: User | None = None
    read_seq: Seq = 0
    unread: int = 0
