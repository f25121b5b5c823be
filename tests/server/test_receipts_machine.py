"""Unread counts stay exact, whatever comes together: the database's, and those that clients keep.

People write, delete, edit, read, come and go, through the real log and the real marker writer. The
commands are not waited for, so that they overtake each other on the way to the devices. At rest the
database says what a count over the log says; and a device that started from the rooms' records, and
applied what it heard by the rules of protocol.records.Room, has the same numbers.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from persistence import rooms as stored_rooms
from persistence.embedded import EmbeddedPostgres
from persistence.marker_writer import MarkerWriter
from persistence.room_log import RoomLog
from protocol.drafts import Draft, Unchanged
from protocol.errors import PlazaError
from protocol.events import (
    Deleted,
    Edited,
    Event,
    Message,
    ReadMarker,
    RoomAdded,
    RoomEvent,
    RoomGone,
)
from protocol.ids import Id, IdMint
from protocol.records import Role, Room, RoomKind, User
from rooms import conversation
from rooms.fanout import Fanout
from rooms.hub import Hub
from rooms.tail import Tails
from server.background import Background
from server.metrics import Metrics
from server.receipts import Receipts
from tests.rooms.town import Town, founded
from tests.rooms.world import Door, Format

Numbers = tuple[int, int, int]  # read_seq, unread, mentions


class Device:
    """A connection, and what a client makes of what it hears."""

    def __init__(self, account: Id) -> None:
        self.account = account
        self.wire = Format()
        self.rooms: dict[Id, Numbers] = {}
        self._counted: dict[Id, int] = {}  # the events up to here are in the numbers

    def show(self, room: Room) -> None:
        self.rooms[room.id] = (room.read_seq, room.unread, room.mentions)
        self._counted[room.id] = room.last_seq

    def enqueue(self, chunk: bytes) -> None:
        for event in self.wire.read(chunk):
            self._apply(event)

    deliver = offer = enqueue

    def _apply(self, event: Event) -> None:
        match event:
            case RoomAdded(room=room):
                self.show(room)
            case RoomGone(room=room_id):
                self.rooms.pop(room_id, None)
            case ReadMarker(room=room_id, account=self.account, seq=seq):
                assert isinstance(event.unread, int)
                assert isinstance(event.mentions, int)
                self.rooms[room_id] = (seq, event.unread, event.mentions)
                assert isinstance(event.last_seq, int)
                self._counted[room_id] = event.last_seq
            case RoomEvent(room=room_id, seq=seq) if room_id in self.rooms:
                if seq > self._counted[room_id]:
                    self.rooms[room_id] = self._after(event, *self.rooms[room_id])

    def _after(self, event: Event, read: int, unread: int, mentions: int) -> Numbers:
        me = self.account
        match event:
            case Message(sender=sender, seq=seq) if sender == me:
                return seq, 0, 0
            case Message():
                return read, unread + 1, mentions + (me in event.mentions)
            case Deleted(target=target) if target > read:
                return read, unread - 1, mentions - (me in event.mentions)
            case Edited(target=target) if target > read:
                change = (me in event.mentions) - (me in event.former_mentions)
                return read, unread, mentions + change
        return read, unread, mentions


class Stage:
    """A server without sockets, on a real database."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.devices: list[Device] = []
        self.published: dict[Id, list[RoomEvent]] = {}
        self.fanout = Fanout(self._wake)
        self.hub = Hub(self.fanout, self._joined, Door(), Tails(room_events=99, all_events=999))
        self.background = Background()
        self.writer = MarkerWriter(
            town.database.open_connection,
            moved=lambda news: self.receipts.moved(news),  # noqa: PLW0108 - made below
            capacity=0,
        )
        self.receipts = Receipts(
            writer=self.writer,
            database=town.database,
            hub=self.hub,
            background=self.background,
            wake=self._wake,
            members=100,
        )
        self.log = RoomLog(
            town.database.open_connection,
            mint=IdMint(7),
            publish=self._publish,
            observer=Metrics(),
            capacity=0,
            clock=lambda: 1_800_000_000_000,
        )
        self._work: set[asyncio.Task[Any]] = set()
        self._awake = False

    def _wake(self) -> None:
        if not self._awake:
            self._awake = True
            asyncio.get_running_loop().call_soon(self._end_tick)

    def _end_tick(self) -> None:
        self._awake = False
        self.fanout.flush()
        self.receipts.flush()

    def _publish(self, event: RoomEvent) -> None:
        self.published.setdefault(event.room, []).append(event)
        self.hub.publish(event)

    def _joined(self, account: Id, room: Id, seq: int) -> None:
        self.background.spawn(self._admit(account, room, seq))

    async def _admit(self, account: Id, room: Id, seq: int) -> None:
        async with self.town.database.connection() as connection:
            record = await stored_rooms.room(connection, account, room)
        if record is not None and record.role is not None:
            self.hub.add_room(account, record, joined_seq=seq)

    async def arrive(self, account: Id) -> None:
        device = Device(account)
        person = self.hub.enter(account)
        places = self.hub.places(await self.records(account))
        assert places is not None
        self.hub.settle(person, device, places)
        for each in places:
            assert each.place == each.record.last_seq  # at rest
            device.show(each.record)
        self.devices.append(device)

    def leave(self) -> None:
        for device in self.devices:
            self.hub.leave(self.hub._people[device.account], device)
        self.devices.clear()

    async def records(self, account: Id) -> list[Room]:
        async with self.town.database.connection() as connection:
            return await stored_rooms.rooms_of(connection, account)

    async def begin(self, work: Coroutine[Any, Any, Any], *, waits: bool) -> None:
        """Do something, and wait for its answer, or do not."""
        task = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        if waits:
            await asyncio.wait([task])
        else:
            await asyncio.sleep(0)

    async def rest(self) -> None:
        """Wait until everything has arrived."""
        while (
            self._work
            or self._awake
            or len(self.background)
            or len(self.writer)
            or self.receipts._moved
            or self.receipts._uncounted
        ):
            work, self._work = self._work, set()
            for outcome in await asyncio.gather(*work, return_exceptions=True):
                if isinstance(outcome, PlazaError):
                    assert outcome.spec.status < 500, outcome
                elif isinstance(outcome, BaseException) and not isinstance(outcome, Unchanged):
                    raise outcome
            await self.town.fetch("SELECT 1")  # gives the loop something to do


