"""Who listens to what: the races between the database and what is published, one by one."""

from collections.abc import Iterator

import pytest

from protocol.records import Role
from rooms.live_rooms import KEEP_SECONDS
from tests.rooms.world import ADA, BOB, GARDEN, KITCHEN, TAIL, World


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


def test_a_device_that_comes_back_goes_on_where_it_was(world: World) -> None:
    world.admit(ADA, GARDEN)
    world.publish()
    ada = world.arrive(ADA)
    world.leave(ada)
    for _ in range(3):
        world.write(GARDEN)
    world.publish()
    world.come_back(ada)
    world.look(ada)
    world.let_in(ada)
    assert [event.seq for event in ada.logs[GARDEN]] == [3, 4, 5]


def test_a_room_that_was_lost_meanwhile_is_gone(world: World) -> None:
    world.admit(ADA, GARDEN)
    world.admit(ADA, KITCHEN)
    world.publish()
    ada = world.arrive(ADA)
    world.leave(ada)
    world.remove(ADA, GARDEN)
    world.publish()
    world.come_back(ada)
    world.look(ada)
    world.let_in(ada)
    assert ada.logs.keys() == {KITCHEN}


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
        assert late.seqs == {GARDEN: 3}
        world.publish()
        world.flush()  # it hears again what it was shown
        assert late.seqs == {GARDEN: 3}

    def test_what_was_shown_ahead_is_heard_by_who_lacks_it(self, world: World) -> None:
        world.admit(ADA, GARDEN)
        world.publish()
        world.arrive(ADA)
        ada = world.arrive(ADA)
        world.leave(ada)
        world.write(GARDEN)
        world.come_back(ada)
        world.look(ada)
        world.let_in(ada)
        assert ada.seqs == {GARDEN: 3}
        assert ada.cursors == {GARDEN: 2}
        world.publish()
        world.flush()
        assert ada.cursors == {GARDEN: 3}

    def test_what_is_published_after_the_look_counts(self, world: World) -> None:
        world.admit(ADA, GARDEN)
        world.publish()
        ada = world.enter(ADA)
        world.look(ada)
        world.write(GARDEN)
        world.publish()
        world.sweep()
        assert world.settle(ada)
        assert ada.seqs == {GARDEN: 2}
        world.finish(ada)
        assert ada.seqs == {GARDEN: 3}

    def test_a_mention_comes_and_goes_after_the_look(self, world: World) -> None:
        world.admit(ADA, GARDEN)
        world.publish()
        ada = world.enter(ADA)
        world.look(ada)
        world.write(GARDEN, BOB, ADA)
        world.delete(world.database.messages(GARDEN)[-1])
        world.publish()
        world.let_in(ada)
        assert (ada.rooms[GARDEN].unread, ada.rooms[GARDEN].mentions) == (0, 0)

    def test_more_than_the_tail_has_is_published_after_the_look(self, world: World) -> None:
        world.admit(ADA, GARDEN)
        world.publish()
        ada = world.enter(ADA)
        world.look(ada)
        for _ in range(TAIL + 1):
            world.write(GARDEN)
        world.publish()
        assert not world.settle(ada)
        world.look(ada)
        world.let_in(ada)
        assert ada.seqs == {GARDEN: TAIL + 3}

    def test_a_marker_that_moves_after_the_look(self, world: World) -> None:
        world.admit(ADA, GARDEN)
        world.write(GARDEN, BOB)
        world.publish()
        ada = world.enter(ADA)
        world.look(ada)
        world.mark_read(ADA, GARDEN)
        assert not world.settle(ada)
        world.look(ada)
        world.let_in(ada)
        assert ada.rooms[GARDEN].unread == 0

    def test_a_marker_that_moves_while_events_are_pending(self, world: World) -> None:
        world.admit(ADA, GARDEN)
        world.publish()
        ada = world.arrive(ADA)
        world.write(GARDEN, BOB)
        world.mark_read(ADA, GARDEN)
        world.flush()
        assert ada.rooms[GARDEN].unread == 0

    def test_removed_after_the_look(self, world: World) -> None:
        world.admit(ADA, GARDEN)
        ada = world.enter(ADA)
        world.look(ada)
        world.remove(ADA, GARDEN)
        world.publish()
        assert not world.settle(ada)
        world.look(ada)
        world.let_in(ada)
        assert ada.seqs == {}

    def test_removed_and_back_after_the_look(self, world: World) -> None:
        world.admit(ADA, GARDEN)
        ada = world.enter(ADA)
        world.look(ada)
        world.remove(ADA, GARDEN)
        world.admit(ADA, GARDEN)
        world.publish()
        assert not world.settle(ada)
        world.look(ada)
        world.let_in(ada)
        assert ada.seqs == {GARDEN: 4}

    def test_removed_while_a_second_device_arrives(self, world: World) -> None:
        world.admit(ADA, GARDEN)
        first, second = world.arrive(ADA), world.enter(ADA)
        world.look(second)
        world.remove(ADA, GARDEN)
        world.publish()
        assert first.seqs == {}
        world.let_in(second)
        assert second.seqs == {}

    def test_added_after_the_look_and_read_before_settling(self, world: World) -> None:
        first, second = world.arrive(ADA), world.enter(ADA)
        world.look(second)
        world.admit(ADA, GARDEN)
        world.publish()
        world.fetch()
        world.answer()
        assert first.seqs == {GARDEN: 2}
        world.let_in(second)
        assert second.seqs == {GARDEN: 2}

    def test_a_room_is_made_after_the_look(self, world: World) -> None:
        ada = world.enter(ADA)
        world.look(ada)
        made = world.make_room(ADA)
        assert not world.asked  # nobody has to be told
        world.let_in(ada)
        assert ada.seqs == {made: 1}

    def test_added_and_removed_again_after_the_look(self, world: World) -> None:
        ada = world.enter(ADA)
        world.look(ada)
        world.admit(ADA, GARDEN)
        world.publish()
        world.remove(ADA, GARDEN)
        world.publish()
        world.let_in(ada)
        assert ada.seqs == {}

    def test_giving_up_leaves_nothing(self, world: World) -> None:
        ada = world.enter(ADA)
        assert world.hub.is_online(ADA)
        world.forsake(ada)
        assert not world.hub.is_online(ADA)
        assert world.hub.people == 0

    def test_a_later_look_settles_before_an_earlier_one(self, world: World) -> None:
        first, second = world.enter(ADA), world.enter(ADA)
        world.look(first)
        world.admit(ADA, GARDEN)
        world.look(second)
        world.let_in(second)
        world.let_in(first)
        assert (first.seqs, second.seqs) == ({}, {GARDEN: 2})
        world.come_to_rest()
        assert first.seqs == second.seqs == {GARDEN: 2}

    def test_an_earlier_look_settles_after_the_publication(self, world: World) -> None:
        first, second = world.enter(ADA), world.enter(ADA)
        world.look(first)
        world.admit(ADA, GARDEN)
        world.look(second)
        world.let_in(second)
        world.publish()
        assert not world.settle(first)

    def test_a_second_device_knows_of_a_removal_before_it_is_published(self, world: World) -> None:
        world.admit(ADA, GARDEN)
        first = world.arrive(ADA)
        world.remove(ADA, GARDEN)
        second = world.arrive(ADA)
        assert second.seqs == {}
        world.publish()
        assert first.seqs == {}

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
        world.arrive(BOB)
        world.publish()
        world.let_in(ada)
        assert ada.seqs == {}

    def test_by_another_process(self, world: World) -> None:
        world.admit(BOB, GARDEN)
        world.publish()
        world.leave(world.arrive(BOB))
        world.write(GARDEN)
        world.committed.clear()
        assert world.arrive(BOB).seqs == {GARDEN: 3}
        world.write(GARDEN)

    def test_a_join(self, world: World) -> None:
        world.admit(BOB, GARDEN)
        world.publish()
        ada = world.arrive(ADA)
        world.sweep()
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
        world.sweep()
        world.sweep()
        assert len(world.hub.rooms) == 0
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

    def test_a_mention_that_comes_and_goes_before_the_answer(self, world: World) -> None:
        ada = world.arrive(ADA)
        world.admit(ADA, GARDEN)
        world.publish()
        world.fetch()
        world.write(GARDEN, BOB, ADA)
        world.delete(world.database.messages(GARDEN)[-1])
        world.publish()
        world.answer()
        assert (ada.rooms[GARDEN].unread, ada.rooms[GARDEN].mentions) == (0, 0)

    def test_a_marker_that_moves_before_the_answer(self, world: World) -> None:
        ada = world.arrive(ADA)
        world.admit(ADA, GARDEN)
        world.publish()
        world.fetch()
        world.write(GARDEN, BOB)
        world.mark_read(ADA, GARDEN)
        world.answer()  # which shows it where it was, and is void
        assert ada.rooms == {}
        world.fetch()
        world.answer()
        assert ada.rooms[GARDEN].unread == 0

    def test_a_sweep_in_between_leaves_no_hole(self, world: World) -> None:
        ada = world.arrive(ADA)
        world.admit(ADA, GARDEN)
        world.publish()
        world.fetch()
        world.write(GARDEN)
        world.publish()
        world.sweep()
        world.answer()
        world.write(GARDEN)
        world.publish()
        world.flush()
        assert ada.seqs == {GARDEN: 4}

    def test_a_second_device_settles_before_the_event_is_published(self, world: World) -> None:
        first = world.arrive(ADA)
        world.admit(ADA, GARDEN)
        second = world.arrive(ADA)
        assert (first.seqs, second.seqs) == ({}, {GARDEN: 2})
        world.fetch()
        world.answer()
        assert first.seqs == {GARDEN: 2}
        world.publish()
        assert not world.asked

    def test_more_than_the_tail_has_is_written_before_the_answer(self, world: World) -> None:
        ada = world.arrive(ADA)
        world.admit(ADA, GARDEN)
        world.publish()
        world.fetch()
        for _ in range(TAIL + 1):
            world.write(GARDEN)
        world.publish()
        world.answer()
        assert ada.seqs == {}
        world.fetch()  # once more
        world.answer()
        assert ada.seqs == {GARDEN: TAIL + 3}

    def test_a_second_device_settles_before_the_answer(self, world: World) -> None:
        first = world.arrive(ADA)
        world.admit(ADA, GARDEN)
        world.publish()
        second = world.arrive(ADA)
        assert (first.seqs, second.seqs) == ({}, {GARDEN: 2})
        while world.asked:
            world.fetch()
        while world.read:
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


