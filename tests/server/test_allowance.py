"""server/allowance.py: what one connection may still do."""

from hypothesis import given
from hypothesis import strategies as st

from server.allowance import AHEAD, FEWEST_REFUSALS, REFUSALS, Allowance
from server.limits import TokenBucket
from server.quota import Quotas, Terms


class Time:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def allowance(time: Time, *counts: float, seconds: float = 2.0) -> Allowance:
    buckets = tuple(TokenBucket(count=count, seconds=seconds) for count in counts)
    return Allowance(time, commands=buckets)


def taken(allowed: Allowance, most: int = 100_000) -> int:
    """How many tokens it gives at once."""
    for count in range(most):
        if allowed.take(1.0):
            return count
    return most


def test_without_limits_everything_is_allowed() -> None:
    allowed = Allowance(Time())
    assert taken(allowed) == 100_000
    assert allowed.spend(10**12) == 0


def test_the_smallest_bucket_counts() -> None:
    assert taken(allowance(Time(), 50, 10, 30)) == 10


def test_a_refusal_costs_nothing() -> None:
    time = Time()
    allowed = allowance(time, 10)
    taken(allowed)
    for _ in range(50):
        assert allowed.take(1.0) > 0
    time.now += 0.2
    assert allowed.take(1.0) == 0


def test_large_buckets_give_all_they_have_too() -> None:
    time = Time()
    allowed = allowance(time, 4_000)
    assert taken(allowed) == 4_000
    time.now += 1.0
    assert taken(allowed) == 2_000


@given(
    rate=st.sampled_from([1, 20, 300, 600, 2_000]),
    requests=st.lists(
        st.tuples(st.floats(0, 0.5), st.integers(1, 400), st.sampled_from([0.25, 1.0, 5.0])),
        max_size=30,
    ),
)
def test_never_exceeds_the_rate_by_more_than_what_was_taken_ahead(
    rate: int, requests: list[tuple[float, int, float]]
) -> None:
    time = Time()
    count = max(2 * rate, 5)
    allowed = allowance(time, count, seconds=count / rate)
    start, spent = time.now, 0.0
    for gap, times, cost in requests:
        time.now += gap
        for _ in range(times):
            spent += 0 if allowed.take(cost) else cost
    ahead = AHEAD if count >= 64 * AHEAD else 0
    assert spent <= count + rate * (time.now - start) + ahead + 1e-3


def test_connections_of_an_account_share_its_bucket() -> None:
    time = Time()
    quotas: Quotas[str] = Quotas(Terms(commands=20))
    first, second = allowance(time, 30), allowance(time, 30)
    for allowed in (first, second):
        allowed.share(quotas.join("ada", time.now))
    assert taken(first) == 30
    assert taken(second) == 10


def test_what_was_taken_ahead_goes_back_when_another_bucket_has_its_say() -> None:
    time = Time()
    allowed = allowance(time, 4_000)
    allowed.take(1.0)
    quotas: Quotas[str] = Quotas(Terms(commands=5))
    allowed.share(quotas.join("ada", time.now))
    assert taken(allowed) == 10


def test_bytes_are_paid_by_all_buckets() -> None:
    time = Time()
    quotas: Quotas[str] = Quotas(Terms(bytes=1_000))
    own = TokenBucket(count=4_000, seconds=2.0)
    first = Allowance(time, read_bytes=own)
    first.share(quotas.join("ada", time.now))
    assert first.spend(2_000) == 0
    assert first.spend(500) == 0.5
    second = Allowance(time)
    second.share(quotas.join("ada", time.now))
    assert second.spend(500) == 1.0
    time.now += 1.0
    assert second.spend(0) == 0


class TestPatience:
    def test_is_so_many_times_the_bucket(self) -> None:
        allowed = allowance(Time(), 200)
        taken(allowed)
        outcomes = [allowed.insist() for _ in range(REFUSALS * 200 + 1)]
        assert outcomes == [False] * (REFUSALS * 200) + [True]

    def test_has_a_minimum_for_what_was_under_way(self) -> None:
        allowed = allowance(Time(), 5)
        outcomes = [allowed.insist() for _ in range(FEWEST_REFUSALS + 1)]
        assert outcomes == [False] * FEWEST_REFUSALS + [True]

    def test_comes_back(self) -> None:
        time = Time()
        allowed = allowance(time, 200)
        for _ in range(REFUSALS * 200):
            allowed.insist()
        time.now += 1.0
        outcomes = [allowed.insist() for _ in range(REFUSALS * 100 + 1)]
        assert outcomes == [False] * (REFUSALS * 100) + [True]

    def test_who_sends_at_four_times_the_rate_is_borne(self) -> None:
        time = Time()
        allowed = allowance(time, 400)
        for _ in range(20_000):
            time.now += 1 / 800
            assert not (allowed.take(1.0) and allowed.insist())
