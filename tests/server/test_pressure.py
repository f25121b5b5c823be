"""server/pressure.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.pressure import Pressure, Signal


@pytest.fixture
def pressure() -> Pressure:
    return Pressure(loop_lag=1.0, queue=100, arriving=10)


def trouble(pressure: Pressure, *, queued: int = 0, arriving: int = 0) -> str | None:
    return pressure.trouble(queued=queued, arriving=arriving)


class TestSignal:
    def test_is_trouble_from_high_on_until_it_is_at_low(self) -> None:
        signal = Signal(10, 4)
        values = [9, 10, 11, 9, 5, 4, 5, 10, 11]
        seen = [signal.see(value) for value in values]
        assert seen == [False, False, True, True, True, False, False, False, True]

    def test_zero_is_never_trouble(self) -> None:
        signal = Signal(0)
        assert not signal.see(1e9)

    @given(values=st.lists(st.floats(0, 100), max_size=50))
    def test_between_the_thresholds_nothing_changes(self, values: list[float]) -> None:
        signal = Signal(60, 40)
        for value in values:
            before = signal.trouble
            after = signal.see(value)
            assert after == (value > 60 or (value > 40 and before))


class TestLag:
    def test_one_hiccup_is_no_trouble(self, pressure: Pressure) -> None:
        for seconds in (0.0, 5.0, 0.0, 5.0, 0.0):
            pressure.lagged(seconds)
            assert trouble(pressure) is None

    def test_two_in_a_row_are(self, pressure: Pressure) -> None:
        pressure.lagged(1.1)
        pressure.lagged(1.1)
        assert trouble(pressure) == "lag"

    def test_it_is_over_after_two_low_ones(self, pressure: Pressure) -> None:
        for seconds in (2.0, 2.0, 0.1):
            pressure.lagged(seconds)
        assert trouble(pressure) == "lag"
        pressure.lagged(0.7)
        pressure.lagged(0.1)
        assert trouble(pressure) == "lag"
        pressure.lagged(0.1)
        assert trouble(pressure) is None


def test_half_a_queue_is_too_much_until_it_is_a_quarter(pressure: Pressure) -> None:
    outcomes = [trouble(pressure, queued=queued) for queued in (50, 51, 26, 25, 50)]
    assert outcomes == [None, "queue", "queue", None, None]


def test_so_many_may_arrive(pressure: Pressure) -> None:
    outcomes = [trouble(pressure, arriving=arriving) for arriving in (10, 11, 6, 5, 10)]
    assert outcomes == [None, "arriving", "arriving", None, None]


def test_a_trouble_ends_though_another_one_is_named(pressure: Pressure) -> None:
    assert trouble(pressure, queued=60, arriving=20) == "queue"
    assert trouble(pressure, queued=60, arriving=0) == "queue"
    assert trouble(pressure, queued=0, arriving=6) is None


def test_without_limits_there_is_no_trouble() -> None:
    pressure = Pressure(loop_lag=0, queue=0, arriving=0)
    pressure.lagged(1e6)
    pressure.lagged(1e6)
    assert trouble(pressure, queued=10**9, arriving=10**9) is None
