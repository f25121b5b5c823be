"""The last events of rooms in memory: what a read of the log would give."""

import copy
import random
from collections.abc import AsyncIterator

import pytest

from persistence import rooms as log
from persistence.embedded import EmbeddedPostgres
from protocol.drafts import Draft
from protocol.events import (
    Created,
    Deleted,
    Edited,
    MemberCause,
    MemberChanged,
    MemberMuted,
    Message,
    Reacted,
    Renamed,
    RoomEvent,
    SlowModeSet,
    Unreacted,
)
from protocol.ids import Id
from protocol.records import Attachment, Reaction, Role, RoomKind
from rooms import conversation
from rooms.tail import Tail, Tails
from tests.rooms.desk import opened
from tests.rooms.town import Town, founded

ROOM, ADA, BOB = Id(1), Id(2), Id(3)


@pytest.fixture(scope="module")
async def town(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Town]:
    async with founded(postgres, template) as town:
        yield town


def anything(chance: random.Random, people: list[Id], room: Id, messages: list[Message]) -> Draft:
    """A draft, often about one of the room's last messages, which may or may not be allowed."""
    actor, emoji = chance.choice(people), chance.choice("👍🌱🎈")
    if not messages:
        return conversation.message(actor, room, "first")
    message, popular = chance.choice(messages[-12:]), chance.choice(messages[-2:]).seq
    seq, author = message.seq, message.sender
    return chance.choice(
        [
            lambda: conversation.message(actor, room, f"hi {chance.random()}"),
            lambda: conversation.message(actor, room, "re", reply_to=seq),
            lambda: conversation.edit(author, room, seq, f"edited {chance.random()}"),
            lambda: conversation.edit(actor, room, seq, "not mine"),
            lambda: conversation.react(actor, room, seq, emoji),
            lambda: conversation.react(actor, room, popular, emoji),
            lambda: conversation.react(actor, room, popular, emoji),
            lambda: conversation.unreact(actor, room, popular, emoji),
            lambda: conversation.pin(people[0], room, seq),
            lambda: conversation.unpin(people[0], room, seq),
            lambda: conversation.rename(people[0], room, f"Garden {chance.randint(1, 3)}"),
            lambda: conversation.delete(people[0], room, seq),
        ]
    )()


async def read(town: Town, room: Id, after: int, upto: int) -> list[RoomEvent]:
    async with town.database.connection() as connection:
        return list((await log.events_in(connection, [(room, after, upto)])).get(room, []))


@pytest.mark.parametrize("seed", range(3))
async def test_a_tail_is_what_the_log_gives(town: Town, seed: int) -> None:
    chance = random.Random(seed)
    names = await town.people("ada", "bob", "eve", "tom")
    people = [user.id for user in names]
    tails, shown = Tails(room_events=40, all_events=70), set[str]()
    members = dict.fromkeys(people, Role.MEMBER) | {people[0]: Role.OWNER}
    garden = {await town.room(members, kind=RoomKind.CHANNEL): Tail() for _ in range(3)}
    async with opened(town) as desk:
        for _ in range(40):
            fed = len(desk.published)
            messages: dict[Id, list[Message]] = {room: [] for room in garden}
            for event in desk.published:
                if isinstance(event, Message):
                    messages[event.room].append(event)
            chosen = chance.choices(list(garden), k=chance.randint(1, 12))
            await desk.write(*(anything(chance, people, room, messages[room]) for room in chosen))
            before = copy.deepcopy(desk.published)
            for event in desk.published[fed:]:
                tails.append(garden[event.room], event)
            assert desk.published == before, "shared events were altered"
            heard = {room: [e for e in before if e.room == room] for room in garden}
            for room, tail in garden.items():
                if not tail:
                    continue
                first = tail.last_seq - len(tail)
                after, upto = sorted(chance.choices(range(first, tail.last_seq + 1), k=2))
                for low, high in ((first, tail.last_seq), (after, upto)):
                    found = tails.span(tail, low, high)
                    assert found == await read(town, room, low, high)
                    as_written = [event for event in heard[room] if low < event.seq <= high]
                    assert tail.written(low, high) == as_written
                    shown |= {name for event in found or () for name in unusual(event)}
                assert tails.span(tail, first - 1, upto) is None
                assert tails.span(tail, after, tail.last_seq + 1) is None
            assert sum(map(len, garden.values())) == len(tails) <= 70
    # Enough has happened to mean something.
    assert shown == {"edited", "deleted", "reactions", "replies", "pinned", "blank"}


