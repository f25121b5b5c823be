"""The room log: batches, order, retries by nonce, refusals, drafts that cannot be written."""

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial

import pytest

from persistence.embedded import EmbeddedPostgres
from persistence.room_log import MAX_BATCH, Outcome
from protocol.drafts import Draft, Facts, Unchanged, Written
from protocol.errors import (
    MESSAGE_DELETED,
    NONCE_CONFLICT,
    NOT_FOUND,
    OVERLOADED,
    UNAVAILABLE,
    ErrorSpec,
    PlazaError,
)
from protocol.events import Edited, Message, Reacted
from protocol.ids import Id, minted_at_ms
from protocol.records import Role, RoomKind, User
from protocol.times import from_ms, rfc3339
from rooms import conversation
from tests.rooms.desk import Desk, occupied, opened, until_blocked, until_queued
from tests.rooms.town import Town, founded, number


@pytest.fixture(scope="module")
async def town(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Town]:
    async with founded(postgres, template) as town:
        yield town


@pytest.fixture
async def desk(town: Town) -> AsyncIterator[Desk]:
    async with opened(town) as desk:
        yield desk


@pytest.fixture
async def ada(town: Town) -> User:
    (ada,) = await town.people("ada")
    return ada


@pytest.fixture
async def room(town: Town, ada: User) -> Id:
    """Ada's."""
    return await town.room({ada.id: Role.OWNER})


def spec(outcome: Outcome) -> ErrorSpec:
    assert isinstance(outcome, PlazaError)
    return outcome.spec


def written(outcome: Outcome) -> Written:
    assert isinstance(outcome, Written)
    return outcome


class TestOrder:
    async def test_is_that_of_the_drafts(self, town: Town, desk: Desk, ada: User, room: Id) -> None:
        outcomes = await desk.write(
            *[conversation.message(ada.id, room, f"{n}") for n in range(100)]
        )
        assert [written(outcome).event.seq for outcome in outcomes] == list(range(2, 102))
        assert desk.seqs(room) == list(range(2, 102))
        assert (await town.log(room))[1:] == desk.published

    async def test_each_event_is_published_before_its_answer(
        self, desk: Desk, ada: User, room: Id
    ) -> None:
        noted: list[tuple[str, int]] = []
        done = asyncio.Event()

        def answer(number: int, outcome: Outcome) -> None:
            assert desk.published[-1] is written(outcome).event
            noted.append(("answered", number))
            if number == 9:
                done.set()

        for n in range(10):
            desk.log.append(conversation.message(ada.id, room, f"{n}"), partial(answer, n))
        await done.wait()
        assert noted == [("answered", n) for n in range(10)]

    async def test_what_waits_is_written_together(
        self, town: Town, desk: Desk, ada: User, room: Id
    ) -> None:
        async with occupied(town, room):
            first = asyncio.create_task(desk.write(conversation.message(ada.id, room, "first")))
            await until_blocked(town, desk.connections[-1])
            others = [conversation.message(ada.id, room, f"{n}") for n in range(MAX_BATCH + 20)]
            waiting = asyncio.create_task(desk.write(*others))
            await until_queued(desk, MAX_BATCH + 20)
        await first
        await waiting
        assert desk.rounds == [1, MAX_BATCH, 20]
        assert desk.seqs(room) == list(range(2, MAX_BATCH + 23))

    async def test_of_two_logs_is_one_order(self, town: Town, ada: User) -> None:
        rooms = [await town.room({ada.id: Role.OWNER}) for _ in range(3)]
        async with opened(town, node=1) as one, opened(town, node=2) as two:
            for turn in range(10):
                body = "@nobody" if turn % 3 == 0 else "hi"
                drafts = [
                    [conversation.message(ada.id, room, body) for room in order for _ in range(5)]
                    for order in (rooms, rooms[::-1])
                ]
                await asyncio.gather(one.write(*drafts[0]), two.write(*drafts[1]))
        for room in rooms:
            log = (await town.log(room))[1:]
            assert [event.seq for event in log] == list(range(2, 102))
            assert len({event.event_id for event in log}) == 100
            for published in (one.seqs(room), two.seqs(room)):
                assert published == sorted(published)
            both = sorted(one.published + two.published, key=lambda event: event.seq)
            assert [event for event in both if event.room == room] == log

    async def test_event_ids_are_times(self, desk: Desk, ada: User, room: Id) -> None:
        before = time.time_ns() // 1_000_000
        outcomes = await desk.write(*[conversation.message(ada.id, room, "hi") for _ in range(5)])
        events = [written(outcome).event for outcome in outcomes]
        assert [event.event_id for event in events] == sorted(event.event_id for event in events)
        for event in events:
            assert before <= minted_at_ms(event.event_id) <= time.time_ns() // 1_000_000
            assert event.at == rfc3339(from_ms(minted_at_ms(event.event_id)))


