"""Sharing people out among processes: nobody twice, nobody forgotten, rooms together."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from loadtest.conductor.sharing import processes_of, shared_out
from loadtest.crowd.orders import Enlist, Person
from loadtest.scenario import Load, Scenario, Slow


def person(number: int, *rooms: int) -> Person:
    return Person(account=str(number), token="", rooms=[str(room) for room in rooms], seqs=[])


def shares(
    people: list[Person], processes: int, *, senders: int = 0, slow: int = 0
) -> list[Enlist]:
    scenario = Scenario(question="?", load=Load(senders=senders), slow=Slow(users=slow))
    return shared_out(people, scenario, processes=processes, url="http://x", seed=1)


@given(st.data())
def test_everybody_is_in_one_process_and_nobody_acts_who_does_not_read(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 60), "people")
    rooms = st.lists(st.integers(0, 12), max_size=3)
    people = [person(number, *data.draw(rooms, "rooms")) for number in range(count)]
    processes = data.draw(st.integers(1, min(8, count)), "processes")
    slow = data.draw(st.integers(0, count), "slow")
    senders = data.draw(st.integers(0, count), "senders")
    orders = shares(people, processes, senders=senders, slow=slow)

    accounts = Counter(one.account for order in orders for one in order.people)
    assert accounts == Counter(one.account for one in people)
    sizes = [len(order.people) for order in orders]
    assert max(sizes) - min(sizes) <= 1
    assert sum(order.slow for order in orders) == slow
    assert sum(order.senders for order in orders) == min(senders or count, count - slow)
    for number, order in enumerate(orders):
        assert order.senders + order.slow <= len(order.people)
        assert (order.process, order.processes, order.everybody) == (number, processes, count)


def test_rooms_stay_together_where_they_fit() -> None:
    people = [person(number, number // 5) for number in range(40)]
    for order in shares(people, 4):
        rooms = Counter(room for one in order.people for room in one.rooms)
        assert set(rooms.values()) == {5}


def test_a_room_that_is_too_large_is_cut_and_no_other() -> None:
    people = [person(number, 0) for number in range(30)]
    people += [person(30 + number, 1 + number // 2) for number in range(10)]
    split = Counter(
        room for order in shares(people, 2) for room in {one.rooms[0] for one in order.people}
    )
    assert split["0"] == 2
    assert all(processes == 1 for room, processes in split.items() if room != "0")


def test_each_room_has_a_sender_if_there_are_enough() -> None:
    people = [person(number, number // 4) for number in range(32)]
    acting = [
        one.rooms[0]
        for order in shares(people, 2, senders=8)
        for one in order.people[: order.senders]
    ]
    assert sorted(acting) == [str(room) for room in range(8)]


def test_a_core_is_left_to_the_server() -> None:
    assert processes_of(Load(), 1000, cores=4) == 3
    assert processes_of(Load(), 1000, cores=64) == 8
    assert processes_of(Load(), 1000, cores=1) == 1
    assert processes_of(Load(processes=12), 1000, cores=2) == 12
    assert processes_of(Load(processes=12), 5, cores=2) == 5
