"""Every benchmark runs and passes its own checks: nothing lost, doubled or out of order.

What they measure is not looked at: it is this machine's business, and this moment's.
"""

import asyncio
import json
import math
import sys
from pathlib import Path

import pytest

from loadtest import connects, durable, fanout, inbound, memory, uwebsockets
from loadtest.deployment import Deployment
from loadtest.figures import Figure

ROOT = Path(__file__).parents[2]


def check(figures: list[Figure], repetitions: int) -> set[str]:
    """Every figure has its samples; return their names."""
    for figure in figures:
        assert len(figure.samples) == repetitions, figure
        assert all(math.isfinite(sample) and sample >= 0 for sample in figure.samples), figure
    assert len({(figure.name, figure.unit) for figure in figures}) == len(figures)
    return {figure.name for figure in figures}


async def test_inbound(deployment: Deployment) -> None:
    found = check(await inbound.measure(deployment, inbound.SMALL), inbound.SMALL.repetitions)
    assert found == {
        "refused, one at a time", "refused, bursts of 16",
        "echo, one at a time", "echo, bursts of 16",
    }  # fmt: skip


async def test_fanout(deployment: Deployment) -> None:
    figures = await fanout.measure(deployment, fanout.SMALL)
    found = check(figures, fanout.SMALL.repetitions)
    assert {"plaza, 1 at once", "plaza, 64 at once"} <= found
    compared = any(figure.unit == "x uWebSockets" for figure in figures)
    assert compared is uwebsockets.is_installed()


async def test_durable(deployment: Deployment) -> None:
    found = check(await durable.measure(deployment, durable.SMALL), durable.SMALL.repetitions)
    for scenario in durable.SMALL.scenarios:
        assert f"{scenario.name}: acknowledged" in found


async def test_memory() -> None:
    figures = await memory.measure(memory.SMALL)
    assert {f"{memory.SMALL.some} connections", f"{memory.SMALL.many} connections"} <= {
        figure.name for figure in figures
    }


async def test_connects(deployment: Deployment) -> None:
    found = check(await connects.measure(deployment, connects.SMALL), connects.SMALL.repetitions)
    assert found == {"connects", "server", "Postgres"}


@pytest.mark.parametrize(
    "name",
    [
        *("inbound", "fanout", "srtp", "rtp", "publisher", "forward"),
        pytest.param("media_flood", marks=pytest.mark.soak),
    ],
)
async def test_on_the_server_s_parts(name: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"tests.benchmarks.{name}", "--small", "--json", report,
        stdout=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    table, _ = await process.communicate()
    assert process.returncode == 0
    assert b"median" in table
    figures = json.loads(report.read_bytes())["figures"]
    shares = [figure for figure in figures if figure["unit"] == "%"]  # such as of what was lost
    assert all(
        sample > 0 for figure in figures if figure not in shares for sample in figure["samples"]
    )
