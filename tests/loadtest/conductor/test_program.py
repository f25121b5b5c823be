"""The crowd: processes are started, told, listened to and ended, and what they tell is gathered."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from loadtest import latencies
from loadtest.conductor import processes as crowd_processes
from loadtest.conductor.processes import CrowdFailed
from loadtest.conductor.program import measure
from loadtest.findings import Findings, Run
from loadtest.interruption import Ended
from loadtest.report.model import Span
from loadtest.scenario import Happening, Load, Mix, Rooms, Scenario, Stage
from tests.loadtest import fake_target
from tests.loadtest.fake_target import FakePreparation, FakeTarget, Notes, run_of

USERS = 6
SECONDS = 3

SCENARIO = Scenario(
    question="?",
    load=Load(users=USERS, rate=6.0, ramp=1.0, duration=float(SECONDS), processes=2),
    rooms=Rooms(members=3),
    mix=Mix(message=1.0),
    patience=1.0,
)


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    yield
    assert not crowds()


def crowds() -> list[psutil.Process]:
    """Processes of ours that are fake crowds: there are others, of other tests' databases."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if any("fake_crowd.py" in word for word in child.cmdline()):
                found.append(child)
    return found


async def measured(run: Run, fault: str = "none") -> Findings:
    script = Path(__file__).with_name("fake_crowd.py")
    return await measure(run, program=(sys.executable, str(script), fault))


def values(findings: Findings) -> dict[str, float]:
    return {name: found.value for name, found in findings.figures.items()}


async def test_figures_are_of_the_measured_time() -> None:
    found = values(await measured(run_of(SCENARIO)))
    assert found["sent"] == USERS * SECONDS
    assert found["sent.rate"] == pytest.approx(USERS)
    assert found["delivered.rate"] == pytest.approx(USERS * 10)
    assert found["acknowledged"] == USERS * SECONDS + 2, "with those of the end"
    assert found["acknowledged.rate"] == pytest.approx(USERS), "but no rate has them"
    assert "connects" not in found, "they were in the ramp"
    assert "connect.p50" not in found
    assert found["users.max"] == USERS


async def test_latencies_of_all_processes_and_of_the_last_answers_count() -> None:
    findings = await measured(run_of(SCENARIO))
    found = values(findings)
    assert found["ack.count"] == USERS * SECONDS + 2
    assert found["ack.p50"] == pytest.approx(2.0, rel=0.001)  # 9 of 1 ms, 9 of 2 ms, 2 of 64 ms
    assert found["ack.p99"] == found["ack.max"] == pytest.approx(64.0, rel=0.001)
    assert found["delivery.p99"] == pytest.approx(4.0, rel=0.001)
    assert found["delivery.p999"] == pytest.approx(64.0, rel=0.001)
    merged = latencies.merged([findings.histograms["ack"]])
    assert merged.startswith("HIST")


async def test_what_is_always_told_is_0_where_all_is_well() -> None:
    found = values(await measured(run_of(SCENARIO)))
    names = ("lost", "doubled", "disordered", "late", "forged", "dropped")
    assert {name: found[name] for name in names} == dict.fromkeys(names, 0)
    assert found["unanswered"] == 2
    assert found["errors"] == found["errors.rate_limited"] == 2 * SECONDS


async def test_what_the_server_used() -> None:
    found = values(await measured(run_of(SCENARIO)))
    assert found["server.rss"] == 100
    assert found["server.growth"] == 0
    assert found["clients.cpu"] == pytest.approx(0.5), "of the busiest"


async def test_a_moment_is_of_all_processes() -> None:
    run = run_of(SCENARIO)
    findings = await measured(run)
    assert isinstance(run.watcher, Notes)
    assert run.watcher.moments == findings.moments
    assert [moment.at for moment in findings.moments] == [1.0, 2.0, 3.0, 4.0]
    last = findings.moments[-1]
    assert last.users == USERS
    assert last.rates["delivered"] == pytest.approx(USERS * 10)
    assert last.errors == {"rate_limited": pytest.approx(2.0)}
    assert last.latencies["delivery"] == {"p50": 2.0, "p90": 4.0, "p99": 4.0, "max": 4.0}
    assert last.server_rss == fake_target.RESIDENT
    assert run.watcher.server[-1]["connections"] == 3.0


async def test_what_was_acknowledged_to_anybody_is_waited_for_by_all() -> None:
    findings = await measured(run_of(SCENARIO), "loses")
    # The newest of both processes, 8, is told to both of them, and neither has it.
    assert values(findings)["lost"] == 16
    assert findings.violations == ["lost: 16 deliveries of acknowledged events never came."]


