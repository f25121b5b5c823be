"""Plots of how latencies are distributed."""

from collections.abc import Iterator, Mapping

from loadtest.report import spectrum
from loadtest.report.names import LATENCIES, in_order, latency, parse
from loadtest.report.plot import Plot, is_wide, line

Counts = list[tuple[int, int]]


def decoded(histograms: Mapping[str, str]) -> dict[str, Counts]:
    """What the histograms of a report have counted.

    Raises:
        ValueError: one of them is none.
    """
    return {name: spectrum.decode(text) for name, text in histograms.items()}


def levels(counted: Mapping[str, Counts]) -> list[float]:
    """The axis that they share."""
    sizes = [sum(count for _, count in counts) for counts in counted.values()]
    return spectrum.levels(max(sizes)) if any(sizes) else []


def plots(counted: Mapping[str, Counts], levels: list[float]) -> Iterator[Plot]:
    """A plot for each kind, with a line for each variant; without variants, one of all kinds."""
    by_kind: dict[str, list[tuple[str, Counts]]] = {}
    for name, counts in counted.items():
        if counts:
            parsed = parse(name)
            by_kind.setdefault(parsed.subject, []).append((parsed.variant, counts))
    kinds = in_order(by_kind, LATENCIES)
    if by_kind and all(len(found) == 1 for found in by_kind.values()):
        found = [(latency(kind), by_kind[kind][0][1]) for kind in kinds]
        yield _plot("Latency by percentile", "distribution", found, levels)
        return
    for kind in kinds:
        title = f"{latency(kind)} by percentile"
        yield _plot(title, f"distribution-{kind}", by_kind[kind], levels)


def _plot(title: str, name: str, found: list[tuple[str, Counts]], levels: list[float]) -> Plot:
    lines = [
        line(
            label or "without a variant",
            number,
            [
                None if microseconds is None else microseconds / 1000
                for microseconds in spectrum.read(counts, levels)
            ],
        )
        for number, (label, counts) in enumerate(found)
    ]
    return Plot(
        id=name,
        title=title,
        note="each mark to the right is ten times as rare",
        unit="ms",
        over="levels",
        log=is_wide(lines),
        lines=lines,
    )
