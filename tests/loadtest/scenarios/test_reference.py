import re
from pathlib import Path

import pytest

from loadtest import figure_names
from loadtest.crowd import orders
from loadtest.scenarios.file import load, questions
from loadtest.scenarios.keys import known
from loadtest.scenarios.reference import DOCUMENT, keys_tables, rewrite


@pytest.fixture
def document() -> str:
    return DOCUMENT.read_text(encoding="utf-8")


def test_the_document_is_up_to_date(document: str) -> None:
    assert rewrite(document) == document, "Run: make docs"


def test_the_document_has_every_question(document: str) -> None:
    for name in questions():
        assert f"| `{name}` |" in document


def test_the_document_has_every_key() -> None:
    tables = keys_tables()

    for key in known():
        assert f"\n| `{key.rpartition('.')[2]}` | " in tables
    assert tables.count("\n| `") == len(known())


def test_no_key_is_without_a_meaning() -> None:
    for row in re.findall(r"^\| `.*$", keys_tables(), re.MULTILINE):
        _, key, default, meaning, _ = re.split(r"(?<!\\)\|", row)
        assert key.strip()
        assert default.strip()
        assert len(meaning.strip()) > 4


@pytest.mark.parametrize("is_small", [False, True])
def test_the_example_can_be_run(document: str, tmp_path: Path, is_small: bool) -> None:
    [example] = re.findall(r"```toml\n(.*?)```", document, re.DOTALL)
    path = tmp_path / "example.toml"
    path.write_text(example)

    assert load(str(path), small=is_small).variants


def test_the_document_has_every_figure(document: str) -> None:
    for name in figure_names.known():
        subject, _, aspect = name.partition(".")
        parts = (f"`{subject}`", f"`{aspect}`"), (f"`{subject}`", f"`.{aspect}`")
        assert f"`{name}`" in document or any(
            all(part in document for part in both) for both in parts
        )


def test_the_document_has_every_count_and_latency(document: str) -> None:
    text = orders.Tick.__doc__ or ""
    names = re.findall(r"`([a-z]+)`", text)

    assert len(names) > 20
    for name in names:
        assert f"`{name}`" in document
