"""The benchmark of presence: its scenarios run, and what nobody may be told twice is told once."""

import pytest

from loadtest import presence
from loadtest.presence import SMALL, Told
from loadtest.swarm import Violation


@pytest.mark.soak
async def test_all_scenarios() -> None:
    figures = {(figure.name, figure.unit): figure for figure in await presence.measure(SMALL)}
    assert all(
        len(figure.samples) == SMALL.repetitions
        for figure in figures.values()
        if figure.name != "audience of a change"
    )
    of_audience = {name: figure.median for (name, unit), figure in figures.items()
                   if unit == "x audience"}  # fmt: skip
    assert of_audience["a storm: told"] == 1
    assert of_audience["flapping: told"] < 1
    assert 0 < of_audience["off: told"] <= 1
    assert of_audience["within the grace: told"] <= 0.5  # their own greetings


def test_too_much_is_a_violation() -> None:
    told = dict.fromkeys(("a storm", "back again"), Told(changes=2, events=5, cpu=0.1, seconds=1))
    with pytest.raises(Violation, match="5 events, 4 were due"):
        presence._check([told], 4)
    presence._check([told], 5)
