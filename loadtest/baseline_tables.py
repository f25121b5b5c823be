"""The other generated blocks: the machine, the peers, the questions, the benchmarks."""

import re
from collections.abc import Sequence

from loadtest.baseline_reports import BENCHMARKS, PEERS, Reports, command_of
from loadtest.figures import Figure, short
from loadtest.peers.outcome import US
from loadtest.report import model
from loadtest.report.names import amount, parse, words
from loadtest.report.verdict import summary
from loadtest.scenarios.file import questions as known_questions

# What is shown of each question, as far as it was found; the JSON file and the page have the rest.
KEY = {
    "how-fast-is-fanout": (
        "delivered.rate", "delivery.p50", "delivery.p99", "server.us_per_delivery", "server.cpu",
        "clients.cpu",
    ),
    "how-fast-is-durable-chat": (
        "acknowledged.rate", "delivered.rate", "ack.p50", "ack.p99", "server.us_per_message",
        "postgres.us_per_message", "server.cpu", "clients.cpu",
    ),
    "how-fast-is-an-echo": (
        "due.rate", "echo.p50", "echo.p99", "echo.p999", "server.cpu", "clients.cpu",
    ),
    "how-many-idle-connections": (
        "users.max", "server.growth", "server.rss", "server.us_per_connect",
        "server.queries_per_connect", "server.cpu",
    ),
    "what-does-a-reconnect-storm-cost": (
        "users.max", "back.p50", "back.p99", "back.max", "connect.p50", "connect.p99", "refused",
        "server.queries_per_connect", "caught_up.from_memory", "caught_up.from_database",
        "delivery.p99", "server.rss",
    ),
    "does-a-slow-reader-hurt-others": ("delivery.p50", "delivery.p99", "dropped", "server.cpu"),
    "how-fast-does-presence-spread": (
        "due.rate", "told.rate", "presence.p50", "presence.p99", "server.cpu", "clients.cpu",
    ),
    "how-fast-is-the-feed": (
        "due.rate", "publish.p99", "posts.rate", "post.p50", "post.p99", "timeline.p50",
        "timeline.p99", "server.cpu", "postgres.cpu",
    ),
    "how-many-viewers-per-core": (
        "forwarded.rate", "server.us_per_packet", "delivery.p50", "delivery.p99", "lost.share",
        "viewers.per_core", "most.forwarded.rate", "most.delivery.p99", "server.kib_per_viewer",
    ),
    "how-big-can-a-call-be": (
        "call.size", "call.streams", "forwarded.rate", "server.us_per_packet", "delivery.p50",
        "delivery.p99", "lost.share", "server.cpu",
    ),
    "does-kill-9-lose-anything": (
        "acknowledged", "delivered", "lost", "doubled", "disordered", "unanswered", "reconnects",
        "back.p50", "back.max",
    ),
    "what-breaks-first": ("holds.rate", "breaks.rate"),
    "a-day-in-small": (
        "due.rate", "delivered.rate", "ack.p99", "delivery.p99", "history.p99", "timeline.p99",
        "post.p99", "back.p99", "lost", "doubled", "server.cpu",
    ),
}  # fmt: skip
# Of the peers: the measure, and what Plaza's multiple of it is called.
_COMPARED = {
    "server.us_per_delivery": "server.us_per_delivery",
    "delivered.rate": "delivered.times",
    "server.us_per_message": "server.us_per_message",
    "echoed.rate": "echoed.times",
    "server.growth": "server.growth",
}

_SECTION = re.compile(r"^### (.+?)\n.*?(?=^### |\Z)", re.DOTALL | re.MULTILINE)


def environment(reports: Reports, before: str) -> str:
    """The machine and the versions; as before where there is no report."""
    if reports.are_none:
        return before
    found = reports.environment
    libraries = ", ".join(f"{name} {number}" for name, number in found.libraries.items())
    return (
        f"{found.processor}, {found.cores} cores; {found.system}; Python {found.python}; "
        f"{libraries}."
    )


def questions(reports: Reports, before: str) -> str:
    """A section for each question, as before where its report is missing."""
    kept = _sections(before)
    names = [*KEY, *(name for name in known_questions() if name not in KEY)]
    return "\n\n".join(
        _question(reports.runs[name]) if name in reports.runs else kept[_titled(name)]
        for name in names
        if name in reports.runs or _titled(name) in kept
    )


def peers(reports: Reports, before: str) -> str:
    """A table for each thing that is compared, as before where there is no report of it."""
    if PEERS not in reports.runs:
        return before
    report = reports.runs[PEERS]
    parts = [f"`{command_of(report)}`: {_versions(report)}"]
    if report.violations:
        parts.append("\n".join(f"- {one}" for one in report.violations))
    parts += [table for measure in _COMPARED if (table := _comparison(report, measure))]
    return "\n\n".join(parts)


