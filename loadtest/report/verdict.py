"""The top of the page: the question, whether it holds, and what does not."""

from typing import Literal

from loadtest.figures import short
from loadtest.report.markup import Html, join, tag
from loadtest.report.model import Judgement, Report
from loadtest.report.names import number

State = Literal["holds", "fails", "measured"]

# As a glance: what is worth more than its colour, which not everybody sees.
_SIGNS = {"holds": "✓", "fails": "✗", "measured": "•", "missed": "!"}
_WORDS = {"holds": "It holds", "fails": "It does not hold", "measured": "Measured"}


def state(report: Report) -> State:
    """Whether a report holds; `measured`: nothing was asked of it."""
    if not report.holds:
        return "fails"
    return "holds" if any(one.kind == "threshold" for one in report.judgements) else "measured"


def allowed(report: Report) -> set[str]:
    """Figures of which a threshold holds: faults among them were expected, as "dropped >= 1"."""
    return {
        one.rule.rpartition(f" {operator} ")[0]
        for one in report.judgements
        for operator in ("<=", "<", "==", ">", ">=")
        if one.holds and one.kind == "threshold"
    }


def summary(report: Report) -> str:
    """How many thresholds and budgets hold, in words."""
    parts = []
    for kind, broken in (("threshold", "broken"), ("budget", "missed")):
        asked = [one for one in report.judgements if one.kind == kind]
        failed = sum(not one.holds for one in asked)
        if failed:
            parts.append(f"{failed} of {number(len(asked), kind)} {broken}")
        elif asked:
            parts.append(f"{number(len(asked), kind)} {'hold' if len(asked) > 1 else 'holds'}")
    if report.violations:
        parts.append(number(len(report.violations), "violation"))
    return ", ".join(parts) or "no thresholds were set"


def section(report: Report) -> Html:
    """The section of the page."""
    now = state(report)
    chips = [tag("span", f"{_SIGNS[now]} {_WORDS[now]}", class_="state", data_state=now)]
    if report.interrupted:
        chips.append(tag("span", "Interrupted: this is the report so far", class_="state"))
    about = str(report.scenario.get("about", ""))
    return tag(
        "section",
        tag(
            "div",
            tag("p", *_spaced(chips), tag("span", summary(report), class_="soft"), class_="states"),
            tag("h1", report.question),
            *(tag("p", sentence, class_="answer") for sentence in report.answer),
            *([tag("p", about, class_="about")] if about else []),
            _facts(report),
            class_="words",
        ),
        _violations(report.violations),
        _rules(report.judgements),
        class_="verdict",
        data_state=now,
        id="verdict",
    )


def _facts(report: Report) -> Html:
    machine = report.environment
    facts = {
        "Began": report.began.replace("T", " ").replace("Z", " UTC"),
        "Took": _duration(report.seconds),
        "Machine": f"{machine.processor}, {number(machine.cores, 'core')}",
        "Plaza": report.server.get("version") or machine.libraries.get("plaza", ""),
    }
    return tag(
        "dl",
        *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts.items() if value),
        class_="facts",
    )


def _violations(violations: list[str]) -> Html:
    if not violations:
        return join([])
    return tag(
        "div",
        tag("h2", "What must never be, and was"),
        tag("ul", *(tag("li", one) for one in violations)),
        class_="violations",
    )


def _rules(judgements: list[Judgement]) -> Html:
    if not judgements:
        return join([])
    return tag(
        "div",
        tag(
            "table",
            tag("caption", "Thresholds and budgets", class_="hidden"),
            tag(
                "thead",
                tag("tr", *(tag("th", name, scope="col") for name in ("", "rule", "found"))),
            ),
            tag("tbody", *map(_rule, sorted(judgements, key=_urgency))),
            class_="rules",
        ),
        class_="scroll rules-box",
        role="region",
        aria_label="Thresholds and budgets",
        tabindex="0",
    )


def _rule(one: Judgement) -> Html:
    now = "holds" if one.holds else "fails" if one.kind == "threshold" else "missed"
    word = {"holds": "holds", "fails": "fails", "missed": "budget missed"}[now]
    return tag(
        "tr",
        tag("td", tag("span", f"{_SIGNS[now]} {word}", class_="mark", data_state=now)),
        tag("td", tag("code", one.rule)),
        tag("td", "no such figure" if one.found is None else short(one.found), class_="number"),
    )


def _urgency(one: Judgement) -> tuple[bool, bool]:
    return one.holds, one.kind == "budget"


def _spaced(parts: list[Html]) -> list[str]:
    return [part for one in parts for part in (one, " ")]


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes, left = divmod(round(seconds), 60)
    return f"{minutes} min {left} s" if left else f"{minutes} min"
