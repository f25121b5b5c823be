"""The figures that one looks for first: as tiles, and of variants as bars side by side."""

from loadtest.figures import Figure, short
from loadtest.report.markup import Html, join, tag
from loadtest.report.model import Report
from loadtest.report.names import FAULTS, LATENCIES, Name, amount, better, parse, value, words
from loadtest.report.verdict import allowed

# In this order, as far as a run has them.
_KEY = (
    "holds.rate",
    "breaks.rate",
    "holds.users",
    "breaks.users",
    "viewers.per_core",
    "call.size",
    "delivered.rate",
    "forwarded.rate",
    "acknowledged.rate",
    *(f"{kind}.{percentile}" for kind in LATENCIES for percentile in ("p50", "p99")),
    "server.us_per_delivery",
    "server.us_per_message",
    "server.us_per_connect",
    "server.us_per_packet",
    "users.max",
    "server.cpu",
    "postgres.cpu",
    "clients.cpu",
    "server.rss",
    "server.growth",
    "server.kib_per_viewer",
)
_TILES = 12
_WAYS = {"less": "less is better", "more": "more is better"}


def section(report: Report) -> Html:
    """The section of the page."""
    measures = key_measures(report.figures)
    # What only one of several variants has is said with its name, and beside the others.
    are_variants = len({parse(figure.name).variant for figure in report.figures}) > 1
    several = [found for found in measures.values() if are_variants or len(found) > 1]
    alone = [found[0] for found in measures.values() if not are_variants and len(found) == 1]
    return tag(
        "section",
        tag("h2", "Key figures"),
        tag("div", *map(_tile, alone[:_TILES]), class_="tiles") if alone else "",
        _faults(report),
        tag("div", *map(_bars, several), class_="bars") if several else "",
        id="figures",
    )


def key_measures(figures: list[Figure]) -> dict[str, list[Figure]]:
    """The figures by what they measure, a figure for each variant, the most telling ones first.

    Where a run has few of those that are known, its others follow.
    """
    found: dict[str, list[Figure]] = {}
    for figure in figures:
        name = parse(figure.name)
        if not name.is_fault and name.aspect != "count":
            alike = found.setdefault(name.measure, [])
            # Peers' ratios of a measure are called like it, and are no bars beside it.
            if not alike or alike[0].unit == figure.unit:
                alike.append(figure)
    known = [measure for measure in _KEY if measure in found]
    if len(known) < 4:
        known += [measure for measure in found if measure not in known]
    return {measure: found[measure] for measure in known[:_TILES]}


def _tile(figure: Figure) -> Html:
    number, unit = amount(figure.median, figure.unit)
    below = [f"{short(min(figure.samples))} to {short(max(figure.samples))}"]
    if len(figure.samples) == 1:
        below = []
    if figure.budget:
        below.append(f"budget {figure.target}: {figure.verdict}")
    return tag(
        "div",
        tag("p", words(parse(figure.name)), class_="label"),
        tag("p", number, " ", tag("span", unit, class_="unit"), class_="value"),
        tag("p", ", ".join(below), class_="soft"),
        class_="tile",
        data_state=_state(figure),
    )


def _state(figure: Figure) -> str | None:
    if figure.budget is None:
        return None
    return "holds" if figure.verdict == "holds" else "missed"


def _faults(report: Report) -> Html:
    """What must be 0, of all variants and repetitions together."""
    counts: dict[str, float] = {}
    states: dict[str, str] = {}
    lets = allowed(report)
    for figure in report.figures:
        name = parse(figure.name)
        if name.measure in FAULTS:
            counts[name.subject] = counts.get(name.subject, 0) + sum(figure.samples)
            if any(figure.samples) and states.get(name.subject) != "fails":
                is_let = figure.name in lets or name.measure in lets
                states[name.subject] = "missed" if is_let else "fails"
    if not counts:
        return join([])
    return tag(
        "dl",
        *(
            tag(
                "div",
                tag("dt", name),
                tag("dd", f"{counts[name]:,.0f}"),
                data_state=states.get(name, "holds"),
            )
            for name in FAULTS
            if name in counts
        ),
        class_="faults",
        aria_label="What must be 0, of the whole run",
    )


def _bars(figures: list[Figure]) -> Html:
    name = parse(figures[0].name)
    most = max(max(figure.samples) for figure in figures)
    unit = amount(most, figures[0].unit)[1]
    note = ", ".join(filter(None, (unit, _WAYS.get(better(figures[0]), ""))))
    return tag(
        "table",
        tag("caption", words(name), " ", tag("span", note, class_="soft")),
        tag("tbody", *(_bar(parse(figure.name), figure, most) for figure in figures)),
        id=f"bars-{name.measure.replace('.', '-')}",
        class_="picture",
    )


def _bar(name: Name, figure: Figure, most: float) -> Html:
    def share(of: float) -> str:
        return f"{100 * max(of, 0) / most if most > 0 else 0:.2f}%"

    low, high = share(min(figure.samples)), share(max(figure.samples))
    whisker = tag("line", x1=low, x2=high, y1="7", y2="7", class_="whisker")
    return tag(
        "tr",
        tag("th", name.variant or "all", scope="row"),
        tag(
            "td",
            tag(
                "svg",
                tag("rect", width=share(figure.median), height="14", rx="3"),
                whisker if low != high else "",
                aria_hidden="true",
                width="100%",
                height="14",
            ),
            class_="bar",
        ),
        tag("td", amount(value(figure), figure.unit)[0], class_="number"),
        data_state=_state(figure),
    )
