import io

from msgspec.structs import replace
from rich.console import Console

from loadtest.report.model import Report
from loadtest.report.table import show
from tests.loadtest.report import samples


def shown(report: Report, width: int = 120) -> str:
    out = io.StringIO()
    show(report, Console(file=out, width=width))
    return out.getvalue()


def test_the_verdict_comes_first() -> None:
    text = shown(samples.killed())
    assert text.startswith("Does kill -9 lose anything that was acknowledged?\nIt does not hold: ")
    assert "2 of 3 thresholds broken, 1 violation." in text
    assert text.index("✗ lost <= 0  it is 2") < text.index("✓ doubled <= 0") < text.index("Latency")
    assert "✗ delivery.p99 <= 250  there is no such figure" in text
    assert "interrupted" in text
    assert "2 events are missing" in text


def test_a_missed_budget_is_no_failure() -> None:
    text = shown(samples.slow_reader())
    assert "It holds: 3 thresholds hold, 1 of 1 budget missed." in text
    assert "! all read: server.us_per_delivery <= 2.9  it is 3.11, a budget" in text


def test_every_measure_has_its_place() -> None:
    text = shown(samples.slow_reader())
    rows = [row.split() for row in text.splitlines()]
    assert ["p50", "p90", "p99", "p99.9", "max", "samples"] in rows
    assert any(row[:3] == ["all", "read:", "Delivery"] for row in rows)
    assert any(row[:4] == ["one", "does", "not", "read:"] for row in rows)
    for words in ("Server CPU per delivery", "Postgres CPU", "Server memory", "unanswered"):
        assert words in text
    assert "Medians of 3 runs" in text


def test_an_answer_stands_below_the_question() -> None:
    text = shown(replace(samples.peers(), answer=["NATS broke first."]))
    assert text.splitlines()[1] == "NATS broke first."


def test_nothing_is_taken_for_markup() -> None:
    report = replace(samples.killed(), question="Is [bold]this[/bold] safe?", violations=["[/x]"])
    text = shown(report)
    assert "Is [bold]this[/bold] safe?" in text
    assert "✗ [/x]" in text


def test_a_report_of_nothing() -> None:
    report = replace(samples.peers(), figures=[])
    assert "no thresholds were set" in shown(report)
