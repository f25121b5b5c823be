"""The report of a run, as it stands in its JSON file."""

from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from loadtest.figures import Environment, Figure

FORMAT = 1


class Moment(Struct, frozen=True, kw_only=True):
    """A second of a run.

    Attributes:
        at: seconds since the run began; all its variants count on.
        run: the name of the variant, with the number of the repetition if there are several.
        users: connected.
        rates: by name (see crowd/orders.py `Tick.counts`), a second.
        errors: answers that were errors, a second, by code.
        latencies: kind -> percentile ("p50", "p90", "p99", "max") -> milliseconds.
        server_cpu, postgres_cpu: share of a core; None: not known.
        server_rss: bytes; None: not known.
        clients_cpu: share of a core of the busiest process of virtual users.
    """

    at: float
    run: str = ""
    users: int = 0
    rates: dict[str, float] = {}
    errors: dict[str, float] = {}
    latencies: dict[str, dict[str, float]] = {}
    server_cpu: float | None = None
    postgres_cpu: float | None = None
    server_rss: int | None = None
    clients_cpu: float = 0.0


class Span(Struct, frozen=True, kw_only=True):
    """A part of a run that is shown with its name: a ramp, a variant, what happened when.

    Attributes:
        begin, end: seconds since the run began.
    """

    name: str
    begin: float
    end: float


class Judgement(Struct, frozen=True, kw_only=True):
    """A threshold or budget, and what became of it.

    Attributes:
        rule: as it was written.
        found: the figure's value; None: there is no such figure, so the rule does not hold.
        holds: whether it does.
        kind: a budget that does not hold is no failure.
    """

    rule: str
    found: float | None
    holds: bool
    kind: Literal["threshold", "budget"] = "threshold"


class Report(Struct, frozen=True, kw_only=True):
    """All that a run has found.

    Attributes:
        question: that was asked.
        name: of the scenario.
        command: that repeats it.
        began: RFC 3339.
        seconds: that it took.
        environment: the machine that the virtual users ran on.
        server: what the server says of itself: url, version, whether the harness started it.
        scenario: with everything in force.
        figures: what was found; see loadtest/figures.py. Names are like "delivery.p99", of a
            variant like "50 pairs: delivery.p99".
        histograms: name (a latency kind, of a variant like figures) -> HdrHistogram, as its own
            encoding (V2, compressed, base64), in microseconds.
        moments: second by second.
        spans: parts of it.
        judgements: thresholds and budgets.
        violations: what must never be, in words.
        answer: in sentences, what figures alone do not say, such as what broke first.
        interrupted: whether it was ended before its time.
    """

    format: int = FORMAT
    question: str
    name: str
    command: str
    began: str
    seconds: float
    environment: Environment
    server: dict[str, str] = {}
    scenario: dict[str, Any] = {}
    figures: list[Figure] = []
    histograms: dict[str, str] = {}
    moments: list[Moment] = []
    spans: list[Span] = []
    judgements: list[Judgement] = []
    violations: list[str] = []
    answer: list[str] = []
    interrupted: bool = False

    @property
    def holds(self) -> bool:
        """Whether all thresholds do, and nothing happened that must never be."""
        kept = (one.holds for one in self.judgements if one.kind == "threshold")
        return all(kept) and not self.violations


def write(path: Path, report: Report) -> None:
    """Write the JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")


def read(path: Path) -> Report:
    """Read what `write` wrote.

    Raises:
        msgspec.DecodeError: it is something else; a ValueError.
    """
    return msgspec.json.decode(path.read_bytes(), type=Report)
