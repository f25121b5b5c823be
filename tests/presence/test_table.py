"""Single promises of the table: grace, coalescing, bounds, encoding."""

import pytest

from presence import Bounds, Profile, Table
from protocol.events import PresenceChanged, RoomPresence
from protocol.ids import Id
from protocol.records import PresenceState
from tests.presence.devices import AWAY, BUSY, OFFLINE, ONLINE, Device, Format

ADA, BOB, EVE = Id(1), Id(2), Id(3)
ROOM, ANOTHER = Id(101), Id(102)
START = 1_800_000_000_000
GRACE = 15_000


class Desk:
    """A table and its devices."""

    def __init__(self, *, named: int = 200, **bounds: int) -> None:
        self.table = Table(grace=GRACE, named=named, bounds=Bounds(**bounds))
        self.wire = Format()
        self.now = START

    def arrive(
        self, account: Id, *rooms: Id, members: int = 2, profile: Profile | None = None
    ) -> Device:
        device = Device(account, self.wire)
        self.table.arrived(
            account, device, [(room, members) for room in rooms], profile or Profile()
        )
        device.ready = True
        self.table.greet(account, device)
        return device

    def flush(self, milliseconds: int = 1_000) -> dict[Id, int]:
        self.now += milliseconds
        return self.table.flush(self.now)


@pytest.fixture
def desk() -> Desk:
    return Desk()


class TestGrace:
    def test_who_left_is_here_until_it_is_over(self, desk: Desk) -> None:
        ada, bob = desk.arrive(ADA, ROOM), desk.arrive(BOB, ROOM)
        desk.flush()
        desk.table.left(ADA, ada, desk.now)
        left_at = desk.now
        assert desk.flush(GRACE - 1) == {}
        assert bob.state_of(ADA) is ONLINE
        assert desk.flush(1) == {ADA: left_at}
        assert bob.state_of(ADA) is OFFLINE
        assert bob.last_seen[ADA] == "2027-01-15T08:00:01.000Z"

    def test_a_return_is_not_told(self, desk: Desk) -> None:
        ada, bob = desk.arrive(ADA, ROOM), desk.arrive(BOB, ROOM)
        desk.flush()
        bob.take()
        desk.table.left(ADA, ada, desk.now)
        desk.flush(GRACE - 1)
        desk.arrive(ADA, ROOM)
        desk.flush(GRACE)
        assert bob.take() == []

    def test_a_clock_that_is_set_back_keeps_nobody_here(self, desk: Desk) -> None:
        ada, bob = desk.arrive(ADA, ROOM), desk.arrive(BOB, ROOM)
        desk.flush()
        desk.table.left(ADA, ada, desk.now)
        desk.flush(-3_600_000)
        assert bob.state_of(ADA) is OFFLINE

    def test_of_the_hidden_nothing_is_kept(self, desk: Desk) -> None:
        ada = desk.arrive(ADA, ROOM, profile=Profile(hidden=True))
        desk.flush()
        desk.table.left(ADA, ada, desk.now)
        assert desk.flush(GRACE) == {}
        assert not desk.table.states()

    def test_here_at_the_end(self, desk: Desk) -> None:
        ada, _ = desk.arrive(ADA), desk.arrive(BOB)
        desk.arrive(EVE, profile=Profile(hidden=True))
        desk.table.left(ADA, ada, desk.now)
        assert desk.table.here(desk.now + 5) == {ADA: desk.now, BOB: desk.now + 5}


class TestCoalescing:
    def test_the_latest_of_a_second_is_told(self, desk: Desk) -> None:
        ada, bob = desk.arrive(ADA, ROOM), desk.arrive(BOB, ROOM)
        desk.flush()
        bob.take()
        for state in (AWAY, ONLINE, AWAY):
            desk.table.use(ADA, ada, state)
        desk.table.set(ADA, busy=True, hidden=False)
        desk.flush()
        assert bob.take() == [PresenceChanged(account=ADA, state=BUSY)]

    def test_what_is_undone_is_not_told(self, desk: Desk) -> None:
        ada, bob = desk.arrive(ADA, ROOM), desk.arrive(BOB, ROOM)
        desk.flush()
        bob.take()
        desk.table.use(ADA, ada, AWAY)
        desk.table.use(ADA, ada, ONLINE)
        desk.flush()
        assert bob.take() == []

    def test_each_receiver_gets_one_chunk(self, desk: Desk) -> None:
        devices = [desk.arrive(Id(number), ROOM, ANOTHER) for number in range(1, 6)]
        desk.flush()
        chunks = [device.chunks for device in devices]
        for device in devices:
            desk.table.use(device.owner, device, AWAY)
        desk.flush()
        assert [device.chunks for device in devices] == [count + 1 for count in chunks]
        assert all(set(device.states.values()) == {AWAY} for device in devices)

    def test_each_change_is_encoded_once(self, desk: Desk) -> None:
        for number in range(1, 6):
            desk.arrive(Id(number), ROOM, ANOTHER)
        desk.flush()
        assert len(desk.wire.encoded) == 5
        desk.arrive(Id(6), ROOM)  # is greeted with what was encoded for the others
        assert len(desk.wire.encoded) == 5


