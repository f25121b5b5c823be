"""Who listens to what, through every race between the database and what is published.

`World` is a server around a real hub: a database (the logs, and what they say of memberships), the
committed events on their way to `Hub.publish`, the reads that `joined` asks for, and devices, which
check each chunk that they get. The machine plays it in any order; the named tests are the races
that it must survive.
"""

from collections import Counter, deque
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from protocol.events import (
    Event,
    MemberCause,
    MemberChanged,
    Message,
    RoomAdded,
    RoomEvent,
    RoomGone,
)
from protocol.ids import Id
from protocol.records import Role, Room, RoomKind
from rooms.fanout import Fanout
from rooms.hub import Hub, Person

ADA, BOB, EVE = ACCOUNTS = [Id(1), Id(2), Id(3)]
GARDEN, KITCHEN = ROOMS = [Id(11), Id(12)]


class Database:
    """The rooms' logs."""

    def __init__(self) -> None:
        self.logs: dict[Id, list[RoomEvent]] = {}

    def last_seq(self, room: Id) -> int:
        return len(self.logs[room])

    def is_member(self, account: Id, room: Id, seq: int | None = None) -> bool:
        """Whether an account is a member, or was after the event with a seq."""
        changes = [
            event.role is not None
            for event in self.logs[room][:seq]
            if isinstance(event, MemberChanged) and event.account == account
        ]
        return bool(changes) and changes[-1]

    def record(self, room: Id, account: Id) -> Room:
        member, last_seq = self.is_member(account, room), self.last_seq(room)
        return Room(
            id=room,
            kind=RoomKind.CHANNEL,
            last_seq=last_seq,
            role=Role.MEMBER if member else None,
            read_seq=1,
            unread=last_seq - 1,
        )

    def rooms_of(self, account: Id) -> list[Room]:
        return [self.record(room, account) for room in self.logs if self.is_member(account, room)]


class Format:
    """A wire format that keeps events as they are, and counts how often it encodes each."""

    def __init__(self) -> None:
        self.encoded: Counter[tuple[Id, int]] = Counter()
        self._events: list[Event] = []

    def frame(self, event: Event) -> bytes:
        if isinstance(event, RoomEvent):
            self.encoded[event.room, event.seq] += 1
        self._events.append(event)
        return b"%d " % (len(self._events) - 1)

    def read(self, chunk: bytes) -> list[Event]:
        return [self._events[int(number)] for number in chunk.split()]


class Device:
    """A connection, which follows the seqs of its rooms and believes nothing that does not fit.

    Attributes:
        seqs: room -> the last seq that it knows of; None: it has not settled.
    """

    def __init__(self, account: Id, wire: Format, database: Database) -> None:
        self.account = account
        self.wire = wire
        self.snapshot: list[Room] | None = None
        self.person: Person
        self.seqs: dict[Id, int] | None = None
        self._database = database

    def enqueue(self, chunk: bytes) -> None:
        assert self.seqs is not None, "not settled yet, or gone"
        for event in self.wire.read(chunk):
            match event:
                case RoomAdded(room=room):
                    assert self.seqs.get(room.id, room.last_seq) == room.last_seq, "a hole"
                    self.seqs[room.id] = room.last_seq
                case RoomGone(room=room):
                    del self.seqs[room]
                case RoomEvent(room=room, seq=seq):
                    assert seq == self.seqs[room] + 1, "a hole, or a double"
                    assert self._may_hear(room, seq), "removed before it"
                    self.seqs[room] = seq

    def _may_hear(self, room: Id, seq: int) -> bool:
        # Their own removal, too. Who came back since may hear what was written meanwhile.
        moments = range(seq - 1, self._database.last_seq(room) + 1)
        return any(self._database.is_member(self.account, room, moment) for moment in moments)


