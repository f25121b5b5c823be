import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plaza_client.backoff import FullJitter


def test_the_bound_doubles_up_to_the_cap() -> None:
    delays = FullJitter(lambda: 1.0, base=0.5, cap=3.0)
    assert [delays.next() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_a_success_starts_over() -> None:
    delays = FullJitter(lambda: 1.0, base=0.5, cap=3.0)
    for _ in range(4):
        delays.next()
    delays.reset()
    assert [delays.next(), delays.next()] == [0.5, 1.0]


def test_the_jitter_is_full() -> None:
    assert FullJitter(lambda: 0.0, base=0.5, cap=3.0).next() == 0.0


@given(st.randoms(use_true_random=False), st.integers(min_value=1, max_value=200))
def test_no_delay_exceeds_its_bound(chance: random.Random, tries: int) -> None:
    delays = FullJitter(chance.random, base=0.25, cap=30.0)
    for attempt in range(tries):
        assert 0 <= delays.next() <= min(30.0, 0.25 * 2.0 ** min(attempt, 100))


@pytest.mark.parametrize(("base", "cap"), [(0, 1), (-1, 1), (2, 1)])
def test_bounds_that_make_no_sense_are_refused(base: float, cap: float) -> None:
    with pytest.raises(ValueError, match="must hold"):
        FullJitter(random.random, base=base, cap=cap)
