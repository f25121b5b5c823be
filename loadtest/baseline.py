"""Writes what `make bench` has found into docs/performance.md.

python -m loadtest.baseline [FOLDER]   from the reports in build/bench, or elsewhere
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from loadtest.figures import Environment, Figure, Report, load, short

DOCUMENT = Path("docs/performance.md")
REPORTS = Path("build/bench")

# In the order in which they are shown.
ORDER = (
    *("parts-inbound", "inbound", "parts-fanout", "fanout", "durable", "memory", "connects"),
    *("slow_reader", "storm", "presence", "feed", "live"),
    *("parts-forward", "parts-publisher", "parts-rtp", "parts-srtp", "parts-media_flood"),
)

_BLOCK = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def rewrite(document: str, reports: Sequence[Report]) -> str:
    """The document with its generated blocks made anew."""
    judged = [figure for report in reports for figure in report.figures if figure.budget]
    blocks = {
        "environment": _environment(reports[-1].environment),
        "budgets": _table(judged),
        "figures": "\n\n".join(
            f"### {report.question}\n\n{_table(report.figures)}" for report in reports
        ),
    }
    return _BLOCK.sub(lambda block: f"{block[1]}{blocks[block[2]]}\n{block[3]}", document)


def _environment(found: Environment) -> str:
    libraries = ", ".join(f"{name} {number}" for name, number in found.libraries.items())
    return (
        f"{found.processor}, {found.cores} cores; {found.system}; Python {found.python}; "
        f"{libraries}."
    )


def _table(figures: Sequence[Figure]) -> str:
    rows = [
        f"| {figure.name} | {short(figure.median)} | {short(min(figure.samples))} to "
        f"{short(max(figure.samples))} | {figure.unit} | {figure.target} | {figure.verdict} |"
        for figure in figures
    ]
    heading = "| what | median | range | unit | budget | verdict |\n|---|---:|---:|---|---:|---|\n"
    return heading + "\n".join(rows)


def main() -> None:
    """Read the reports, write the document."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else REPORTS
    reports = [load(folder / f"{name}.json") for name in ORDER]
    text = rewrite(DOCUMENT.read_text(encoding="utf-8"), reports)
    DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