class World:
    """A server whose every step is a call. Rooms are there from the start, with nobody in them."""

    def __init__(self) -> None:
        self.database = Database()
        self.fanout = Fanout(self._wake)
        self.hub = Hub(self.fanout, self._joined)
        self.formats = [Format(), Format()]
        self.devices: list[Device] = []
        self.committed: deque[RoomEvent] = deque()  # not published yet
        self.asked: deque[tuple[Id, Id, int]] = deque()  # by `joined`
        self.read: deque[tuple[Id, Room, int]] = deque()  # the answers, not given yet
        self.awake = False
        for room in ROOMS:
            self.database.logs[room] = [Message(room=room, sender=ADA, seq=1)]

    def _wake(self) -> None:
        self.awake = True

    def _joined(self, account: Id, room: Id, seq: int) -> None:
        self.asked.append((account, room, seq))

    # --- the database ------------------------------------------------------------------------

    def commit(self, event: RoomEvent) -> None:
        log = self.database.logs[event.room]
        event.seq = len(log) + 1
        log.append(event)
        self.committed.append(event)

    def write(self, room: Id) -> None:
        self.commit(Message(room=room, sender=ADA))

    def admit(self, account: Id, room: Id, role: Role = Role.MEMBER) -> None:
        self.commit(
            MemberChanged(
                room=room, sender=ADA, account=account, cause=MemberCause.INVITED, role=role
            )
        )

    def remove(self, account: Id, room: Id) -> None:
        self.commit(MemberChanged(room=room, sender=ADA, account=account, cause=MemberCause.KICKED))

    def publish(self, count: int | None = None) -> None:
        for _ in range(len(self.committed) if count is None else count):
            self.hub.publish(self.committed.popleft())

    # --- devices -----------------------------------------------------------------------------

    def enter(self, account: Id) -> Device:
        device = Device(account, self.formats[len(self.devices) % 2], self.database)
        self.devices.append(device)
        device.person = self.hub.enter(account)
        return device

    def look(self, device: Device) -> None:
        device.snapshot = self.database.rooms_of(device.account)

    def settle(self, device: Device) -> None:
        assert device.snapshot is not None
        rooms = self.hub.settle(device.person, device, device.snapshot)
        device.seqs = {room.id: room.last_seq for room in rooms}
        assert len(device.seqs) == len(rooms)
        assert all(room.unread == room.last_seq - room.read_seq for room in rooms)

    def arrive(self, account: Id) -> Device:
        device = self.enter(account)
        self.look(device)
        self.settle(device)
        return device

    def forsake(self, device: Device) -> None:
        self.devices.remove(device)
        self.hub.forsake(device.person)

    def leave(self, device: Device) -> None:
        self.devices.remove(device)
        device.seqs = None
        self.hub.leave(device.person, device)

    # --- what `joined` asks for ----------------------------------------------------------------

    def fetch(self) -> None:
        account, room, seq = self.asked.popleft()
        record = self.database.record(room, account)
        if record.role is not None:
            self.read.append((account, record, seq))

    def answer(self) -> None:
        account, record, seq = self.read.popleft()
        self.hub.add_room(account, record, joined_seq=seq)

    # --- the end -------------------------------------------------------------------------------

    def flush(self) -> None:
        self.awake = False
        self.fanout.flush()

    def come_to_rest(self) -> None:
        """All that is under way arrives; then every device knows all that is its to know."""
        while self.committed or self.asked or self.read:
            self.publish()
            while self.asked:
                self.fetch()
            while self.read:
                self.answer()
        self.flush()
        for device in self.devices:
            if device.seqs is not None:
                mine = self.database.rooms_of(device.account)
                assert device.seqs == {room.id: room.last_seq for room in mine}


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.come_to_rest()


def test_a_device_hears_its_rooms_from_where_it_settled(world: World) -> None:
    world.admit(ADA, GARDEN)
    world.write(GARDEN)
    world.publish()
    ada = world.arrive(ADA)
    assert ada.seqs == {GARDEN: 3}
    world.write(GARDEN)
    world.write(KITCHEN)
    world.publish()
    world.flush()
    assert ada.seqs == {GARDEN: 4}
    assert world.fanout.published == 1


def test_what_is_pending_counts_as_heard(world: World) -> None:
    world.admit(ADA, GARDEN)
    world.arrive(ADA)
    world.write(GARDEN)
    world.publish()
    second = world.arrive(ADA)
    assert second.seqs == {GARDEN: 3}


