"""A run: variants take turns, what they find is put together, and thresholds are judged."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from loadtest import latencies, run
from loadtest.findings import Finding, Findings, Program, Run
from loadtest.interruption import Ended
from loadtest.preparation import Preparation
from loadtest.report.model import Moment, Report, Span
from loadtest.run import Options
from loadtest.scenario import Scenario
from loadtest.scenarios.file import ScenarioError
from loadtest.target import Target
from tests.loadtest.fake_target import FakePreparation, FakeTarget

SCENARIO = """
question = "How fast is it?"
repeat = 3
thresholds = ["lost <= 0", "busy: ack.p99 <= 2 x idle: ack.p99"]
budgets = ["ack.p99 <= 15", "busy: acknowledged.rate >= 1000"]

[load]
users = 4
rate = 10.0

[rooms]
members = 2

[mix]
message = 1.0

[variants.idle.load]
rate = 1.0

[variants.busy.load]
rate = 100.0
"""

Measure = Callable[[Run], Findings]


class Servers:
    """Those that were opened, and what was run on them."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []
        self.open = 0
        self.runs: list[Run] = []

    @asynccontextmanager
    async def opened(
        self,
        url: str | None,
        *,
        pid: int | None,
        metrics_url: str | None,
        settings: Mapping[str, str],
    ) -> AsyncIterator[Target]:
        self.asked.append(url)
        self.open += 1
        try:
            yield FakeTarget(is_own=url is None)
        finally:
            self.open -= 1

    def prepared(self, target: Target, **_: object) -> Preparation:
        return FakePreparation()


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Servers:
    made = Servers()
    monkeypatch.setattr(run, "opened", made.opened)
    monkeypatch.setattr(run, "prepared", made.prepared)
    return made


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "fast.toml"
    path.write_text(SCENARIO)
    return str(path)


def found(run: Run) -> Findings:
    """The latency follows the rate, and grows with each repetition."""
    ack = 10.0 if run.scenario.load.rate == 1.0 else 15.0
    ack += run.seed
    return Findings(
        figures={
            "ack.p99": Finding(ack, "ms"),
            "acknowledged.rate": Finding(run.scenario.load.rate, "/s"),
            "lost": Finding(0, ""),
        },
        histograms={"ack": latencies.encoded(latencies.histogram({round(ack * 1000): 2}))},
        moments=[Moment(at=1.0), Moment(at=2.0)],
        spans=[Span(name="ramp", begin=0.0, end=1.0)],
        answer=["It is."],
    )


async def reported(
    servers: Servers, options: Options, measure: Measure = found, ended: asyncio.Event | None = None
) -> Report:
    async def perform(one: Run) -> Findings:
        assert servers.open == 1
        servers.runs.append(one)
        return measure(one)

    def find(_: Scenario) -> Program:
        return perform

    return await run.run(options, ended or asyncio.Event(), Console(file=StringIO()), find=find)


async def test_variants_take_turns(servers: Servers, file: str) -> None:
    report = await reported(servers, Options(name=file, seed=7))
    assert [one.scenario.load.rate for one in servers.runs] == [1.0, 100.0] * 3
    assert [one.seed for one in servers.runs] == [7, 7, 8, 8, 9, 9]
    assert [moment.run for moment in report.moments[::2]] == [
        *("idle 1", "busy 1", "idle 2", "busy 2", "idle 3", "busy 3")
    ]


async def test_each_turn_has_a_fresh_server(servers: Servers, file: str) -> None:
    report = await reported(servers, Options(name=file))
    assert servers.asked == [None] * 6
    assert servers.open == 0
    assert report.server["started by"] == "the harness"


async def test_the_server_of_others_is_one_for_all_turns(servers: Servers, file: str) -> None:
    report = await reported(servers, Options(name=file, url="http://plaza"))
    assert servers.asked == ["http://plaza"]
    assert servers.open == 0
    assert report.server == {
        "url": FakeTarget.url,
        "api": "1",
        "started by": "somebody else",
    }


async def test_figures_have_a_sample_of_each_repetition(servers: Servers, file: str) -> None:
    report = await reported(servers, Options(name=file))
    figures = {figure.name: figure for figure in report.figures}
    assert list(figures) == [
        *("idle: ack.p99", "idle: acknowledged.rate", "idle: lost"),
        *("busy: ack.p99", "busy: acknowledged.rate", "busy: lost"),
    ]
    assert figures["busy: ack.p99"].samples == [16.0, 17.0, 18.0]
    assert figures["busy: ack.p99"].unit == "ms"


async def test_histograms_are_of_all_repetitions(servers: Servers, file: str) -> None:
    report = await reported(servers, Options(name=file))
    all_of_them = latencies.encoded(latencies.histogram({16_000: 2, 17_000: 2, 18_000: 2}))
    assert report.histograms["busy: ack"] == all_of_them


