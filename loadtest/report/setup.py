"""The end of the page: how to repeat it, on what it ran, and how everything was set."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from loadtest.report.flat import flatten
from loadtest.report.markup import Html, tag
from loadtest.report.model import Report
from loadtest.scenario import Scenario

# They stand at the top of the page.
_SHOWN = {"question", "about"}


def section(report: Report) -> Html:
    """The section of the page."""
    machine = report.environment
    return tag(
        "section",
        tag("h2", "How to repeat it"),
        tag("p", "With the same version, on a machine that does nothing else:", class_="soft"),
        tag(
            "div",
            tag("pre", tag("code", report.command, id="command")),
            tag("button", "Copy", type="button", id="copy", hidden=True),
            class_="command",
        ),
        tag(
            "p",
            "Two reports are compared, figure by figure, by ",
            tag("code", "plaza loadtest compare ONE.json OTHER.json"),
            ".",
            class_="soft",
        ),
        tag(
            "div",
            _facts(
                "Machine",
                {
                    "processor": machine.processor,
                    "cores": str(machine.cores),
                    "system": machine.system,
                    "Python": machine.python,
                },
            ),
            _facts("Versions", machine.libraries),
            _facts("Server", report.server),
            class_="columns",
        ),
        _configuration(report.scenario),
        id="setup",
    )


def _facts(title: str, facts: Mapping[str, str]) -> Html:
    if not facts:
        return tag("div")
    rows = (tag("div", tag("dt", name), tag("dd", value)) for name, value in facts.items())
    return tag("div", tag("h3", title), tag("dl", *rows, class_="pairs"))


def _configuration(scenario: Mapping[str, Any]) -> Html:
    if not scenario:
        return tag("div")
    usual = dict(flatten(msgspec.to_builtins(Scenario(question=""))))
    rows = [
        (key, value, usual.get(key) == value)
        for key, value in flatten(scenario)
        if key not in _SHOWN
    ]
    return tag(
        "details",
        tag("summary", "Configuration in force"),
        tag("p", "What differs from the default comes first and is bold.", class_="soft"),
        _settings(sorted(rows, key=lambda row: row[2])),
        open=True,
    )


def _settings(rows: Iterable[tuple[str, Any, bool]]) -> Html:
    return tag(
        "dl",
        *(
            tag(
                "div",
                tag("dt", key),
                tag("dd", value if isinstance(value, str) else json.dumps(value)),
                class_=None if is_usual else "set",
            )
            for key, value, is_usual in rows
        ),
        class_="settings",
    )