class TestArriving:
    """Between `enter` and `settle`."""

    def test_after_a_look_at_what_is_not_published_yet(self, world: World) -> None:
        world.admit(ADA, GARDEN)
        world.publish()
        world.arrive(ADA)
        world.write(GARDEN)
        late = world.arrive(ADA)
        assert late.seqs == {GARDEN: 2}  # it hears the other one live

    def test_what_is_published_after_the_look_counts(self, world: World) -> None:
        world.admit(ADA, GARDEN)
        ada = world.enter(ADA)
        world.look(ada)
        world.write(GARDEN)
        world.publish()
        world.hub.sweep()
        world.settle(ada)
        assert ada.seqs == {GARDEN: 3}

    def test_removed_after_the_look(self, world: World) -> None:
        world.admit(ADA, GARDEN)
        ada = world.enter(ADA)
        world.look(ada)
        world.remove(ADA, GARDEN)
        world.publish()
        world.settle(ada)
        assert ada.seqs == {}

    def test_removed_and_back_after_the_look(self, world: World) -> None:
        world.admit(ADA, GARDEN)
        ada = world.enter(ADA)
        world.look(ada)
        world.remove(ADA, GARDEN)
        world.admit(ADA, GARDEN)
        world.publish()
        world.settle(ada)
        assert ada.seqs == {GARDEN: 4}

    def test_removed_while_a_second_device_arrives(self, world: World) -> None:
        world.admit(ADA, GARDEN)
        first, second = world.arrive(ADA), world.enter(ADA)
        world.look(second)
        world.remove(ADA, GARDEN)
        world.publish()
        assert first.seqs == {}
        world.settle(second)
        assert second.seqs == {}

    def test_added_after_the_look_and_read_before_settling(self, world: World) -> None:
        first, second = world.arrive(ADA), world.enter(ADA)
        world.look(second)
        world.admit(ADA, GARDEN)
        world.publish()
        world.fetch()
        world.answer()
        assert first.seqs == {GARDEN: 2}
        world.settle(second)
        assert second.seqs == {GARDEN: 2}

    def test_a_room_is_made_after_the_look(self, world: World) -> None:
        ada = world.enter(ADA)
        world.look(ada)
        world.database.logs[Id(13)] = [
            MemberChanged(
                room=Id(13), sender=ADA, account=ADA, cause=MemberCause.JOINED, role=Role.OWNER
            )
        ]
        world.hub.add_room(ADA, world.database.record(Id(13), ADA))
        world.settle(ada)
        assert ada.seqs == {Id(13): 1}

    def test_added_and_removed_again_after_the_look(self, world: World) -> None:
        ada = world.enter(ADA)
        world.look(ada)
        world.admit(ADA, GARDEN)
        world.publish()
        world.fetch()
        world.answer()
        world.remove(ADA, GARDEN)
        world.publish()
        world.settle(ada)
        assert ada.seqs == {}

    def test_giving_up_leaves_nothing(self, world: World) -> None:
        ada = world.enter(ADA)
        assert world.hub.is_online(ADA)
        world.forsake(ada)
        assert not world.hub.is_online(ADA)
        assert world.hub.people == 0

    def test_a_removal_is_remembered_for_those_who_arrive_alone(self, world: World) -> None:
        world.admit(ADA, GARDEN)
        world.forsake(ada := world.enter(ADA))
        ada = world.enter(ADA)
        world.remove(ADA, GARDEN)
        world.publish()
        world.forsake(ada)
        world.admit(ADA, GARDEN)
        world.publish()
        assert world.arrive(ADA).seqs == {GARDEN: 4}


class TestReadAheadOfPublication:
    """Somebody else's look brings the room into memory at a seq that is still to be published."""

    def test_a_removal(self, world: World) -> None:
        world.admit(ADA, GARDEN)
        world.admit(BOB, GARDEN)
        world.publish()
        ada = world.enter(ADA)
        world.look(ada)
        world.remove(ADA, GARDEN)
        world.hub.sweep()
        world.arrive(BOB)
        world.publish()
        world.settle(ada)
        assert ada.seqs == {}

    def test_a_join(self, world: World) -> None:
        world.admit(BOB, GARDEN)
        world.publish()
        ada = world.arrive(ADA)
        world.hub.sweep()
        world.admit(ADA, GARDEN)
        bob = world.arrive(BOB)
        assert bob.seqs == {GARDEN: 3}
        world.publish()
        world.fetch()
        world.answer()
        assert ada.seqs == {GARDEN: 3}

    def test_a_message(self, world: World) -> None:
        world.admit(BOB, GARDEN)
        world.publish()
        world.hub.sweep()
        world.write(GARDEN)
        bob = world.arrive(BOB)
        world.publish()
        world.flush()
        assert bob.seqs == {GARDEN: 3}


