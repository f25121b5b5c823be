"""media/twcc.py: transport-wide feedback, which aiortc has none of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import rtcp, twcc
from media.rtcp_header import feedback
from media.twcc import DELTA_SECONDS, MOST_PACKETS, TransportFeedback, feedbacks

DELTA = st.none() | st.integers(0, 255) | st.integers(-0x8000, 0x7FFF)
RUNS = st.tuples(DELTA, st.integers(1, 60)).map(lambda run: [run[0]] * run[1])
DELTAS = st.lists(RUNS | st.lists(DELTA, max_size=30), max_size=12).map(
    lambda runs: tuple(delta for run in runs for delta in run)
)
# Times of packets one behind the other, some late, some lost.
STEPS = st.lists(st.none() | st.floats(-0.02, 0.2) | st.sampled_from([9.0, 60.0]), max_size=300)


def parse(control: str) -> list[rtcp.Message]:
    """Of feedback control information in hex."""
    return rtcp.parse(feedback(205, 15, 1, 2, bytes.fromhex(control)))


def test_a_run() -> None:
    """Seven packets, 1 ms apart, in a run-length chunk (3.1.3)."""
    control = "0005 0007 0000ff 09 2007 00 04 04 04 04 04 04 000000"
    expected = TransportFeedback(1, 2, 5, 9, 255, (0, 4, 4, 4, 4, 4, 4))
    assert parse(control) == [expected]
    assert bytes(expected) == feedback(205, 15, 1, 2, bytes.fromhex(control))
    arrivals = dict(expected.arrivals())
    assert arrivals[5] == pytest.approx(255 * 0.064)
    assert arrivals[11] == pytest.approx(255 * 0.064 + 0.006)


def test_a_vector_of_single_bits() -> None:
    """Chunk 1|0|11011000000001 (3.1.4)."""
    control = "0000 000e 000000 00 b601 01 02 03 04 05 00"
    deltas = (1, 2, None, 3, 4, *[None] * 8, 5)
    assert parse(control) == [TransportFeedback(1, 2, 0, 0, 0, deltas)]
    assert bytes(TransportFeedback(1, 2, 0, 0, 0, deltas))[12:] == bytes.fromhex(control)


def test_a_vector_of_two_bits_with_large_and_negative_deltas() -> None:
    """Chunk 1|1|10 01 00 10 00 00 01."""
    control = "fffe 0007 ffffff 01 e481 0100 02 fffc 03"
    deltas = (256, 2, None, -4, None, None, 3)
    expected = TransportFeedback(1, 2, 0xFFFE, 1, -1, deltas)
    assert parse(control) == [expected]
    assert bytes(expected)[12:] == bytes.fromhex(control)
    assert [number for number, _ in expected.arrivals()][:3] == [0xFFFE, 0xFFFF, 0]


@pytest.mark.parametrize(
    "control",
    [
        "0000 0001 000000 00",  # no chunks
        "0000 0003 000000 00 2003 0000",  # a delta that is missing
        "0000 0001 000000 00 6001 0000",  # the reserved symbol
        "0000 0001 000000 00 0000 0000",  # a run of none
        "0000 ffff 000000 00 1fff 1fff 1fff 1fff 1fff 1fff 1fff 1fff 1fff 0000",
    ],
)
def test_what_is_broken(control: str) -> None:
    assert TransportFeedback.parse(bytes(8) + bytes.fromhex(control)) is None


@given(st.integers(0, 0xFFFF), st.integers(0, 255), st.integers(-(2**23), 2**23 - 1), DELTAS)
def test_what_was_built_is_what_was_said(
    base: int, count: int, reference: int, deltas: tuple[int | None, ...]
) -> None:
    message = TransportFeedback(1, 2, base, count, reference, deltas)
    written = bytes(message)
    assert len(written) % 4 == 0
    assert rtcp.parse(written) == [message] or not deltas


@given(st.binary(max_size=200))
def test_anything_at_all(control: bytes) -> None:
    message = TransportFeedback.parse(bytes(8) + control)
    if message is not None:
        assert len(message.deltas) <= 4096
        assert len(list(message.arrivals())) == len(message.deltas)


@given(STEPS, st.integers(0, 0xFFFF), st.floats(0, 3e6))
def test_arrivals_are_told(steps: list[float | None], base: int, now: float) -> None:
    arrivals: list[float | None] = []
    for step in steps:
        now += step or 0
        arrivals.append(None if step is None else max(now, 0))
    told = feedbacks(1, 2, 250, base, arrivals)
    heard = [one for message in told for one in message.arrivals()]
    while arrivals and arrivals[-1] is None:
        arrivals.pop()
    assert [number for number, _ in heard] == [
        base + index & 0xFFFF for index in range(len(arrivals))
    ]
    assert [message.count for message in told] == [250 + n & 255 for n in range(len(told))]
    # The reference time goes around after 12 days.
    circle = 2**24 * twcc.REFERENCE_SECONDS
    for (_, there), here in zip(heard, arrivals, strict=True):
        assert (there is None) == (here is None)
        if there is not None and here is not None:
            late = (here - there + circle / 2) % circle - circle / 2
            assert -1e-6 <= late <= DELTA_SECONDS + 1e-6
    for message in told:
        assert len(message.deltas) <= MOST_PACKETS
        assert len(bytes(message)) <= 1200
        assert rtcp.parse(bytes(message)) == [message]


def test_nothing_has_come() -> None:
    assert feedbacks(1, 2, 0, 5, []) == []
    assert feedbacks(1, 2, 0, 5, [None, None]) == []


def test_many_that_are_lost_before_one_that_is_not() -> None:
    told = feedbacks(1, 2, 0, 0, [None] * (MOST_PACKETS + 5) + [3.0])
    assert [len(message.deltas) for message in told] == [MOST_PACKETS, 6]
