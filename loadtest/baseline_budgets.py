"""The tables of budgets: what was promised, what was measured, and beside whom."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from loadtest import threshold
from loadtest.baseline_reports import BENCHMARKS, PEERS, Reports, command_of
from loadtest.figures import Budget, Figure, short
from loadtest.peers.outcome import US
from loadtest.report import model
from loadtest.report.names import amount, parse


class Promise(NamedTuple):
    """A budget of the design.

    Attributes:
        what: is bounded, in words.
        report: that has it, by name.
        figure: there.
        work: of the peers, and measure, whose ratio stands beside it; empty: there is none.
    """

    what: str
    report: str
    figure: str
    work: str = ""


_PEER_DELIVERY = "server.us_per_delivery"
_LIVE = "how-many-viewers-per-core"
PROMISES = (
    Promise("a command, read to dispatched, one at a time", "parts-inbound",
            "received, one at a time"),
    Promise("the same, in bursts of 16", "parts-inbound", "received, bursts of 16"),
    *(
        Promise(f"a delivery in a room of 500, {at_once} at once, as a multiple of uWebSockets'",
                "parts-fanout", f"hub, {at_once} at once", f"{at_once} at once: {_PEER_DELIVERY}")
        for at_once in (1, 4, 16)
    ),
    Promise("50 pairs, 2 in flight: messages acknowledged", "how-fast-is-durable-chat",
            "50 pairs: acknowledged.rate"),
    Promise("50 pairs, 2 in flight: acknowledgement, p99", "how-fast-is-durable-chat",
            "50 pairs: ack.p99"),
    Promise("500 pairs, 2 in flight: messages acknowledged", "how-fast-is-durable-chat",
            "500 pairs: acknowledged.rate"),
    Promise("room of 50, 5 senders, 4 in flight: messages acknowledged",
            "how-fast-is-durable-chat", "room of 50: acknowledged.rate"),
    Promise("room of 50, 5 senders, 4 in flight: deliveries", "how-fast-is-durable-chat",
            "room of 50: delivered.rate", "flat out: delivered.times"),
    Promise("memory of an idle connection in three rooms, of 1,000", "how-many-idle-connections",
            "1,000: server.growth", "server.growth"),
    Promise("memory of an idle connection in three rooms, of 5,000", "how-many-idle-connections",
            "5,000: server.growth", "server.growth"),
    Promise("connect, hello, ready: CPU of the server", "how-many-idle-connections",
            "2,000 in two seconds: server.us_per_connect"),
    Promise("a packet forwarded to 100 viewers, one at a time", _LIVE,
            "one at a time, 500 a second: server.us_per_packet"),
    *(
        Promise(f"a packet forwarded to 100 viewers, in bursts of {burst}", _LIVE,
                f"bursts of {burst}, {rate} a second: server.us_per_packet")
        for burst, rate in ((8, 800), (14, 840), (20, 800))
    ),
    Promise("a page of a home timeline at 1,000 a second, p99", "how-fast-is-the-feed",
            "reading, 1,000 a second: timeline.p99"),
)  # fmt: skip

_PROMISED = (
    "| what | budget | median | range | unit | verdict | Plaza, as a multiple of | command |\n"
    "|---|---:|---:|---|---|---|---|---|"
)
_OTHERS = (
    "| what | budget | median | range | unit | verdict | command |\n|---|---:|---:|---|---|---|---|"
)
# Of its columns, the one that needs the peers.
_BESIDE = 6
_BOUNDS: dict[str, Literal["at most", "at least"]] = {"<": "at most", ">": "at least"}


def promised(reports: Reports, before: str) -> str:
    """The design's budgets, a row each, in its order.

    Args:
        before: what stands there: rows of reports that are missing are kept.
    """
    kept = {_first(row): row for row in before.splitlines()}
    rows = []
    for promise in PROMISES:
        figure = judged(reports, promise.report).get(promise.figure)
        command = f"`{_command(reports, promise.report)}`"
        if figure is not None:
            old = _split_row(kept.get(promise.what, ""))
            beside = _beside(reports, promise.work) if PEERS in reports.runs else old[_BESIDE]
            rows.append(_row(promise.what, *_cells(figure), beside, command))
        else:
            blank = _row(promise.what, "", "not measured", "", "", "", "", command)
            rows.append(kept.get(promise.what, blank))
    return "\n".join([_PROMISED, *rows])


def others(reports: Reports, before: str) -> str:
    """All other budgets that reports have.

    Args:
        before: what stands there: rows of reports that are missing are kept.
    """
    has = {(promise.report, promise.figure) for promise in PROMISES}
    names = [*reports.runs, *reports.benchmarks]
    rows = [
        _row(name, *_cells(figure), f"`{_command(reports, report)}`")
        for report in names
        for name, figure in judged(reports, report).items()
        if (report, name) not in has
    ]
    made = {_source(f"`{_command(reports, report)}` |") for report in names}
    old = before.splitlines()[_OTHERS.count("\n") + 1 :]
    rows += [row for row in old if _source(row) not in made]
    return "\n".join([_OTHERS, *rows])


def judged(reports: Reports, report: str) -> dict[str, Figure]:
    """The figures of a report that have a budget, by name.

    One that is bounded by a multiple of another has the ratio of the two as its samples.
    """
    if report in reports.benchmarks:
        found = reports.benchmarks[report].figures
        return {figure.name: figure for figure in found if figure.budget is not None}
    if report not in reports.runs:
        return {}
    run = reports.runs[report]
    figures = {figure.name: figure for figure in run.figures}
    own = {name: figure for name, figure in figures.items() if figure.budget is not None}
    return own | dict(_relative(run, figures))


def _relative(run: model.Report, figures: Mapping[str, Figure]) -> Iterator[tuple[str, Figure]]:
    for one in run.judgements:
        if one.kind != "budget":
            continue
        rule = threshold.parse(one.rule)
        figure, other = figures.get(rule.figure), figures.get(rule.other or "")
        bound = _BOUNDS.get(rule.operator[0])
        if figure is None or other is None or bound is None or not all(other.samples):
            continue
        name = f"{rule.figure} / {rule.other}"
        pairs = zip(figure.samples, other.samples, strict=False)
        samples = [ours / theirs for ours, theirs in pairs]
        yield name, Figure(name=name, unit="x", samples=samples, budget=Budget(bound, rule.number))


def _cells(figure: Figure) -> tuple[str, ...]:
    low, middle, high = (
        amount(value, figure.unit)[0]
        for value in (min(figure.samples), figure.median, max(figure.samples))
    )
    span = f"{low} to {high}" if len(figure.samples) > 1 else ""
    return figure.target, middle, span, amount(1, figure.unit)[1], figure.verdict


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _split_row(row: str) -> list[str]:
    return row.split(" | ") if row else [""] * (_BESIDE + 1)


def _first(row: str) -> str:
    return row.removeprefix("| ").partition(" | ")[0]


def _source(row: str) -> str:
    """The program and the question or benchmark of a row, which ends with its command."""
    words = row.rpartition("`")[0].rpartition("`")[2].split()
    return " ".join(words[:4])


def _beside(reports: Reports, work: str) -> str:
    """What Plaza needs, by what each of the peers needs for the same work."""
    if not work:
        return ""
    ratios: Sequence[tuple[str, Figure]] = [
        (peer.removeprefix(f"{US} / "), figure)
        for figure in reports.runs[PEERS].figures
        for peer, rest in [_split(figure.name)]
        if peer.startswith(f"{US} / ") and rest == work
    ]
    return ", ".join(f"{peer} {short(figure.median)}" for peer, figure in ratios)


def _split(name: str) -> tuple[str, str]:
    """A peer, and its work with the measure: "nchan", "4 at once: server.us_per_delivery"."""
    parsed = parse(name)
    peer, comma, work = parsed.variant.partition(", ")
    return peer, f"{work}: {parsed.measure}" if comma else parsed.measure


def _command(reports: Reports, report: str) -> str:
    if report in BENCHMARKS:
        return f"python -m {BENCHMARKS[report]}"
    if report in reports.runs:
        return command_of(reports.runs[report])
    return f"plaza loadtest run {report}"
