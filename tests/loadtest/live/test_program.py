"""A live stream and a call, against a server: all comes, what is left out is seen, and the end."""

import asyncio
import math
from collections.abc import AsyncIterator

import httpx
import pytest

from loadtest.crowd.orders import Person
from loadtest.deployment import Deployment
from loadtest.endpoint import Endpoint
from loadtest.findings import Findings, Run
from loadtest.live import call as call_program
from loadtest.live import program as live_program
from loadtest.live.orders import Send, Watch
from loadtest.live.peers import Peers
from loadtest.live.show import Show
from loadtest.live.streams import Streams
from loadtest.preparation import prepared
from loadtest.scenario import Live, Load, Scenario
from loadtest.target import OwnTarget, Target, TargetError
from loadtest.worker import started
from tests.loadtest.fake_target import Notes
from tests.loadtest.strangers import Answer, answering, refusal

ALWAYS = ("lost", "doubled", "disordered", "late", "forged", "errors", "unanswered", "dropped")


@pytest.fixture
async def target(deployment: Deployment) -> AsyncIterator[Target]:
    async with Endpoint(deployment.url) as endpoint:
        yield OwnTarget(deployment, endpoint)


def run_of(target: Target, live: Live, *, duration: float = 0.3) -> Run:
    notes = Notes()
    return Run(
        target=target,
        preparation=prepared(target, accounts_file=None, progress=notes.step),
        scenario=Scenario(
            question="?", late_ms=60_000, live=live, load=Load(duration=duration, processes=1)
        ),
        watcher=notes,
        ended=asyncio.Event(),
    )


def notes_of(run: Run) -> Notes:
    assert isinstance(run.watcher, Notes)
    return run.watcher


def values(findings: Findings) -> dict[str, float]:
    found = {name: finding.value for name, finding in findings.figures.items()}
    assert all(math.isfinite(value) for value in found.values()), found
    return found


async def streams_of(target: Target, run: Run) -> list[object]:
    """What is live of theirs who took part."""
    [person] = await run.preparation.people(1)
    async with httpx.AsyncClient() as http:
        response = await http.get(
            f"{target.url}/api/v1/streams", headers={"Authorization": f"Bearer {person.token}"}
        )
    items: list[object] = response.json()["items"]
    return items


async def test_a_stream_is_forwarded_to_all_viewers(target: Target) -> None:
    run = run_of(target, Live(viewers=4, burst=8, rate=160.0))
    findings = await live_program.measure(run)
    found = values(findings)
    assert {name: found[name] for name in ALWAYS} == dict.fromkeys(ALWAYS, 0)
    assert found["forwarded"] > 0
    assert found["forwarded"] % 4 == 0
    assert found["users.max"] == 4
    for name in ("forwarded.rate", "delivery.p99", "viewers.connect.p99", "viewers.per_core"):
        assert found[name] > 0, name
    for name in ("server.us_per_packet", "server.cpu", "server.rss", "clients.cpu"):
        assert found[name] > 0, name
    assert found["lost.share"] == 0
    assert set(findings.histograms) == {"delivery", "viewers.connect"}
    assert findings.violations == []
    assert findings.moments == notes_of(run).moments
    assert [moment.users for moment in findings.moments] == [4] * len(findings.moments)
    assert findings.moments[-1].rates["forwarded"] > 0
    assert {"viewers", "publishers"} <= notes_of(run).server[-1].keys()
    assert [span.name for span in findings.spans][:2] == ["viewers connect", "warm-up"]
    assert await streams_of(target, run) == []  # they are deleted


@pytest.mark.soak
async def test_a_call_is_made_of_streams(target: Target) -> None:
    run = run_of(target, Live(viewers=3, burst=4, rate=120.0))
    findings = await call_program.measure(run)
    found = values(findings)
    assert {name: found[name] for name in ALWAYS} == dict.fromkeys(ALWAYS, 0)
    assert found["users.max"] == 6  # each of three watches two
    assert found["forwarded.rate"] > 0
    assert findings.violations == []
    assert found["call.streams"] == found["call.size"] * (found["call.size"] - 1)


async def test_what_a_publisher_leaves_out_is_lost(target: Target) -> None:
    run = run_of(target, Live(viewers=2))
    [person] = await run.preparation.people(1)
    async with (
        Streams(target.url) as streams,
        started("tests.loadtest.live.skipping_publisher") as publishers,
        started("loadtest.live.viewers") as viewers,
    ):
        show = Show(run, streams, Peers(target, publishers, [viewers]))
        stream = await show.publish(person)
        await show.join([Watch(stream.play_url, person.token)] * 2, sample=1)
        await show.play(Send(5, 100.0), 0.1)  # what came before it is not known to be missing
        sample = await show.play(Send(5, 100.0), 0.3)
    assert sample.came == sample.due > 0
    # One in front of each burst of five; parameter sets, which go by themselves, are few.
    assert sample.due // 7 <= sample.lost <= sample.due // 5
    assert sample.fault.endswith("lost")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refusal(404, "not_found", "There is no such path."), "404, not_found: There is no such"),
        (refusal(403, "forbidden", "An account has 20 streams at most."), "20 streams"),
        (Answer(200, "<p>Welcome!</p>"), "HTTP status 200, it does not say why"),
        (Answer(None), "See that the server is still there"),
    ],
    ids=["no streams", "too many", "no Plaza", "gone"],
)
async def test_a_server_that_makes_no_stream(answer: Answer, words: str) -> None:
    async with answering(lambda _: answer) as url, Streams(url) as streams:
        with pytest.raises(TargetError, match=words):
            await streams.make(Person("1", "token"))
