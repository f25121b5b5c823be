"""Who is in a room with whom."""

from collections import Counter
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.crowd.orders import Person
from loadtest.preparing.company import Made, companies, joined
from loadtest.scenario import Rooms

KINDS = st.sampled_from(["group", "channel"])


@given(KINDS, st.integers(2, 300), st.integers(2, 60), st.integers(1, 6))
def test_everybody_is_in_as_many_groups(
    kind: Literal["group", "channel"], count: int, members: int, each: int
) -> None:
    rooms = companies(count, Rooms(kind=kind, members=members, each=each))
    assert Counter(number for room in rooms for number in room) == dict.fromkeys(range(count), each)
    members = min(members, count)
    odd = [len(room) for room in rooms if len(room) != members]
    assert len(odd) <= each
    assert all(2 <= size <= members + 1 for size in odd)


@given(st.integers(2, 300), st.integers(1, 8))
def test_everybody_has_as_many_dms(count: int, each: int) -> None:
    if count <= each:
        with pytest.raises(ValueError, match=r"raise load\.users"):
            companies(count, Rooms(kind="dm", each=each))
        return
    rooms = companies(count, Rooms(kind="dm", each=each))
    assert all(len(set(room)) == 2 for room in rooms)
    assert len({frozenset(room) for room in rooms}) == len(rooms)
    found = Counter(number for room in rooms for number in room)
    assert set(found) == set(range(count))
    # An even number of them comes out even, as long as each has so many others.
    assert min(found.values()) == each
    if count % 2 == 0:
        assert max(found.values()) == each
    else:
        # So much is too many, and at most a dm more for somebody in each round.
        assert sum(found.values()) - count * each <= 2 * each


@given(st.integers(2, 300), st.integers(1, 8))
def test_people_of_a_dm_are_neighbours(count: int, each: int) -> None:
    if count > each:
        rooms = companies(count, Rooms(kind="dm", each=each))
        assert all(abs(one - other) < 2 * (each + 2) for one, other in rooms)


@given(st.integers(2, 300), st.integers(2, 60), st.integers(1, 6))
def test_people_of_a_group_are_neighbours(count: int, members: int, each: int) -> None:
    for room in companies(count, Rooms(members=members, each=each)):
        steps = {(later - earlier) % count for earlier, later in pairwise(room)}
        assert steps == {1}


def test_company_differs_from_round_to_round() -> None:
    rooms = companies(60, Rooms(members=20, each=3))
    assert len({frozenset(room) for room in rooms}) == 9
    assert len({frozenset(room) & set(range(20)) for room in rooms if 10 in room}) == 3


def test_there_may_be_no_rooms() -> None:
    assert companies(10, Rooms(each=0)) == []


def test_nobody_is_in_a_room_alone() -> None:
    with pytest.raises(ValueError, match="two people at least"):
        companies(1, Rooms())


def test_people_are_told_their_rooms() -> None:
    people = [Person(account=str(number), token="", rooms=["former"]) for number in range(3)]
    told = joined(people, [[1, 0], [0, 1]], [Made("10", 1), Made("20", 7)])
    assert [person.account for person in told] == ["0", "1", "2"]
    assert [person.rooms for person in told] == [["10", "20"], ["10", "20"], []]
    assert [person.seqs for person in told] == [[1, 7], [1, 7], []]
