"""Figures of a run: rates of the measured time, and what the server used in it."""

import pytest

from loadtest import server_metrics
from loadtest.conductor.account import Account, Window
from loadtest.conductor.figures import Outcome, figures, usage
from loadtest.crowd.orders import Tick
from loadtest.target import Vitals

RAMP = Window(0.0, 2.0)
MEASURED = Window(2.0, 6.0)
MIB = 1 << 20


def vitals(at: float, cpu: float | None, resident: int | None = None) -> Vitals:
    return Vitals(at, cpu, None, resident, {})


def tick(at: float, **counts: int) -> Tick:
    return Tick(at=at, users=10, counts=counts)


def found(ticks: list[Tick], looks: list[Vitals]) -> dict[str, float]:
    account = Account(1, MEASURED)
    for one in ticks:
        account.tick(0, one)
    return {name: figure.value for name, figure in figures(account, Outcome(), looks, RAMP).items()}


def test_cpu_is_of_the_measured_time_and_per_delivery() -> None:
    looks = [vitals(at, cpu) for at, cpu in ((0, 0.0), (2, 2.0), (4, 3.0), (6, 4.0), (8, 9.0))]
    ticks = [tick(at, due=5, acknowledged=100, delivered=1000) for at in range(1, 7)]
    values = found(ticks, looks)
    assert values["server.cpu"] == pytest.approx(0.5)
    assert values["server.us_per_delivery"] == pytest.approx(500)
    assert values["server.us_per_message"] == pytest.approx(5000)
    assert "server.us_per_connect" not in values, "there was more to do than to connect"


def test_cpu_of_a_connect_is_of_the_ramp() -> None:
    looks = [vitals(at, at * 0.25) for at in range(7)]
    ticks = [tick(at, connects=50 if at <= 2 else 0) for at in range(1, 7)]
    assert found(ticks, looks)["server.us_per_connect"] == pytest.approx(5000)


def test_cpu_of_a_connect_is_of_their_coming_back_if_more_do() -> None:
    looks = [vitals(at, 0.0 if at < 2 else at - 2.0) for at in range(7)]
    ticks = [tick(at, connects=5) for at in (1, 2)]
    ticks += [tick(at, reconnects=100) for at in (3, 4, 5, 6)]
    assert found(ticks, looks)["server.us_per_connect"] == pytest.approx(10_000)


def counted(at: float, queries: int, **sources: int) -> Vitals:
    metrics = {"plaza_hello_queries_total": float(queries)}
    for source in ("tail", "shared", "database"):
        metrics[f'plaza_catchup_reads_total{{source="{source}"}}'] = float(sources.get(source, 0))
    return Vitals(at, None, None, None, metrics)


def test_queries_of_a_connect_are_of_their_coming_back() -> None:
    looks = [counted(0, 7), counted(2, 27), counted(5, 77, tail=30), counted(9, 127, tail=60)]
    ticks = [tick(at, connects=5) for at in (1, 2)]
    ticks += [tick(at, reconnects=100) for at in (3, 4, 5, 6)]
    values = found(ticks, looks)
    assert values["server.queries_per_connect"] == pytest.approx(100 / 400)
    assert values["caught_up.from_memory"] == 60
    assert values["caught_up.from_database"] == 0


def test_queries_of_a_connect_are_of_the_ramp_where_nobody_comes_back() -> None:
    looks = [counted(0, 7), counted(2, 27), counted(6, 77)]
    values = found([tick(at, connects=5 if at <= 2 else 0) for at in range(1, 7)], looks)
    assert values["server.queries_per_connect"] == pytest.approx(2)
    assert "caught_up.from_memory" not in values, "nobody had missed anything"


def test_queries_of_a_server_that_was_started_again_or_does_not_say() -> None:
    looks = [counted(0, 50, tail=9), vitals(1, 0.0), counted(2, 60, tail=9), counted(6, 30, tail=4)]
    ticks = [tick(at, reconnects=10 if at > 2 else 0) for at in range(1, 7)]
    values = found(ticks, looks)
    assert values["server.queries_per_connect"] == pytest.approx(30 / 40)
    assert values["caught_up.from_memory"] == 4
    assert "server.queries_per_connect" not in found(ticks, [vitals(0, 0.0), vitals(6, 1.0)])


def test_the_databases_cpu_is_by_message() -> None:
    looks = [Vitals(at, None, at * 0.5, None, {}) for at in range(7)]
    values = found([tick(at, acknowledged=100) for at in range(1, 7)], looks)
    assert values["postgres.us_per_message"] == pytest.approx(5000)


