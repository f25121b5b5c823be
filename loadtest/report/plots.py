"""All plots of a report."""

from collections.abc import Iterable

from loadtest.report import distributions, over_time
from loadtest.report.model import Report, Span
from loadtest.report.plot import Mark, Plots, rounded

# They get a line where they begin: what they did to the run is what is looked for.
_HAPPENINGS = {"kill", "drop"}


def plots(report: Report) -> Plots:
    """All plots of a report.

    Raises:
        ValueError: a histogram of the report is none.
    """
    places = over_time.places(report.moments)
    counted = distributions.decoded(report.histograms)
    levels = distributions.levels(counted)
    return Plots(
        times=[rounded(at) for at, _ in places],
        runs=[moment.run if moment else "" for _, moment in places],
        marks=marks(report.spans),
        levels=[float(f"{level:.5g}") for level in levels],
        plots=[*over_time.plots(places), *distributions.plots(counted, levels)],
    )


def marks(spans: Iterable[Span]) -> list[Mark]:
    """The spans with rows for their labels: what happened at a moment below all others."""
    ordered = sorted(spans, key=lambda span: (span.begin, -span.end))
    areas: list[tuple[Span, int]] = []
    for span in ordered:
        if not _is_moment(span):
            above = [row for one, row in areas if one.begin <= span.begin < one.end]
            areas.append((span, max(above) + 1 if above else 0))
    last = max((row for _, row in areas), default=-1) + 1
    moments = [(span, last) for span in ordered if _is_moment(span)]
    return [_mark(span, row) for span, row in (*areas, *moments)]


def _mark(span: Span, row: int) -> Mark:
    return Mark(
        name=span.name,
        begin=rounded(span.begin),
        end=rounded(span.end),
        row=row,
        moment=_is_moment(span),
    )


def _is_moment(span: Span) -> bool:
    return span.name in _HAPPENINGS or span.begin == span.end
