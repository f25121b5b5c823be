"""The generated parts of docs/protocol.md, and docs/schema/.

python docs/generate.py --check   exit 1 if they differ from the code
python docs/generate.py --write   bring them up to date
"""

import sys
from pathlib import Path

from protocol import reference

HERE = Path(__file__).parent


def generated() -> dict[Path, str]:
    """The files and what ought to be in them."""
    document = HERE / "protocol.md"
    text = reference.rewrite(document.read_text(encoding="utf-8"))
    files = {document: text, HERE / "schema" / "examples.json": reference.vectors(text)}
    return files | {HERE / "schema" / name: schema for name, schema in reference.schemas().items()}


def outdated() -> dict[Path, str]:
    """Those of the files that differ, and what ought to be in them."""
    return {
        path: text
        for path, text in generated().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    }


def main() -> int:
    """Returns the exit code."""
    found = outdated()
    if "--write" in sys.argv[1:]:
        for path, text in found.items():
            path.write_text(text, encoding="utf-8")
        return 0
    for path in found:
        print(f"{path} differs from the code. Run: make docs")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
