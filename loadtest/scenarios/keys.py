"""The keys of a scenario: which there are, what may stand there, and what is near a wrong one."""

import difflib
import re
import types
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from loadtest.scenario import Scenario

# Of the run as a whole: one server, one report.
NOT_IN_VARIANTS = frozenset(
    {"question", "program", "variants", "small", "repeat", "thresholds", "budgets", "server"}
)
_NOT_IN_SMALL = frozenset({"small"})

_WORDS: dict[object, str] = {
    int: "a whole number",
    float: "a number",
    str: "a text in quotes",
    bool: "true or false",
}
_WHERE = re.compile(r" - at `(?:key in )?\$(.*)`$")
_STEP = re.compile(r"\.(?P<name>\w+)|\[(?P<number>\d+)\]|\[\.\.\.\]")


@cache
def known() -> dict[str, Any]:
    """All keys, dotted, and their types; those of a list's tables without a number."""
    return dict(_keys(Scenario, ""))


def _keys(table: type[Struct], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, kind in get_type_hints(table).items():
        if (inner := table_of(kind)) is None:
            yield prefix + name, kind
        else:
            yield from _keys(inner, f"{prefix}{name}.")


def table_of(kind: Any) -> type[Struct] | None:
    """The table that stands where a key has this type, or the list of which does."""
    for one in (kind, *get_args(kind)):
        if isinstance(one, type) and issubclass(one, Struct):
            return one
    return None


def stranger(document: Mapping[str, Any]) -> str | None:
    """What is wrong with the first key of a document that is none of a scenario; None: all are."""
    return next(_strangers(document, Scenario, "", frozenset()), None)


def _strangers(
    document: Mapping[str, Any], table: type[Struct], prefix: str, without: frozenset[str]
) -> Iterator[str]:
    hints = get_type_hints(table)
    for name, value in document.items():
        key = prefix + name
        if name in without:
            yield f"{key}: {name} is of the scenario as a whole, and cannot stand here."
        elif name not in hints:
            yield f"{key} is no key of a scenario. {_hint(key)}"
        elif key == "variants" and isinstance(value, Mapping):
            yield from _in_variants(value)
        elif key == "small" and isinstance(value, Mapping):
            yield from _strangers(value, Scenario, "small.", _NOT_IN_SMALL)
        elif key == "small.variants" and isinstance(value, Mapping):
            yield from _in_variants(value, "small.")
        elif (inner := table_of(hints[name])) is not None:
            yield from _in_tables(value, inner, key)


def _in_variants(variants: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, variant in variants.items():
        key = f'{prefix}variants."{name}"'
        if isinstance(variant, Mapping):
            yield from _strangers(variant, Scenario, f"{key}.", NOT_IN_VARIANTS)
        else:
            yield f"{key} has to be a table of what differs, such as [{key}.load]."


def _in_tables(value: Any, table: type[Struct], key: str) -> Iterator[str]:
    """A table, or a list of them; what is neither is found when values are read."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, Mapping):
            yield from _strangers(one, table, f"{key}.", frozenset())


def _hint(key: str) -> str:
    """The key that was probably meant."""
    key = re.sub(r'^(small\.)?(variants\.".*?"\.)?', "", key)
    last = key.rpartition(".")[2]
    same = [one for one in known() if one.rpartition(".")[2] == last]
    whole = difflib.get_close_matches(key, [*known(), *_tables()], n=1, cutoff=0.75)
    lasts = {one.rpartition(".")[2]: one for one in known()}
    near = same or whole or [lasts[one] for one in difflib.get_close_matches(last, lasts, n=1)]
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"There are {', '.join(get_type_hints(Scenario))}; docs/loadtest.md explains them."


def _tables() -> list[str]:
    return [name for name, kind in get_type_hints(Scenario).items() if table_of(kind)]


def misfit(document: Mapping[str, Any], error: msgspec.ValidationError) -> str:
    """Say what does not fit where, so that somebody who writes a scenario understands it.

    Args:
        document: that was read.
        error: what msgspec said of it.
    """
    text = str(error)
    if (found := _WHERE.search(text)) is None:
        missing = re.search(r"missing required field `(\w+)`", text)
        return f"{missing[1]} is missing: {_words_of(missing[1])}." if missing else f"{text}."
    key, value, kind = "", document, Scenario
    for step in _STEP.finditer(found[1]):
        kind, value = _down(kind, value, step)
        key += step[0] if key or step["name"] is None else step["name"]
    if missing := re.search(r"missing required field `(\w+)`", text):
        return f"{key}: {missing[1]} is missing."
    return f"{key} = {_shown(value)}: it has to be {_words(kind)}."


def _down(kind: Any, value: Any, step: re.Match[str]) -> tuple[Any, Any]:
    if step["name"] is not None:
        return get_type_hints(table_of(kind) or kind)[step["name"]], value[step["name"]]
    inner = get_args(kind)[-1]
    if step["number"] is not None:
        return inner, value[int(step["number"])]
    wrong = (one for one in value.values() if not isinstance(one, get_origin(inner) or inner))
    return inner, next(wrong, value)


def _words_of(key: str) -> str:
    return {"question": "a sentence that says what the scenario is to find out"}.get(key, "needed")


def _words(kind: Any) -> str:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return "one of " + ", ".join(f'"{one}"' for one in inner)
    if origin in (Union, types.UnionType):
        return _words(inner[0])
    if origin is list:
        of = "tables" if table_of(kind) else "texts"
        return f"a list of {of}"
    return _WORDS.get(kind, "a table")


def _shown(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()[:80]