def test_memory_of_those_who_connected() -> None:
    looks = [
        vitals(at, None, int(size * MIB)) for at, size in ((-1, 50), (0, 51), (2, 52), (5, 60))
    ]
    values = found([tick(at) for at in range(1, 7)], looks)
    assert values["server.growth"] == pytest.approx(2 * 1024 / 10)
    assert values["server.rss"] == 60
    assert "server.cpu" not in values, "nobody knows"


def test_a_start_in_between_is_left_out() -> None:
    looks = [vitals(0, 10.0), vitals(1, 10.5), vitals(2, 0.1), vitals(3, None), vitals(4, 2.0)]
    looks += [vitals(5, 2.5)]
    assert usage(looks, Window(0, 6)).server == pytest.approx(0.5)
    assert usage(looks, Window(10, 20)).server is None


def test_a_process_that_tells_late_has_a_longer_second() -> None:
    account = Account(2, Window(0.0, 4.0))
    moments = [
        account.tick(process, Tick(at=at, users=1, counts={"sent": sent}))
        for process, at, sent in (
            (0, 1.0, 10),
            (1, 1.0, 10),
            (0, 2.0, 10),
            (0, 3.0, 10),
            (1, 3.0, 8),
        )
    ]
    shown = [moment for moment in moments if moment is not None]
    assert [moment.at for moment in shown] == [1.0, 3.0]
    assert [moment.rates["sent"] for moment in shown] == pytest.approx([20.0, 14.0])
    assert account.rates(Window(0.0, 4.0))["sent"] == pytest.approx(10 + 6)


def test_the_last_answers_are_of_what_was_measured_however_late_they_come() -> None:
    account = Account(1, MEASURED)
    for at in range(1, 10):
        account.tick(
            0, Tick(at=at, users=1, counts={"acknowledged": 1}, latencies={"ack": {at: 1}})
        )
    account.rest(Tick(at=9.5, users=1, counts={"acknowledged": 1}, latencies={"ack": {95: 1}}))

    assert account.latencies() == {"ack": {3: 1, 4: 1, 5: 1, 6: 1, 7: 1, 8: 1, 9: 1, 95: 1}}
    assert account.rates(account.window)["acknowledged"] == pytest.approx(1)


def test_late_is_for_thresholds() -> None:
    account = Account(1, MEASURED)
    words = ["late: a message was heard 1,200 ms after it was due.", "forged: that."]
    account.tick(0, Tick(at=3.0, users=1, violations=words, wrong={"late": 7, "forged": 1}))
    assert account.violations() == ["forged: that."]
    assert account.wrong()["late"] == 7


def test_the_servers_own_metrics_of_a_second() -> None:
    earlier = {"plaza_commit_events_sum": 100.0, "plaza_commit_events_count": 10.0}
    now = {
        "plaza_commit_events_sum": 160.0,
        "plaza_commit_events_count": 13.0,
        "plaza_loop_lag_seconds_sum": 0.004,
        "plaza_loop_lag_seconds_count": 2.0,
        "plaza_outbox_bytes": 2048.0,
        "plaza_connections": 7.0,
        'plaza_connections_closed_total{code="4001"}': 2.0,
        'plaza_connections_closed_total{code="4002"}': 1.0,
        "process_open_fds": 3.0,
    }
    assert server_metrics.of_a_second(now, earlier) == {
        "connections": 7.0,
        "outbox KiB": 2.0,
        "loop lag ms": 2.0,
        "events a commit": 20.0,
        "closed": 3.0,
    }
    assert server_metrics.of_a_second({}, earlier) == {}


def test_a_server_that_was_started_again_counts_from_nothing() -> None:
    earlier = {"plaza_commit_events_sum": 100.0, "plaza_commit_events_count": 10.0}
    now = {"plaza_commit_events_sum": 12.0, "plaza_commit_events_count": 3.0}
    assert server_metrics.of_a_second(now, earlier)["events a commit"] == 4.0


def test_a_second_that_is_longer_than_the_run_counts_as_far_as_that() -> None:
    account = Account(1, Window(0.5, 2.0))
    for at, sent in ((0.5, 5), (1.5, 10), (2.5, 5), (3.5, 0)):
        account.tick(0, tick(at, sent=sent))
    assert account.rates(account.window)["sent"] == pytest.approx(10)
    assert account.counts(account.window)["sent"] == 15
    assert [moment.rates["sent"] for moment in account.moments] == pytest.approx([10, 10, 10, 0])