async def test_what_must_not_be_is_told_in_words() -> None:
    findings = await measured(run_of(SCENARIO), "doubles")
    assert values(findings)["doubled"] == 2 * SECONDS
    assert findings.violations == ["Twice."] * 2 * SECONDS


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("refuses", "exit status 1: No such scenario."),
        ("dies", "exit status 1: Out of memory."),
        ("babbles", "is not understood"),
    ],
)
async def test_a_process_that_fails_is_an_error_with_a_sentence(fault: str, sentence: str) -> None:
    with pytest.raises(CrowdFailed, match="of the virtual users") as failure:
        await measured(run_of(SCENARIO), fault)
    assert sentence in str(failure.value)


async def test_a_process_that_is_killed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_of(SCENARIO)

    async def kill_one() -> None:
        assert isinstance(run.watcher, Notes)
        await run.watcher.seen.wait()
        crowds()[-1].kill()

    killing = asyncio.create_task(kill_one())
    with pytest.raises(CrowdFailed, match="signal 9"):
        await measured(run, "waits")
    await killing


async def test_a_process_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd_processes, "SILENCE_SECONDS", 0.1)
    with pytest.raises(CrowdFailed, match=r"has said nothing for 0\.1 s"):
        await measured(run_of(SCENARIO), "stalls")


async def test_a_process_that_does_not_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtest.conductor.program._MARGIN_SECONDS", -0.9)
    with pytest.raises(CrowdFailed, match="no Halted"):
        await measured(run_of(SCENARIO), "deaf")


async def test_it_can_be_ended_in_the_middle() -> None:
    run = run_of(SCENARIO)

    async def end() -> None:
        assert isinstance(run.watcher, Notes)
        while len(run.watcher.moments) < 2:
            run.watcher.seen.clear()
            await run.watcher.seen.wait()
        run.ended.set()

    ending = asyncio.create_task(end())
    findings = await measured(run, "waits")
    await ending
    found = values(findings)
    assert found["sent"] == USERS, "of the one second that it had"
    assert found["lost"] == 0


async def test_it_can_be_ended_before_it_begins() -> None:
    run = run_of(SCENARIO)
    run.ended.set()
    with pytest.raises(Ended):
        await measured(run)


async def test_a_cancelled_run_leaves_nothing() -> None:
    run = run_of(SCENARIO)
    task = asyncio.create_task(measured(run, "waits"))
    assert isinstance(run.watcher, Notes)
    await run.watcher.seen.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


KILLING = Scenario(
    question="?",
    load=Load(users=2, ramp=0.0, duration=1.0, processes=1),
    mix=Mix(message=1.0),
    rooms=Rooms(kind="dm", members=2),
    happenings=[Happening(at=0.1, do="drop"), Happening(at=0.2, do="kill")],
)


async def test_the_server_is_killed_when_it_is_time() -> None:
    target = FakeTarget()
    findings = await measured(run_of(KILLING, target=target))
    assert target.kills == 1
    happened = [span for span in findings.spans if span.name in ("drop", "kill")]
    assert [span.name for span in happened] == ["drop", "kill"]
    assert happened[1].begin >= 0.2


async def test_a_server_of_others_is_not_killed() -> None:
    target = FakeTarget(is_own=False)
    with pytest.raises(CrowdFailed, match="leave --url away"):
        await measured(run_of(KILLING, target=target))
    assert target.kills == 0


async def test_stages_are_measured_from_the_beginning() -> None:
    scenario = Scenario(
        question="?",
        load=Load(users=3, ramp=0.0, duration=2.0, processes=1),
        mix=Mix(message=1.0),
        stages=[Stage(seconds=1.0, users=2), Stage(seconds=1.0, users=3, rate=5.0)],
        follows=1,
    )
    run = run_of(scenario)
    findings = await measured(run)
    assert findings.spans[:2] == [
        Span(name="stage 1", begin=0.0, end=1.0),
        Span(name="stage 2", begin=1.0, end=2.0),
    ]
    assert values(findings)["sent"] == 3 * 2
    assert isinstance(run.preparation, FakePreparation)
    assert run.preparation.followed == 1


async def test_there_are_no_more_processes_than_people() -> None:
    load = Load(users=2, ramp=1.0, duration=1.0, processes=8)
    run = run_of(Scenario(question="?", load=load, mix=Mix(message=1.0), rooms=Rooms(members=2)))
    await measured(run)
    assert isinstance(run.watcher, Notes)
    assert "Starting virtual users (processes: 2)" in run.watcher.steps
