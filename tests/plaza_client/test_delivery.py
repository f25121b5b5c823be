"""Every event of a room once, in order, whatever arrives."""

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plaza_client.delivery import Delivery
from plaza_client.errors import PlazaRefused
from plaza_client.inbox import Inbox
from plaza_client.wire import ClientEvent, HistoryPage, UnknownEvent, log_place
from protocol.events import Gap, RoomAdded, RoomGone
from protocol.ids import Id
from tests.plaza_client.conftest import ATTIC, LOUNGE, message, messages, room


class Log:
    """The rooms' logs on the server: up to `last` everything is there."""

    def __init__(self, last: int = 10_000) -> None:
        self.last = last
        self.reads: list[tuple[Id, int, int]] = []

    async def read(self, room: Id, after: int, limit: int) -> HistoryPage:
        self.reads.append((room, after, limit))
        await asyncio.sleep(0)
        upto = min(after + limit, self.last)
        return HistoryPage(list(messages(after + 1, upto, room=room)), upto < self.last)


class Consumer:
    def __init__(self, log: Log, cursors: dict[Id, int] | None = None, *, limit: int = 100) -> None:
        self.inbox = Inbox(limit)
        self.delivery = Delivery(self.inbox, log.read, cursors or {})

    async def all(self) -> list[ClientEvent]:
        self.inbox.end(EOFError())
        events = []
        with suppress(EOFError):
            while True:
                events.append(await self.delivery.next())
        return events


async def test_duplicates_are_dropped() -> None:
    log = Log()
    consumer = Consumer(log, {LOUNGE: 2})
    for event in [message(2), *messages(3, 5), message(4), message(6)]:
        consumer.inbox.put(event)
    assert await consumer.all() == messages(3, 6)
    assert log.reads == []


async def test_a_hole_is_filled_from_the_log() -> None:
    log = Log()
    consumer = Consumer(log, {LOUNGE: 2})
    for event in [message(3), *messages(6, 7)]:
        consumer.inbox.put(event)
    assert await consumer.all() == messages(3, 7)
    assert log.reads == [(LOUNGE, 3, 2)]


async def test_a_gap_is_read_page_by_page_as_the_consumer_asks() -> None:
    log = Log()
    consumer = Consumer(log, {LOUNGE: 10})
    consumer.inbox.put(Gap(room=LOUNGE, from_=11, to=420))
    consumer.inbox.put(message(421))
    assert [await consumer.delivery.next() for _ in range(200)] == messages(11, 210)
    assert log.reads == [(LOUNGE, 10, 200)]
    assert consumer.delivery.cursors == {LOUNGE: 210}
    assert await consumer.all() == messages(211, 421)
    assert log.reads[1:] == [(LOUNGE, 210, 200), (LOUNGE, 410, 10)]


async def test_a_gap_in_a_room_without_a_cursor_begins_where_the_gap_does() -> None:
    consumer = Consumer(Log())
    consumer.inbox.put(Gap(room=LOUNGE, from_=5, to=6))
    assert await consumer.all() == messages(5, 6)


async def test_rooms_do_not_mix() -> None:
    consumer = Consumer(Log(), {LOUNGE: 0, ATTIC: 0})
    for event in [message(1), message(3, room=ATTIC), message(2), message(4, room=ATTIC)]:
        consumer.inbox.put(event)
    events = await consumer.all()
    assert [event for event in events if event.room == LOUNGE] == messages(1, 2)
    assert [event for event in events if event.room == ATTIC] == messages(1, 4, room=ATTIC)


async def test_a_room_begins_with_being_added_and_ends_with_being_gone() -> None:
    consumer = Consumer(Log())
    added, gone = RoomAdded(room=room(7)), RoomGone(room=LOUNGE)
    for event in [added, message(7), message(8), gone]:
        consumer.inbox.put(event)
    assert await consumer.all() == [added, message(8), gone]
    assert consumer.delivery.cursors == {}


async def test_what_has_no_place_in_a_log_passes() -> None:
    consumer = Consumer(Log(), {LOUNGE: 2})
    typing = UnknownEvent("typing", {"t": "typing"})
    consumer.inbox.put(typing)
    assert await consumer.all() == [typing]


async def test_an_unknown_entry_of_a_log_counts() -> None:
    log = Log()
    consumer = Consumer(log, {LOUNGE: 2})
    poll = UnknownEvent("poll", {}, LOUNGE, 3)
    for event in [poll, poll, message(4)]:
        consumer.inbox.put(event)
    assert await consumer.all() == [poll, message(4)]
    assert log.reads == []


async def test_the_cursor_advances_when_an_event_is_handed_over() -> None:
    consumer = Consumer(Log(), {LOUNGE: 2})
    for event in messages(3, 4):
        consumer.inbox.put(event)
    assert consumer.delivery.cursors == {LOUNGE: 2}
    await consumer.delivery.next()
    assert consumer.delivery.cursors == {LOUNGE: 3}


async def test_a_cancelled_wait_loses_nothing() -> None:
    consumer = Consumer(Log(), {LOUNGE: 2})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(consumer.delivery.next(), 0)
    for event in [*messages(6, 7)]:
        consumer.inbox.put(event)
    reading = asyncio.create_task(consumer.delivery.next())
    await asyncio.sleep(0)  # in the middle of a read of the log
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await consumer.all() == messages(3, 7)


async def test_two_consumers_at_once_are_refused() -> None:
    consumer = Consumer(Log())
    first = asyncio.create_task(consumer.delivery.next())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="one consumer"):
        await consumer.delivery.next()
    first.cancel()


@pytest.mark.parametrize("arriving", [message(9), Gap(room=LOUNGE, from_=3, to=8)])
async def test_what_can_no_longer_be_read_remains_a_gap(arriving: ClientEvent) -> None:
    async def refuse(room: Id, after: int, limit: int) -> HistoryPage:
        raise PlazaRefused("not_found", "There is no such room.")

    inbox = Inbox(10)
    delivery = Delivery(inbox, refuse, {LOUNGE: 2})
    inbox.put(arriving)
    inbox.put(message(9))
    assert await delivery.next() == Gap(room=LOUNGE, from_=3, to=8)
    assert await delivery.next() == message(9)
    assert delivery.cursors == {LOUNGE: 9}


async def test_a_log_that_is_shorter_than_was_said_is_no_endless_loop() -> None:
    consumer = Consumer(Log(last=5), {LOUNGE: 2})
    consumer.inbox.put(Gap(room=LOUNGE, from_=3, to=8))
    assert await consumer.all() == [*messages(3, 5), Gap(room=LOUNGE, from_=6, to=8)]


@given(st.data())
async def test_whatever_arrives_each_event_is_handed_over_once_and_in_order(
    data: st.DataObject,
) -> None:
    """What arrives: up to the last seq, in any way that repeats, omits, and announces gaps."""
    start = data.draw(st.integers(0, 3))
    last = data.draw(st.integers(start + 1, start + 30))
    limit = data.draw(st.integers(1, 5))
    log = Log(last)
    consumer = Consumer(log, {LOUNGE: start}, limit=limit)
    seqs = data.draw(st.lists(st.integers(1, last), max_size=30))
    for seq in [*seqs, last]:
        if data.draw(st.booleans()):
            consumer.inbox.put(message(seq))
        else:
            upto = data.draw(st.integers(seq, last))
            consumer.inbox.put(Gap(room=LOUNGE, from_=seq, to=upto))
    events = await consumer.all()
    assert [log_place(event) for event in events] == [
        (LOUNGE, seq) for seq in range(start + 1, last + 1)
    ]
    assert all(limit <= last for _, _, limit in log.reads)
