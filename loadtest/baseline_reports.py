"""The reports that `make bench` leaves, of both kinds: runs, and single benchmarks."""

import shlex
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from loadtest import figures
from loadtest.figures import Environment
from loadtest.report import model
from loadtest.scenarios.file import questions

T = TypeVar("T")

PEERS = "peers"
# Benchmarks, in the order in which they are shown: the name of the report, and what makes it.
BENCHMARKS = {
    "parts-inbound": "tests.benchmarks.inbound",
    "inbound": "loadtest.inbound",
    "parts-fanout": "tests.benchmarks.fanout",
    "presence": "loadtest.presence",
    "feed": "loadtest.feed",
    "parts-forward": "tests.benchmarks.forward",
    "parts-publisher": "tests.benchmarks.publisher",
    "parts-rtp": "tests.benchmarks.rtp",
    "parts-srtp": "tests.benchmarks.srtp",
    "parts-media_flood": "tests.benchmarks.media_flood",
    "parts-agreement": "tests.benchmarks.agreement",
}
# Of a command line, what only says where its outcome goes.
_OUTPUTS = ("--json", "--html")
_SMALL = "--small"


class Reports(Struct, frozen=True, kw_only=True):
    """What there is.

    Attributes:
        runs: of questions, and of the peers, by name.
        benchmarks: by the name of the report.
        problems: what is missing or was not taken; sentences.
    """

    runs: dict[str, model.Report] = {}
    benchmarks: dict[str, figures.Report] = {}
    problems: list[str] = []

    @property
    def are_none(self) -> bool:
        """Whether there is nothing at all."""
        return not (self.runs or self.benchmarks)

    @property
    def environment(self) -> Environment:
        """The machine, and the versions of what ran there."""
        environments = [
            *(report.environment for report in self.runs.values()),
            *(report.environment for report in self.benchmarks.values()),
        ]
        return environments[0]


def found_in(folder: Path, *, small: bool = False) -> Reports:
    """Read the reports of a folder.

    Args:
        small: whether those of `--small` runs are taken.
    """
    reports = Reports()
    for name in [*questions(), PEERS]:
        run = _read(folder / f"{name}.json", model.Report, reports.problems)
        if run is not None and _SMALL in shlex.split(run.command) and not small:
            reports.problems.append(f"{folder / name}.json is of a --small run, and is not taken.")
        elif run is not None:
            reports.runs[name] = run
    for name in BENCHMARKS:
        benchmark = _read(folder / f"{name}.json", figures.Report, reports.problems)
        if benchmark is not None:
            reports.benchmarks[name] = benchmark
    return reports


def command_of(report: model.Report) -> str:
    """What repeats a run, without where it wrote to."""
    words = iter(shlex.split(report.command))
    kept = []
    for word in words:
        if word in _OUTPUTS:
            next(words, None)
        elif word != "--quiet":
            kept.append(word)
    return shlex.join(kept)


def _read(path: Path, kind: type[T], problems: list[str]) -> T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        problems.append(f"{path} is missing; what stands in the document of it stays.")
    except (OSError, msgspec.DecodeError) as error:
        problems.append(
            f"{path} cannot be read ({error}); what stands in the document of it stays."
        )
    return None
