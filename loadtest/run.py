"""A run of a scenario: its variants in turns against a server, and a report of what was found.

Variants take turns, so that what changes on the machine meanwhile changes all of them. A server of
the harness's own is a fresh one in each turn: none pays for what another left behind. In a
scenario's small form it is one for all, as its figures say little and its time is short.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from rich.console import Console

from loadtest import live_view, programs, rise
from loadtest.conductor.program import times
from loadtest.figures import environment
from loadtest.findings import Program, Run
from loadtest.gathering import Gathering
from loadtest.interruption import Ended, ending
from loadtest.live_view import Turn, View
from loadtest.preparation import Preparation, prepared
from loadtest.report.model import Report
from loadtest.scenario import Scenario
from loadtest.scenarios import file as scenario_file
from loadtest.target import Target, opened


class Options(Struct, frozen=True, kw_only=True):
    """What a run is asked for.

    Attributes:
        name: of a question, or of a file.
        url: of the server; None: one is started.
        overrides: dotted keys of the scenario -> values.
        thresholds: beyond those of the scenario.
        small: whether the scenario's small form is taken.
        seed: of what is left to chance.
        accounts: file that keeps accounts made at `url` for the next run.
        pid, metrics_url: see loadtest.target.opened.
        command: that repeats the run.
        quiet: whether nothing is shown while it runs.
    """

    name: str
    url: str | None = None
    overrides: Mapping[str, Any] = {}
    thresholds: tuple[str, ...] = ()
    small: bool = False
    seed: int = 1
    accounts: Path | None = None
    pid: int | None = None
    metrics_url: str | None = None
    command: str = ""
    quiet: bool = False


class Planned(Struct, frozen=True):
    """A turn.

    Attributes:
        variant: its name; "" where there are none.
        name: of the turn: with the number of the repetition if there are several.
        seed: differs between repetitions, and not between variants.
    """

    variant: str
    scenario: Scenario
    name: str
    seed: int


Find = Callable[[Scenario], Program]
Ready = tuple[Target, Preparation]


def program_of(scenario: Scenario) -> Program:
    """What runs it."""
    return programs.PROGRAMS[scenario.program]


def scenario_of(options: Options) -> Scenario:
    """Read the scenario, with all that was asked for.

    Raises:
        ScenarioError: there is none, or it cannot be run.
    """
    return scenario_file.load(
        options.name,
        overrides=options.overrides,
        small=options.small,
        thresholds=options.thresholds,
    )


async def run(
    options: Options, ended: asyncio.Event, console: Console, *, find: Find = program_of
) -> Report:
    """Run a scenario.

    Args:
        options: what is asked for.
        ended: once it is set, the run ends, with a report of what was found so far.
        console: on which it is shown how it goes.
        find: the program of a scenario.

    Raises:
        Ended: it was ended before anything was found.
        ScenarioError, TargetError, CrowdFailed: it cannot be done; the text says why.
    """
    scenario = scenario_of(options)
    plan = list(planned(scenario, options.seed))
    turns = [Turn(turn.name, _seconds(turn.scenario)) for turn in plan]
    with live_view.opened(scenario.question, turns, console, quiet=options.quiet) as view:
        session = Session(options, scenario, view, ended)
        try:
            await session.perform(plan, find)
        except Ended:
            if not session.has_found:
                raise
        return session.report()


def planned(scenario: Scenario, seed: int) -> Iterator[Planned]:
    """All turns: each variant once, then each of them again."""
    for repetition in range(scenario.repeat):
        for variant, one in scenario_file.variants(scenario):
            number = str(repetition + 1) if scenario.repeat > 1 else ""
            name = " ".join(filter(None, (variant, number)))
            yield Planned(variant, one, name, seed + repetition)


class Session:
    """A run under way.

    Args:
        options: what is asked for.
        scenario: with its variants.
        view: shows how it goes.
        ended: set when it is to end.
    """

    def __init__(
        self, options: Options, scenario: Scenario, view: View, ended: asyncio.Event
    ) -> None:
        self._options = options
        self._scenario = scenario
        self._view = view
        self._ended = ended
        self._gathering = Gathering(scenario)
        self._server: dict[str, str] = {}
        self._began = datetime.now(UTC)
        self._begin = time.monotonic()

    @property
    def has_found(self) -> bool:
        """Whether a turn has handed something back."""
        return bool(self._server) and bool(self._gathering.figures())

    async def perform(self, plan: Sequence[Planned], find: Find) -> None:
        """Take one turn after the other.

        Raises:
            Ended: it was ended, in a turn that has found nothing yet.
        """
        async with AsyncExitStack() as stack:
            ready = None
            if self._options.url is not None or self._options.small:
                ready = await stack.enter_async_context(self._server_for(self._scenario))
            for number, turn in enumerate(plan):
                self._view.turn(number)
                server = nullcontext(ready) if ready else self._server_for(turn.scenario)
                async with server as (target, preparation):
                    await self._take(turn, target, preparation, find)
                if self._ended.is_set():
                    return

    async def _take(
        self, turn: Planned, target: Target, preparation: Preparation, find: Find
    ) -> None:
        about = await target.about()
        self._server = {
            "url": target.url,
            **about,
            "started by": "the harness" if target.is_own else "somebody else",
        }
        begin = self._seconds_passed()
        findings = await find(turn.scenario)(
            Run(
                target=target,
                preparation=preparation,
                scenario=turn.scenario,
                watcher=self._view,
                ended=self._ended,
                seed=turn.seed,
            )
        )
        self._gathering.add(turn.variant, turn.name, begin, self._seconds_passed(), findings)

    @asynccontextmanager
    async def _server_for(self, scenario: Scenario) -> AsyncIterator[Ready]:
        options = self._options
        async with AsyncExitStack() as stack:
            async with ending(self._ended):
                where = options.url or "a server of its own"
                self._view.step(f"Opening {where}")
                target = await stack.enter_async_context(
                    opened(
                        options.url,
                        pid=options.pid,
                        metrics_url=options.metrics_url,
                        settings=scenario.server,
                    )
                )
            yield (
                target,
                prepared(target, accounts_file=options.accounts, progress=self._view.step),
            )

    def report(self) -> Report:
        """What was found so far."""
        gathering = self._gathering
        return Report(
            question=self._scenario.question,
            name=self._options.name,
            command=self._options.command,
            began=self._began.isoformat(timespec="seconds").replace("+00:00", "Z"),
            seconds=round(self._seconds_passed(), 3),
            environment=environment(),
            server=self._server,
            scenario=msgspec.to_builtins(self._scenario),
            figures=gathering.figures(),
            histograms=gathering.histograms(),
            moments=gathering.moments,
            spans=gathering.spans,
            judgements=gathering.judgements(),
            violations=gathering.violations,
            answer=gathering.answer,
            interrupted=self._ended.is_set(),
        )

    def _seconds_passed(self) -> float:
        return time.monotonic() - self._begin


def _seconds(scenario: Scenario) -> float:
    """How long a turn takes, about."""
    if scenario.program == "rise":
        return scenario.rise.steps * rise.seconds_of_a_step(scenario)
    if scenario.program in ("live", "call"):
        return scenario.load.duration
    return times(scenario)[1].end