class TestRefusals:
    async def test_leave_no_hole(self, town: Town, desk: Desk, ada: User, room: Id) -> None:
        (bob,) = await town.people("bob")
        outcomes = await desk.write(
            conversation.message(ada.id, room, "one"),
            conversation.message(bob.id, room, "not a member"),
            conversation.message(ada.id, number(), "no such room"),
            conversation.react(ada.id, room, 99, "👍"),
            conversation.rename(ada.id, room, "Garden"),
            conversation.message(ada.id, room, "two"),
        )
        assert written(outcomes[0]).event.seq == 2
        assert [spec(outcome) for outcome in outcomes[1:4]] == [NOT_FOUND] * 3
        assert isinstance(outcomes[4], Unchanged)
        assert written(outcomes[5]).event.seq == 3
        assert desk.seqs(room) == [2, 3]

    async def test_are_by_what_the_batch_has_done_so_far(
        self, town: Town, desk: Desk, ada: User
    ) -> None:
        (bob,) = await town.people("bob")
        room = await town.room({ada.id: Role.OWNER, bob.id: Role.MEMBER}, kind=RoomKind.CHANNEL)
        await desk.write(conversation.message(ada.id, room, "two"))
        outcomes = await desk.write(
            conversation.message(bob.id, room, "still here"),
            conversation.kick(ada.id, room, bob.id),
            conversation.message(bob.id, room, "out"),
            conversation.join(bob.id, room),
            conversation.message(bob.id, room, "back"),
            conversation.delete(ada.id, room, 2),
            conversation.message(bob.id, room, "late", reply_to=2),
            conversation.delete(ada.id, room, 2),
        )
        assert [outcome.event.seq if isinstance(outcome, Written) else None for outcome in outcomes
                ] == [3, 4, None, 5, 6, 7, None, None]  # fmt: skip
        assert spec(outcomes[2]) is NOT_FOUND
        assert spec(outcomes[6]) is MESSAGE_DELETED
        assert isinstance(outcomes[7], Unchanged)


class TestNonce:
    """A retry has no second effect, and gets the first result."""

    async def test_in_the_same_batch(self, town: Town, desk: Desk, ada: User, room: Id) -> None:
        outcomes = await desk.write(
            *[conversation.message(ada.id, room, "hi", nonce="n") for _ in range(3)]
        )
        assert [written(outcome).repeated for outcome in outcomes] == [False, True, True]
        assert len({written(outcome).event.event_id for outcome in outcomes}) == 1
        assert desk.seqs(room) == [2]
        assert len(await town.log(room)) == 2

    async def test_in_a_later_batch_among_others(
        self, town: Town, desk: Desk, ada: User, room: Id
    ) -> None:
        (first,) = await desk.write(conversation.message(ada.id, room, "hi", nonce="n"))
        for others in ("", "@nobody "):  # plain, and not
            before, again, after = await desk.write(
                conversation.message(ada.id, room, f"{others}before"),
                conversation.message(ada.id, room, "hi", nonce="n"),
                conversation.message(ada.id, room, f"{others}after"),
            )
            assert written(again) == Written(written(first).event, repeated=True)
            assert written(before).event.seq + 1 == written(after).event.seq
        assert desk.seqs(room) == [2, 3, 4, 5, 6]
        assert len(await town.log(room)) == 6

    async def test_after_the_message_was_deleted(self, desk: Desk, ada: User, room: Id) -> None:
        (first,) = await desk.write(conversation.message(ada.id, room, "hi", nonce="n"))
        await desk.write(conversation.delete(ada.id, room, 2))
        (again,) = await desk.write(conversation.message(ada.id, room, "hi", nonce="n"))
        event = written(again).event
        assert isinstance(event, Message)
        assert (event.deleted, event.body) == (True, "")
        assert (event.seq, event.event_id) == (2, written(first).event.event_id)

    async def test_of_what_could_not_be_done_twice(self, desk: Desk, ada: User, room: Id) -> None:
        await desk.write(conversation.message(ada.id, room, "hi"))
        for make in (
            partial(conversation.edit, body="better", nonce="edit"),
            partial(conversation.react, emoji="👍", nonce="react"),
            partial(conversation.unreact, emoji="👍", nonce="unreact"),
            partial(conversation.delete, nonce="delete"),
        ):
            first, at_once = await desk.write(make(ada.id, room, 2), make(ada.id, room, 2))
            (later,) = await desk.write(make(ada.id, room, 2))
            assert written(at_once).repeated
            assert written(later).repeated
            seqs = {written(outcome).event.seq for outcome in (first, at_once, later)}
            assert len(seqs) == 1
        # Not even now, when the message is gone.
        (edit,) = await desk.write(conversation.edit(ada.id, room, 2, "better", nonce="edit"))
        assert isinstance(written(edit).event, Edited)
        assert desk.seqs(room) == [2, 3, 4, 5, 6]

    async def test_used_for_something_else(
        self, town: Town, desk: Desk, ada: User, room: Id
    ) -> None:
        other = await town.room({ada.id: Role.OWNER})
        await desk.write(conversation.message(ada.id, room, "hi", nonce="n"))
        for draft in (
            conversation.message(ada.id, other, "hi", nonce="n"),
            conversation.react(ada.id, room, 2, "👍", nonce="n"),
        ):
            (outcome,) = await desk.write(draft)
            assert spec(outcome) is NONCE_CONFLICT
        outcomes = await desk.write(
            conversation.message(ada.id, room, "hi", nonce="m"),
            conversation.message(ada.id, other, "hi", nonce="m"),
            conversation.react(ada.id, room, 2, "👍", nonce="m"),
        )
        assert not written(outcomes[0]).repeated
        assert [spec(outcome) for outcome in outcomes[1:]] == [NONCE_CONFLICT] * 2
        assert len(await town.log(other)) == 1
        assert not any(isinstance(event, Reacted) for event in await town.log(room))

    async def test_of_a_refused_draft_is_free(
        self, town: Town, desk: Desk, ada: User, room: Id
    ) -> None:
        (bob,) = await town.people("bob")
        refused = await desk.write(
            *[conversation.message(bob.id, room, "hi", nonce="n") for _ in range(2)]
        )
        assert [spec(outcome) for outcome in refused] == [NOT_FOUND] * 2
        await desk.write(conversation.invite(ada.id, room, bob.id))
        (outcome,) = await desk.write(conversation.message(bob.id, room, "hi", nonce="n"))
        assert not written(outcome).repeated

    async def test_is_the_senders_own(self, town: Town, desk: Desk, ada: User) -> None:
        (bob,) = await town.people("bob")
        room = await town.room({ada.id: Role.OWNER, bob.id: Role.MEMBER})
        outcomes = await desk.write(
            conversation.message(ada.id, room, "hi", nonce="n"),
            conversation.message(bob.id, room, "hi", nonce="n"),
        )
        assert [written(outcome).repeated for outcome in outcomes] == [False, False]

    async def test_at_two_logs_at_once(self, town: Town, ada: User, room: Id) -> None:
        async with opened(town, node=1) as one, opened(town, node=2) as two:
            for turn in range(20):
                text = "@nobody" if turn % 2 else "hi"
                (first,), (second,) = await asyncio.gather(
                    *[
                        desk.write(conversation.message(ada.id, room, text, nonce=f"n{turn}"))
                        for desk in (one, two)
                    ]
                )
                assert {written(first).repeated, written(second).repeated} == {False, True}
                assert written(first).event == written(second).event
        assert sorted(one.seqs(room) + two.seqs(room)) == list(range(2, 22))
        assert len(await town.log(room)) == 21


