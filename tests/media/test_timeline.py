"""Timestamps that run on."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.timeline import JUMP_SECONDS, Timeline, difference

RATE = 90_000
CYCLE = 1 << 32


def shown(timeline: Timeline, timestamp: int) -> int:
    return (timestamp + timeline.shift) % CYCLE


def test_timestamps_stay_as_they_are_and_wrap() -> None:
    timeline = Timeline(RATE, CYCLE - 1000, 0.0)
    timeline.advance(2000, 1 / 30)
    assert shown(timeline, 2000) == 2000
    assert timeline.frames == 2
    assert timeline.jitter == pytest.approx(0.0, abs=1e-6)


@given(
    st.lists(st.tuples(st.integers(0, 9000), st.floats(0, 0.5)), min_size=1, max_size=60),
    st.integers(0, CYCLE - 1),
)
@settings(max_examples=100)
def test_jitter_is_that_of_the_reference(steps: list[tuple[int, float]], first: int) -> None:
    """RFC 3550, A.8, with the transit times in floating point."""
    timeline = Timeline(RATE, first, 0.0)
    jitter = timestamp = 0
    now, transit = 0.0, 0.0
    for step, wait in steps:
        now += wait
        timestamp += step
        timeline.advance((first + timestamp) % CYCLE, now)
        before, transit = transit, now * RATE - timestamp
        jitter += (abs(transit - before) - jitter) / 16
    assert timeline.jitter == pytest.approx(jitter, abs=1e-3)
    assert timeline.shift == 0


@pytest.mark.parametrize("jump", [-20_000_000, 20_000_000, CYCLE // 2])
def test_a_jump_is_taken_out(jump: int) -> None:
    timeline = Timeline(RATE, 50_000_000, 0.0)
    timeline.advance(50_003_000, 1 / 30)
    there = (50_006_000 + jump) % CYCLE
    timeline.advance(there, 2 / 30)
    assert abs(shown(timeline, there) - 50_006_000) <= 1
    timeline.advance((there + 3000) % CYCLE, 3 / 30)
    assert abs(shown(timeline, (there + 3000) % CYCLE) - 50_009_000) <= 1
    assert timeline.jitter < 1


def test_a_packet_from_before_the_jump_has_its_place_there() -> None:
    timeline = Timeline(RATE, 50_000_000, 0.0)
    timeline.advance(50_003_000, 1 / 30)
    timeline.advance(1000, 2 / 30)
    assert timeline.shifted(50_000_000) == 50_000_000
    assert abs(timeline.shifted(1000) - 50_006_000) <= 1


def test_a_report_of_a_silence_after_a_jump() -> None:
    timeline = Timeline(RATE, 50_000_000, 0.0)
    timeline.advance(1000, 0.1)
    assert timeline.shifted(1000 + 60 * RATE) == shown(timeline, 1000 + 60 * RATE)


def test_silence_and_stalls_are_no_jumps() -> None:
    timeline = Timeline(RATE, 0, 0.0)
    timeline.advance(60 * RATE, 61.0)  # a muted microphone
    assert timeline.shift == 0
    timeline.advance(60 * RATE + 3000, 80.0)  # a picture that was held up for long
    assert timeline.shift == 0
    timeline.advance(80 * RATE, 80.1)  # and the encoder, which has left out what is too old
    timeline.advance(int((80 + JUMP_SECONDS / 2) * RATE), 80.2)
    assert (timeline.frames, timeline.backward) == (5, 0)


def test_frames_in_the_order_of_decoding_go_back() -> None:
    timeline = Timeline(RATE, 0, 0.0)
    for number, timestamp in enumerate((9000, 3000, 6000, 18000, 12000, 15000)):
        timeline.advance(timestamp, (number + 1) / 30)
    assert timeline.backward == 2
    assert timeline.shift == 0


def test_another_encoder_goes_on_where_the_last_one_was() -> None:
    timeline = Timeline(RATE, 1000, 0.0)
    timeline.restart(777_777_777, 2.0)
    assert shown(timeline, 777_777_777) == 1000 + 2 * RATE
    timeline.restart(5, 2.0)
    assert shown(timeline, 5) == 1000 + 2 * RATE + 1, "no two frames have one timestamp"


@given(st.integers(0, CYCLE - 1), st.integers(-CYCLE // 2, CYCLE // 2 - 1))
def test_difference(timestamp: int, ahead: int) -> None:
    assert difference((timestamp + ahead) % CYCLE, timestamp) == ahead
