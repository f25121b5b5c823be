"""What REST takes and gives besides the protocol's own records."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from persistence.sessions import Session
from protocol.codec import to_builtins
from protocol.commands import Attachments, Body, Members, Nonce, SlowSeconds, Span, Title
from protocol.events import AnyRoomEvent, Message
from protocol.ids import Id
from protocol.records import (
    Ban,
    Level,
    Member,
    Receipt,
    Record,
    Role,
    Room,
    RoomKind,
    Seq,
    Time,
    User,
)
from server.passwords import MAX_LENGTH, MIN_LENGTH
from server.search import Hit

# The rules for new ones are in server/auth.py and server/passwords.py. These bounds are generous,
# and keep anybody from having a megabyte of password normalised.
Username = Annotated[
    str, Meta(max_length=100, description="3 to 30 of a-z, 0-9 and _; case does not matter")
]
Email = Annotated[str, Meta(max_length=300, description="Such as ada@example.org")]
Login = Annotated[str, Meta(max_length=300, description="Username or e-mail address")]
Password = Annotated[
    str,
    Meta(max_length=1_000, description=f"{MIN_LENGTH} to {MAX_LENGTH} characters of any kind"),
]


class RequestBody(Struct, omit_defaults=True, kw_only=True):
    """Base of what is taken. Unknown fields are ignored, as in the socket's commands."""


class SignUp(RequestBody):
    """A new account."""

    username: Username
    email: Email
    password: Password


class LogIn(RequestBody):
    """A login."""

    login: Login
    password: Password


class Refresh(RequestBody):
    """A refresh token, to be exchanged for fresh tokens."""

    refresh_token: Annotated[
        str, Meta(max_length=200, description="Good for one use: the answer has the next one")
    ]


class ChangePassword(RequestBody):
    """A new password, and the present one."""

    current_password: Password
    new_password: Password


class DeleteAccount(RequestBody):
    """The password, so that nobody deletes an account who has found it open."""

    password: Password


class NewRoom(RequestBody):
    """A room to create. A dm has no title, and the other account as its only member."""

    kind: RoomKind
    title: Title | None = None
    members: Members = []


class RoomChanges(RequestBody):
    """What is to change of a room: one of these at least."""

    title: Title | None = None
    slow_mode: SlowSeconds | None = None


class NewMessage(RequestBody):
    """A message to post."""

    body: Body = ""
    reply_to: Annotated[Seq, Meta(description="The message that this answers")] | None = None
    attachments: Attachments = []
    nonce: Nonce | None = None


class NewBody(RequestBody):
    """Another body for a message."""

    body: Body


class NewMember(RequestBody):
    """Who is to become a member."""

    account: Annotated[Id, Meta(description="Oneself, to join a channel; others, to invite them")]


class Term(RequestBody):
    """How long something is to hold; without `seconds`: for good."""

    seconds: Span | None = None


class NewRole(RequestBody):
    """Another role for a member."""

    role: Role


class ReadUpTo(RequestBody):
    """How far one has read."""

    seq: Seq


class OwnWishes(RequestBody):
    """What one wants to be told of a room."""

    notify: Level


class SettingsChanges(RequestBody):
    """Other settings; those that are left out stay."""

    busy: Annotated[bool, Meta(description="Shown on all devices, until taken back")] | None = None
    hidden: Annotated[bool, Meta(description="Shown offline to everybody")] | None = None


EXAMPLES: dict[str, Any] = {
    type(example).__name__: to_builtins(example)
    for example in (
        SignUp(username="ada", email="ada@example.org", password="correct horse battery"),  # noqa: S106
        LogIn(login="ada", password="correct horse battery"),  # noqa: S106
        Refresh(refresh_token="V2hvIHJlYWRzIHRoaXMgaGFzIGdvb2QgZXllcy4gISE"),  # noqa: S106
        ChangePassword(current_password="correct horse battery", new_password="staple of battery"),  # noqa: S106
        DeleteAccount(password="correct horse battery"),  # noqa: S106
        NewRoom(kind=RoomKind.GROUP, title="Engines", members=[Id(118094627143680001)]),
        RoomChanges(title="Analytical engines", slow_mode=10),
        NewMessage(body="The engine weaves algebraic patterns.", nonce="c1-7"),
        NewBody(body="The engine weaves algebraical patterns."),
        NewMember(account=Id(118094627143680001)),
        NewRole(role=Role.ADMIN),
        Term(seconds=3_600),
        ReadUpTo(seq=41),
        OwnWishes(notify=Level.MENTIONS),
        SettingsChanges(busy=True),
    )
}


class OwnSettings(Struct, frozen=True, kw_only=True):
    """Whether one is busy, and whether one is shown offline to everybody."""

    busy: bool
    hidden: bool


class OwnSession(Session, frozen=True):
    """A login that has not ended. `current`: the one that this request was made with."""

    current: bool


class Entry(Record, frozen=True):
    """The entry of the room's log that the request wrote: empty if there was nothing to change."""

    seq: int | None = None
    event_id: Id | None = None
    at: Time | None = None


class Page(Struct, frozen=True, kw_only=True):
    """A part of a list. At its end `next_cursor` is null."""

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


class BanPage(Page, frozen=True):
    """Who is banned from a room."""

    items: list[Ban]


class ReceiptPage(Page, frozen=True):
    """How far the members of a room have got."""

    items: list[Receipt]


class MessagePage(Page, frozen=True):
    """Messages."""

    items: list[Message]


class HitPage(Page, frozen=True):
    """Messages that were found."""

    items: list[Hit]


class EventPage(Struct, frozen=True):
    """Events in ascending order. `more`: there are further ones in the direction asked for."""

    items: list[AnyRoomEvent]
    more: bool
