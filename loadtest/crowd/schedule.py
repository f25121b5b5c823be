"""When actions fall due, and how many users are to be there: from a scenario, and nothing else.

Nothing here knows what the server answers. A load generator that waits for it before it goes on
measures a server that is asked less when it is slow ("coordinated omission", Gil Tene).

Rate and users are straight lines between points. The n-th action of independent people falls due
where the integral of the rate has grown by n exponential steps (the time-rescaling theorem); with
even arrivals by n steps of one.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import sqrt
from random import Random
from typing import NamedTuple

from loadtest.scenario import Scenario

# Of a ramp, the part in which users connect; in the rest the rate rises.
CONNECTING = 0.8


class Point(NamedTuple):
    """Where a line has a corner: seconds from the beginning, and the value there."""

    at: float
    value: float


Line = Sequence[Point]


class Plan(NamedTuple):
    """What a scenario asks for over time.

    Attributes:
        users: how many are to be connected.
        rate: actions a second.
        ramp: seconds until the measured window begins.
        end: of it.
    """

    users: Line
    rate: Line
    ramp: float
    end: float


def plan(scenario: Scenario) -> Plan:
    """A scenario's users and rate over time.

    With stages both begin at nothing; what the first stages leave out is what `load` says.
    """
    load = scenario.load
    if not scenario.stages:
        connected, end = load.ramp * CONNECTING, load.ramp + load.duration
        users = [Point(0, 0), Point(connected, load.users), Point(end, load.users)]
        rate = [Point(connected, 0), Point(load.ramp, load.rate), Point(end, load.rate)]
        return Plan(users, rate, load.ramp, end)
    users = _staged([(stage.seconds, stage.users) for stage in scenario.stages], load.users)
    rate = _staged([(stage.seconds, stage.rate) for stage in scenario.stages], load.rate)
    return Plan(users, rate, 0.0, users[-1].at)


def _staged(stages: Sequence[tuple[float, float | None]], otherwise: float) -> list[Point]:
    start = otherwise if stages[0][1] is None else 0.0
    points = [Point(0.0, start)]
    for seconds, value in stages:
        last = points[-1]
        points.append(Point(last.at + seconds, last.value if value is None else value))
    return points


def value_at(line: Line, at: float) -> float:
    """The value of a line at a time; before its first point and after its last one, theirs."""
    if at <= line[0].at:
        # Where a line begins with a step, it is what comes after it.
        return [point for point in line if point.at == line[0].at][-1].value
    for low, high in pairwise(line):
        if at < high.at:
            return low.value + (high.value - low.value) * (at - low.at) / (high.at - low.at)
    return line[-1].value


def uniform(phase: float = 0.0) -> Iterator[float]:
    """Steps of one, the first of them shorter: several processes take turns by their phases.

    Args:
        phase: from 0, with the first step of one, to 1, with none.
    """
    yield 1 - phase
    while True:
        yield 1.0


def poisson(chance: Random) -> Iterator[float]:
    """The steps of independent people."""
    while True:
        yield chance.expovariate(1.0)


def due_times(rate: Line, steps: Iterator[float]) -> Iterator[float]:
    """The times at which the integral of the rate has grown by each step: until the line ends.

    Args:
        rate: a second, not negative.
        steps: of the integral.
    """
    wanted = next(steps)
    done = 0.0
    for low, high in pairwise(rate):
        seconds = high.at - low.at
        area = seconds * (low.value + high.value) / 2
        while wanted <= done + area and area > 0:
            yield low.at + seconds * _share(low.value, high.value, (wanted - done) / area)
            wanted += next(steps)
        done += area


def _share(low: float, high: float, part: float) -> float:
    """Of a line from `low` to `high` over one second, when this part of its area is behind.

    The root of (high - low) t^2 / 2 + low t = part (low + high) / 2, in the form that does not
    cancel where the line is level.
    """
    target = part * (low + high)
    return target / (low + sqrt(low * low + (high - low) * target))