def test_a_new_room_is_heard_by_every_device(world: World) -> None:
    devices = [world.arrive(ADA), world.arrive(ADA)]
    made = world.make_room(ADA)
    world.fetch()
    world.answer()
    world.write(made)
    world.publish()
    world.flush()
    assert [device.seqs for device in devices] == [{made: 2}] * 2


def test_who_is_removed_from_a_new_room_before_it_is_shown_never_hears_it(world: World) -> None:
    ada = world.arrive(ADA)
    made = world.make_room(ADA)
    world.fetch()
    world.remove(ADA, made)
    world.publish()
    world.answer()
    world.flush()
    assert ada.seqs == {}


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
    for event in world.database.written[GARDEN]:
        world.hub.publish(event)
    assert len(world.asked) == 1
    world.come_to_rest()
    assert ada.seqs == {GARDEN: 4}


def test_rooms_without_listeners_are_forgotten(world: World) -> None:
    world.admit(ADA, GARDEN)
    world.write(KITCHEN)
    world.publish()
    ada = world.arrive(ADA)
    assert len(world.hub.rooms) == 2
    world.hub.rooms.sweep(0)
    world.hub.rooms.sweep(KEEP_SECONDS)
    assert len(world.hub.rooms) == 1
    world.leave(ada)
    world.hub.rooms.sweep(500)
    world.hub.rooms.sweep(500 + KEEP_SECONDS - 1)
    assert (len(world.hub.rooms), world.hub.rooms.tail_events) == (1, 1)
    world.write(GARDEN)  # which makes it wait once more
    world.publish()
    world.hub.rooms.sweep(1_000)
    assert (len(world.hub.rooms), world.hub.rooms.tail_events) == (1, 2)
    world.hub.rooms.sweep(1_000 + KEEP_SECONDS)
    assert (len(world.hub.rooms), world.hub.rooms.tail_events) == (0, 0)


def test_people_are_counted_once(world: World) -> None:
    first, second = world.arrive(ADA), world.arrive(ADA)
    world.arrive(BOB)
    assert world.hub.people == 2
    world.leave(first)
    assert world.hub.is_online(ADA)
    world.leave(second)
    assert not world.hub.is_online(ADA)
