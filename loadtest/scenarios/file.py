"""Scenarios from where they are written: questions that Plaza brings, and TOML files.

    questions   what Plaza brings
    load        a question or a file, with what was said on the command line
    variants    the scenarios that it consists of

What is written in `small`, on the command line and in a variant is laid over the rest, table by
table and key by key; lists are replaced. scenarios/keys knows the keys, scenarios/sense what makes
sense.
"""

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from loadtest.scenario import Scenario
from loadtest.scenarios import keys, sense

_QUESTIONS = Path(__file__).parents[1] / "questions"
_COMMAND_LINE = "the command line"

Table = dict[str, Any]


class ScenarioError(ValueError):
    """A scenario that cannot be run; the text names file and key, and says what to do."""


def questions() -> dict[str, str]:
    """What Plaza brings: name -> the question in a sentence."""
    return {
        path.stem: tomllib.loads(path.read_text(encoding="utf-8"))["question"]
        for path in sorted(_QUESTIONS.glob("*.toml"))
    }


def load(
    name_or_path: str,
    *,
    overrides: Mapping[str, Any] | None = None,
    small: bool = False,
    thresholds: Sequence[str] = (),
) -> Scenario:
    """Read a scenario.

    Args:
        name_or_path: a question's name, or a TOML file.
        overrides: dotted keys, such as "load.users", and their values. They hold in all variants.
        small: lay its `small` over it.
        thresholds: beyond those of the scenario.

    Raises:
        ScenarioError: there is no such scenario, or something in it cannot be.
    """
    path = _found(name_or_path)
    document = _read(path)
    if small:
        if not document.get("small"):
            raise ScenarioError(f"{path} has no small form: add a table [small], or go without.")
        _lay(document, document["small"])
    document.pop("small", None)
    for key, value in (overrides or {}).items():
        _override(document, key, value)
    _refuse_what_stages_say(document, overrides or {})
    scenario = _checked(path, document)
    for rule in thresholds:
        for problem in sense.problems_of_rule(scenario, "--threshold", rule):
            raise ScenarioError(problem)
    return structs.replace(scenario, thresholds=[*scenario.thresholds, *thresholds])


def variants(scenario: Scenario) -> list[tuple[str, Scenario]]:
    """A scenario's variants with everything in force, by name; "" and itself if it has none."""
    if not scenario.variants:
        return [("", scenario)]
    found = []
    for name, differences in scenario.variants.items():
        document = msgspec.to_builtins(scenario)
        document["variants"] = {}
        _lay(document, differences)
        found.append((name, _converted(f'variants."{name}"', document)))
    return found


def override(text: str) -> tuple[str, Any]:
    """Take "load.users=500" apart: a key, and a value as TOML has it; else it is a text.

    Raises:
        ScenarioError: it is not of that form.
    """
    key, is_one, value = text.partition("=")
    if not is_one or not key.strip():
        raise ScenarioError(f'"{text}" sets nothing: write KEY=VALUE, such as load.users=500.')
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()


def _found(name_or_path: str) -> Path:
    question = _QUESTIONS / f"{name_or_path}.toml"
    if name_or_path in questions():
        return question
    path = Path(name_or_path)
    if path.suffix == ".toml" or path.is_file():
        return path
    near = difflib.get_close_matches(name_or_path, questions(), n=1)
    hint = f"Did you mean {near[0]}?" if near else "`plaza loadtest questions` shows what there is."
    raise ScenarioError(f"{name_or_path} is neither a question nor a TOML file. {hint}")


def _read(path: Path) -> Table:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ScenarioError(f"The file {path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"The file {path} is not valid TOML: {error}.") from None
    if problem := keys.stranger(document):
        raise ScenarioError(f"{path}: {problem}")
    for name in ("small", "variants"):
        if not isinstance(document.get(name, {}), dict):
            raise ScenarioError(f"{path}: {name} has to be a table.")
    return document


def _lay(below: Table, above: Mapping[str, Any]) -> None:
    """Lay a table over another, deeply."""
    for key, value in above.items():
        if isinstance(value, Mapping) and isinstance(below.get(key), dict):
            _lay(below[key], value)
        else:
            below[key] = deepcopy(value)


def _override(document: Table, key: str, value: Any) -> None:
    """Set a key, in variants that say something else of it too."""
    path = _path(key)
    _lay(document, _nested(path, value))
    for variant in document.get("variants", {}).values():
        _remove(variant, path)
    # An answer that lets the next one go, and a rate, exclude each other: the last word holds.
    if path == ["load", "rate"]:
        _override(document, "load.in_flight", 0)


def _path(key: str) -> Sequence[str]:
    """The parts of a dotted key, of which some may be in quotes."""
    try:
        document: Any = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        raise ScenarioError(
            f'{_COMMAND_LINE}: {key} is no key; write load.users, or variants."NAME".load.users.'
        ) from None
    if problem := keys.stranger(document):
        raise ScenarioError(f"{_COMMAND_LINE}: {problem}")
    path = []
    while isinstance(document, dict):
        [(name, document)] = document.items()
        path.append(name)
    return path


def _nested(path: Sequence[str], value: Any) -> Table:
    for name in reversed(path):
        value = {name: value}
    found: Table = value
    return found


def _remove(table: Table, path: Sequence[str]) -> None:
    *outer, last = path
    for name in outer:
        table = table.get(name, {})
    table.pop(last, None)


def _refuse_what_stages_say(document: Table, overrides: Mapping[str, Any]) -> None:
    if document.get("stages"):
        for key in ("load.ramp", "load.duration"):
            if key in overrides:
                raise ScenarioError(
                    f"{_COMMAND_LINE}: {key} has no effect here, as the scenario's stages say how "
                    "long it takes; set stages, or stages=[] for none."
                )


def _checked(path: Path, document: Table) -> Scenario:
    scenario = _converted(str(path), document)
    for problem in sense.problems_of_all(scenario):
        raise ScenarioError(f"{path}: {problem}")
    for name, variant in variants(scenario):
        where = f'{path}, variant "{name}"' if name else f"{path}"
        for problem in sense.problems(variant):
            raise ScenarioError(f"{where}: {problem}")
    return scenario


def _converted(where: str, document: Table) -> Scenario:
    try:
        return msgspec.convert(document, Scenario)
    except msgspec.ValidationError as error:
        raise ScenarioError(f"{where}: {keys.misfit(document, error)}") from None
