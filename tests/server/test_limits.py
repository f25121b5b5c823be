"""server/limits.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.limits import Throttle, TokenBucket, client_network, take_from_all


class TestTokenBucket:
    def test_gives_count_tokens_at_once_then_says_how_long_to_wait(self):
        bucket = TokenBucket(count=3, seconds=60)
        assert [bucket.take(100.0) for _ in range(4)] == [0, 0, 0, pytest.approx(20)]

    def test_fills_evenly(self):
        bucket = TokenBucket(count=3, seconds=60)
        for _ in range(3):
            bucket.take(100.0)
        assert bucket.take(119.0) == pytest.approx(1)
        assert bucket.take(120.0) == 0
        assert bucket.take(120.0) == pytest.approx(20)

    def test_a_refused_request_costs_nothing(self):
        bucket = TokenBucket(count=1, seconds=10)
        bucket.take(0.0)
        for moment in range(1, 10):
            assert bucket.take(moment) == pytest.approx(10 - moment)
        assert bucket.take(10.0) == 0

    def test_put_back_undoes_take(self):
        bucket = TokenBucket(count=1, seconds=10)
        bucket.take(0.0)
        bucket.put_back()
        assert bucket.full(0.0)
        assert bucket.take(0.0) == 0

    def test_never_holds_more_than_count(self):
        bucket = TokenBucket(count=2, seconds=10)
        assert [bucket.take(1e6) for _ in range(3)] == [0, 0, pytest.approx(5)]

    @given(
        count=st.integers(1, 50),
        seconds=st.floats(0.1, 3600),
        gaps=st.lists(st.floats(0, 500), max_size=200),
    )
    def test_never_exceeds_the_rate(self, count: int, seconds: float, gaps: list[float]):
        bucket = TokenBucket(count=count, seconds=seconds)
        now, taken = 1_000.0, 0
        for gap in gaps:
            now += gap
            taken += bucket.take(now) == 0
        assert taken <= count + (now - 1_000.0) * count / seconds + 1e-3

    @given(
        count=st.integers(1, 50),
        seconds=st.floats(0.1, 3600),
        requests=st.lists(st.tuples(st.floats(0, 500), st.floats(0.1, 60)), max_size=200),
    )
    def test_never_exceeds_the_rate_whatever_the_costs(
        self, count: int, seconds: float, requests: list[tuple[float, float]]
    ):
        bucket = TokenBucket(count=count, seconds=seconds)
        now, taken = 1_000.0, 0.0
        for gap, cost in requests:
            now += gap
            wait = bucket.take(now, cost)
            assert wait > 0 or cost <= count + 1e-3
            taken += cost if wait == 0 else 0
        assert taken <= count + (now - 1_000.0) * count / seconds + 1e-3

    def test_like_is_full_and_of_the_same_size(self):
        bucket = TokenBucket(count=3, seconds=60)
        bucket.take(0.0, 3)
        other = bucket.like()
        assert other.count == 3
        assert other.seconds == 60
        assert [other.take(0.0, 2), other.take(0.0, 2)] == [0, pytest.approx(20)]


class TestSpend:
    def test_takes_what_is_not_there_and_says_when_it_will_be(self):
        bucket = TokenBucket(count=10, seconds=10)
        assert bucket.spend(0.0, 10) == 0
        assert bucket.spend(0.0, 25) == pytest.approx(25)
        assert bucket.spend(20.0, 0) == pytest.approx(5)
        assert bucket.spend(26.0, 0) == 0

    @given(
        spendings=st.lists(st.tuples(st.floats(0, 5), st.floats(0, 1000)), min_size=1, max_size=100)
    )
    def test_who_waits_as_told_stays_within_the_rate(self, spendings: list[tuple[float, float]]):
        bucket = TokenBucket(count=100, seconds=2)
        now, spent = 0.0, 0.0
        for gap, cost in spendings:
            now += gap
            wait = bucket.spend(now, cost)
            spent += cost
            now += wait
        assert spent <= 100 + 50 * now + 1e-3


class TestTakeFromAll:
    def test_one_that_is_empty_keeps_the_others_from_being_charged(self):
        wide, narrow = TokenBucket(count=10, seconds=10), TokenBucket(count=1, seconds=4)
        for buckets in ([wide, narrow], [narrow, wide]):
            now = 100.0 if buckets[0] is narrow else 0.0
            assert take_from_all(buckets, now, 1) == 0
            assert take_from_all(buckets, now, 1) == pytest.approx(4)
            assert [wide.take(now) for _ in range(10)] == [0] * 9 + [pytest.approx(1)]

    def test_the_longest_wait_counts(self):
        slow, fast = TokenBucket(count=1, seconds=9), TokenBucket(count=1, seconds=2)
        take_from_all([slow, fast], 0.0, 1)
        assert take_from_all([fast, slow], 0.0, 1) == pytest.approx(9)
        assert take_from_all([slow, fast], 0.0, 1) == pytest.approx(9)

    def test_nothing_is_asked_of_nobody(self):
        assert take_from_all([], 0.0, 1e9) == 0

    @given(
        sizes=st.lists(st.tuples(st.integers(5, 50), st.floats(0.1, 60)), min_size=1, max_size=3),
        requests=st.lists(st.tuples(st.floats(0, 5), st.sampled_from([0.25, 1.0, 5.0]))),
    )
    def test_does_as_the_buckets_themselves_would(
        self, sizes: list[tuple[int, float]], requests: list[tuple[float, float]]
    ):
        buckets = [TokenBucket(count=count, seconds=seconds) for count, seconds in sizes]
        models = [TokenBucket(count=count, seconds=seconds) for count, seconds in sizes]
        now = 0.0
        for gap, cost in requests:
            now += gap
            waits = [model.take(now, cost) for model in models]
            if max(waits):
                for model, wait in zip(models, waits, strict=True):
                    if not wait:
                        model.put_back(cost)
            assert take_from_all(buckets, now, cost) == pytest.approx(max(waits), abs=1e-5)


class TestThrottle:
    def test_keys_do_not_share_tokens(self):
        throttle = Throttle(count=1, seconds=60)
        assert throttle.take("a", 0.0) == 0
        assert throttle.take("b", 0.0) == 0
        assert throttle.take("a", 0.0) == pytest.approx(60)

    def test_zero_means_no_limit(self):
        throttle = Throttle(count=0, seconds=60)
        assert [throttle.take("a", 0.0) for _ in range(1_000)] == [0] * 1_000
        assert len(throttle) == 0

    def test_put_back_of_a_forgotten_key_does_nothing(self):
        Throttle(count=1, seconds=60).put_back("a")

    def test_forgets_buckets_that_are_full(self):
        throttle = Throttle(count=2, seconds=60)
        for key in "abcdef":
            throttle.take(key, 0.0)
        for moment in range(60, 70):
            throttle.take("z", moment)
        assert len(throttle) == 1

    def test_memory_is_bounded(self):
        throttle = Throttle(count=1, seconds=60, keys=100)
        for number in range(1_000):
            throttle.take(str(number), 0.0)
        assert len(throttle) == 100

    def test_a_key_in_use_survives_the_bound(self):
        throttle = Throttle(count=1, seconds=60, keys=2)
        throttle.take("a", 0.0)
        for number in range(10):
            throttle.take(str(number), 1.0)
            assert throttle.take("a", 1.0) == pytest.approx(59)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_client_network(address: str, key: str):
    assert client_network(address) == key
