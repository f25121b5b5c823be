"""Servers under load: somebody's, one of our own, and what is none."""

import asyncio
import os
import signal
from collections.abc import Callable
from itertools import pairwise

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from loadtest.deployment import Deployment
from loadtest.endpoint import Endpoint, parsed_metrics
from loadtest.limits import limits_met
from loadtest.target import OwnTarget, TargetError, opened
from plaza_client.rest import Rest
from tests.loadtest.strangers import NOT_LOGGED_IN, Answer, Request, answering, refusal


def plaza(request: Request) -> Answer:
    """Enough of one to be taken for it."""
    match request.path:
        case "/api/v1/me":
            return NOT_LOGGED_IN
        case "/readyz":
            return Answer(200, {"status": "ready", "checks": {}})
        case "/api/v1/schema":
            return Answer(200, {"info": {"title": "Plaza", "version": "7.3"}})
        case "/metrics":
            return Answer(200, "process_cpu_seconds_total 1.5\nprocess_resident_memory_bytes 4e6\n")
    return Answer(404)


def but(path: str, answer: Answer) -> Callable[[Request], Answer]:
    return lambda request: answer if request.path == path else plaza(request)


# --- somebody's --------------------------------------------------------------------------------


async def test_a_server_at_an_address(deployment: Deployment) -> None:
    async with opened(deployment.url.replace("http", "ws") + "/ws") as target:
        assert (target.url, target.is_own) == (deployment.url, False)
        assert await target.about() == {"url": deployment.url, "api": "1.0"}
        first, second = await target.vitals(), await target.vitals()
    assert first.at < second.at
    assert first.cpu is not None
    assert second.cpu is not None
    assert 0 < first.cpu <= second.cpu <= deployment.server_seconds() + 0.01
    assert first.postgres is None
    assert first.resident is not None
    assert first.resident > 10_000_000
    assert first.metrics["plaza_connections"] == 0
    assert 'plaza_fanout_seconds_bucket{le="+Inf"}' in first.metrics


async def test_a_server_s_process_is_looked_at(deployment: Deployment) -> None:
    before = deployment.clocks()
    async with opened(deployment.url, pid=deployment.pid) as target:
        vitals = await target.vitals()
    after = deployment.clocks()
    assert vitals.cpu is not None
    assert before.server <= vitals.cpu <= after.server
    assert vitals.postgres is not None
    assert before.postgres <= vitals.postgres <= after.postgres
    assert vitals.resident is not None
    assert vitals.metrics


async def test_nobody_kills_somebody_s_server(deployment: Deployment) -> None:
    async with opened(deployment.url) as target:
        with pytest.raises(TargetError, match="not the harness's own"):
            await target.kill()


async def test_a_process_that_is_not_there() -> None:
    async with answering(plaza) as url:
        with pytest.raises(TargetError, match="no process 4194304 "):
            async with opened(url, pid=4194304):
                pass


async def test_metrics_elsewhere() -> None:
    elsewhere = but("/metrics", Answer(404))
    async with answering(elsewhere) as url, answering(plaza) as other:
        async with opened(url) as target:
            assert (await target.vitals())[1:] == (None, None, None, {})
        async with opened(url, metrics_url=f"{other}/metrics") as target:
            vitals = await target.vitals()
            assert (vitals.cpu, vitals.resident) == (1.5, 4_000_000)
        with pytest.raises(TargetError, match=r"no metrics at .* \(HTTP status 404\)"):
            async with opened(url, metrics_url=f"{url}/metrics"):
                pass


async def test_a_server_that_goes_away_has_no_vitals() -> None:
    is_gone = False

    def answer(request: Request) -> Answer:
        return Answer(None) if is_gone else plaza(request)

    async with answering(answer) as url, opened(url) as target:
        assert await target.about() == {"url": url, "api": "7.3"}
        assert (await target.vitals()).cpu == 1.5
        is_gone = True
        assert await target.about() == {"url": url}
        assert (await target.vitals())[1:] == (None, None, None, {})


async def test_a_proxy_may_keep_the_operators_paths() -> None:
    async with answering(but("/readyz", Answer(403))) as url, opened(url) as target:
        assert target.url == url


