"""What REST takes and gives besides the protocol's own records."""

from typing import Annotated

from msgspec import Meta, Struct

from persistence.sessions import Session
from protocol.commands import Attachments, Body, Members, Nonce, Title
from protocol.events import AnyRoomEvent
from protocol.ids import Id
from protocol.records import Member, Record, Role, Room, RoomKind, Seq, Time, User
from server.passwords import MAX_LENGTH, MIN_LENGTH

# The rules for new ones are in server/auth.py and server/passwords.py; these bounds are generous,
# so that nobody spends time on a megabyte of password.
Username = Annotated[
    str,
    Meta(
        max_length=100,
        description="3 to 30 of a-z, 0-9 and _; case does not matter",
        examples=["ada"],
    ),
]
Email = Annotated[str, Meta(max_length=300, examples=["ada@example.org"])]
Password = Annotated[
    str,
    Meta(
        max_length=1_000,
        description=f"{MIN_LENGTH} to {MAX_LENGTH} characters of any kind",
        examples=["correct horse battery"],
    ),
]
RefreshToken = Annotated[
    str,
    Meta(max_length=200, description="Good for one use: the answer to it has the next one"),
]


class SignUp(Struct):
    """A new account."""

    username: Username
    email: Email
    password: Password


class LogIn(Struct):
    """A login."""

    login: Annotated[str, Meta(max_length=300, description="Username or e-mail address")]
    password: Password


class Refresh(Struct):
    """A refresh token, in exchange for fresh tokens."""

    refresh_token: RefreshToken


class ChangePassword(Struct):
    """A new password, and the present one."""

    current_password: Password
    new_password: Password


class OwnSession(Session, frozen=True):
    """A login that has not ended. `current`: the one that this request was made with."""

    current: bool


class NewRoom(Struct):
    """A room to create. A dm has no title, and the other account as its only member."""

    kind: RoomKind
    title: Title | None = None
    members: Members = []


class NewTitle(Struct):
    """Another title for a room."""

    title: Title


class NewMessage(Struct):
    """A message to post."""

    body: Body = ""
    reply_to: Annotated[Seq, Meta(description="The message that this answers")] | None = None
    attachments: Attachments = []
    nonce: Nonce | None = None


class NewBody(Struct):
    """Another body for a message."""

    body: Body


class NewMember(Struct):
    """Who is to become a member."""

    account: Annotated[Id, Meta(description="Oneself, to join a channel; others, to invite them")]


class NewRole(Struct):
    """Another role for a member."""

    role: Role


class Entry(Record, frozen=True):
    """The entry of the room's log that the request wrote: empty if there was nothing to change."""

    seq: int | None = None
    event_id: Id | None = None
    at: Time | None = None


class Page(Struct, frozen=True, kw_only=True):
    """A part of a list. Where it ends `next_cursor` is null."""

    next_cursor: str | None = None


class UserPage(Page, frozen=True):
    """Accounts."""

    items: list[User]


class SessionPage(Page, frozen=True):
    """Logins."""

    items: list[OwnSession]


class RoomPage(Page, frozen=True):
    """Rooms."""

    items: list[Room]


class MemberPage(Page, frozen=True):
    """Members of a room."""

    items: list[Member]


class EventPage(Struct, frozen=True):
    """Events in ascending order. `more`: there are further ones in the direction asked for."""

    items: list[AnyRoomEvent]
    more: bool
