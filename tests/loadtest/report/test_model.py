from pathlib import Path

import pytest
from msgspec.structs import replace

from loadtest.report import model
from loadtest.report.model import Judgement, Report
from tests.loadtest.report import samples


@pytest.mark.parametrize("report", [samples.slow_reader(), samples.killed(), samples.peers()])
def test_what_is_written_is_read(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.json"
    model.write(path, report)
    assert model.read(path) == report


def test_something_else_is_no_report(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text('{"question": 5}')
    with pytest.raises(ValueError, match="question"):
        model.read(path)


def test_a_budget_that_is_missed_is_no_failure() -> None:
    missed = Judgement(rule="server.cpu <= 1", found=2, holds=False, kind="budget")
    report = replace(samples.peers(), judgements=[missed])
    assert report.holds
    assert not replace(report, violations=["twice"]).holds
    broken = Judgement(rule="lost <= 0", found=2, holds=False)
    assert not replace(report, judgements=[missed, broken]).holds
