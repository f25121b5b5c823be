"""Every question, asked in its small form, the way that people ask it."""

import asyncio
import sys
from pathlib import Path

import pytest

from loadtest import figure_names, threshold
from loadtest.report import model
from loadtest.scenarios.file import load, questions, variants

_PLAZA = str(Path(sys.executable).with_name("plaza"))
_SECONDS = 240


async def asked(name: str, report: Path) -> model.Report:
    process = await asyncio.create_subprocess_exec(
        *(_PLAZA, "loadtest", "run", name, "--small", "--quiet", "--json", str(report)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    assert process.returncode == 0, output.decode()
    return model.read(report)


@pytest.mark.soak
@pytest.mark.timeout(_SECONDS)
@pytest.mark.parametrize("name", questions())
async def test_a_question_is_answered(name: str, tmp_path: Path) -> None:
    scenario = load(name, small=True)

    report = await asked(name, tmp_path / "report.json")

    assert report.question == scenario.question
    assert report.holds
    assert not report.violations
    assert len(report.judgements) >= len(scenario.thresholds)
    for variant, one in variants(scenario):
        found = {
            figure
            for name, figure in (threshold.split(figure.name) for figure in report.figures)
            if name == variant
        }
        assert found
        if one.program == "crowd":
            assert {figure for figure in found if not figure_names.is_known(figure)} == set()
            assert {"users.max", "server.cpu", "clients.cpu"} <= found


@pytest.mark.soak
@pytest.mark.timeout(_SECONDS)
async def test_what_breaks_is_named(tmp_path: Path) -> None:
    report = await asked("what-breaks-first", tmp_path / "report.json")

    held, broke = (
        next(figure.median for figure in report.figures if figure.name == name)
        for name in ("holds.rate", "breaks.rate")
    )
    assert held < broke
    assert any("acknowledged.rate <= 40" in sentence for sentence in report.answer)


@pytest.mark.soak
@pytest.mark.timeout(_SECONDS)
async def test_what_was_missed_in_a_storm_comes_from_memory(tmp_path: Path) -> None:
    report = await asked("what-does-a-reconnect-storm-cost", tmp_path / "report.json")

    found = {figure.name: figure.median for figure in report.figures}
    assert found["back.count"] == report.scenario["load"]["users"]
    assert found["caught_up.from_memory"] > 0
    assert found["caught_up.from_database"] == 0
    assert found["server.queries_per_connect"] <= 2
