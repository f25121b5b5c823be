"""The timer wheel: everything is due once, at its tick."""

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from server.wheel import TimerWheel


class Reaction(NamedTuple):
    """What a thing does, when it is due, to one of the things (perhaps itself)."""

    other: int
    seconds: int | None  # to put it for; None: to remove it


class Clockwork:
    """Things on a wheel, and when each has to be due."""

    def __init__(self, reactions: list[Reaction | None]) -> None:
        self.wheel = TimerWheel()
        self.things = [Thing(self, reaction) for reaction in reactions]
        self.expected: dict[Thing, int] = {}

    def put(self, thing: "Thing", seconds: int) -> None:
        self.wheel.put(thing, seconds)
        self.expected[thing] = self.wheel.now + max(1, seconds)

    def remove(self, thing: "Thing") -> None:
        self.wheel.remove(thing)
        self.expected.pop(thing, None)

    def turn(self) -> None:
        self.wheel.turn()
        assert all(due > self.wheel.now for due in self.expected.values()), "one was left out"


class Thing:
    def __init__(self, clockwork: Clockwork, reaction: Reaction | None) -> None:
        self.due = 0
        self.calls: list[int] = []
        self._clockwork = clockwork
        self._reaction = reaction

    def on_timer(self, now: int) -> None:
        assert self._clockwork.expected.pop(self, None) == now, "not due"
        self.calls.append(now)
        if self._reaction is not None:
            other = self._clockwork.things[self._reaction.other]
            if self._reaction.seconds is None:
                self._clockwork.remove(other)
            else:
                self._clockwork.put(other, self._reaction.seconds)


COUNT = 3
numbers, waits = st.integers(0, COUNT - 1), st.integers(-1, 3)
reactions = st.none() | st.builds(Reaction, numbers, st.none() | waits)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(reactions, min_size=COUNT, max_size=COUNT),
    st.lists(
        st.tuples(st.just("put"), numbers, waits)
        | st.tuples(st.just("remove"), numbers)
        | st.just(("turn",)),
        min_size=10,
        max_size=60,
    ),
)
def test_everything_is_due_once_at_its_tick(
    chosen: list[Reaction | None], steps: list[tuple[str, ...]]
) -> None:
    clockwork = Clockwork(chosen)
    for step in steps:
        match step:
            case ("put", number, seconds):
                clockwork.put(clockwork.things[number], seconds)
            case ("remove", number):
                clockwork.remove(clockwork.things[number])
            case ("turn",):
                clockwork.turn()
    for _ in range(6):
        clockwork.turn()


def due(wheel: TimerWheel, thing: Thing, turns: int) -> list[int]:
    for _ in range(turns):
        wheel.turn()
    return thing.calls


def test_a_later_putting_voids_the_earlier() -> None:
    clockwork = Clockwork([None])
    (thing,) = clockwork.things
    clockwork.put(thing, 2)
    clockwork.put(thing, 5)
    assert due(clockwork.wheel, thing, 10) == [5]


def test_nothing_is_due_in_the_tick_in_which_it_was_put() -> None:
    clockwork = Clockwork([None])
    (thing,) = clockwork.things
    clockwork.put(thing, 0)
    assert due(clockwork.wheel, thing, 3) == [1]


def test_a_thing_can_go_on_for_ever() -> None:
    clockwork = Clockwork([Reaction(0, 3)])
    (thing,) = clockwork.things
    clockwork.put(thing, 1)
    assert due(clockwork.wheel, thing, 12) == [1, 4, 7, 10]


def test_who_is_due_together_may_call_the_others_off() -> None:
    clockwork = Clockwork([Reaction(1, None), Reaction(0, None)])
    for thing in clockwork.things:
        clockwork.put(thing, 1)
    clockwork.wheel.turn()
    assert sorted(thing.calls for thing in clockwork.things) == [[], [1]]


def test_who_is_due_together_may_put_the_others_off() -> None:
    clockwork = Clockwork([Reaction(1, 2), Reaction(0, 2)])
    first, second = clockwork.things
    clockwork.put(first, 1)
    clockwork.put(second, 1)
    for _ in range(3):
        clockwork.turn()
    assert sorted([first.calls, second.calls]) == [[1], [3]]


def test_removing_is_idempotent() -> None:
    clockwork = Clockwork([None])
    (thing,) = clockwork.things
    clockwork.wheel.remove(thing)
    clockwork.put(thing, 1)
    clockwork.remove(thing)
    clockwork.remove(thing)
    assert due(clockwork.wheel, thing, 3) == []


def test_many_at_one_tick_cost_no_more_than_their_number() -> None:
    clockwork = Clockwork([None] * 50_000)
    for thing in clockwork.things:
        clockwork.put(thing, 1)
    clockwork.turn()
    assert all(thing.calls == [1] for thing in clockwork.things)
