"""Plots over the time of a run."""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from loadtest.report.model import Moment
from loadtest.report.names import COUNTS, LATENCIES, PERCENTILES, in_order, latency
from loadtest.report.plot import Line, Plot, Values, is_wide, line, rounded

Places = list[tuple[float, Moment | None]]

# Rates that share a plot, because they share a scale.
_RATES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("Messages", ("due", "sent", "acknowledged"), "what fell due, was sent, and was kept"),
    (
        "Deliveries",
        ("delivered", "told", "posts", "forwarded"),
        "what reached its receivers",
    ),
    ("Connections", ("connects", "reconnects", "refused", "dropped", "gaps"), "who came and went"),
)


def places(moments: Iterable[Moment]) -> Places:
    """Places on the axis, with an empty one between two runs, so that no line joins them."""
    found: Places = []
    last: Moment | None = None
    for moment in sorted(moments, key=lambda moment: moment.at):
        if last is not None and last.run != moment.run:
            found.append(((last.at + moment.at) / 2, None))
        found.append((moment.at, moment))
        last = moment
    return found


def plots(places: Places) -> Iterator[Plot]:
    """What is shown of a run, in this order."""
    if not places:
        return
    yield from _latencies(places)
    yield from _rates(places)
    yield from _resources(places)
    yield from _errors(places)


def _latencies(places: Places) -> Iterator[Plot]:
    kinds = dict.fromkeys(kind for _, moment in places if moment for kind in moment.latencies)
    for kind in in_order(kinds, LATENCIES):
        by_moment = [moment.latencies.get(kind, {}) if moment else {} for _, moment in places]
        lines = [
            Line(
                label=PERCENTILES[name],
                colour=name,
                values=[_rounded(found.get(name)) for found in by_moment],
                dashed=name == "max",
            )
            for name in PERCENTILES
        ]
        note = LATENCIES[kind][1] if kind in LATENCIES else ""
        lines = [line for line in lines if any(line.values)]
        if lines:
            yield Plot(
                id=f"latency-{kind}",
                title=latency(kind),
                note=note,
                unit="ms",
                over="time",
                log=is_wide(lines),
                lines=lines,
            )


def _rates(places: Places) -> Iterator[Plot]:
    found = dict.fromkeys(name for _, moment in places if moment for name in moment.rates)
    known = {name for _, names, _ in _RATES for name in names} | {"bytes"}
    others = tuple(name for name in found if name not in known)
    for title, names, note in (*_RATES, ("Other rates", others, "")):
        lines = [
            line(
                COUNTS.get(name, name).lower(),
                number,
                [moment.rates.get(name) if moment else None for _, moment in places],
            )
            for number, name in enumerate(names)
        ]
        yield from _plot(title, note, "/s", lines)
    received = [moment.rates.get("bytes", 0.0) / 2**20 if moment else None for _, moment in places]
    yield from _plot("Received", "by all users together", "MiB/s", [line("received", 0, received)])


def _resources(places: Places) -> Iterator[Plot]:
    moments = [moment for _, moment in places]
    users: Values = [moment.users if moment else None for moment in moments]
    yield from _plot("Users", "connected, and ready", "", [line("users", 0, users)])
    shares: tuple[tuple[str, Values], ...] = (
        ("server", [moment.server_cpu if moment else None for moment in moments]),
        ("Postgres", [moment.postgres_cpu if moment else None for moment in moments]),
        ("busiest client", [moment.clients_cpu if moment else None for moment in moments]),
    )
    lines = [
        line(label, number, [None if share is None else 100 * share for share in values])
        for number, (label, values) in enumerate(shares)
    ]
    yield from _plot("CPU", "100 % is one core", "%", lines)
    sizes = [moment.server_rss if moment else None for moment in moments]
    resident = line("server", 0, [None if size is None else size / 2**20 for size in sizes])
    for plot in _plot("Server memory", "resident set size", "MiB", [resident]):
        yield replace(plot, from_zero=False)


def _errors(places: Places) -> Iterator[Plot]:
    codes = sorted({code for _, moment in places if moment for code in moment.errors})
    lines = [
        line(
            code,
            number,
            [moment.errors.get(code, 0.0) if moment else None for _, moment in places],
        )
        for number, code in enumerate(codes)
    ]
    yield from _plot("Errors", "answers that were errors, by their code", "/s", lines)


def _plot(title: str, note: str, unit: str, lines: list[Line]) -> Iterator[Plot]:
    """A plot of the lines that are not zero all the time; none where all are."""
    if lines := [line for line in lines if any(line.values)]:
        yield Plot(
            id=title.lower().replace(" ", "-"),
            title=title,
            note=note,
            unit=unit,
            over="time",
            lines=lines,
        )


def _rounded(value: float | None) -> float | None:
    return None if value is None else rounded(value)
