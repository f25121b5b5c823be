"""Who is in a room with whom. Pure; people are numbers from 0.

Those of a room are neighbours, so that most rooms are in one process of virtual users.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from loadtest.crowd.orders import Person
from loadtest.scenario import Rooms

_Pair = tuple[int, int]


class Made(NamedTuple):
    """A room that is there.

    Attributes:
        id: as a string.
        seq: the newest one of it.
    """

    id: str
    seq: int


def companies(count: int, rooms: Rooms) -> list[list[int]]:
    """The members of each room; the first of them owns it.

    Everybody is in `rooms.each` rooms of `rooms.members`, with partly different company. Where that
    does not come out even, a group or channel of each round has fewer members (or one more, as
    nobody is left alone), or somebody has one dm more.

    Args:
        count: how many people there are.

    Raises:
        ValueError: there are not enough people; a sentence.
    """
    if rooms.each == 0:
        return []
    if count < 2:
        raise ValueError("A room takes two people at least: raise load.users.")
    if rooms.kind == "dm":
        if count <= rooms.each:
            raise ValueError(
                f"With {rooms.each} dms each there have to be {rooms.each + 1} people at least, as "
                "a pair has one dm: raise load.users, or lower rooms.each."
            )
        return list(map(list, _dms(count, rooms.each)))
    members = min(max(rooms.members, 2), count)
    shifts = [round_ * members // rooms.each for round_ in range(rooms.each)]
    return [room for shift in shifts for room in _circle(count, members, shift)]


def joined(
    people: Sequence[Person], wanted: Sequence[Sequence[int]], made: Sequence[Made]
) -> list[Person]:
    """The people with the rooms that they are in.

    Args:
        wanted: the members of each room.
        made: the rooms, in the same order.
    """
    theirs: list[list[Made]] = [[] for _ in people]
    for company, room in zip(wanted, made, strict=True):
        for number in company:
            theirs[number].append(room)
    return [
        replace(person, rooms=[room.id for room in rooms], seqs=[room.seq for room in rooms])
        for person, rooms in zip(people, theirs, strict=True)
    ]


def _circle(count: int, members: int, shift: int) -> Iterator[list[int]]:
    """Everybody in a room with their next neighbours, from `shift` on and around the end."""
    turned = [(number + shift) % count for number in range(count)]
    firsts = list(range(0, count, members))
    if count - firsts[-1] == 1 and len(firsts) > 1:
        firsts.pop()
    for first, end in zip(firsts, [*firsts[1:], count], strict=True):
        yield turned[first:end]


def _dms(count: int, each: int) -> Iterator[_Pair]:
    """In blocks of neighbours, each of which plays a tournament of so many rounds."""
    size = each + 1 + (each + 1) % 2
    firsts = list(range(0, max(count - size + 1, 1), size))
    for first, end in zip(firsts, [*firsts[1:], count], strict=True):
        for one, other in _tournament(end - first, each):
            yield first + one, first + other


def _tournament(players: int, rounds: int) -> list[_Pair]:
    """Different pairs, such that everybody is in one a round, at least.

    The circle method: one seat stays, the others move on by one each round. Of an odd number that
    seat is empty: who would face it is paired as in the round after the last.
    """
    pairs: dict[_Pair, None] = {}
    for round_ in range(rounds):
        pairs |= dict.fromkeys(pair for pair in _round(players, round_) if players not in pair)
    if players % 2:
        idle = {min(pair) for round_ in range(rounds) for pair in _idle(players, round_)}
        for pair in _round(players, rounds):
            if players not in pair and idle.intersection(pair):
                pairs[pair] = None
    return list(pairs)


def _round(players: int, round_: int) -> list[_Pair]:
    """The pairs of a round; of an odd number, one has the number of players for the empty seat."""
    seats = players + players % 2
    circle: Sequence[int] = [(seat + round_) % (seats - 1) for seat in range(seats - 1)]
    table = [seats - 1, *circle]
    half = seats // 2
    facing = zip(table[:half], reversed(table[half:]), strict=True)
    return [(min(pair), max(pair)) for pair in facing]


def _idle(players: int, round_: int) -> list[_Pair]:
    return [pair for pair in _round(players, round_) if players in pair]