def unusual(event: RoomEvent) -> list[str]:
    """In what way an event shows what came later."""
    if isinstance(event, Edited) and not event.body:
        return ["blank"]
    if not isinstance(event, Message):
        return []
    state = {
        "edited": event.edited_at,
        "deleted": event.deleted,
        "reactions": sum(len(reaction.accounts) for reaction in event.reactions) > 2,
        "replies": event.replies,
        "pinned": event.pinned,
    }
    return [name for name, holds in state.items() if holds]


def message(seq: int, room: Id = ROOM) -> Message:
    return Message(room=room, sender=ADA, seq=seq, body=f"number {seq}")


def seqs(events: list[RoomEvent] | None) -> list[int] | None:
    return None if events is None else [event.seq for event in events]


def filled(tails: Tails, first: int, last: int) -> Tail:
    tail = Tail()
    for seq in range(first, last + 1):
        tails.append(tail, message(seq))
    return tail


@pytest.mark.parametrize(
    "event",
    [
        Created(
            room=ROOM, sender=ADA, kind=RoomKind.GROUP, title="Garden", members={ADA: Role.OWNER}
        ),
        Message(
            room=ROOM, sender=ADA, body="hi", mentions=[BOB], nonce="n", reply_to=1, thread=1,
            attachments=[Attachment(id="a", name="b", type="image/png", size=9)],
        ),
        MemberChanged(
            room=ROOM, sender=ADA, account=BOB, cause=MemberCause.BANNED, members=3, until="later"
        ),
        MemberMuted(room=ROOM, sender=ADA, account=BOB, until="later"),
        SlowModeSet(room=ROOM, sender=ADA, seconds=5),
        Deleted(room=ROOM, sender=ADA, target=1, author=BOB, mentions=[ADA], thread=2),
        Edited(room=ROOM, sender=ADA, target=1, body="a", mentions=[ADA], former_mentions=[BOB]),
    ],
    ids=lambda event: type(event).__name__,
)  # fmt: skip
def test_an_event_is_given_as_it_was(event: RoomEvent) -> None:
    event.seq, event.event_id, event.at = 4, Id(2**62), "2026-11-22T18:51:07.125Z"
    tail = Tail()
    tail.append(event)
    for found in (tail.span(3, 4), tail.written(3, 4)):
        assert found == [event]
        assert found is not None
        assert type(found[0].sender) is Id


def test_what_changed_is_still_given_as_it_was_written() -> None:
    tails = Tails(room_events=4, all_events=0)
    tail = filled(tails, 1, 2)
    edit = Edited(room=ROOM, sender=ADA, seq=3, target=2, body="better")
    deletion = Deleted(room=ROOM, sender=ADA, seq=4, target=2)
    tails.append(tail, edit)
    tails.append(tail, deletion)
    assert tail.written(1, 4) == [message(2), edit, deletion]
    assert tail.written(0, 5) is None
    shown = tail.span(1, 4)
    assert shown is not None
    assert [getattr(event, "body", None) for event in shown] == ["", "", None]
    for seq in (5, 6):
        tails.append(tail, message(seq))
    assert tail.written(1, 6) is None
    assert tail.written(2, 6) == [edit, deletion, message(5), message(6)]


def test_what_is_not_all_there_is_not_given() -> None:
    tail = filled(Tails(room_events=0, all_events=0), 5, 9)
    assert seqs(tail.span(4, 9)) == [5, 6, 7, 8, 9]
    assert seqs(tail.span(6, 8)) == [7, 8]
    assert seqs(tail.span(9, 9)) == []
    assert tail.span(3, 9) is None
    assert tail.span(6, 10) is None
    assert Tail().span(0, 1) is None


def test_a_hole_begins_a_new_tail() -> None:
    tail = filled(Tails(room_events=0, all_events=0), 5, 9)
    tail.append(message(11))
    assert tail.span(9, 11) is None
    assert seqs(tail.span(10, 11)) == [11]