class TestJoining:
    """Between the membership event and the answer to `joined`."""

    def test_others_events_are_counted_in(self, world: World) -> None:
        ada = world.arrive(ADA)
        world.admit(ADA, GARDEN)
        world.publish()
        world.fetch()
        world.write(GARDEN)
        world.publish()
        world.answer()
        assert ada.seqs == {GARDEN: 3}

    def test_a_sweep_in_between_leaves_no_hole(self, world: World) -> None:
        ada = world.arrive(ADA)
        world.admit(ADA, GARDEN)
        world.publish()
        world.fetch()
        world.write(GARDEN)
        world.publish()
        world.hub.sweep()
        world.answer()
        world.write(GARDEN)
        world.publish()
        world.flush()
        assert ada.seqs == {GARDEN: 4}

    def test_a_second_device_settles_before_the_event_is_published(self, world: World) -> None:
        first = world.arrive(ADA)
        world.admit(ADA, GARDEN)
        second = world.arrive(ADA)
        assert first.seqs == second.seqs == {GARDEN: 2}
        world.publish()
        assert not world.asked

    def test_a_second_device_settles_before_the_answer(self, world: World) -> None:
        first = world.arrive(ADA)
        world.admit(ADA, GARDEN)
        world.publish()
        second = world.arrive(ADA)
        assert first.seqs == second.seqs == {GARDEN: 2}
        world.fetch()
        world.answer()
        assert first.seqs == second.seqs == {GARDEN: 2}

    def test_removed_before_the_answer(self, world: World) -> None:
        ada = world.arrive(ADA)
        world.admit(ADA, GARDEN)
        world.publish()
        world.fetch()
        world.remove(ADA, GARDEN)
        world.publish()
        world.answer()
        assert ada.seqs == {}

    def test_removed_and_back_before_the_first_answer(self, world: World) -> None:
        ada = world.arrive(ADA)
        world.admit(ADA, GARDEN)
        world.publish()
        world.fetch()
        world.remove(ADA, GARDEN)
        world.admit(ADA, GARDEN)
        world.publish()
        world.answer()  # the first, which is void
        world.fetch()
        world.answer()
        assert ada.seqs == {GARDEN: 4}

    def test_promoted_before_the_answer(self, world: World) -> None:
        ada = world.arrive(ADA)
        world.admit(ADA, GARDEN)
        world.admit(ADA, GARDEN, Role.ADMIN)
        world.publish()
        for _ in range(2):
            world.fetch()
        for _ in range(2):
            world.answer()
        assert ada.seqs == {GARDEN: 3}

    def test_gone_before_the_answer(self, world: World) -> None:
        ada = world.arrive(ADA)
        world.admit(ADA, GARDEN)
        world.publish()
        world.fetch()
        world.leave(ada)
        world.answer()
        assert not world.hub.is_online(ADA)

    def test_gone_and_back_before_the_answer(self, world: World) -> None:
        ada = world.arrive(ADA)
        world.admit(ADA, GARDEN)
        world.publish()
        world.fetch()
        world.leave(ada)
        again = world.arrive(ADA)
        world.answer()
        assert again.seqs == {GARDEN: 2}


def test_who_is_removed_hears_of_it_and_then_nothing(world: World) -> None:
    world.admit(ADA, GARDEN)
    world.admit(BOB, GARDEN)
    ada, bob = world.arrive(ADA), world.arrive(BOB)
    world.write(GARDEN)
    world.remove(ADA, GARDEN)
    world.write(GARDEN)
    world.publish()
    assert ada.seqs == {}
    assert ada.wire.encoded[GARDEN, 5] == 1
    world.flush()
    assert bob.seqs == {GARDEN: 6}


def test_what_was_published_before_is_ignored(world: World) -> None:
    world.admit(ADA, GARDEN)
    world.publish()
    ada = world.arrive(ADA)
    world.remove(ADA, GARDEN)
    world.admit(ADA, GARDEN)
    world.publish()
    for event in world.database.logs[GARDEN]:
        world.hub.publish(event)
    assert len(world.asked) == 1
    world.come_to_rest()
    assert ada.seqs == {GARDEN: 4}


