"""server/quota.py: buckets and counts of accounts and networks, with bounded memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from server.costs import COSTS, HIGHEST
from server.quota import Quotas, Terms, byte_bucket, command_bucket, connect_bucket


class TestBuckets:
    def test_none_where_there_is_no_limit(self) -> None:
        assert command_bucket(0) is byte_bucket(0) is connect_bucket(0) is None

    def test_commands_two_seconds_worth_at_once(self) -> None:
        bucket = command_bucket(10)
        assert bucket is not None
        assert [bucket.take(0.0) for _ in range(21)] == [0] * 20 + [pytest.approx(0.1)]

    def test_the_dearest_command_fits_into_the_smallest_bucket(self) -> None:
        bucket = command_bucket(1)
        assert bucket is not None
        assert bucket.take(0.0, HIGHEST) == 0
        assert bucket.take(0.0, HIGHEST) == pytest.approx(HIGHEST)
        assert max(COSTS.values()) <= HIGHEST

    def test_connects_a_minutes_worth_at_once(self) -> None:
        bucket = connect_bucket(30)
        assert bucket is not None
        assert [bucket.take(0.0) for _ in range(31)] == [0] * 30 + [pytest.approx(2.0)]


class TestQuotas:
    def test_keys_share_nothing(self) -> None:
        quotas: Quotas[str] = Quotas(Terms(connects=1))
        for key in "ab":
            bucket = quotas.of(key, 0.0).connects
            assert bucket is not None
            assert bucket.take(0.0) == 0
        assert quotas.of("a", 0.0).connects.take(0.0) == pytest.approx(60)  # type: ignore[union-attr]

    def test_what_has_no_limit_has_no_bucket(self) -> None:
        quota = Quotas[str](Terms(commands=1)).of("a", 0.0)
        assert quota.commands is not None
        assert quota.bytes is quota.connects is None

    def test_all_connections_find_the_same_buckets_however_many_others_come(self) -> None:
        quotas: Quotas[int] = Quotas(Terms(commands=1), keys=2)
        first = quotas.join(1, 0.0)
        for other in range(2, 50):
            quotas.of(other, 0.0).commands.take(0.0)  # type: ignore[union-attr]
        assert quotas.join(1, 0.0) is first
        assert first.connections == 2

    def test_who_comes_back_finds_its_buckets_as_they_were(self) -> None:
        quotas: Quotas[str] = Quotas(Terms(commands=10))
        quota = quotas.join("a", 0.0)
        assert quota.commands is not None
        quota.commands.take(0.0, 20)
        quotas.leave("a", 0.0)
        assert quotas.join("a", 0.0) is quota

    def test_a_full_one_is_forgotten(self) -> None:
        quotas: Quotas[str] = Quotas(Terms(commands=10))
        quotas.join("a", 0.0).commands.take(0.0, 20)  # type: ignore[union-attr]
        quotas.leave("a", 0.0)
        quotas.of("b", 1.9)
        assert len(quotas) == 2
        quotas.of("b", 2.0)
        assert len(quotas) == 1

    def test_memory_is_bounded(self) -> None:
        quotas: Quotas[int] = Quotas(Terms(commands=10), keys=100)
        for key in range(1_000):
            quotas.of(key, 0.0).commands.take(0.0, 20)  # type: ignore[union-attr]
        assert len(quotas) == 100


class QuotasMachine(RuleBasedStateMachine):
    """Whatever comes and goes: counts are right, no token is given twice, memory is bounded."""

    KEYS = 3

    def __init__(self) -> None:
        super().__init__()
        self.quotas: Quotas[int] = Quotas(Terms(commands=10), keys=self.KEYS)
        self.now = 0.0
        self.open: dict[int, int] = {}
        self.taken: dict[int, list[float]] = {}  # since the client's first connection

    clients = st.integers(0, 9)

    @rule(client=clients)
    def connect(self, client: int) -> None:
        if client not in self.open:
            self.taken[client] = []
        self.open[client] = self.open.get(client, 0) + 1
        assert self.quotas.join(client, self.now).connections == self.open[client]

    @rule(client=clients)
    def disconnect(self, client: int) -> None:
        if client in self.open:
            self.quotas.leave(client, self.now)
            self.open[client] -= 1
            if not self.open[client]:
                del self.open[client]

    @rule(client=clients, cost=st.sampled_from([0.25, 1.0, 5.0]))
    def take(self, client: int, cost: float) -> None:
        bucket = self.quotas.of(client, self.now).commands
        assert bucket is not None
        if not bucket.take(self.now, cost) and client in self.open:
            self.taken[client] += [self.now, cost]

    @rule(seconds=st.floats(0, 3))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def counts_are_right(self) -> None:
        for client, count in self.open.items():
            assert self.quotas.of(client, self.now).connections == count

    @invariant()
    def nobody_gets_more_than_the_rate(self) -> None:
        for client in self.open:
            history = self.taken[client]
            if history:
                assert sum(history[1::2]) <= 20 + 10 * (self.now - history[0]) + 1e-3

    @invariant()
    def memory_is_bounded(self) -> None:
        assert len(self.quotas) <= len(self.open) + self.KEYS + 1


TestQuotasMachine = QuotasMachine.TestCase


@given(rate=st.integers(1, 1000), costs=st.lists(st.sampled_from(list(COSTS.values()))))
def test_every_command_is_let_through_after_the_wait_it_was_told(
    rate: int, costs: list[float]
) -> None:
    bucket = command_bucket(rate)
    assert bucket is not None
    now = 0.0
    for cost in costs:
        wait = bucket.take(now, cost)
        if wait:
            now += wait
            assert bucket.take(now, cost) == 0
