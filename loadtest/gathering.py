"""The findings of all turns of a run, put together to a report."""

from typing import Literal

from msgspec.structs import replace

from loadtest import latencies, threshold
from loadtest.figures import Budget, Figure
from loadtest.findings import Findings
from loadtest.report import names
from loadtest.report.model import Judgement, Moment, Span
from loadtest.scenario import Scenario

_BOUNDS: dict[str, Literal["at most", "at least"]] = {
    "<": "at most",
    "<=": "at most",
    ">": "at least",
    ">=": "at least",
}


class Gathering:
    """What was found so far.

    Args:
        scenario: with its variants.

    Attributes:
        moments, spans: of all turns; their times count from the beginning of the first.
        violations, answer: with the names of their variants.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._samples: dict[str, list[float]] = {}
        self._units: dict[str, str] = {}
        self._histograms: dict[str, list[str]] = {}
        self.moments: list[Moment] = []
        self.spans: list[Span] = []
        self.violations: list[str] = []
        self.answer: list[str] = []

    def add(self, variant: str, turn: str, begin: float, end: float, findings: Findings) -> None:
        """The findings of a turn.

        Args:
            variant: "" where there are none.
            turn: its name.
            begin, end: seconds since the beginning of the run.
            findings: their times count from the beginning of the turn.
        """
        prefix = f"{variant}: " if variant else ""
        for name, found in findings.figures.items():
            self._samples.setdefault(prefix + name, []).append(found.value)
            self._units[prefix + name] = found.unit
        for kind, histogram in findings.histograms.items():
            self._histograms.setdefault(prefix + kind, []).append(histogram)
        self.moments += [
            replace(moment, at=begin + moment.at, run=turn) for moment in findings.moments
        ]
        if turn:
            self.spans.append(Span(name=turn, begin=begin, end=end))
        self.spans += [
            Span(name=span.name, begin=begin + span.begin, end=begin + span.end)
            for span in findings.spans
        ]
        self.violations += [prefix + words for words in findings.violations]
        self.answer += [prefix + words for words in findings.answer]

    def figures(self) -> list[Figure]:
        """With their samples, one of each repetition, and their budgets."""
        budgets = self._budgets()
        return [
            Figure(name=name, unit=self._units[name], samples=samples, budget=budgets.get(name))
            for name, samples in self._samples.items()
        ]

    def histograms(self) -> dict[str, str]:
        """Of all repetitions together."""
        return {
            name: parts[0] if len(parts) == 1 else latencies.merged(parts)
            for name, parts in self._histograms.items()
        }

    def judgements(self) -> list[Judgement]:
        """What became of thresholds and budgets."""
        # A fault of one repetition is one of all: no median hides it.
        found = {figure.name: names.value(figure) for figure in self.figures()}
        return [
            *threshold.judge(self._scenario.thresholds, found, "threshold"),
            *threshold.judge(self._scenario.budgets, found, "budget"),
        ]

    def _budgets(self) -> dict[str, Budget]:
        """By figure. A budget that is a multiple of another figure's is a judgement only."""
        rules = map(threshold.parse, self._scenario.budgets)
        plain = [rule for rule in rules if rule.other is None and rule.operator in _BOUNDS]
        return {
            name: Budget(_BOUNDS[rule.operator], rule.number)
            for rule in plain
            for name in self._samples
            if rule.figure in (name, threshold.split(name)[1])
        }