def parts(reports: Reports, before: str) -> str:
    """All figures of each benchmark, as before where its report is missing."""
    kept = _sections(before)
    sections = []
    for name, module in BENCHMARKS.items():
        title = f"`python -m {module}`"
        if name in reports.benchmarks:
            report = reports.benchmarks[name]
            sections.append(f"### {title}\n\n{report.question}\n\n{_all(report.figures)}")
        elif title in kept:
            sections.append(kept[title])
    return "\n\n".join(sections)


def _question(report: model.Report) -> str:
    pieces = [f"### {_titled(report.name)}", f"`{command_of(report)}`", _sentences(report)]
    wanted = KEY.get(
        report.name, tuple(dict.fromkeys(parse(f.name).measure for f in report.figures))
    )
    found = {name: figure for figure in report.figures for name in [figure.name]}
    variants = [
        variant
        for variant in dict.fromkeys(parse(name).variant for name in found)
        if any(_named(variant, measure) in found for measure in wanted)
    ]
    if len(variants) > 1:
        shown = [m for m in wanted if any(_named(v, m) in found for v in variants)]
        pieces.append(_by_variant(found, variants, shown))
    else:
        rows = [
            f"| {words(parse(name))} | {_amount(found[name])} |"
            for measure in wanted
            for name in [_named(variants[0] if variants else "", measure)]
            if name in found
        ]
        pieces.append("\n".join(["| figure | median |", "|---|---:|", *rows]))
    return "\n\n".join(pieces)


def _by_variant(found: dict[str, Figure], variants: Sequence[str], shown: Sequence[str]) -> str:
    """Variants as rows, what was measured as columns."""
    headings = []
    for measure in shown:
        figure = next(found[n] for v in variants if (n := _named(v, measure)) in found)
        unit = amount(1, figure.unit)[1]
        headings.append(words(parse(measure)) + (f", {unit}" if unit else ""))
    rows = [
        f"| {variant or 'all'} | "
        + " | ".join(
            _median(found[name]) if name in found else ""
            for measure in shown
            for name in [_named(variant, measure)]
        )
        + " |"
        for variant in variants
    ]
    return "\n".join([f"|  | {' | '.join(headings)} |", "|---|" + "---:|" * len(shown), *rows])


def _comparison(report: model.Report, measure: str) -> str:
    """Works as rows, peers as columns; below each work, Plaza's as multiples of theirs."""
    figures = {figure.name: figure for figure in report.figures}
    names = [name for name in figures if parse(name).measure == measure and " / " not in name]
    who = list(dict.fromkeys(parse(name).variant.partition(", ")[0] for name in names))
    works = list(dict.fromkeys(parse(name).variant.partition(", ")[2] for name in names))
    if len(who) < 2 or US not in who:
        return ""
    unit = amount(1, figures[names[0]].unit)[1]
    title = words(parse(names[0]))
    rows = []
    for work in works:
        has = [figures.get(_named(_of(peer, work), measure)) for peer in who]
        rows.append(_row(work or "each", *(_median(figure) if figure else "" for figure in has)))
        times = [
            figures.get(_named(_of(f"{US} / {peer}", work), _COMPARED[measure])) for peer in who
        ]
        rows.append(_row("Plaza by it", *(_median(figure) if figure else "" for figure in times)))
    heading = _row(f"{title}, {unit}" if unit else title, *who)
    return "\n".join([heading, "|---|" + "---:|" * len(who), *rows])


def _versions(report: model.Report) -> str:
    said = [f"{name}: {version}" for name, version in report.server.items()]
    return "; ".join(said).rstrip(".") + "."


def _sentences(report: model.Report) -> str:
    """Whether it holds; its answer, but for variants', which the table has; what is wrong."""
    variants = {parse(figure.name).variant for figure in report.figures}
    answer = [one for one in report.answer if one.rpartition(": ")[0] not in variants - {""}]
    said = [summary(report), *answer, *report.violations]
    return " ".join(f"{one[:1].upper()}{one[1:].rstrip('.')}." for one in said)


def _all(figures: Sequence[Figure]) -> str:
    rows = [
        _row(
            figure.name,
            short(figure.median),
            f"{short(min(figure.samples))} to {short(max(figure.samples))}",
            figure.unit,
            figure.target,
            figure.verdict,
        )
        for figure in figures
    ]
    heading = "| what | median | range | unit | budget | verdict |\n|---|---:|---:|---|---:|---|"
    return "\n".join([heading, *rows])


def _median(figure: Figure) -> str:
    """The median, and how far the farthest sample is from it."""
    middle = amount(figure.median, figure.unit)[0]
    apart = max(abs(sample - figure.median) for sample in figure.samples)
    return f"{middle} ±{apart / figure.median:.0%}" if apart and figure.median else middle


def _amount(figure: Figure) -> str:
    return f"{_median(figure)} {amount(1, figure.unit)[1]}".rstrip()


def _sections(text: str) -> dict[str, str]:
    return {found[1]: found[0].strip() for found in _SECTION.finditer(text)}


def _titled(name: str) -> str:
    return known_questions().get(name, name)


def _named(variant: str, measure: str) -> str:
    return f"{variant}: {measure}" if variant else measure


def _of(peer: str, work: str) -> str:
    return f"{peer}, {work}" if work else peer


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
