"""Two reports against each other: what has become better, what worse."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct
from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtest.figures import Figure, short
from loadtest.report.flat import flatten
from loadtest.report.model import Report
from loadtest.report.names import Better, better, number, value

TOLERANCE = 0.10

# A range of fewer samples says little: their medians decide.
_SAMPLES_OF_A_RANGE = 3

Verdict = Literal["better", "worse", "within", "differs", "new", "gone"]

# They say what must hold, or explain; they change nothing of what was measured.
_TELLING = {"question", "about", "thresholds", "budgets", "small", "variants"}
# Where an own server listens is left to chance.
_BY_CHANCE = {"url", "pid", "port"}


class Difference(Struct, frozen=True, kw_only=True):
    """A figure in both reports.

    Attributes:
        before, after: medians; None: that report has no such figure.
        verdict: `within` the tolerance, or not told from noise; `differs`: nobody can say whether
            that is better; `new`, `gone`: it is in one of the reports.
    """

    name: str
    unit: str
    before: float | None
    after: float | None
    verdict: Verdict

    @property
    def change(self) -> float | None:
        """As a share of what it was; None: there is no such share."""
        if self.before is None or self.after is None or self.before <= 0:
            return None
        return self.after / self.before - 1


class Comparison(Struct, frozen=True, kw_only=True):
    """What has changed between two reports.

    Attributes:
        question: of the later one.
        tolerance: as a share.
        differences: of all figures, in the order of the later report.
        broken: thresholds that held and do not now, and what must never be and was not before.
        mended: those that hold again.
        warnings: what else differs, so that the figures may differ for that.
    """

    question: str
    tolerance: float
    differences: list[Difference]
    broken: list[str]
    mended: list[str]
    warnings: list[str]

    @property
    def worse(self) -> bool:
        """Whether anything is: what `plaza loadtest compare` ends with an exit code for."""
        return bool(self.broken) or any(one.verdict == "worse" for one in self.differences)

    @property
    def better(self) -> bool:
        """Whether something is better and nothing worse."""
        gained = bool(self.mended) or any(one.verdict == "better" for one in self.differences)
        return gained and not self.worse


def compare(before: Report, after: Report, *, tolerance: float = TOLERANCE) -> Comparison:
    """Compare two reports.

    A figure is worse if it is so by more than a factor of 1 + tolerance: the same both ways, so
    that what is worse one way is better the other. Where both have three samples or more and their
    ranges overlap, the difference is not told from noise. One more that was lost, or any other
    fault, is worse whatever the tolerance.

    Args:
        before, after: the reports.
        tolerance: as a share: 0.1 is 10 %.
    """
    return Comparison(
        question=after.question,
        tolerance=tolerance,
        differences=list(_differences(before, after, tolerance)),
        broken=_failures(after, than=before),
        mended=_failures(before, than=after),
        warnings=list(_warnings(before, after)),
    )


def show(comparison: Comparison, console: Console) -> None:
    """Print what has changed, and what could be the reason."""
    for warning in comparison.warnings:
        console.print(Text.assemble(("warning ", "yellow"), warning))
    console.print(Text(comparison.question, style="bold"))
    for rule in comparison.broken:
        console.print(Text.assemble(("✗ ", "bold red"), rule, (" no longer", "red")))
    for rule in comparison.mended:
        console.print(Text.assemble(("✓ ", "bold green"), rule, (" again", "green")))
    told = [one for one in comparison.differences if one.verdict != "within"]
    if told:
        console.print(_table(told))
    within = len(comparison.differences) - len(told)
    tolerance = f"{comparison.tolerance:.0%}"
    console.print(f"{number(within, 'figure')} within {tolerance}, or within their spread.")
    console.print(_summary(comparison))


# --- figures


def _differences(before: Report, after: Report, tolerance: float) -> Iterator[Difference]:
    old = {figure.name: figure for figure in before.figures}
    new = {figure.name: figure for figure in after.figures}
    for figure in after.figures:
        was = old.get(figure.name)
        yield Difference(
            name=figure.name,
            unit=figure.unit,
            before=value(was) if was else None,
            after=value(figure),
            verdict=_verdict(was, figure, tolerance) if was else "new",
        )
    for figure in before.figures:
        if figure.name not in new:
            yield Difference(
                name=figure.name,
                unit=figure.unit,
                before=value(figure),
                after=None,
                verdict="gone",
            )


def _verdict(before: Figure, after: Figure, tolerance: float) -> Verdict:
    # A budget that one of them has says it for both.
    way = better(before) if before.budget else better(after)
    was, now = value(before), value(after)
    if was == now:
        return "within"
    if way != "none" and (_factor(was, now) <= 1 + tolerance or _overlap(before, after)):
        return "within"
    return _judged(way, more=now > was)


def _judged(way: Better, *, more: bool) -> Verdict:
    if way == "":
        return "differs"
    return "better" if more == (way == "more") else "worse"


def _factor(one: float, other: float) -> float:
    """How many times the larger is the smaller: at least 1."""
    smaller, larger = sorted((max(one, 0.0), max(other, 0.0)))
    if smaller == larger:
        return 1.0
    return larger / smaller if smaller else float("inf")


def _overlap(one: Figure, other: Figure) -> bool:
    if min(len(one.samples), len(other.samples)) < _SAMPLES_OF_A_RANGE:
        return False
    return min(one.samples) <= max(other.samples) and min(other.samples) <= max(one.samples)


# --- thresholds


def _failures(report: Report, *, than: Report) -> list[str]:
    """What fails in a report and did not in the other one."""
    held = {one.rule for one in than.judgements if one.holds}
    failed = [
        one.rule
        for one in report.judgements
        if not one.holds and one.kind == "threshold" and one.rule in held
    ]
    return failed + (report.violations if not than.violations else [])


# --- what else differs


def _warnings(before: Report, after: Report) -> Iterator[str]:
    if before.name != after.name:
        yield f"These are reports of two scenarios: {before.name} and {after.name}."
    for report, which in ((before, "first"), (after, "second")):
        if report.interrupted:
            yield f"The {which} run was interrupted; it measured less than it should have."
    machine, other = before.environment, after.environment
    for what in ("processor", "cores", "system", "python"):
        was, now = getattr(machine, what), getattr(other, what)
        if was != now:
            yield f"Another {_MACHINE[what]}: {was}, then {now}."
    for kind, was, now in (
        ("version of", machine.libraries, other.libraries),
        ("server", _chosen(before.server, _BY_CHANCE), _chosen(after.server, _BY_CHANCE)),
        ("scenario", _scenario(before), _scenario(after)),
    ):
        for key, old, new in _changed(was, now):
            yield f"Another {kind} {key}: {old}, then {new}."


_MACHINE = {
    "processor": "processor",
    "cores": "number of cores",
    "system": "system",
    "python": "Python",
}


def _scenario(report: Report) -> dict[str, Any]:
    return dict(flatten(_chosen(report.scenario, _TELLING)))


def _chosen(table: Mapping[str, Any], without: set[str]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key not in without}


def _changed(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for key in dict.fromkeys([*was, *now]):
        if was.get(key) != now.get(key):
            yield key, was.get(key, "none"), now.get(key, "none")


# --- as a table

_STYLES: dict[Verdict, str] = {
    "better": "green",
    "worse": "bold red",
    "within": "",
    "differs": "yellow",
    "new": "dim",
    "gone": "dim",
}
_ORDER: tuple[Verdict, ...] = ("worse", "better", "differs", "new", "gone")


def _table(differences: list[Difference]) -> Table:
    table = Table()
    table.add_column("figure", overflow="fold")
    for column in ("before", "after", "change"):
        table.add_column(column, justify="right")
    table.add_column("unit")
    table.add_column("verdict")
    for one in sorted(differences, key=lambda one: _ORDER.index(one.verdict)):
        table.add_row(
            Text(one.name),
            "" if one.before is None else short(one.before),
            "" if one.after is None else short(one.after),
            "" if one.change is None else f"{one.change:+.1%}",
            Text(one.unit),
            Text(one.verdict, style=_STYLES[one.verdict]),
        )
    return table


def _summary(comparison: Comparison) -> Text:
    counts = {
        verdict: sum(one.verdict == verdict for one in comparison.differences)
        for verdict in ("worse", "better")
    }
    if comparison.worse:
        parts = [f"{number(counts['worse'], 'figure')} worse"] if counts["worse"] else []
        if comparison.broken:
            parts.append(f"{number(len(comparison.broken), 'rule')} broken")
        return Text(f"Worse: {', '.join(parts)}.", style="bold red")
    if comparison.better:
        gained = number(counts["better"], "figure")
        return Text(f"Better, and nothing worse ({gained}).", style="bold green")
    return Text("No difference that counts.", style="bold")
