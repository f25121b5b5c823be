"""Figures, budgets and verdicts."""

import json
from pathlib import Path

import pytest

from loadtest.figures import Budget, Figure, save


@pytest.mark.parametrize(
    ("samples", "budget", "verdict"),
    [
        ([9.0, 11.0, 10.0], Budget("at most", 10), "holds"),
        ([9.0, 99.0, 12.5], Budget("at most", 10), "missed by 25%"),
        ([10.0], Budget("at least", 10), "holds"),
        ([9.0, 8.0, 7.0], Budget("at least", 10), "missed by 20%"),
        ([9.0], None, ""),
    ],
)
def test_the_median_decides(samples: list[float], budget: Budget | None, verdict: str) -> None:
    figure = Figure(name="speed", unit="us", samples=samples, budget=budget)
    assert figure.verdict == verdict


def test_the_file_has_all_samples_and_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.json"
    save(path, "How fast?", [Figure(name="speed", unit="us", samples=[1.0, 2.0])])
    report = json.loads(path.read_bytes())
    assert report["question"] == "How fast?"
    assert report["figures"][0]["samples"] == [1.0, 2.0]
    assert report["environment"]["libraries"]["websockets"]
