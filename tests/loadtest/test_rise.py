"""What breaks first: load goes up step by step, and words say what became of it."""

import pytest

from loadtest import rise
from loadtest.conductor.processes import CrowdFailed
from loadtest.figures import short
from loadtest.findings import Finding, Findings, Run
from loadtest.interruption import Ended
from loadtest.report.model import Moment, Span
from loadtest.scenario import Load, Rise, Scenario
from tests.loadtest.fake_target import Notes, run_of

SCENARIO = Scenario(
    question="?",
    program="rise",
    load=Load(users=10, rate=100.0, ramp=1.0, duration=2.0),
    rise=Rise(factor=2.0, steps=6, most=["delivery.p99 <= 50", "server.cpu <= 0.9"]),
    thresholds=["lost <= 0"],
)


class Server:
    """One that takes as many messages a second as the capacity says; figures follow from that."""

    def __init__(self, capacity: float, *, clients: float = 0.3) -> None:
        self.loads: list[Load] = []
        self.lost = 0
        self._capacity = capacity
        self._clients = clients

    async def perform(self, run: Run) -> Findings:
        load = run.scenario.load
        self.loads.append(load)
        used = (load.rate or load.users) / self._capacity
        figures = {
            "delivery.p99": Finding(10.0 if used <= 1 else 500.0, "ms"),
            "server.cpu": Finding(min(used, 1.0), "cores"),
            "clients.cpu": Finding(self._clients, "cores"),
            "lost": Finding(self.lost if used > 1 else 0, ""),
        }
        return Findings(
            figures=figures,
            moments=[Moment(at=at) for at in (1.0, 2.0, 3.0)],
            spans=[Span(name="settling", begin=3.0, end=4.0)],
            histograms={"delivery": short(load.rate)},
        )


async def raised(server: Server, scenario: Scenario = SCENARIO) -> Findings:
    return await rise.measure(run_of(scenario), perform=server.perform)


async def test_it_rises_until_something_breaks_and_says_what() -> None:
    server = Server(500.0)
    findings = await raised(server)
    assert [load.rate for load in server.loads] == [100, 200, 400, 800]
    assert [load.users for load in server.loads] == [10] * 4
    assert findings.answer == [
        "At 800/s it broke: delivery.p99 <= 50 (it was 500)",
        "With it: server.cpu <= 0.9 (it was 1)",
        "At 400/s everything held: delivery.p99 10 ms, server.cpu 80% of a core, "
        "clients.cpu 30% of a core.",
        "The virtual users were not the limit: 30% of a core at most.",
    ]


async def test_figures_are_those_of_the_last_good_step() -> None:
    findings = await raised(Server(500.0))
    assert findings.figures["delivery.p99"] == Finding(10.0, "ms")
    assert findings.figures["holds.rate"] == Finding(400.0, "/s")
    assert findings.figures["breaks.rate"] == Finding(800.0, "/s")
    assert findings.histograms == {"delivery": "400"}


async def test_steps_follow_each_other() -> None:
    findings = await raised(Server(500.0))
    assert [span.name for span in findings.spans] == ["100/s", "200/s", "400/s", "800/s"]
    assert [(span.begin, span.end) for span in findings.spans[:2]] == [(0.0, 4.0), (4.0, 8.0)]
    times = [moment.at for moment in findings.moments]
    assert times == sorted(set(times))
    assert len(times) == 12


async def test_busy_virtual_users_are_named() -> None:
    findings = await raised(Server(500.0, clients=0.97))
    assert (
        "used 97% of a core: they, and not the server, may have been the limit"
        in (findings.answer[-1])
    )


async def test_users_rise_where_there_is_no_rate() -> None:
    server = Server(25.0)
    load = Load(users=10, senders=2, rate=0.0)
    findings = await raised(server, Scenario(question="?", load=load, rise=SCENARIO.rise))
    assert [(load.users, load.senders) for load in server.loads] == [(10, 2), (20, 4), (40, 8)]
    assert findings.figures["holds.users"].value == 20
    assert findings.answer[0].startswith("At 40 users it broke: delivery.p99")


async def test_nothing_breaks() -> None:
    findings = await raised(Server(1e6))
    assert "breaks.rate" not in findings.figures
    assert findings.figures["holds.rate"].value == 3200
    assert findings.answer[0] == "Nothing broke up to 3,200/s: raise rise.steps (6)."


async def test_the_first_step_breaks() -> None:
    findings = await raised(Server(50.0))
    assert "holds.rate" not in findings.figures
    assert findings.figures["delivery.p99"].value == 500.0, "so that the threshold fails"
    assert "That was the first step: begin with less." in findings.answer


async def test_what_is_lost_counts_in_whatever_step() -> None:
    server = Server(500.0)
    server.lost = 3
    findings = await raised(server)
    assert findings.figures["lost"].value == 3, "and not 0, as in the last good step"
    assert findings.answer[0] == "At 800/s it broke: lost <= 0 (it was 3)"


async def test_a_step_that_cannot_be_done_breaks_too() -> None:
    server = Server(1e6)

    async def perform(run: Run) -> Findings:
        if run.scenario.load.rate > 300:
            raise CrowdFailed("Out of memory.")
        return await server.perform(run)

    findings = await rise.measure(run_of(SCENARIO), perform=perform)
    assert findings.answer[0] == "At 400/s it broke: Out of memory."
    assert findings.figures["holds.rate"].value == 200


async def test_the_first_step_that_cannot_be_done_is_an_error() -> None:
    async def perform(run: Run) -> Findings:
        raise CrowdFailed("Nothing is there.")

    with pytest.raises(CrowdFailed):
        await rise.measure(run_of(SCENARIO), perform=perform)


@pytest.mark.parametrize("is_between", [True, False])
async def test_it_is_ended_in_a_step_or_between_them(is_between: bool) -> None:
    run, server = run_of(SCENARIO), Server(1e6)

    async def perform(run: Run) -> Findings:
        if run.scenario.load.rate == 400:
            run.ended.set()
            if is_between:
                raise Ended
        return await server.perform(run)

    findings = await rise.measure(run, perform=perform)
    assert findings.figures["holds.rate"].value == 200
    assert "before a threshold broke" in findings.answer[0]


async def test_a_step_is_told_of_as_a_part_of_the_whole() -> None:
    run = run_of(SCENARIO)

    async def perform(run: Run) -> Findings:
        run.watcher.step("Under way")
        run.watcher.moment(Moment(at=1.0), {})
        return await Server(150.0).perform(run)

    await rise.measure(run, perform=perform)
    assert isinstance(run.watcher, Notes)
    assert run.watcher.steps == ["Step 1 of 6, 100/s: Under way", "Step 2 of 6, 200/s: Under way"]
    assert [moment.at for moment in run.watcher.moments] == [1.0, 4.0]
