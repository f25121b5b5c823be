"""Reports become the tables of docs/performance.md."""

from pathlib import Path

from loadtest.baseline import DOCUMENT, rewrite
from loadtest.figures import Budget, Figure, Report, environment

ROOT = Path(__file__).parent.parent.parent

DOC = """\
# Performance
<!-- generated: budgets -->
old
<!-- end -->
Kept.
<!-- generated: figures -->
<!-- end -->
"""

REPORT = Report(
    question="How fast?",
    environment=environment(),
    figures=[
        Figure(name="light", unit="m/s", samples=[3.0, 1.0, 2.0], budget=Budget("at least", 4)),
        Figure(name="sound", unit="m/s", samples=[343.0]),
    ],
)
LIGHT = "| light | 2 | 1 to 3 | m/s | at least 4 | missed by 50% |"
SOUND = "| sound | 343 | 343 to 343 | m/s |  |  |"


def test_blocks_are_made_anew_and_the_rest_is_kept() -> None:
    written = rewrite(DOC, [REPORT])
    budgets, figures = written.split("Kept.")
    assert LIGHT in budgets
    assert SOUND not in budgets
    assert "old" not in budgets
    assert "### How fast?" in figures
    assert LIGHT in figures
    assert SOUND in figures
    assert rewrite(written, [REPORT]) == written


def test_the_document_has_the_blocks() -> None:
    text = (ROOT / DOCUMENT).read_text(encoding="utf-8")
    for name in ("environment", "budgets", "figures"):
        assert f"<!-- generated: {name} -->" in text
