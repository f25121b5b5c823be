"""Steady load on one of the server's hot paths: that of a question, at one pace."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

from msgspec.structs import replace

from loadtest.findings import Findings, Run
from loadtest.preparation import prepared
from loadtest.programs import PROGRAMS
from loadtest.report.model import Moment
from loadtest.scenario import Scenario
from loadtest.scenarios import file as scenario_file
from loadtest.target import OwnTarget, opened

# Longer than anybody looks: it is ended when they have seen enough.
_SECONDS = 3600.0


class HotPath(NamedTuple):
    """What may be profiled.

    Attributes:
        title: what the server does.
        question: whose load it is.
        pace: what differs from it; its variants are left out.
        unit: what is counted, by its name in a moment's rates.
    """

    title: str
    question: str
    pace: Mapping[str, Any]
    unit: str

    def scenario(self) -> Scenario:
        """The question at this pace."""
        overrides = {**self.pace, "load.duration": _SECONDS, "variants": {}}
        return replace(scenario_file.load(self.question, overrides=overrides), repeat=1)


PATHS = {
    "fanout": HotPath(
        "Messages to a room of 500",
        "how-fast-is-fanout",
        {"load.rate": 150.0, "load.arrivals": "uniform"},
        "delivered",
    ),
    "chat": HotPath(
        "500 pairs, 2 messages in flight each",
        "how-fast-is-durable-chat",
        {
            **{"load.users": 1000, "load.senders": 500, "load.in_flight": 2},
            **{"rooms.kind": "dm", "rooms.members": 2},
        },
        "acknowledged",
    ),
    "live": HotPath(
        "A live stream for 100 viewers",
        "how-many-viewers-per-core",
        {"live.viewers": 100, "live.burst": 8, "live.rate": 800.0, "live.rises": False},
        "forwarded",
    ),
}


class Failed(Exception):
    """The load has ended, or what came was not what should have come."""


class Load:
    """The load on a server; told by its program how it goes. Made by `under_load`.

    Attributes:
        pid: of the server.
        unit: what is counted.
    """

    def __init__(self, pid: int, unit: str, ramp: float) -> None:
        self.pid = pid
        self.unit = unit
        self._ramp = ramp
        self._rates: list[float] = []
        self._steady = asyncio.Event()

    def step(self, text: str, done: int = 0, of: int = 0) -> None:
        """Of loadtest.findings.Watcher; nobody looks."""

    def moment(self, moment: Moment, server: dict[str, float]) -> None:  # noqa: ARG002 - Watcher's
        """A second has passed."""
        if moment.at > self._ramp + 1:
            self._rates.append(moment.rates.get(self.unit, 0.0))
            self._steady.set()

    async def steady(self) -> None:
        """Wait until everybody is there, and a second longer."""
        await self._steady.wait()

    def begin(self) -> None:
        """Count from here."""
        self._rates.clear()

    def rate(self) -> float:
        """What was done in a second, since then; 0.0 if it was less than one."""
        return sum(self._rates) / max(len(self._rates), 1)


@asynccontextmanager
async def under_load(path: HotPath) -> AsyncIterator[Load]:
    """Start a server and its load; they are steady when this is entered.

    Raises:
        ScenarioError, TargetError, CrowdFailed: it cannot be done; the text says why.
        Failed: it went wrong.
    """
    scenario = path.scenario()
    async with opened(None, settings=scenario.server) as target:
        assert isinstance(target, OwnTarget)
        load, ended = Load(target.deployment.pid, path.unit, scenario.load.ramp), asyncio.Event()
        run = Run(
            target=target,
            preparation=prepared(target, accounts_file=None, progress=load.step),
            scenario=scenario,
            watcher=load,
            ended=ended,
        )
        program = asyncio.ensure_future(PROGRAMS[scenario.program](run))
        try:
            await _first(program, asyncio.ensure_future(load.steady()))
            yield load
            ended.set()
            _judge(await program)
        finally:
            program.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await program


async def _first(program: "asyncio.Future[Findings]", steady: "asyncio.Future[None]") -> None:
    try:
        await asyncio.wait((program, steady), return_when=asyncio.FIRST_COMPLETED)
    finally:
        steady.cancel()
    if program.done():
        _judge(program.result())
        raise Failed("The load has ended before it was steady.")


def _judge(findings: Findings) -> None:
    if findings.violations:
        raise Failed("The load went wrong. " + " ".join(findings.violations))
