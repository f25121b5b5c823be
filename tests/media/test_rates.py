"""Counters that are looked at now and then."""

from hypothesis import given
from hypothesis import strategies as st

from media.rates import SECONDS, Counters, Rates


def test_before_the_first_sample_it_is_since_the_beginning() -> None:
    assert Rates(5.0).since(1.0, 5.5) == Counters(5.0)


@given(st.lists(st.floats(0.1, 3.0), max_size=50), st.floats(0, SECONDS))
def test_the_latest_that_is_old_enough(waits: list[float], seconds: float) -> None:
    rates = Rates(0.0)
    now = 0.0
    times = [0.0]
    for wait in waits:
        now += wait
        rates.sample(Counters(now, bytes=len(times)))
        times.append(now)
        old = [at for at in times if at <= now - seconds]
        found = rates.since(seconds, now)
        assert found.at == (old[-1] if old else times[0])
    assert len(rates._samples) <= SECONDS / 0.1 + 3
