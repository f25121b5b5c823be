"""server/limits.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.limits import Throttle, TokenBucket, client_network


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
