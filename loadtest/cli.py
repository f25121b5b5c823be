"""`plaza loadtest`: the command line of the load tests.

What a command needs is imported when it runs, so that `--help` is quick.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ParamSpec

from cyclopts import App, Parameter
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loadtest.flags import AT_LEAST_ONE, NONE, NOT_NEGATIVE, Flags

if TYPE_CHECKING:
    from loadtest.report.model import Report
    from loadtest.run import Options

P = ParamSpec("P")

# Exit statuses. docs/operations.md has those of all commands.
DONE = 0
BROKEN = 12
"""A threshold does not hold, or something happened that must never be."""
NOT_RUN = 13
"""It cannot be done; standard error says why."""
WORSE = 14
"""`compare` has found something that is worse."""
INTERRUPTED = 130

app = App(
    name="loadtest",
    help="Load a server with virtual users, and measure what it does. `questions` says with what.",
    help_format="plaintext",
    result_action="return_value",
)


class CannotDo(Exception):
    """What was asked for cannot be done; the text says why."""


def _says_why_not(command: Callable[P, int]) -> Callable[P, int]:
    """Let a command end with a sentence where that is enough; the rest has a traceback."""

    @wraps(command)
    def told(*args: P.args, **kwargs: P.kwargs) -> int:
        from loadtest.failures import FAILURES  # noqa: PLC0415

        try:
            return command(*args, **kwargs)
        except Exception as error:
            if not isinstance(error, (CannotDo, *FAILURES)):
                raise
            _stderr().print(f"[bold red]Error:[/] {escape(str(error))}")
            return NOT_RUN

    return told


@app.command
@_says_why_not
def run(scenario: str, *, flags: Flags = NONE) -> int:
    """Run a scenario. Ctrl-C ends it, and reports what there is; a second one leaves at once.

    Args:
        scenario: A question's name, or a TOML file.
    """
    from loadtest.interruption import Ended  # noqa: PLC0415
    from loadtest.process import raise_file_limit  # noqa: PLC0415

    for file in filter(None, (flags.json, flags.html)):
        _see_that_it_can_be_written(file)
    raise_file_limit()
    try:
        report = _measured(_options(scenario, flags))
    except (Ended, asyncio.CancelledError):
        _stderr().print("Ended before there was anything to report.")
        return INTERRUPTED
    return _reported(report, flags.json, flags.html)


@app.command
@_says_why_not
def compare(
    before: Path,
    after: Path,
    *,
    tolerance: Annotated[
        float, Parameter(help="What is no difference, as a share.", validator=NOT_NEGATIVE)
    ] = 0.1,
) -> int:
    """Compare two reports, and end with an exit code if the later one is worse.

    Args:
        before: Its file, as --json wrote it.
        after: Of the later one.
    """
    from loadtest.report import compare as comparing  # noqa: PLC0415

    comparison = comparing.compare(_read(before), _read(after), tolerance=tolerance)
    comparing.show(comparison, _stdout())
    return WORSE if comparison.worse else DONE


@app.command
@_says_why_not
def peers(
    *names: str,
    rounds: Annotated[
        int | None, Parameter(help="Samples of each figure.", validator=AT_LEAST_ONE)
    ] = None,
    members: Annotated[int | None, Parameter(help="Of the room.", validator=AT_LEAST_ONE)] = None,
    small: Annotated[bool, Parameter(negative="", help="Some seconds, to see that it works.")] = (
        False
    ),
    json: Annotated[Path | None, Parameter(help="File for the report, for `compare`.")] = None,
    html: Annotated[Path | None, Parameter(help="File for the report, as a page.")] = None,
) -> int:
    """Measure Plaza beside other servers, at the same work in the same run.

    Args:
        names: Of those that take part; without any, all that are installed.
    """
    from loadtest.interruption import Ended  # noqa: PLC0415
    from loadtest.peers import command  # noqa: PLC0415

    for file in filter(None, (json, html)):
        _see_that_it_can_be_written(file)
    try:
        report = command.run(only=names, rounds=rounds, members=members, small=small)
    except Ended:
        _stderr().print("Ended before there was anything to report.")
        return INTERRUPTED
    return _reported(report, json, html)


@app.command
def questions() -> int:
    """List the scenarios that Plaza brings."""
    from loadtest.scenarios.file import questions as brought  # noqa: PLC0415

    table = Table.grid(padding=(0, 2))
    for name, question in brought().items():
        table.add_row(name, question)
    _stdout().print(table)
    return DONE


def _options(scenario: str, flags: Flags) -> "Options":
    from loadtest.run import Options  # noqa: PLC0415
    from loadtest.scenarios.file import override  # noqa: PLC0415

    return Options(
        name=scenario,
        url=flags.url,
        overrides={**dict(map(override, flags.settings)), **flags.overrides()},
        thresholds=flags.threshold,
        small=flags.small,
        seed=flags.seed,
        accounts=flags.accounts,
        pid=flags.pid,
        metrics_url=flags.metrics_url,
        command=flags.command(scenario),
        quiet=flags.quiet,
    )


def _measured(options: "Options") -> "Report":
    import uvloop  # noqa: PLC0415

    from loadtest.interruption import heeded  # noqa: PLC0415
    from loadtest.run import run as run_scenario  # noqa: PLC0415

    async def measure() -> "Report":
        ended = asyncio.Event()
        with heeded(ended):
            return await run_scenario(options, ended, _stderr())

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measure())


def _reported(report: "Report", json: Path | None, html: Path | None) -> int:
    from loadtest.report import model, page, table  # noqa: PLC0415

    writers: list[tuple[Path | None, Callable[[Path, Report], None]]] = [
        (json, model.write),
        (html, page.write),
    ]
    table.show(report, _stdout())
    for file, write in writers:
        if file is not None:
            write(file, report)
            _stderr().print(f"Written: {escape(str(file))}")
    if report.interrupted:
        return INTERRUPTED
    return DONE if report.holds else BROKEN


def _read(file: Path) -> "Report":
    from loadtest.report import model  # noqa: PLC0415

    try:
        report = model.read(file)
    except OSError as error:
        raise CannotDo(f"The report {file} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise CannotDo(f"{file} is no report of `plaza loadtest run --json` ({error}).") from error
    if report.format > model.FORMAT:
        raise CannotDo(f"The report {file} was written by a newer plaza: compare it with that.")
    return report


def _see_that_it_can_be_written(file: Path) -> None:
    """Before a run rather than after it."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.open("ab").close()
    except OSError as error:
        raise CannotDo(f"{file} cannot be written: {error.strerror}.") from error


def _stderr() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def _stdout() -> Console:
    # A file or a pipe has no width: what is written there is not to be cut at 80 characters.
    return Console(highlight=False, width=None if os.isatty(1) else 120)
