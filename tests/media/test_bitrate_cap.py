"""How much a publisher may send."""

from hypothesis import given
from hypothesis import strategies as st

from media.bitrate_cap import BURST_SECONDS, NOTICE_SECONDS, TOLERANCE, BitrateCap

CAP = 800_000  # 100,000 bytes per second


def test_without_a_cap_everything_is_taken() -> None:
    cap = BitrateCap(0, 0.0)
    assert all(cap.take(100_000, 0.0) for _ in range(1000))
    assert not cap.noticed(0.0)


def test_what_is_below_the_cap_is_never_too_much() -> None:
    cap = BitrateCap(CAP, 0.0)
    assert all(cap.take(1050, number / 100) for number in range(10_000))


def test_a_burst_is_let_through_and_more_is_not() -> None:
    cap = BitrateCap(CAP, 0.0)
    taken = 0
    while cap.take(1000, 10.0):
        taken += 1
    assert taken == 110
    cap.dropped(10.0)
    assert cap.take(1000, 10.0), "something is left to the other layers"


def test_it_ends_when_there_is_room_for_more_than_a_packet() -> None:
    cap = BitrateCap(CAP, 0.0)
    while cap.take(1000, 0.0):
        pass
    cap.dropped(0.0)
    assert not cap.resumes(0.4)
    assert cap.resumes(0.6)


def test_the_streamer_is_told_for_a_while() -> None:
    cap = BitrateCap(CAP, 0.0)
    assert not cap.noticed(0.0)
    cap.dropped(5.0)
    assert cap.noticed(5.0 + NOTICE_SECONDS / 2)
    assert not cap.noticed(5.0 + NOTICE_SECONDS)


@given(st.lists(st.tuples(st.integers(1, 1500), st.floats(0, 0.1)), max_size=300))
def test_in_any_time_no_more_than_the_cap_and_a_burst(packets: list[tuple[int, float]]) -> None:
    cap = BitrateCap(CAP, 0.0)
    now, taken = 0.0, 0
    for size, wait in packets:
        now += wait
        if cap.take(size, now):
            taken += size
        assert taken <= CAP / 8 * TOLERANCE * (now + BURST_SECONDS) + 1
