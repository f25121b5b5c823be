"""What falls due when depends on the scenario alone, and adds up to what it asks for."""

from itertools import islice, pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.crowd.schedule import Line, Point, due_times, plan, poisson, uniform, value_at
from loadtest.scenario import Load, Scenario, Stage


def line_of(parts: list[tuple[float, float]]) -> Line:
    points = [Point(0.0, 0.0)]
    for seconds, value in parts:
        points.append(Point(points[-1].at + seconds, value))
    return points


parts = st.tuples(st.floats(0.1, 5), st.floats(0, 50))
lines = st.lists(parts, min_size=1, max_size=5).map(line_of)


def area(line: Line, until: float) -> float:
    total = 0.0
    for low, high in pairwise(line):
        end = min(high.at, until)
        if end > low.at:
            total += (end - low.at) * (low.value + value_at(line, end)) / 2
    return total


@given(lines)
def test_as_many_fall_due_as_the_rate_adds_up_to(line: Line) -> None:
    times = list(due_times(line, uniform()))
    assert times == sorted(times)
    assert abs(len(times) - area(line, line[-1].at)) < 1.01
    for number, at in enumerate(times, 1):
        assert area(line, at) == pytest.approx(number, abs=1e-3)


@given(lines, st.integers(2, 5))
def test_processes_take_turns(line: Line, processes: int) -> None:
    shares = [
        list(
            due_times([Point(at, value / processes) for at, value in line], uniform(k / processes))
        )
        for k in range(processes)
    ]
    alone = list(due_times(line, uniform()))
    together = sorted(at for share in shares for at in share)
    assert len(together) == pytest.approx(len(alone), abs=processes)
    for one, other in zip(alone, together, strict=False):
        assert one == pytest.approx(other, abs=1e-3) or area(line, one) == pytest.approx(
            area(line, other), abs=1e-2
        )


def test_independent_people_come_at_the_rate_on_average() -> None:
    level = [Point(0.0, 100.0), Point(100.0, 100.0)]
    times = list(due_times(level, poisson(Random(5))))
    assert len(times) == pytest.approx(10_000, rel=0.05)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    short = sum(gap < 0.01 for gap in gaps) / len(gaps)
    assert short == pytest.approx(1 - 1 / 2.71828, abs=0.03)  # exponential


def test_nothing_falls_due_at_a_rate_of_none() -> None:
    assert not list(due_times([Point(0.0, 0.0), Point(9.0, 0.0)], uniform()))


def test_a_ramp_lets_users_in_first_and_then_the_rate_rise() -> None:
    made = plan(Scenario(question="?", load=Load(users=100, rate=50.0, ramp=10.0, duration=20.0)))
    assert (made.ramp, made.end) == (10.0, 30.0)
    assert [value_at(made.users, at) for at in (0, 4, 8, 30)] == [0, 50, 100, 100]
    assert [value_at(made.rate, at) for at in (0, 8, 9, 10, 29)] == [0, 0, 25, 50, 50]
    times = list(due_times(made.rate, uniform()))
    assert len([at for at in times if at >= 10]) == pytest.approx(1000, abs=1)


def test_without_a_ramp_all_are_there_at_once() -> None:
    made = plan(Scenario(question="?", load=Load(users=7, rate=50.0, ramp=0.0, duration=2.0)))
    assert value_at(made.users, 0.0) == 7
    assert next(due_times(made.rate, uniform())) == pytest.approx(0.02)


def test_stages_go_from_where_the_last_one_ended() -> None:
    stages = [
        Stage(seconds=10, users=100),
        Stage(seconds=5),
        Stage(seconds=10, users=50, rate=80.0),
    ]
    made = plan(Scenario(question="?", load=Load(users=9, rate=20.0), stages=stages))
    assert (made.ramp, made.end) == (0.0, 25.0)
    assert [value_at(made.users, at) for at in (0, 5, 10, 15, 20, 25)] == [0, 50, 100, 100, 75, 50]
    # The first stage leaves the rate out: it is that of the load until then.
    assert [value_at(made.rate, at) for at in (0, 15, 20, 25)] == [20, 20, 50, 80]


def test_times_are_there_when_they_are_asked_for() -> None:
    """A run of hours is not planned ahead."""
    hours = [Point(0.0, 1e6), Point(1e6, 1e6)]
    assert len(list(islice(due_times(hours, uniform()), 3))) == 3
