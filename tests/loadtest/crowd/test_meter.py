"""The meter counts what it is told, and tells it once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.crowd.meter import FEW, Meter, rounded


@pytest.fixture
def meter() -> Meter:
    return Meter(late_ms=10.0, soon=lambda _: None)


@given(st.integers(0, 10**9))
def test_three_digits_are_kept(microseconds: int) -> None:
    kept = rounded(microseconds)
    assert abs(kept - microseconds) <= microseconds / 200
    assert len(str(kept).rstrip("0")) <= 3


def test_a_latency_is_in_microseconds(meter: Meter) -> None:
    meter.latency("ack", 0.0123456)
    meter.latency("ack", 0.0123456, 2)
    meter.latency("ack", -1e-9)
    assert meter.latencies == {"ack": {12_300: 3, 0: 1}}


def test_who_hears_late_is_counted_but_for_a_few_not_told(meter: Meter) -> None:
    for number in range(10):
        meter.delivery(0, 9_000_000 + number * 1_000_000)
    assert meter.wrongs == {"late": 8}
    assert len(meter.violations) == FEW
    assert sum(meter.latencies["delivery"].values()) == 10


def test_what_was_told_is_told_no_more(meter: Meter) -> None:
    for _ in range(2):
        meter.count("sent", 3)
        meter.error("internal")
        meter.wrong("doubled", "twice.")
        assert (meter.counts, meter.errors, meter.wrongs) == (
            {"sent": 3}, {"internal": 1}, {"doubled": 1},
        )  # fmt: skip
        meter.clear()
        assert not any((meter.counts, meter.errors, meter.wrongs, meter.violations))