async def test_times_count_from_the_beginning_of_the_run(servers: Servers, file: str) -> None:
    report = await reported(servers, Options(name=file))
    names = [span.name for span in report.spans]
    assert names[:4] == ["idle 1", "ramp", "busy 1", "ramp"]
    turns = [span for span in report.spans if span.name != "ramp"]
    ramps = [span for span in report.spans if span.name == "ramp"]
    for turn, ramp in zip(turns, ramps, strict=True):
        assert ramp.begin == turn.begin
    assert [turn.begin for turn in turns] == sorted(turn.begin for turn in turns)
    assert report.answer[:2] == ["idle: It is.", "busy: It is."]


async def test_thresholds_and_budgets_are_judged(servers: Servers, file: str) -> None:
    options = Options(name=file, thresholds=("ack.p99 <= 14",))
    report = await reported(servers, options)
    judged = {(one.kind, one.rule): (one.found, one.holds) for one in report.judgements}
    assert judged == {
        ("threshold", "idle: lost <= 0"): (0.0, True),
        ("threshold", "busy: lost <= 0"): (0.0, True),
        ("threshold", "busy: ack.p99 <= 2 x idle: ack.p99"): (17.0, True),
        ("threshold", "idle: ack.p99 <= 14"): (12.0, True),
        ("threshold", "busy: ack.p99 <= 14"): (17.0, False),
        ("budget", "idle: ack.p99 <= 15"): (12.0, True),
        ("budget", "busy: ack.p99 <= 15"): (17.0, False),
        ("budget", "busy: acknowledged.rate >= 1000"): (100.0, False),
    }
    assert not report.holds


async def test_a_missed_budget_is_shown_and_no_more(servers: Servers, file: str) -> None:
    report = await reported(servers, Options(name=file))
    assert report.holds
    figures = {figure.name: figure for figure in report.figures}
    assert figures["busy: ack.p99"].verdict == "missed by 13%"
    assert figures["idle: ack.p99"].verdict == "holds"
    assert figures["busy: acknowledged.rate"].target == "at least 1,000"
    assert figures["idle: acknowledged.rate"].budget is None


async def test_a_violation_is_named_with_its_variant(servers: Servers, file: str) -> None:
    def measure(run: Run) -> Findings:
        return Findings(violations=["doubled: it is at 3, too."] if run.seed == 2 else [])

    report = await reported(servers, Options(name=file), measure)
    assert report.violations == [
        "idle: doubled: it is at 3, too.",
        "busy: doubled: it is at 3, too.",
    ]
    assert not report.holds


async def test_flags_and_settings_hold_in_all_variants(servers: Servers, file: str) -> None:
    overrides = {"load.users": 6, "repeat": 1, "rooms.members": 3}
    report = await reported(servers, Options(name=file, overrides=overrides))
    assert [one.scenario.load.users for one in servers.runs] == [6, 6]
    assert report.scenario["rooms"]["members"] == 3
    assert report.moments[0].run == "idle", "without a number, as it is run once"


async def test_what_was_found_until_it_was_ended_is_reported(servers: Servers, file: str) -> None:
    ended = asyncio.Event()

    def measure(run: Run) -> Findings:
        if len(servers.runs) == 3:
            ended.set()
        return found(run)

    report = await reported(servers, Options(name=file), measure, ended)
    assert report.interrupted
    assert len(servers.runs) == 3
    figures = {figure.name: figure.samples for figure in report.figures}
    assert figures["idle: ack.p99"] == [11.0, 12.0]
    assert figures["busy: ack.p99"] == [16.0]


async def test_a_turn_that_found_nothing_is_left_out(servers: Servers, file: str) -> None:
    ended = asyncio.Event()

    def measure(run: Run) -> Findings:
        if len(servers.runs) == 2:
            ended.set()
            raise Ended
        return found(run)

    report = await reported(servers, Options(name=file), measure, ended)
    assert report.interrupted
    assert {figure.name.partition(":")[0] for figure in report.figures} == {"idle"}
    assert servers.open == 0


async def test_there_is_no_report_of_nothing(servers: Servers, file: str) -> None:
    ended = asyncio.Event()
    ended.set()
    with pytest.raises(Ended):
        await reported(servers, Options(name=file), ended=ended)
    assert not servers.runs


async def test_a_wrong_scenario_or_rule_is_refused_first(servers: Servers, file: str) -> None:
    with pytest.raises(ScenarioError, match="users"):
        await reported(servers, Options(name=file, overrides={"load.users": "many"}))
    with pytest.raises(ScenarioError, match="is no rule"):
        await reported(servers, Options(name=file, thresholds=("fast",)))
    assert not servers.asked
