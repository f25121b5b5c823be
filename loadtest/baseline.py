"""Writes what `make bench` has found into the generated blocks of docs/performance.md.

python -m loadtest.baseline [FOLDER] [--small]

Of a report that is missing, what stands in the document stays as it is, and its name is told. So is
one of a `--small` run, whose figures say little; with --small such are taken too, for a look.
"""

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path

from loadtest import baseline_budgets, baseline_tables
from loadtest.baseline_reports import Reports, found_in

DOCUMENT = Path("docs/performance.md")
REPORTS = Path("build/bench")

# Each gets what stands in its block, and says what is to stand there.
BLOCKS: dict[str, Callable[[Reports, str], str]] = {
    "environment": baseline_tables.environment,
    "budgets": baseline_budgets.promised,
    "others": baseline_budgets.others,
    "peers": baseline_tables.peers,
    "questions": baseline_tables.questions,
    "parts": baseline_tables.parts,
}

_BLOCK = re.compile(r"(<!-- generated: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def rewrite(document: str, reports: Reports) -> str:
    """The document with its generated blocks made anew."""

    def anew(block: re.Match[str]) -> str:
        written = BLOCKS[block[2]](reports, block[3].strip())
        return f"{block[1]}{written}\n{block[4]}"

    return _BLOCK.sub(anew, document)


def main() -> int:
    """Read the reports, write the document; 1: there are no reports."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.baseline")
    parser.add_argument("folder", type=Path, nargs="?", default=REPORTS, help="of the reports")
    parser.add_argument("--small", action="store_true", help="take those of --small runs, too")
    options = parser.parse_args()
    reports = found_in(options.folder, small=options.small)
    for problem in reports.problems:
        print(problem, file=sys.stderr)
    if reports.are_none:
        print(f"There are no reports in {options.folder}: make bench.", file=sys.stderr)
        return 1
    DOCUMENT.write_text(
        rewrite(DOCUMENT.read_text(encoding="utf-8"), reports),
        encoding="utf-8",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