async def count(stage: Stage, room: Id, account: Id, read: int) -> Numbers:
    """A count over the log, as simply as can be."""
    later = [
        event
        for event in await stage.town.log(room)
        if isinstance(event, Message) and event.seq > read and not event.deleted
    ]
    return read, len(later), sum(account in event.mentions for event in later)


WHO = st.integers(0, 2)
# Who has written has nothing unread: the first writes, and the second reads, most of the time.
WRITER = st.sampled_from([0, 0, 0, 0, 0, 0, 1, 2])
READER = st.sampled_from([0, 1, 1, 1, 1, 2])
WHICH = st.integers(0, 1)
BACK = st.integers(0, 6)
WAITS = st.booleans()


class Machine(RuleBasedStateMachine):
    """Three people in two channels, each on a device; the first one on two."""

    stage: Stage
    runner: asyncio.Runner

    @initialize()
    def begin(self) -> None:
        self.runner.run(self._begin())

    async def _begin(self) -> None:
        town = self.stage.town
        self.people: list[User] = await town.people("ada", "bob", "eve")
        members = dict.fromkeys((user.id for user in self.people), Role.MEMBER)
        members[self.people[0].id] = Role.OWNER
        self.rooms = [await town.room(members, kind=RoomKind.CHANNEL) for _ in range(2)]
        for index in (0, 0, 1, 2):
            await self.stage.arrive(self.people[index].id)
        for number in range(12):
            text = self._text(number % 3 or None)
            draft = conversation.message(self.people[0].id, self.rooms[number % 2], text)
            await self.stage.log.write(draft)
        for room in self.rooms:
            await self.stage.log.write(conversation.delete(self.people[0].id, room, 6))

    def _write(self, draft: Draft, *, waits: bool) -> None:
        self._do(self.stage.log.write(draft), waits=waits)

    def _do(self, work: Coroutine[Any, Any, Any], *, waits: bool) -> None:
        self.runner.run(self.stage.begin(work, waits=waits))

    def _standing(self, which: int, back: int, sender: Id | None = None) -> int:
        """One of the last messages that stand, counted from the end; 1: there is none."""
        events = self.stage.published.get(self.rooms[which], ())
        gone = {event.target for event in events if isinstance(event, Deleted)}
        found = [
            event.seq
            for event in events
            if isinstance(event, Message) and sender in (None, event.sender)
            if event.seq not in gone
        ]
        return found[max(-len(found), -1 - back)] if found else 1

    def _unread(self, account: Id, which: int, share: int) -> int:
        """A place in what somebody has not read: so many quarters of it."""
        room = self.rooms[which]
        live = self.stage.hub.rooms.get(room)
        assert live is not None
        known = [device.rooms for device in self.stage.devices if device.account == account]
        read = known[0][room][0] if room in known[0] else 0
        return read + (live.last_seq - read) * share // 4

    def _text(self, mention: int | None) -> str:
        return "hi" if mention is None else f"@{self.people[mention].username}"

    @rule(who=WRITER, which=WHICH, mention=st.none() | WHO, times=st.integers(1, 4), waits=WAITS)
    def write(self, who: int, which: int, mention: int | None, times: int, waits: bool) -> None:
        account, room = self.people[who].id, self.rooms[which]
        for _ in range(times):
            self._write(conversation.message(account, room, self._text(mention)), waits=waits)

    @rule(which=WHICH, back=BACK, waits=WAITS)
    def delete(self, which: int, back: int, waits: bool) -> None:
        account, room = self.people[0].id, self.rooms[which]
        self._write(conversation.delete(account, room, self._standing(which, back)), waits=waits)

    @rule(who=WRITER, which=WHICH, back=BACK, mention=st.none() | WHO, waits=WAITS)
    def edit(self, who: int, which: int, back: int, mention: int | None, waits: bool) -> None:
        account, room = self.people[who].id, self.rooms[which]
        seq = self._standing(which, back, account)
        self._write(conversation.edit(account, room, seq, self._text(mention)), waits=waits)

    @rule(who=READER, which=WHICH, share=st.integers(0, 4), waits=WAITS)
    def read(self, who: int, which: int, share: int, waits: bool) -> None:
        account, room, receipts = self.people[who].id, self.rooms[which], self.stage.receipts
        seq = self._unread(account, which, share)
        work = receipts.read(account, room, seq) if share else receipts.read_all(account)
        self._do(work, waits=waits)

    @rule(which=WHICH)
    def come_or_go(self, which: int) -> None:
        """At rest: how a new member's record meets what is under way, the hub's tests show."""
        account, room = self.people[2].id, self.rooms[which]
        self.come_to_rest()
        out = self.stage.hub.is_member(account, room)
        change = conversation.leave if out else conversation.join
        self._write(change(account, room), waits=True)
        self.runner.run(self.stage.rest())
        assert self.stage.hub.is_member(account, room) is not out

    @rule()
    def come_to_rest(self) -> None:
        self.runner.run(self._come_to_rest())

    async def _come_to_rest(self) -> None:
        await self.stage.rest()
        for user in self.people:
            records = await self.stage.records(user.id)
            numbers = {room.id: (room.read_seq, room.unread, room.mentions) for room in records}
            for room, found in numbers.items():
                assert found == await count(self.stage, room, user.id, found[0]), "the database"
            for device in self.stage.devices:
                if device.account == user.id:
                    assert device.rooms == numbers, "the device"

    def teardown(self) -> None:
        self.come_to_rest()
        self.stage.leave()


@pytest.fixture
def runner() -> Any:
    with asyncio.Runner() as runner:
        yield runner


@pytest.mark.parametrize("examples", [20, pytest.param(60, marks=pytest.mark.soak)])
def test_counts_are_exact(
    postgres: EmbeddedPostgres, template: str, runner: asyncio.Runner, examples: int
) -> None:
    stack = AsyncExitStack()

    async def start() -> Stage:
        stage = Stage(await stack.enter_async_context(founded(postgres, template)))
        await stage.writer.open()
        stack.push_async_callback(stage.writer.close, within=5)
        await stage.log.open()
        stack.push_async_callback(stage.log.close)
        return stage

    stage_now, runner_now = runner.run(start()), runner

    class Staged(Machine):
        stage = stage_now
        runner = runner_now

    try:
        run_state_machine_as_test(
            Staged,
            settings=settings(
                max_examples=examples,
                stateful_step_count=40,
                deadline=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
                # What overtakes what differs from run to run: there is nothing to shrink.
                phases=(Phase.explicit, Phase.generate),
            ),
        )
    finally:
        runner.run(stack.aclose())
