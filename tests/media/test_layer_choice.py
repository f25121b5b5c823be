"""media/layer_choice.py: which layer, and that it does not flutter."""

from itertools import pairwise
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from media.layer import Layer
from media.layer_choice import (
    DOWN_SECONDS,
    FAILURE_SECONDS,
    MEASURED_SECONDS,
    TRIAL_SECONDS,
    UP_SECONDS,
    LayerChoice,
)
from tests.media.watching import VP8, FakeLayer, FakeTrack

RATES = {"l": 150_000, "m": 500_000, "h": 1_500_000}


def layers() -> list[FakeLayer]:
    made = FakeTrack("video", VP8, rates=RATES).layers
    for layer in made:
        layer.packet(0, 0)
    return made


class Line:
    """Chooses each 200 ms, and remembers changes."""

    def __init__(self, current: str = "h") -> None:
        self.choice = LayerChoice()
        self.layers = layers()
        self.current = next(layer for layer in self.layers if layer.rid == current)
        self.now = 0.0
        self.changes: list[tuple[float, str]] = []

    def run(self, seconds: float, estimate: int | None, *, waiting: bool = False) -> None:
        until = self.now + seconds
        while self.now < until - 0.001:
            self.now = round(self.now + 0.2, 3)
            chosen = self.choice.choose(
                cast(list[Layer], self.layers),
                cast(Layer, self.current),
                estimate,
                self.now,
                waiting=waiting,
            )
            assert chosen is not None
            if chosen is not self.current:
                self.changes.append((self.now, chosen.rid))
                self.current = cast(FakeLayer, chosen)


def rids(line: Line) -> list[str]:
    return [rid for _, rid in line.changes]


def test_the_first_choice_is_what_the_line_takes() -> None:
    made = cast(list[Layer], layers())
    choice = LayerChoice()
    assert choice.choose(made, None, None, 0) is made[2]
    assert choice.choose(made, None, 600_000, 0) is made[1]
    assert choice.choose(made, None, 10_000, 0) is made[0]
    assert choice.choose([], None, None, 0) is None


def test_down_when_it_has_been_too_much_for_a_while() -> None:
    line = Line()
    line.run(DOWN_SECONDS - 0.2, 1_200_000)
    line.run(1, 1_600_000)
    assert line.changes == []
    line.run(1, 1_200_000)
    assert rids(line) == ["m"]


def test_down_at_once_when_it_is_far_too_much_and_past_what_does_not_fit() -> None:
    line = Line()
    line.run(0.2, 200_000)
    assert line.changes == [(0.2, "l")]


def test_up_when_there_has_been_room_for_a_while() -> None:
    line = Line("l")
    line.run(UP_SECONDS - 0.5, 600_000)
    line.run(0.2, 500_000)  # it is interrupted
    line.run(UP_SECONDS - 0.5, 600_000)
    assert line.changes == []
    line.run(1.2, 600_000)
    assert rids(line) == ["m"]


def test_a_good_line_is_tried_and_less_often_each_time_it_fails() -> None:
    line = Line("m")
    waits = []
    for _ in range(4):
        began, before = line.now, len(line.changes)
        while len(line.changes) == before:
            line.run(0.2, 520_000)  # takes what is sent; nobody knows what else
        waits.append(line.now - began)
        assert line.current.rid == "h"
        line.run(MEASURED_SECONDS - 0.2, 600_000)
        assert line.current.rid == "h"
        line.run(1, 600_000)  # it does not take it
        assert line.current.rid == "m"
    assert [round(wait / TRIAL_SECONDS) for wait in waits] == [1, 2, 4, 8]


def test_a_trial_that_held_forgets_the_failures() -> None:
    line = Line("m")
    line.run(TRIAL_SECONDS + 1, 520_000)
    line.run(4, 600_000)
    assert rids(line) == ["h", "m"]
    while line.current.rid == "m":
        line.run(0.2, 520_000)
    line.run(FAILURE_SECONDS + 1, 1_600_000)
    assert rids(line) == ["h", "m", "h"]
    line.run(1, 600_000)
    assert rids(line) == ["h", "m", "h", "m"]
    line.run(TRIAL_SECONDS + 0.4, 520_000)
    assert rids(line) == ["h", "m", "h", "m", "h"]


def test_a_trial_is_measured_from_its_keyframe_on() -> None:
    line = Line("m")
    line.run(TRIAL_SECONDS + 0.4, 520_000)
    assert line.current.rid == "h"
    line.run(5, 520_000, waiting=True)
    line.run(MEASURED_SECONDS - 0.2, 600_000)
    assert line.current.rid == "h"
    line.run(1, 600_000)
    assert line.current.rid == "m"


def test_a_trial_ends_at_once_where_the_line_takes_less_than_before() -> None:
    line = Line("m")
    line.run(TRIAL_SECONDS + 0.6, 520_000)
    line.run(0.4, 300_000)
    assert rids(line) == ["h", "l"]


def test_a_layer_asked_for_is_kept_whatever_the_line_while_it_is_sent() -> None:
    line = Line()
    line.choice.rid = "m"
    line.run(5, 10_000)
    line.run(20, 10_000_000)
    assert rids(line) == ["m"]
    line.layers[1].silent = True
    line.run(0.2, 10_000_000)
    assert rids(line) == ["m", "h"]
    line.layers[1].silent = False
    line.run(0.2, 10_000_000)
    assert rids(line) == ["m", "h", "m"]


def test_where_nothing_comes_nothing_changes() -> None:
    line = Line("m")
    for layer in line.layers:
        layer.silent = True
    line.run(60, 10_000)
    assert line.changes == []


def test_who_joins_when_nothing_comes_gets_a_layer_that_was_shown() -> None:
    made = layers()
    for layer in made:
        layer.silent = True
    made[1].packet(1, 0, keyframe=True)
    choice = LayerChoice()
    assert choice.choose(cast(list[Layer], made), None, None, 0) is cast(Layer, made[1])


@given(estimates=st.lists(st.integers(30_000, 3_000_000), min_size=1, max_size=300))
def test_however_the_line_changes_it_is_not_tried_twice_in_a_moment(estimates: list[int]) -> None:
    line = Line("l")
    for estimate in estimates:
        line.run(0.2, estimate)
    ups = [
        now
        for (now, rid), before in zip(line.changes, ["l", *rids(line)], strict=False)
        if RATES[rid] > RATES[before]
    ]
    assert all(later - earlier >= UP_SECONDS - 0.01 for earlier, later in pairwise(ups))
