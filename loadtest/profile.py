"""Where does the server's time go? A flame graph and a table of costs, of one of its hot paths.

    python -m loadtest.profile fanout|chat|live [--seconds N] [--rate HZ] [--native] [--perf]

It starts a server of its own, puts the path under steady load, and has py-spy look at the server.
build/profile/ then has NAME.svg, NAME.speedscope.json (for https://www.speedscope.app), NAME.folded
and NAME.txt, the table, which is printed. docs/profiling.md says how to read them.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import psutil  # type: ignore[import-untyped]
import uvloop

from loadtest.conductor.processes import CrowdFailed
from loadtest.process import cpu_seconds, raise_file_limit
from loadtest.profiling import flame_graph
from loadtest.profiling.hot_paths import PATHS, Failed, Load, under_load
from loadtest.profiling.recorder import NotRecorded, read_c, record_c, record_python
from loadtest.profiling.stacks import Stacks, busy, by_function, fold, inside, speedscope
from loadtest.profiling.table import Effort, table
from loadtest.scenarios.file import ScenarioError
from loadtest.target import TargetError

FOLDER = Path("build/profile")
# All of the server that is worth a look runs in it.
LOOP = "Runner.run (asyncio/runners.py"


class Options(NamedTuple):
    """How to look.

    Attributes:
        seconds: of it.
        rate: samples a second. Not a divisor of what happens each second or millisecond.
        native: whether to see into C.
        perf: whether to have perf look afterwards, too.
        folder: of the files.
    """

    seconds: int = 15
    rate: int = 499
    native: bool = False
    perf: bool = False
    folder: Path = FOLDER


async def profile(name: str, options: Options) -> list[str]:
    """Profile a hot path; returns the tables, and writes the files.

    Raises:
        NotRecorded: there is no profiler, or it may not look.
        Failed, TargetError, CrowdFailed: there is no load, or what comes of it is wrong.
    """
    path, folder = PATHS[name], options.folder
    folder.mkdir(parents=True, exist_ok=True)
    async with under_load(path) as load:
        stacks, effort = await python_of(load, options)
        tables = [write(name, path.title, stacks, effort, folder)]
        if options.perf:
            stacks, effort = await c_of(load, options, folder / f"{name}.perf.data")
            title = f"{path.title}, in C, with the database"
            tables.append(write(f"{name}.perf", title, stacks, effort, folder))
    return tables


async def python_of(load: Load, options: Options) -> tuple[Stacks, Effort]:
    """What py-spy sees of the server."""
    async with watched(load, [load.pid]) as watch:
        stacks = await record_python(
            load.pid, seconds=options.seconds, rate=options.rate, native=options.native
        )
    return inside(stacks, LOOP), watch.effort


async def c_of(load: Load, options: Options, output: Path) -> tuple[Stacks, Effort]:
    """What perf sees of the server and its database."""
    children = psutil.Process(load.pid).children(recursive=True)
    pids = [load.pid, *(child.pid for child in children)]
    async with watched(load, pids) as watch:
        await record_c(pids, output, seconds=options.seconds, rate=options.rate)
    return await read_c(output), watch.effort


class Watch:
    """Made by `watched`.

    Attributes:
        effort: of the time in it, after it.
    """

    effort: Effort


@asynccontextmanager
async def watched(load: Load, pids: Sequence[int]) -> AsyncIterator[Watch]:
    """See what processes do meanwhile."""
    watch = Watch()
    load.begin()
    began, cpu = time.perf_counter(), sum(map(cpu_seconds, pids))
    yield watch
    seconds, used = time.perf_counter() - began, sum(map(cpu_seconds, pids)) - cpu
    watch.effort = Effort(seconds, used, load.rate(), load.unit)


def write(name: str, title: str, stacks: Stacks, effort: Effort, folder: Path) -> str:
    """Write a profile's files; returns the table.

    Args:
        name: of the files.
        title: of the picture and the table.
    """
    stacks = busy(stacks)
    functions = by_function(stacks)
    text = table(title, functions, effort)
    (folder / f"{name}.folded").write_text(fold(stacks))
    (folder / f"{name}.svg").write_text(flame_graph.draw(title, functions))
    (folder / f"{name}.txt").write_text(text)
    (folder / f"{name}.speedscope.json").write_bytes(
        msgspec.json.encode(speedscope(title, functions))
    )
    return text


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return int(text)


def main() -> None:
    """The command line."""
    defaults = Options()
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.profile", description="Where does the server's time go?"
    )
    parser.add_argument("path", choices=PATHS, help="the hot path")
    parser.add_argument(
        "--seconds", type=_positive, default=defaults.seconds, help="how long to look"
    )
    parser.add_argument("--rate", type=_positive, default=defaults.rate, help="samples a second")
    parser.add_argument("--native", action="store_true", help="see into C: slower")
    parser.add_argument("--perf", action="store_true", help="have perf look afterwards, too")
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder of the files")
    asked = parser.parse_args()
    options = Options(asked.seconds, asked.rate, asked.native, asked.perf, asked.output)
    raise_file_limit()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            tables = runner.run(profile(asked.path, options))
    except (NotRecorded, Failed, TargetError, CrowdFailed, ScenarioError) as why:
        sys.exit(str(why))
    except KeyboardInterrupt:
        sys.exit(130)
    print("\n".join(tables))
    print(f"{options.folder / asked.path}.svg is the flame graph.")


if __name__ == "__main__":
    main()
