"""A report as one HTML file that asks nobody for anything.

Everything is in it: styles, the library that draws the plots, their numbers. Its policy lets no
other script run and nothing be fetched, whatever a report has in it. What it says in words and
tables is there without scripts, too.
"""

import base64
import hashlib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from string import Template

import msgspec

from loadtest.report import figure_table, key_figures, setup, verdict
from loadtest.report.markup import Html, join, tag
from loadtest.report.model import Report
from loadtest.report.plot import Plot, Plots
from loadtest.report.plots import plots

_SCRIPTS = ("look.js", "marks.js", "tooltip.js", "chart.js", "report.js")
_TIME_NOTE = (
    "The values at the pointer are shown for all plots at once; the arrow keys move it, too. Drag "
    "to look closer, double-click to see everything."
)
_LEVELS_NOTE = "How long it took at most for so many of all."


def write(path: Path, report: Report) -> None:
    """Write the page.

    Raises:
        ValueError: a histogram of the report is none.
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html(report), encoding="utf-8")


def html(report: Report) -> str:
    """The page's text.

    Raises:
        ValueError: a histogram of the report is none.
    """
    drawn = plots(report)
    parts = dict(_sections(report, drawn))
    style, library_style = _read("report.css"), _read("uPlot.min.css")
    library = _read("uPlot.iife.min.js")
    script = "\n".join(map(_read, _SCRIPTS))
    return Template(_read("report.html")).substitute(
        policy=_policy(scripts=(library, script), styles=(library_style, style)),
        title=join([f"{report.question} - Plaza load test"]),
        name=join([report.name]),
        links=join(_links(parts)),
        sections="\n".join(part for _, part in parts.values()),
        made=join([f"Made by plaza loadtest from a report of format {report.format}."]),
        plots=embedded(drawn),
        licence=_read("uPlot.LICENSE"),
        library_style=library_style,
        style=style,
        library=library,
        script=script,
    )


def embedded(drawn: Plots) -> str:
    """JSON that can stand in a script element: nothing in it ends that, or begins another."""
    written = msgspec.json.encode(drawn).decode()
    return written.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


# --- sections


def _sections(report: Report, drawn: Plots) -> Iterator[tuple[str, tuple[str, Html]]]:
    """By the name of their anchor: their title among the links, and what is in them."""
    yield "verdict", ("Verdict", verdict.section(report))
    if report.figures:
        yield "figures", ("Key figures", key_figures.section(report))
    over_time = [plot for plot in drawn.plots if plot.over == "time"]
    if over_time:
        zoom = tag("div", id="zoom", role="group", aria_label="Which part of the time", hidden=True)
        yield "time", ("Over time", _plots("time", "Over time", _TIME_NOTE, zoom, over_time))
    by_level = [plot for plot in drawn.plots if plot.over == "levels"]
    if by_level:
        title = "Distribution"
        yield "by-percentile", (title, _plots("by-percentile", title, _LEVELS_NOTE, "", by_level))
    if report.figures:
        yield "all", ("All figures", figure_table.section(report))
    yield "setup", ("How to repeat it", setup.section(report))


def _plots(anchor: str, title: str, note: str, zoom: str, shown: list[Plot]) -> Html:
    return tag(
        "section",
        tag("h2", title),
        tag("p", note, class_="soft screen"),
        zoom,
        tag("p", "The plots need JavaScript; figures and tables do not.", class_="undrawn"),
        tag("div", *map(_figure, shown), class_="plots"),
        id=anchor,
    )


def _figure(plot: Plot) -> Html:
    unit = f" ({plot.unit})" if plot.unit else ""
    return tag(
        "figure",
        tag(
            "figcaption",
            tag("h3", plot.title, tag("span", unit, class_="soft")),
            tag("p", plot.note, class_="soft"),
        ),
        tag("div", class_="legend"),
        tag(
            "div",
            class_="canvas",
            tabindex="0",
            role="img",
            aria_label=f"{plot.title}{unit}, as a plot. Its values are in the table below it.",
        ),
        tag(
            "details",
            tag("summary", "As a table"),
            tag("div", class_="scroll", tabindex="0", role="region", aria_label=plot.title),
            class_="values",
        ),
        class_="plot picture",
        id=plot.id,
    )


def _links(parts: dict[str, tuple[str, Html]]) -> list[Html]:
    return [tag("a", title, href=f"#{anchor}") for anchor, (title, _) in parts.items()]


# --- the file


def _policy(*, scripts: tuple[str, ...], styles: tuple[str, ...]) -> str:
    """A Content-Security-Policy that allows exactly what the page brings."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(map(_hash, scripts))}",
            f"style-src {' '.join(map(_hash, styles))}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _read(name: str) -> str:
    return (files("loadtest.report") / "page" / name).read_text(encoding="utf-8")