class TestBounds:
    def test_a_flush_tells_so_much_and_the_next_one_the_rest(self) -> None:
        desk = Desk(told=50)
        observer = desk.arrive(BOB, ROOM)
        crowd = [desk.arrive(Id(number), ROOM) for number in range(10, 30)]
        flushes = 0
        while desk.table.waiting:
            desk.flush()
            flushes += 1
        assert flushes == 7  # 21 are told to 21, three a flush
        assert all(observer.state_of(device.owner) is ONLINE for device in crowd)

    def test_everybody_s_letter_has_its_turn(self) -> None:
        desk = Desk(letters=4)
        crowd = [desk.arrive(Id(number), ROOM) for number in range(10, 20)]
        desk.flush()
        told = [{device: count for device in crowd if (count := len(device.take()))}]
        desk.table.use(crowd[0].owner, crowd[0], AWAY)
        while len(told) < 4:
            desk.flush()
            told.append({device: count for device in crowd if (count := len(device.take()))})
        assert [sorted(counts.values()) for counts in told] == [
            [10] * 4,
            [10] * 4,
            [1, 1, 10, 10],
            [1, 1],
        ]
        # Those who were told before the change learn of it last.
        assert {device for counts in told[:3] for device in counts} == set(crowd)
        assert {
            device for counts in told[2:] for device, count in counts.items() if count == 1
        } == set(told[0])
        assert {device.state_of(crowd[0].owner) for device in crowd} == {AWAY}

    def test_what_has_its_turn_later_goes_with_what_comes_at_once(self) -> None:
        desk = Desk(letters=0)
        ada, _ = desk.arrive(ADA, ROOM), desk.arrive(BOB, ROOM)
        desk.flush()
        assert ada.take() == []
        desk.table.block(BOB, ADA)
        assert {event.account: event.state for event in ada.take()} == {ADA: ONLINE, BOB: OFFLINE}

    def test_what_waits_is_overtaken(self) -> None:
        desk = Desk(told=1)
        observer = desk.arrive(BOB, ROOM)
        desk.flush()
        first, second = desk.arrive(ADA, ROOM), desk.arrive(EVE, ROOM)
        desk.flush()
        assert observer.state_of(ADA) is ONLINE
        desk.table.use(EVE, second, AWAY)
        desk.table.use(ADA, first, AWAY)
        observer.take()
        desk.flush()  # eve waited longer
        assert observer.take() == [PresenceChanged(account=EVE, state=AWAY)]
        desk.flush()
        assert observer.take() == [PresenceChanged(account=ADA, state=AWAY)]


class TestLargeRooms:
    def test_are_counted_and_not_named(self) -> None:
        desk = Desk(named=2)
        ada = desk.arrive(ADA, ROOM, members=3)
        desk.flush()
        desk.arrive(BOB, ROOM, members=3)
        desk.arrive(EVE, ROOM, members=3, profile=Profile(hidden=True))
        desk.flush()
        assert ada.states == {ADA: ONLINE}
        assert ada.counts == {ROOM: 2}

    def test_a_crowd_is_counted_less_often(self) -> None:
        desk = Desk(named=2)
        crowd = [desk.arrive(Id(number), ROOM, members=3_000) for number in range(1, 2_501)]
        desk.flush()
        crowd[0].take()
        told = []
        for _ in range(10):
            for device in crowd[-10:]:
                desk.table.left(device.owner, device, desk.now - GRACE)
            del crowd[-10:]
            desk.flush()
            told += [event for event in crowd[0].take() if isinstance(event, RoomPresence)]
        assert len(told) == 3
        assert told[-1].online in range(2_400, 2_430)

    def test_at_the_border_sides_are_changed_once_a_flush(self) -> None:
        desk = Desk(named=2)
        ada = desk.arrive(ADA, ROOM)
        desk.arrive(BOB, ROOM)
        desk.flush()
        ada.take()
        for members in (3, 2, 3, 2, 3, 2, 3):
            desk.table.resized(ROOM, members)
        assert ada.take() == [PresenceChanged(account=BOB, state=OFFLINE)]
        desk.flush()
        assert ada.take() == [RoomPresence(room=ROOM, online=2)]


class TestSlowReaders:
    def test_get_the_latest_when_they_have_caught_up(self, desk: Desk) -> None:
        ada, bob = desk.arrive(ADA, ROOM), desk.arrive(BOB, ROOM)
        desk.flush()
        bob.take()
        bob.slow = True
        for state in (AWAY, ONLINE, AWAY):
            desk.table.use(ADA, ada, state)
            desk.flush()
        assert bob.take() == []
        bob.slow = False
        desk.flush()
        assert bob.take() == [PresenceChanged(account=ADA, state=AWAY)]
        desk.flush()
        assert bob.take() == []

    def test_cost_nothing_when_they_are_gone(self, desk: Desk) -> None:
        ada, bob = desk.arrive(ADA, ROOM), desk.arrive(BOB, ROOM)
        bob.slow = True
        desk.flush()
        desk.table.left(BOB, bob, desk.now)
        bob.slow = False
        desk.table.use(ADA, ada, AWAY)
        bob.take()
        desk.flush()
        assert bob.take() == []


def test_states_are_counted(desk: Desk) -> None:
    desk.arrive(ADA, profile=Profile(busy=True))
    desk.arrive(BOB, profile=Profile(hidden=True))
    device = desk.arrive(EVE)
    desk.table.use(EVE, device, PresenceState.AWAY)
    assert desk.table.states() == {BUSY: 1, ONLINE: 1, AWAY: 1}