class TestCapacity:
    async def test_more_drafts_are_refused(self, town: Town, ada: User, room: Id) -> None:
        async with opened(town, capacity=3) as desk:
            async with occupied(town, room):
                first = asyncio.create_task(desk.write(conversation.message(ada.id, room, "0")))
                await until_blocked(town, desk.connections[-1])
                rest = asyncio.create_task(
                    desk.write(*[conversation.message(ada.id, room, f"{n}") for n in range(1, 6)])
                )
                await until_queued(desk, 3)
            await first
            outcomes = await rest
            assert [isinstance(outcome, Written) for outcome in outcomes] == [True] * 3 + [
                False
            ] * 2
            for outcome in outcomes[3:]:
                assert spec(outcome) is OVERLOADED
                assert isinstance(outcome, PlazaError)
                assert outcome.retry_after == 1.0
            assert isinstance(
                (await desk.write(conversation.message(ada.id, room, "6")))[0], Written
            )


class TestClosing:
    async def test_answers_everything(self, town: Town, ada: User, room: Id) -> None:
        outcomes: list[Outcome] = []
        async with opened(town) as desk:
            for n in range(3 * MAX_BATCH):
                desk.log.append(conversation.message(ada.id, room, f"{n}"), outcomes.append)
        assert [written(outcome).event.seq for outcome in outcomes] == list(
            range(2, 3 * MAX_BATCH + 2)
        )
        assert not desk.log.is_open
        with pytest.raises(PlazaError, check=lambda error: error.spec is UNAVAILABLE):
            desk.log.append(conversation.message(ada.id, room, "late"), outcomes.append)

    async def test_takes_nothing_more(self, town: Town, ada: User, room: Id) -> None:
        """So that those who go on sending do not keep it open."""
        refused: list[ErrorSpec] = []

        async with opened(town) as desk:

            def go_on(_: Outcome) -> None:
                try:
                    desk.log.append(conversation.message(ada.id, room, "more"), go_on)
                except PlazaError as error:
                    refused.append(error.spec)

            go_on(Unchanged())
            closing = asyncio.create_task(desk.log.close())
            async with asyncio.timeout(5):
                await closing
        assert refused == [UNAVAILABLE]
        assert desk.seqs(room) == [2]

    async def test_of_an_idle_log_is_quick(self, town: Town) -> None:
        async with opened(town) as desk:
            pass
        assert desk.connections[0].is_closed()


async def test_guards_are_asked_once_with_the_facts(
    town: Town, desk: Desk, ada: User, room: Id
) -> None:
    seen: list[Facts] = []
    await desk.write(Draft(Message(room=room, sender=ada.id, body="hi"), seen.append))
    (facts,) = seen
    assert facts == Facts(
        kind=RoomKind.GROUP, title="Garden", actor=Role.OWNER, members=1, now=facts.now
    )