UNHEALTHY = refusal(503, "unavailable", details={"database": "It is away.", "bus": "ok"})


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda _: Answer(200, "<h1>It works!</h1>"), r"is no Plaza: .* has the HTTP status 200"),
        (lambda _: Answer(401), "is no Plaza: .* 401"),
        (lambda _: Answer(None), r"Nothing answers at http://\S+/api/v1/me: .*leave --url out"),
        (but("/readyz", UNHEALTHY), r"not ready: database: It is away\. Start when \S+/readyz"),
        (but("/readyz", Answer(503)), "not ready: it does not say why"),
    ],
    ids=["a website", "a stranger", "hangs up", "unhealthy", "a proxy's 503"],
)
async def test_what_cannot_be_measured(answer: Callable[[Request], Answer], sentence: str) -> None:
    async with answering(answer) as url:
        with pytest.raises(TargetError, match=sentence):
            async with opened(url):
                pass


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://127.0.0.1", "http://", "plaza"])
async def test_what_is_no_address(url: str) -> None:
    with pytest.raises(TargetError, match="looks like http"):
        async with opened(url):
            pass


# --- what it says ------------------------------------------------------------------------------


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.floats(), max_size=5
    )
)
def test_metrics_are_read_as_they_are_written(values: dict[str, float]) -> None:
    registry = CollectorRegistry()
    gauge = Gauge("found", "What was\nfound: {} 1", ("where",), registry=registry)
    for where, value in values.items():
        gauge.labels(where).set(value)
    read = parsed_metrics(generate_latest(registry).decode())
    assert sorted(map(repr, read.values())) == sorted(map(repr, values.values()))
    assert all(name.startswith('found{where="') for name in read)


def test_metrics_with_times_and_nonsense() -> None:
    text = '# HELP a b\na 1\nb{c="d e"} +Inf 1700000000000\n<p>no metric</p>\nc one\n'
    assert parsed_metrics(text) == {"a": 1.0, 'b{c="d e"}': float("inf")}


def test_limits_that_were_met_are_named() -> None:
    before = {
        'plaza_connections_refused_total{reason="address\'s connections"}': 3.0,
        'plaza_commands_total{result="rate_limited",type="send"}': 1.0,
    }
    assert limits_met(before, before) == limits_met({}, before) == []
    now = {
        'plaza_connections_refused_total{reason="address\'s connections"}': 5.0,
        'plaza_commands_total{result="rate_limited",type="send"}': 2.0,
        'plaza_commands_total{result="ok",type="send"}': 900.0,
    }
    connections, commands = limits_met(now, before)
    assert connections.startswith("The server refused 2 connections")
    assert "limits.connections_per_ip of it" in connections
    assert commands.startswith("The server refused 1 command:")
    assert "limits.commands_per_account_second" in commands


# --- one of our own ----------------------------------------------------------------------------


async def test_a_server_of_our_own_is_killed_and_comes_back(deployment: Deployment) -> None:
    async with Endpoint(deployment.url) as endpoint:
        target = OwnTarget(deployment, endpoint)
        assert set(await target.about()) == {"url", "version", "postgres"}
        pid, url = deployment.pid, deployment.url
        async with Rest(url) as rest:
            somebody = await rest.sign_up("killed", "killed@example.org", "a long password")
        seen = [await target.vitals()]
        killing = asyncio.ensure_future(target.kill())
        while not killing.done():
            seen.append(await target.vitals())
        await killing
        seen.append(await target.vitals())
    assert seen[0].metrics
    assert seen[-1].metrics
    assert any(one.resident is None and not one.metrics for one in seen)
    for earlier, later in pairwise(seen):
        assert (earlier.cpu or 0.0) <= (later.cpu or 0.0)
        assert (earlier.postgres or 0.0) <= (later.postgres or 0.0)
    assert deployment.pid != pid
    async with Rest(url, access_token=somebody.access_token) as rest:
        assert (await rest.me()).id == somebody.account.id


@pytest.mark.soak
async def test_a_server_of_our_own_that_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAZA_SERVER__METRICS_ADDRESS", "nonsense")  # which is not for it
    async with opened(None) as target:
        assert isinstance(target, OwnTarget)
        assert (await target.vitals()).metrics
        connection = await asyncpg.connect(target.deployment.dsn)
        await connection.close()
        os.kill(target.deployment.pid, signal.SIGKILL)
        while target.deployment.is_up:
            await asyncio.sleep(0)
        with pytest.raises(TargetError, match="The server has ended by itself"):
            await target.vitals()
    # Its database was left behind, and is gone as well.
    with pytest.raises((OSError, asyncpg.PostgresError)):
        await asyncpg.connect(target.deployment.dsn)


async def test_a_server_that_does_not_start_says_why() -> None:
    with pytest.raises(TargetError, match=r"could not be started: (?s:.*)message_bytes"):
        async with opened(None, settings={"PLAZA_LIMITS__MESSAGE_BYTES": "many"}):
            pass