def test_rooms_without_listeners_are_forgotten(world: World) -> None:
    world.admit(ADA, GARDEN)
    world.write(KITCHEN)
    world.publish()
    ada = world.arrive(ADA)
    assert world.hub.rooms == 2
    world.hub.sweep()
    assert world.hub.rooms == 1
    world.leave(ada)
    bob = world.enter(BOB)
    world.hub.sweep()
    assert world.hub.rooms == 1  # not while somebody arrives
    world.forsake(bob)
    world.hub.sweep()
    assert world.hub.rooms == 0


def test_people_are_counted_once(world: World) -> None:
    first, second = world.arrive(ADA), world.arrive(ADA)
    world.arrive(BOB)
    assert world.hub.people == 2
    world.leave(first)
    assert world.hub.is_online(ADA)
    world.leave(second)
    assert not world.hub.is_online(ADA)


class Machine(RuleBasedStateMachine):
    """Everything that can happen, in any order."""

    @initialize()
    def begin(self) -> None:
        self.world = World()

    def some(self, choose: st.DataObject, settled: bool | None, looked: bool) -> Device | None:
        found = [
            device
            for device in self.world.devices
            if (device.seqs is not None) == settled and (device.snapshot is not None) == looked
        ]
        return choose.draw(st.sampled_from(found)) if found else None

    @rule(room=st.sampled_from(ROOMS))
    def write(self, room: Id) -> None:
        self.world.write(room)

    @rule(account=st.sampled_from(ACCOUNTS), room=st.sampled_from(ROOMS))
    def admit_or_promote(self, account: Id, room: Id) -> None:
        self.world.admit(account, room)

    @rule(account=st.sampled_from(ACCOUNTS), room=st.sampled_from(ROOMS))
    def remove(self, account: Id, room: Id) -> None:
        if self.world.database.is_member(account, room):
            self.world.remove(account, room)

    @rule(account=st.sampled_from(ACCOUNTS))
    def make_room(self, account: Id) -> None:
        # Nobody can be removed from a room before those who make it have been told of it.
        room = Id(20 + len(self.world.database.logs))
        self.world.database.logs[room] = [
            MemberChanged(
                room=room, sender=account, account=account, seq=1, cause=MemberCause.JOINED,
                role=Role.OWNER,
            )
        ]  # fmt: skip
        if self.world.hub.is_online(account):
            self.world.hub.add_room(account, self.world.database.record(room, account))

    @precondition(lambda self: self.world.committed)
    @rule()
    def publish(self) -> None:
        self.world.publish(1)

    @precondition(lambda self: len(self.world.devices) < 6)
    @rule(account=st.sampled_from(ACCOUNTS))
    def enter(self, account: Id) -> None:
        self.world.enter(account)

    @rule(choose=st.data())
    def look(self, choose: st.DataObject) -> None:
        if device := self.some(choose, settled=False, looked=False):
            self.world.look(device)

    @rule(choose=st.data())
    def settle(self, choose: st.DataObject) -> None:
        if device := self.some(choose, settled=False, looked=True):
            self.world.settle(device)

    @rule(choose=st.data(), looked=st.booleans())
    def forsake(self, choose: st.DataObject, looked: bool) -> None:
        if device := self.some(choose, settled=False, looked=looked):
            self.world.forsake(device)

    @rule(choose=st.data())
    def leave(self, choose: st.DataObject) -> None:
        if device := self.some(choose, settled=True, looked=True):
            self.world.leave(device)

    @precondition(lambda self: self.world.asked)
    @rule()
    def fetch(self) -> None:
        self.world.fetch()

    @precondition(lambda self: self.world.read)
    @rule()
    def answer(self) -> None:
        self.world.answer()

    @rule()
    def flush(self) -> None:
        self.world.flush()

    @rule()
    def sweep(self) -> None:
        self.world.hub.sweep()

    @invariant()
    def each_event_is_encoded_once_for_each_format(self) -> None:
        for wire in self.world.formats:
            assert all(count == 1 for count in wire.encoded.values())

    def teardown(self) -> None:
        self.world.come_to_rest()
        for device in list(self.world.devices):
            (self.world.forsake if device.seqs is None else self.world.leave)(device)
        assert self.world.hub.people == 0
        self.world.hub.sweep()
        assert self.world.hub.rooms == 0


def test_in_any_order() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=150,
            stateful_step_count=50,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
