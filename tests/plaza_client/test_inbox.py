import asyncio
from contextlib import suppress

import pytest

from plaza_client.inbox import Inbox
from plaza_client.wire import ClientEvent, UnknownEvent
from protocol.events import (
    Gap,
    LevelChanged,
    PresenceChanged,
    ReadMarker,
    RelationChanged,
    RoomAdded,
    RoomGone,
    TypingNotice,
)
from protocol.feed_events import PostCounters, PostDeleted
from protocol.ids import Id
from protocol.records import Level, PresenceState
from protocol.stream_events import StreamEnded, StreamViewers
from tests.plaza_client.conftest import ADA, ATTIC, BOB, LOUNGE, message, messages, room


async def drained(inbox: Inbox) -> list[ClientEvent]:
    inbox.end(EOFError())
    events = []
    with suppress(EOFError):
        while True:
            events.append(await inbox.head())
            inbox.take()
    return events


async def test_events_come_out_as_they_went_in() -> None:
    inbox = Inbox(10)
    events = [*messages(1, 3), RoomAdded(room=room(0, id=ATTIC)), *messages(1, 2, room=ATTIC)]
    for event in events:
        inbox.put(event)
    assert await drained(inbox) == events


async def test_the_head_stays_until_it_is_taken() -> None:
    inbox = Inbox(10)
    inbox.put(message(1))
    assert await inbox.head() is await inbox.head()


async def test_a_wait_for_the_head_may_be_cancelled() -> None:
    inbox = Inbox(10)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(inbox.head(), 0)
    inbox.put(message(1))
    assert await inbox.head() == message(1)


async def test_what_does_not_fit_is_left_in_the_log() -> None:
    inbox = Inbox(2)
    for event in [*messages(1, 3), *messages(7, 8, room=ATTIC), *messages(4, 5)]:
        inbox.put(event)
    assert await drained(inbox) == [
        *messages(1, 2),
        Gap(room=LOUNGE, from_=3, to=5),
        Gap(room=ATTIC, from_=7, to=8),
    ]


async def test_a_gap_grows_until_it_is_taken() -> None:
    inbox = Inbox(1)
    for event in messages(1, 2):
        inbox.put(event)
    await inbox.head()
    inbox.take()
    inbox.put(message(3))
    gap = await inbox.head()
    inbox.put(message(4))
    assert gap == Gap(room=LOUNGE, from_=2, to=4)
    inbox.take()
    inbox.put(message(5))
    assert await drained(inbox) == [message(5)]


async def test_notices_always_fit_and_ephemeral_events_do_not() -> None:
    inbox = Inbox(1)
    inbox.put(message(1))
    inbox.put(UnknownEvent("wave", {"t": "wave"}))
    inbox.put(RoomGone(room=LOUNGE))
    assert await drained(inbox) == [message(1), RoomGone(room=LOUNGE)]


def typing(account: Id, *, active: bool = True) -> TypingNotice:
    return TypingNotice(room=LOUNGE, account=account, active=active)


async def test_of_what_is_in_no_log_the_latest_counts() -> None:
    inbox = Inbox(10)
    online, away = PresenceState.ONLINE, PresenceState.AWAY
    for event in [
        typing(BOB.id),
        PresenceChanged(account=BOB.id, state=online),
        message(1),
        typing(BOB.id, active=False),
        PresenceChanged(account=BOB.id, state=away),
        typing(ADA.id),
        LevelChanged(room=LOUNGE, level=Level.ALL),
        LevelChanged(room=LOUNGE, level=Level.NONE),
    ]:
        inbox.put(event)
    assert await inbox.head() == typing(BOB.id, active=False)
    inbox.take()
    inbox.put(typing(BOB.id))
    assert await drained(inbox) == [
        PresenceChanged(account=BOB.id, state=away),
        message(1),
        typing(ADA.id),
        LevelChanged(room=LOUNGE, level=Level.NONE),
        typing(BOB.id),
    ]


async def test_signs_of_life_leave_half_of_the_space_to_others() -> None:
    inbox = Inbox(4)
    people = [Id(number) for number in range(100, 110)]
    for person in people:
        inbox.put(typing(person))
        inbox.put(ReadMarker(room=LOUNGE, account=person, seq=1))
    inbox.put(typing(people[0], active=False))
    own = ReadMarker(room=LOUNGE, account=ADA.id, seq=1, unread=0, mentions=0)
    for event in [*messages(1, 2), own, RelationChanged(account=BOB.id, blocked=True, muted=True)]:
        inbox.put(event)
    assert await drained(inbox) == [
        typing(people[0], active=False),
        ReadMarker(room=LOUNGE, account=people[0], seq=1),
        *messages(1, 2),
        own,
        RelationChanged(account=BOB.id, blocked=True, muted=True),
    ]


async def test_what_happens_in_feeds_is_no_more_than_a_sign_of_life() -> None:
    inbox = Inbox(8)

    def counters(post: int, likes: int) -> PostCounters:
        return PostCounters(post=Id(post), likes=likes, comments=0, shares=0)

    def gone(post: int) -> PostDeleted:
        return PostDeleted(feed="home", post=Id(post))

    for event in [
        counters(1, 1),
        gone(1),
        counters(1, 2),
        gone(2),
        gone(2),
        gone(3),  # half of the space is used
        counters(2, 1),
        counters(1, 3),
        message(1),
    ]:
        inbox.put(event)
    assert await drained(inbox) == [counters(1, 3), gone(1), gone(2), gone(2), message(1)]


async def test_nor_is_what_happens_to_streams() -> None:
    inbox = Inbox(8)

    def viewers(stream: int, count: int) -> StreamViewers:
        return StreamViewers(stream=Id(stream), viewers=count)

    ended = StreamEnded(stream=Id(1), at="2026-11-22T18:51:07.125Z")
    for event in [viewers(1, 1), viewers(2, 5), viewers(1, 2), ended, ended, ended, message(1)]:
        inbox.put(event)
    assert await drained(inbox) == [viewers(1, 2), viewers(2, 5), ended, ended, message(1)]


async def test_it_tells_which_rooms_have_something_new() -> None:
    inbox = Inbox(1)
    waiting = asyncio.create_task(inbox.advance())
    inbox.put(typing(BOB.id))
    await asyncio.sleep(0)
    assert not waiting.done()
    inbox.put(message(1))
    inbox.put(message(2))
    inbox.put(Gap(room=ATTIC, from_=1, to=9))
    await waiting
    assert inbox.advanced == {LOUNGE, ATTIC}


async def test_it_remembers_where_to_resume() -> None:
    inbox = Inbox(1)
    for event in [*messages(1, 4), message(2), Gap(room=ATTIC, from_=5, to=90)]:
        inbox.put(event)
    inbox.put(RoomAdded(room=room(7, id=LOUNGE)))
    assert inbox.seen == {LOUNGE: 4, ATTIC: 90}
    inbox.put(RoomGone(room=ATTIC))
    assert inbox.seen == {LOUNGE: 4}


async def test_a_room_that_is_gone_is_gone_once() -> None:
    inbox = Inbox(10)
    inbox.seen[LOUNGE] = 3
    inbox.put(RoomGone(room=LOUNGE))
    inbox.put(RoomGone(room=LOUNGE))
    assert await drained(inbox) == [RoomGone(room=LOUNGE)]


async def test_taking_and_nudging_wake_who_waits_for_space() -> None:
    inbox = Inbox(1)
    inbox.put(message(1))
    for wake in (inbox.take, inbox.nudge):
        waiting = asyncio.create_task(inbox.turn())
        await asyncio.sleep(0)
        assert not waiting.done()
        wake()
        await waiting
