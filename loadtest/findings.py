"""What a scenario's program is given, and what it hands back.

A program runs one variant of a scenario, once. `loadtest/programs.py` is the table of them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec import Struct

from loadtest.preparation import Preparation
from loadtest.report.model import Moment, Span
from loadtest.scenario import Scenario
from loadtest.target import Target


class Finding(Struct, frozen=True):
    """A figure of one run."""

    value: float
    unit: str


class Findings(Struct, kw_only=True):
    """What one run of a variant has found.

    Attributes:
        figures: by name, such as "delivery.p99".
        histograms: see report/model.py.
        moments, spans: their times count from the beginning of this run.
        violations: what must never be, in words.
        answer: in sentences, what figures alone do not say.
    """

    figures: dict[str, Finding] = {}
    histograms: dict[str, str] = {}
    moments: list[Moment] = []
    spans: list[Span] = []
    violations: list[str] = []
    answer: list[str] = []


class Watcher(Protocol):
    """Who is told how it goes: the live view, or nobody."""

    def step(self, text: str, done: int = 0, of: int = 0) -> None:
        """What is being done now, and how far that is."""

    def moment(self, moment: Moment, server: dict[str, float]) -> None:
        """A second has passed.

        Args:
            moment: what happened in it.
            server: metrics of the server's own that say something, by a name for people.
        """


class Run(Struct, kw_only=True):
    """All that a program needs.

    Attributes:
        target: the server.
        preparation: makes people and rooms there.
        scenario: a variant, with everything in force.
        watcher: is told how it goes.
        ended: set when it is to end now, and to hand back what it has found so far.
        seed: of what is left to chance.
    """

    target: Target
    preparation: Preparation
    scenario: Scenario
    watcher: Watcher
    ended: asyncio.Event
    seed: int = 1


Program = Callable[[Run], Awaitable[Findings]]