def test_a_room_has_so_many() -> None:
    tails = Tails(room_events=3, all_events=0)
    tail = filled(tails, 1, 9)
    assert tail.span(5, 9) is None
    assert seqs(tail.span(6, 9)) == [7, 8, 9]
    assert len(tails) == 3


def test_the_room_that_was_used_least_recently_gives_way() -> None:
    tails = Tails(room_events=0, all_events=9)
    garden, kitchen = filled(tails, 1, 4), filled(tails, 1, 4)
    assert tails.span(garden, 0, 4)
    cellar = filled(tails, 1, 4)
    assert [len(garden), len(kitchen), len(cellar)] == [4, 1, 4]
    for seq in range(5, 9):
        tails.append(cellar, message(seq))
    assert [len(garden), len(kitchen), len(cellar)] == [1, 0, 8]
    assert seqs(cellar.span(0, 8)) == list(range(1, 9))
    tails.append(kitchen, message(5))  # it goes on behind what it has lost
    assert [len(garden), len(kitchen), len(cellar)] == [0, 1, 8]


def test_alone_a_room_gives_way_to_itself() -> None:
    tails = Tails(room_events=0, all_events=2)
    assert seqs(filled(tails, 1, 5).span(3, 5)) == [4, 5]
    assert len(tails) == 2


def test_what_is_forgotten_counts_no_more() -> None:
    tails = Tails(room_events=0, all_events=4)
    garden, kitchen = filled(tails, 1, 2), filled(tails, 1, 2)
    tails.forget(garden)
    assert (len(tails), garden.span(0, 2)) == (2, None)
    tails.append(garden, message(3))
    tails.append(garden, message(4))
    assert (len(tails), len(garden), len(kitchen)) == (4, 2, 2)


def test_the_reactions_to_what_has_left_are_forgotten() -> None:
    tails = Tails(room_events=2, all_events=0)
    tail = filled(tails, 1, 1)
    for seq, sender in ((2, ADA), (3, BOB)):
        tails.append(tail, Reacted(room=ROOM, sender=sender, seq=seq, at="1", target=1, emoji="👍"))
    assert seqs(tail.span(1, 3)) == [2, 3]
    tails.append(tail, Unreacted(room=ROOM, sender=BOB, seq=4, at="2", target=1, emoji="👍"))
    assert seqs(tail.span(2, 4)) == [3, 4]


def test_reactions_of_one_moment_are_in_the_order_of_ids() -> None:
    tail = filled(Tails(room_events=0, all_events=0), 1, 1)
    for seq, (sender, emoji, at) in enumerate(
        [(BOB, "🌱", "1"), (BOB, "👍", "1"), (ADA, "👍", "1"), (Id(1), "👍", "2")], 2
    ):
        tail.append(Reacted(room=ROOM, sender=sender, seq=seq, at=at, target=1, emoji=emoji))
    (shown,) = tail.span(0, 1) or []
    assert isinstance(shown, Message)
    assert shown.reactions == [
        Reaction(emoji="🌱", accounts=[BOB]),
        Reaction(emoji="👍", accounts=[ADA, BOB, Id(1)]),
    ]


def test_a_message_that_shows_what_is_still_to_come_begins_a_new_tail() -> None:
    """Of an outage: found in the log with its thread, whose replies are published behind it."""
    tail = filled(Tails(room_events=0, all_events=0), 1, 3)
    for event in (
        Message(room=ROOM, sender=ADA, seq=4, body="!", edited_at="now"),
        Edited(room=ROOM, sender=ADA, seq=5, target=4, body="!"),
        Renamed(room=ROOM, sender=ADA, seq=6, title="Garden"),
    ):
        tail.append(event)
    assert tail.span(3, 6) is None
    assert seqs(tail.span(4, 6)) == [5, 6]


def test_a_deletion_blanks_the_edits_of_a_message_that_has_left() -> None:
    tails = Tails(room_events=2, all_events=0)
    tail = filled(tails, 1, 1)
    tails.append(tail, Edited(room=ROOM, sender=ADA, seq=2, target=1, body="secret"))
    tails.append(tail, Deleted(room=ROOM, sender=ADA, seq=3, target=1))
    shown = tail.span(1, 3)
    assert shown is not None
    assert shown[0] == Edited(room=ROOM, sender=ADA, seq=2, target=1)
