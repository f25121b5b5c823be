"""Every benchmark runs and passes its own checks: nothing lost, doubled or out of order.

What they measure is not looked at: it is this machine's business, and this moment's.
"""

import asyncio
import json
import math
import sys
from pathlib import Path

import pytest

from loadtest import inbound
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


@pytest.mark.soak
@pytest.mark.parametrize(
    "name",
    ["inbound", "fanout", "srtp", "rtp", "publisher", "forward", "media_flood"],
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
