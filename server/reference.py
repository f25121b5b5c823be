"""The generated parts of docs/operations.md: the tables of settings and of exit codes.

python -m server.reference           show them
python -m server.reference --write   bring the document up to date
"""

import re
import sys
from pathlib import Path

from server import exits
from server.config import SECTIONS, SETTINGS, Setting

DOCUMENT = Path("docs/operations.md")

_BLOCK = re.compile(r"(<!-- generated: ([\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def settings_table() -> str:
    """The settings in Markdown, a table for each section."""
    parts = []
    for name, section in SECTIONS.items():
        rows = [_row(setting) for setting in SETTINGS.values() if setting.section == name]
        parts.append(
            f"#### `[{name}]`\n\n{section.__doc__}\n\n"
            "| key | default | meaning |\n|---|---|---|\n" + "\n".join(rows)
        )
    return "\n\n".join(parts)


def _row(setting: Setting) -> str:
    default = "none" if setting.default in ("", []) else f"`{_shown(setting.default)}`"
    return f"| `{setting.name}` | {default} | {setting.text} |"


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def exits_table() -> str:
    """The exit codes in Markdown."""
    rows = [f"| {exit_.code} | {exit_.text} | {exit_.remedy} |" for exit_ in exits.CATALOGUE]
    return "| code | what happened | what to do |\n|---|---|---|\n" + "\n".join(rows)


def rewrite(document: str) -> str:
    """The document with its generated blocks made anew."""
    blocks = {"settings": settings_table(), "exit codes": exits_table()}

    def renewed(block: re.Match[str]) -> str:
        return f"{block[1]}{blocks[block[2]]}\n{block[3]}"

    return _BLOCK.sub(renewed, document)


def main() -> None:
    """Write the document, or show the tables."""
    if "--write" in sys.argv[1:]:
        DOCUMENT.write_text(rewrite(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(settings_table(), exits_table(), sep="\n\n")


if __name__ == "__main__":
    main()
