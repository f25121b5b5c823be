"""All figures, with every sample."""

from collections.abc import Iterator
from itertools import groupby

from loadtest.figures import Figure, short
from loadtest.report.markup import Html, tag
from loadtest.report.model import Report
from loadtest.report.names import parse, value, words
from loadtest.report.verdict import allowed

_CLASSES = {**dict.fromkeys(("median", "from", "to", "spread"), "number"), "samples": "samples"}


def section(report: Report) -> Html:
    """The section of the page."""
    return tag(
        "section",
        tag("h2", "All figures"),
        tag(
            "p",
            "A figure is the median of its samples, one of each repetition; of what must be 0, "
            "it is the worst one. Its spread is the distance between the smallest and the largest "
            "as a share of it.",
            class_="soft",
        ),
        tag(
            "div",
            tag("table", *_rows(report.figures, allowed(report)), class_="all"),
            class_="scroll card",
            role="region",
            aria_label="All figures",
            tabindex="0",
        ),
        id="all",
    )


def _rows(figures: list[Figure], lets: set[str]) -> Iterator[Html]:
    columns = _columns(figures)
    cells = (tag("th", name, scope="col", class_=_CLASSES.get(name)) for name in columns)
    yield tag("thead", tag("tr", *cells))
    for variant, found in groupby(figures, key=lambda figure: parse(figure.name).variant):
        heading = tag("tr", tag("th", variant, scope="rowgroup", colspan=str(len(columns))))
        rows = (_row(figure, columns, lets) for figure in found)
        yield tag("tbody", heading if variant else "", *rows)


def _columns(figures: list[Figure]) -> list[str]:
    """Only those in which something stands."""
    columns = ["figure", "median", "unit"]
    if any(len(figure.samples) > 1 for figure in figures):
        columns += ["from", "to", "spread", "samples"]
    if any(figure.budget for figure in figures):
        columns += ["budget", "verdict"]
    return [*columns, "name"]


def _row(figure: Figure, columns: list[str], lets: set[str]) -> Html:
    name = parse(figure.name)
    cells = _cells(figure)
    fails = name.is_fault and value(figure) > 0 and not {figure.name, name.measure} & lets
    missed = figure.budget is not None and figure.verdict != "holds"
    return tag(
        "tr",
        tag("th", words(name), scope="row"),
        *(
            tag(
                "td",
                cells.get(column, ""),
                class_=_CLASSES.get(column),
                data_state="missed" if missed and column == "verdict" else None,
            )
            for column in columns[1:-1]
        ),
        tag("td", tag("code", name.measure)),
        data_state="fails" if fails else None,
    )


def _cells(figure: Figure) -> dict[str, str]:
    low, high, middle = min(figure.samples), max(figure.samples), value(figure)
    cells = {
        "median": short(middle),
        "unit": figure.unit,
        "budget": figure.target,
        "verdict": figure.verdict,
    }
    if len(figure.samples) > 1:
        cells |= {
            "from": short(low),
            "to": short(high),
            "spread": f"{(high - low) / middle:.0%}" if middle > 0 else "",
            "samples": ", ".join(map(short, figure.samples)),
        }
    return cells
