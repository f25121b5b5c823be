"""What is written to room_events is what is read from it."""

from collections.abc import AsyncIterator
from typing import get_args

import msgspec
import pytest

from persistence.embedded import EmbeddedPostgres
from persistence.event_rows import Row, row_of
from persistence.round import insert
from protocol.drafts import Draft
from protocol.events import (
    AnyRoomEvent,
    Created,
    Deleted,
    Edited,
    MemberCause,
    MemberChanged,
    MemberMuted,
    Message,
    Pinned,
    Reacted,
    Renamed,
    RoomEvent,
    SlowModeSet,
    Unpinned,
    Unreacted,
)
from protocol.ids import MAX_ID, Id
from protocol.records import Attachment, Reaction, Role, RoomKind
from protocol.times import FOREVER
from tests.rooms.town import NOW, Town, founded, number

ADA, BOB = Id(MAX_ID - 1), Id(MAX_ID - 2)
PHOTO = Attachment(id="photo-1", name='a "garden" \\ \u2028.jpg', type="image/jpeg", size=2**53 - 1)
ODD = "e\u0301\u2028'\";--\\ \t\n👩‍👩‍👧‍👦"


@pytest.fixture(scope="module")
async def town(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Town]:
    async with founded(postgres, template) as town:
        yield town


EVENTS: list[RoomEvent] = [
    Message(room=Id(0), sender=ADA, body=ODD, nonce=ODD),
    Message(room=Id(0), sender=ADA, body="hi", nonce="n" * 64, reply_to=2**53 - 1),
    Message(room=Id(0), sender=ADA, attachments=[PHOTO, Attachment(id="bare")]),
    Message(room=Id(0), sender=ADA, body="@bob", mentions=[BOB, ADA]),
    Edited(room=Id(0), sender=ADA, target=1, body=ODD, nonce="edit"),
    Edited(room=Id(0), sender=ADA, target=1, body="@bob", mentions=[BOB]),
    Deleted(room=Id(0), sender=ADA, target=1, nonce="delete"),
    Reacted(room=Id(0), sender=ADA, target=1, emoji="👍🏽", nonce="react"),
    Unreacted(room=Id(0), sender=ADA, target=1, emoji=":tada:", nonce="unreact"),
    Renamed(room=Id(0), sender=ADA, title=ODD),
    Created(room=Id(0), sender=ADA, kind=RoomKind.DM, members={ADA: Role.MEMBER, BOB: Role.MEMBER}),
    Created(room=Id(0), sender=ADA, kind=RoomKind.CHANNEL, title=ODD, members={ADA: Role.OWNER}),
    *[
        MemberChanged(room=Id(0), sender=ADA, account=BOB, cause=cause, role=role, members=7)
        for cause in MemberCause
        for role in [*Role, None]
    ],
    MemberChanged(room=Id(0), sender=ADA, account=BOB, cause=MemberCause.BANNED, until=FOREVER),
    Message(room=Id(0), sender=ADA, body="deep", reply_to=3, thread=2),
    Edited(room=Id(0), sender=ADA, target=1, body="hi", former_mentions=[BOB]),
    Deleted(room=Id(0), sender=ADA, target=1, author=BOB, mentions=[ADA], thread=2),
    MemberMuted(room=Id(0), sender=ADA, account=BOB, until=FOREVER),
    MemberMuted(room=Id(0), sender=ADA, account=BOB),
    SlowModeSet(room=Id(0), sender=ADA, seconds=5),
    Pinned(room=Id(0), sender=ADA, target=1, nonce="pin"),
    Unpinned(room=Id(0), sender=ADA, target=1, nonce="unpin"),
]


def test_every_type_is_among_them() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(AnyRoomEvent))


async def test_every_event_is_read_as_it_was_written(town: Town) -> None:
    (ada,) = await town.people("ada")
    room = await town.room({ada.id: Role.OWNER})
    events = [msgspec.structs.replace(event, room=room, sender=ada.id) for event in EVENTS]
    for event in events:
        event.event_id = number()
    async with town.database.connection() as connection, connection.transaction():
        await insert(connection, events, at=NOW)
    assert (await town.log(room))[1:] == events


async def test_a_message_shows_its_present_state(town: Town) -> None:
    ada, bob, eve = await town.people("ada", "bob", "eve")
    room = await town.room({ada.id: Role.OWNER})
    await town.write(Draft(Message(room=room, sender=ada.id, body="hi")))
    at = "2026-11-22T18:51:07.1259Z"
    await town.fetch("UPDATE room_events SET edited_at = $2::text::timestamptz WHERE room_id = $1",
                     room, at)  # fmt: skip
    for seconds, account, emoji in (
        (3, bob, "🌱"), (1, eve, "👍"), (2, ada, "👍"), (2, bob, "👍"), (9, ada, "🌱"),
    ):  # fmt: skip
        await town.fetch(
            "INSERT INTO message_reactions VALUES ($1, 2, $2, $3, to_timestamp($4))",
            *(room, emoji, account.id, seconds),
        )
    created, message = await town.log(room)
    assert isinstance(created, Created)
    assert isinstance(message, Message)
    assert message.edited_at == "2026-11-22T18:51:07.125Z"
    assert not message.deleted
    # First reaction first, and of each emoji who came first.
    assert message.reactions == [
        Reaction(emoji="👍", accounts=[eve.id, ada.id, bob.id]),
        Reaction(emoji="🌱", accounts=[bob.id, ada.id]),
    ]


def test_details_hold_only_what_there_is() -> None:
    assert row_of(Message(room=Id(1), sender=ADA, body="hi")) == Row("message", None, "hi")
    assert row_of(Edited(room=Id(1), sender=ADA, target=3, body="hi")) == Row("edit", 3, "hi")
    row = row_of(MemberChanged(room=Id(1), sender=ADA, account=Id(7), cause=MemberCause.LEFT))
    assert row == Row("member", None, None, '{"account":"7","cause":"left"}')


def test_what_has_no_row_is_a_bug() -> None:
    with pytest.raises(TypeError, match="RoomEvent has no row"):
        row_of(RoomEvent(room=Id(1), sender=ADA))


async def test_a_row_of_unknown_type_is_a_bug(town: Town) -> None:
    (ada,) = await town.people("ada")
    room = await town.room({ada.id: Role.OWNER})
    await town.fetch("UPDATE room_events SET type = 'poll' WHERE room_id = $1", room)
    with pytest.raises(ValueError, match="unknown type 'poll'"):
        await town.log(room)
