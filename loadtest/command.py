"""The command line that all benchmarks share: `python -m loadtest.NAME [--small] [--json FILE]`."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import uvloop

from loadtest.deployment import Deployment, deployed
from loadtest.figures import Figure, save, show
from loadtest.process import raise_file_limit

Scale = TypeVar("Scale")
Measure = Callable[[Scale], Awaitable[list[Figure]]]


def main(question: str, measure: Measure[Scale], *, full: Scale, small: Scale) -> None:
    """Measure, print the table, and write the file if there is to be one.

    Args:
        question: that the figures answer.
        measure: makes them.
        full: how much to measure.
        small: how much with --small, which is to see that all works: its figures say little.
    """
    parser = argparse.ArgumentParser(description=question)
    parser.add_argument("--small", action="store_true", help="a few seconds, to see that it works")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    arguments = parser.parse_args()
    raise_file_limit()

    async def run() -> list[Figure]:
        return await measure(small if arguments.small else full)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures = runner.run(run())
    show(question, figures)
    if arguments.json is not None:
        save(arguments.json, question, figures)


def on_deployment(
    measure: Callable[[Deployment, Scale], Awaitable[list[Figure]]],
) -> Measure[Scale]:
    """Give `measure` a fresh deployment."""

    async def run(scale: Scale) -> list[Figure]:
        async with deployed() as deployment:
            return await measure(deployment, scale)

    return run
