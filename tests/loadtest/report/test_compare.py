import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.console import Console

from loadtest.figures import Figure
from loadtest.report.compare import Comparison, compare, show
from loadtest.report.model import Judgement, Report
from loadtest.report.names import FAULTS
from tests.loadtest.report import samples

NAMES = (
    "delivery.p50",
    "delivery.p99",
    "delivered.rate",
    "server.cpu",
    "server.us_per_delivery",
    "sent",
    "users.max",
    *FAULTS,
)
VALUES = st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=1, max_size=4)
FIGURES = st.dictionaries(st.sampled_from(NAMES), VALUES)
TOLERANCES = st.floats(0, 2)


def report(**figures: float | list[float]) -> Report:
    """A report of these figures; `__` is a point."""
    return of_figures({name.replace("__", "."): found for name, found in figures.items()})


def of_figures(figures: "dict[str, float | list[float]] | dict[str, list[float]]") -> Report:
    return Report(
        question="How fast?",
        name="how-fast",
        command="plaza loadtest run how-fast",
        began="2026-05-04T10:00:00Z",
        seconds=1,
        environment=samples.ENVIRONMENT,
        figures=[
            Figure(name=name, unit="", samples=found if isinstance(found, list) else [found])
            for name, found in figures.items()
        ],
    )


def verdicts(comparison: Comparison) -> dict[str, str]:
    return {one.name: one.verdict for one in comparison.differences}


@given(FIGURES, TOLERANCES)
def test_a_report_differs_in_nothing_from_itself(
    figures: dict[str, list[float]], tolerance: float
) -> None:
    found = compare(of_figures(figures), of_figures(figures), tolerance=tolerance)
    assert set(verdicts(found).values()) <= {"within"}
    assert (found.worse, found.better) == (False, False)
    assert found.broken + found.mended + found.warnings == []


@given(FIGURES, FIGURES, TOLERANCES)
def test_what_is_worse_one_way_is_better_the_other_way(
    one: dict[str, list[float]], other: dict[str, list[float]], tolerance: float
) -> None:
    opposite = {"better": "worse", "worse": "better", "new": "gone", "gone": "new"}
    there = verdicts(compare(of_figures(one), of_figures(other), tolerance=tolerance))
    back = verdicts(compare(of_figures(other), of_figures(one), tolerance=tolerance))
    assert {name: opposite.get(verdict, verdict) for name, verdict in there.items()} == back


@given(st.sampled_from(FAULTS), st.integers(0, 10**6), TOLERANCES)
def test_one_more_fault_is_worse_whatever_the_tolerance(
    name: str, count: int, tolerance: float
) -> None:
    found = compare(of_figures({name: count}), of_figures({name: count + 1}), tolerance=tolerance)
    assert found.worse


def test_a_fault_of_one_repetition_counts() -> None:
    assert compare(report(lost=[0.0, 0.0, 0.0]), report(lost=[0.0, 0.0, 1.0])).worse


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        (report(delivery__p99=10), report(delivery__p99=10.9), "within"),
        (report(delivery__p99=10), report(delivery__p99=11.1), "worse"),
        (report(delivery__p99=10), report(delivery__p99=9), "better"),
        (report(delivery__p99=0), report(delivery__p99=1), "worse"),
        (report(delivered__rate=100), report(delivered__rate=80), "worse"),
        (report(delivered__rate=100), report(delivered__rate=130), "better"),
        (report(server__cpu=0.2), report(server__cpu=0.4), "worse"),
        (report(sent=100), report(sent=200), "differs"),
    ],
)
def test_by_how_much(before: Report, after: Report, verdict: str) -> None:
    found = compare(before, after)
    assert list(verdicts(found).values()) == [verdict]
    assert found.worse == (verdict == "worse")
    assert found.better == (verdict == "better")


def test_ranges_that_overlap_are_no_difference() -> None:
    before = report(ack__p50=[1.0, 1.2, 2.0])
    assert not compare(before, report(ack__p50=[1.9, 2.2, 2.4])).worse
    assert compare(before, report(ack__p50=[2.1, 2.2, 2.4])).worse
    # Two samples are no range.
    assert compare(report(ack__p50=[1.0, 2.0]), report(ack__p50=[1.9, 2.4])).worse


def test_a_threshold_that_no_longer_holds_is_worse() -> None:
    held = replace(report(), judgements=[Judgement(rule="lost <= 0", found=0, holds=True)])
    fails = replace(report(), judgements=[Judgement(rule="lost <= 0", found=1, holds=False)])
    assert compare(held, fails).broken == ["lost <= 0"]
    assert compare(held, fails).worse
    assert compare(fails, held).mended == ["lost <= 0"]
    assert not compare(fails, fails).worse


def test_a_budget_that_is_missed_is_no_failure() -> None:
    rule = "server.cpu <= 1"
    held = replace(report(), judgements=[Judgement(rule=rule, found=1, holds=True, kind="budget")])
    missed = replace(
        report(), judgements=[Judgement(rule=rule, found=2, holds=False, kind="budget")]
    )
    assert not compare(held, missed).worse


def test_what_must_never_be_is_worse() -> None:
    violated = replace(report(), violations=["a message came twice"])
    assert compare(report(), violated).broken == ["a message came twice"]
    assert not compare(violated, violated).worse


def test_what_else_differs_is_said() -> None:
    before = replace(report(), scenario={"load": {"users": 100}, "about": "this"})
    machine = replace(
        before.environment, cores=64, libraries={**before.environment.libraries, "uvloop": "1.0"}
    )
    after = replace(
        before,
        name="other",
        environment=machine,
        scenario={"load": {"users": 200}, "about": "that"},
        server={"url": "http://127.0.0.1:1", "version": "0.2.0"},
        interrupted=True,
    )
    assert compare(before, after).warnings == [
        "These are reports of two scenarios: how-fast and other.",
        "The second run was interrupted; it measured less than it should have.",
        "Another number of cores: 2, then 64.",
        "Another version of uvloop: 0.23.0, then 1.0.",
        "Another server version: none, then 0.2.0.",
        "Another scenario load.users: 100, then 200.",
    ]


def test_the_table_says_what_is_worse_first_and_takes_nothing_for_markup() -> None:
    before = of_figures({"[red]x: delivered.rate": 100.0, "a: ack.p50": 1.0, "b: ack.p50": 1.0})
    after = of_figures({"[red]x: delivered.rate": 200.0, "a: ack.p50": 2.0, "b: ack.p50": 1.0})
    out = io.StringIO()
    show(compare(before, after), Console(file=out, width=100))
    text = out.getvalue()
    assert text.index("a: ack.p50") < text.index("[red]x: delivered.rate")
    assert "b: ack.p50" not in text
    assert "+100.0%" in text
    assert "Worse: 1 figure worse." in text
