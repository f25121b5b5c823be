"""Who listens to a room without being a member: the races, one by one."""

from protocol.events import Event, MemberChanged, RoomAdded, RoomEvent, RoomGone
from protocol.ids import Id
from rooms.catchup import Attached
from tests.rooms.world import ADA, BOB, EVE, GARDEN, TAIL, Format, World


class Guest:
    """A connection that keeps all it hears."""

    def __init__(self, world: World, account: Id) -> None:
        self.world = world
        self.wire = Format()
        self.heard: list[Event] = []
        self.person = world.hub.enter(account)
        places = world.hub.places(world.database.rooms_of(account))
        assert places is not None
        world.hub.settle(self.person, self, places)

    def enqueue(self, chunk: bytes) -> None:
        self.heard += self.wire.read(chunk)

    def deliver(self, chunk: bytes) -> None:
        self.enqueue(chunk)

    def offer(self, chunk: bytes) -> None:
        self.enqueue(chunk)

    def subscribe(self, room: Id = GARDEN) -> Attached | None:
        record = self.world.database.record(room, self.person.account)
        return self.world.hub.subscribe(self.person, self, record)

    @property
    def seqs(self) -> list[int]:
        return [event.seq for event in self.heard if isinstance(event, RoomEvent)]


def run(world: World) -> None:
    """Everything that is under way arrives."""
    while world.committed or world.asked or world.read:
        world.publish()
        while world.asked:
            world.fetch()
        while world.read:
            world.answer()
    world.flush()


def test_a_guest_hears_what_comes_after_the_record() -> None:
    world = World()
    guest = Guest(world, EVE)
    attached = guest.subscribe()
    assert attached is not None
    assert (attached.record.last_seq, list(attached.since)) == (1, [])
    world.write(GARDEN)
    run(world)
    assert guest.seqs == [2]
    assert not world.hub.is_member(EVE, GARDEN)


def test_what_was_published_since_the_record_was_read_follows() -> None:
    world = World()
    guest = Guest(world, EVE)
    record = world.database.record(GARDEN, EVE)
    world.write(GARDEN)
    run(world)
    attached = world.hub.subscribe(guest.person, guest, record)
    assert attached is not None
    assert [event.seq for event in attached.since] == [2]


def test_a_record_that_is_too_old_is_to_be_read_again() -> None:
    world = World()
    guest = Guest(world, EVE)
    record = world.database.record(GARDEN, EVE)
    for _ in range(TAIL + 1):
        world.write(GARDEN)
    run(world)
    assert world.hub.subscribe(guest.person, guest, record) is None
    assert world.hub.subscriptions(guest) == 0


def test_a_guest_that_has_unsubscribed_hears_nothing_more() -> None:
    world = World()
    guest = Guest(world, EVE)
    guest.subscribe()
    world.write(GARDEN)
    world.publish()
    world.hub.unsubscribe(guest, GARDEN)
    world.write(GARDEN)
    run(world)
    assert guest.seqs == [2]
    assert world.hub.subscriptions(guest) == 0


def test_a_guest_who_joins_becomes_a_member_and_is_shown_the_room() -> None:
    world = World()
    guest = Guest(world, EVE)
    guest.subscribe()
    world.admit(EVE, GARDEN)
    run(world)
    assert world.hub.is_member(EVE, GARDEN)
    assert world.hub.subscriptions(guest) == 0
    assert [event.room.id for event in guest.heard if isinstance(event, RoomAdded)] == [GARDEN]
    world.hub.unsubscribe(guest, GARDEN)
    world.write(GARDEN)
    run(world)
    assert guest.seqs[-1] == 3, "members go on listening"


def test_a_member_who_subscribes_stays_a_member() -> None:
    world = World()
    world.admit(EVE, GARDEN)
    run(world)
    guest = Guest(world, EVE)
    guest.subscribe()
    assert world.hub.subscriptions(guest) == 0
    world.hub.unsubscribe(guest, GARDEN)
    world.write(GARDEN)
    run(world)
    assert guest.seqs == [3]


def test_a_guest_who_joined_and_was_removed_is_told_and_hears_nothing_more() -> None:
    world = World()
    guest = Guest(world, EVE)
    guest.subscribe()
    world.admit(EVE, GARDEN)
    run(world)
    world.remove(EVE, GARDEN)
    world.write(GARDEN)
    run(world)
    assert isinstance(guest.heard[-1], RoomGone)
    assert isinstance(guest.heard[-2], MemberChanged)


def test_a_guest_that_is_gone_is_forgotten() -> None:
    world = World()
    guest = Guest(world, BOB)
    guest.subscribe()
    world.hub.leave(guest.person, guest)
    world.write(GARDEN, ADA)
    run(world)
    assert guest.seqs == []
    live = world.hub.rooms.get(GARDEN)
    assert live is not None
    assert not live.is_heard_by(guest)
