"""The generated parts of docs/loadtest.md: the questions, and the keys of a scenario.

python -m loadtest.scenarios.reference           show them
python -m loadtest.scenarios.reference --write   bring the document up to date
"""

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from loadtest.scenario import Scenario
from loadtest.scenarios.file import questions
from loadtest.scenarios.keys import table_of

DOCUMENT = Path("docs/loadtest.md")

_BLOCK = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_ATTRIBUTE = re.compile(r"    (\w+): (.*)")


def questions_table() -> str:
    """The questions in Markdown."""
    rows = (f"| `{name}` | {question} |" for name, question in questions().items())
    return "\n".join(["| name | question |", "|---|---|", *rows])


def keys_tables() -> str:
    """The keys in Markdown, a table for each of a scenario's."""
    return "\n\n".join(
        f"#### {heading}\n\n{intro}\n\n| key | default | meaning |\n|---|---|---|\n"
        + "\n".join(_row(table, name, meaning) for name, meaning in _meanings(table).items())
        for heading, intro, table in _tables()
    )


def _tables() -> Iterator[tuple[str, str, type[Struct]]]:
    yield "At the top", "What a scenario is, before its first table.", Scenario
    for name, kind in get_type_hints(Scenario).items():
        if (table := table_of(kind)) is not None:
            brackets = f"[[{name}]]" if list in map(_origin, (kind,)) else f"[{name}]"
            yield f"`{brackets}`", _summary(table), table


def _origin(kind: Any) -> Any:
    return getattr(kind, "__origin__", None)


def _summary(table: type[Struct]) -> str:
    return inspect.cleandoc(table.__doc__ or "").partition("\n\n")[0]


def _meanings(table: type[Struct]) -> dict[str, str]:
    """What the docstring says of each attribute; of a scenario, those that are no tables."""
    meanings: dict[str, str] = {}
    name = ""
    _, _, attributes = inspect.cleandoc(table.__doc__ or "").partition("Attributes:\n")
    for line in attributes.splitlines():
        if found := _ATTRIBUTE.fullmatch(line):
            name, meanings[name] = found[1], found[2]
        elif name:
            meanings[name] += f" {line.strip()}"
    hints = get_type_hints(table)
    return {
        name: _sentence(meaning)
        for name, meaning in meanings.items()
        if table is not Scenario or table_of(hints[name]) is None
    }


def _sentence(text: str) -> str:
    text = text.replace("None: ", "left out: ").replace("|", "\\|")
    return text if text.startswith("`") else text[0].upper() + text[1:]


def _row(table: type[Struct], name: str, meaning: str) -> str:
    [field] = [field for field in fields(table) if field.name == name]
    choices = " or ".join(f"`{one}`" for one in get_args(field.type) if isinstance(one, str))
    of = f" One of {choices}." if choices else ""
    return f"| `{name}` | {_default(field.default, field.default_factory)} | {meaning}{of} |"


def _default(default: Any, factory: Any) -> str:
    if default is NODEFAULT and factory is NODEFAULT:
        return "needed"
    if default is None or default is NODEFAULT or default in ("", [], {}):
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def rewrite(document: str) -> str:
    """The document with its generated blocks made anew."""
    blocks = {"questions": questions_table(), "keys": keys_tables()}

    def renewed(block: re.Match[str]) -> str:
        return f"{block[1]}{blocks[block[2]]}\n{block[3]}"

    return _BLOCK.sub(renewed, document)


def main() -> None:
    """Write the document, or show what is generated."""
    if "--write" in sys.argv[1:]:
        DOCUMENT.write_text(rewrite(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(questions_table(), keys_tables(), sep="\n\n")


if __name__ == "__main__":
    main()
