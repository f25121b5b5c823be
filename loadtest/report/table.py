"""A report in the terminal: what holds and what does not first, then the figures."""

from collections.abc import Callable, Iterable, Iterator

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtest.figures import Figure, short
from loadtest.report.model import Judgement, Report
from loadtest.report.names import (
    COUNTS,
    FAULTS,
    LATENCIES,
    PERCENTILES,
    Name,
    amount,
    count,
    in_order,
    latency,
    parse,
    value,
    words,
)
from loadtest.report.verdict import allowed, state, summary

_VERDICTS = {
    "holds": ("It holds", "bold green"),
    "fails": ("It does not hold", "bold red"),
    "measured": ("Measured", "bold"),
}

_SUBJECTS = (*LATENCIES, *COUNTS)
_Named = tuple[Name, Figure]


def show(report: Report, console: Console) -> None:
    """Print a report."""
    console.print(Text(report.question, style="bold"))
    for sentence in report.answer:
        console.print(Text(sentence))
    console.print(_verdict(report))
    for one in sorted(report.judgements, key=lambda one: (one.holds, one.kind == "budget")):
        console.print(_judgement(one))
    for violation in report.violations:
        console.print(Text.assemble(("✗ ", "bold red"), violation))
    for table in _tables(report.figures, allowed(report)):
        console.print(table, "")
    samples = max((len(figure.samples) for figure in report.figures), default=0)
    if samples > 1:
        console.print(
            Text(f"Medians of {samples} runs; of what must be 0, the worst.", style="dim")
        )


def _verdict(report: Report) -> Text:
    word, style = _VERDICTS[state(report)]
    text = Text.assemble((word, style), f": {summary(report)}.")
    if report.interrupted:
        text.append(" It was interrupted: this is the report so far.", style="yellow")
    return text


def _judgement(one: Judgement) -> Text:
    found = "there is no such figure" if one.found is None else f"it is {short(one.found)}"
    if one.holds:
        return Text.assemble(("✓ ", "green"), one.rule, (f"  {found}", "dim"))
    sign, style = ("✗ ", "bold red") if one.kind == "threshold" else ("! ", "yellow")
    kind = "" if one.kind == "threshold" else ", a budget"
    return Text.assemble((sign, style), one.rule, (f"  {found}{kind}", style))


# --- figures


def _tables(figures: list[Figure], lets: set[str]) -> Iterator[Table]:
    """By what is measured: latencies, rates, what must be 0, and the rest."""
    groups: dict[str, list[_Named]] = {}
    for figure in figures:
        name = parse(figure.name)
        groups.setdefault(_group(name), []).append((name, figure))
    if found := groups.get("latency"):
        yield _subjects("Latency, ms", found, {**PERCENTILES, "count": "samples"}, latency)
    if found := groups.get("rate"):
        yield _subjects("Rates", found, {"rate": "a second", "": "in all"}, count)
    if found := groups.get("fault"):
        yield _faults(found, lets)
    if found := groups.get("other"):
        yield _others(found)


def _group(name: Name) -> str:
    if name.is_latency or name.aspect == "count":
        return "latency"
    if name.measure in FAULTS:
        return "fault"
    counted = name.subject in COUNTS and not name.aspect
    return "rate" if name.aspect == "rate" or counted else "other"


def _subjects(
    title: str, found: list[_Named], columns: dict[str, str], called: Callable[[str], str]
) -> Table:
    """A row for each subject of each variant, a column for each aspect that there is.

    Args:
        columns: aspect -> heading.
        called: what a subject is called.
    """
    rows: dict[tuple[str, str], dict[str, Figure]] = {}
    for name, figure in found:
        rows.setdefault((name.variant, name.subject), {})[name.aspect] = figure
    aspects = [aspect for aspect in columns if any(aspect in row for row in rows.values())]
    table = _table(title, *(columns[aspect] for aspect in aspects))
    for variant in _variants(found):
        for subject in in_order((one for at, one in rows if at == variant), _SUBJECTS):
            row = rows[variant, subject]
            if any(value(figure) for figure in row.values()):
                # Bytes in MiB: nobody reads nine digits.
                size = 2**20 if subject == "bytes" else 1
                cells = (short(value(row[one]) / size) if one in row else "" for one in aspects)
                _add(table, variant, called(subject), cells)
        if len(rows) > len(_variants(found)):
            table.add_section()
    return table


def _faults(found: list[_Named], lets: set[str]) -> Table:
    """A row for each variant; what must be 0 is a column."""
    rows: dict[str, dict[str, Figure]] = {}
    for name, figure in found:
        rows.setdefault(name.variant, {})[name.measure] = figure
    columns = [name for name in FAULTS if any(name in row for row in rows.values())]
    table = _table("What must be 0", *columns)
    for variant, row in rows.items():
        cells = [_fault(row[name], name, lets) if name in row else "" for name in columns]
        _add(table, variant, "", cells)
    return table


def _fault(figure: Figure, name: str, lets: set[str]) -> Text:
    times = value(figure)
    style = "yellow" if {figure.name, name} & lets else "bold red"
    return Text(short(times), style=style if times else "green")


def _others(found: list[_Named]) -> Table:
    """A row for each figure."""
    with_budgets = any(figure.budget for _, figure in found)
    table = _table("Other figures", "median", "from", "to")
    for heading in ("unit", *(("budget", "") if with_budgets else ())):
        table.add_column(heading)
    for name, figure in found:
        several = len(figure.samples) > 1
        ends = [min(figure.samples), max(figure.samples)] if several else []
        cells = [amount(one, figure.unit)[0] for one in (value(figure), *ends)]
        cells += [""] * (3 - len(cells))
        verdict = Text(figure.verdict, style="green" if figure.verdict == "holds" else "yellow")
        unit = amount(0, figure.unit)[1]
        more = (unit, figure.target, verdict) if with_budgets else (unit,)
        _add(table, name.variant, words(name), (*cells, *more))
    return table


def _table(title: str, *numbers: str) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, show_edge=False
    )
    table.add_column("", overflow="fold")
    for number in numbers:
        table.add_column(number, justify="right")
    return table


def _add(table: Table, variant: str, what: str, cells: Iterable[str | Text]) -> None:
    """A row; what it is about is in one cell, so that there is no empty one without variants."""
    head = Text(": ".join(filter(None, (variant, what))))
    table.add_row(head, *(cell if isinstance(cell, Text) else Text(cell) for cell in cells))


def _variants(found: list[_Named]) -> list[str]:
    return list(dict.fromkeys(name.variant for name, _ in found))
