"""What must hold of a run's figures, and whether it does.

    rule        = figure operator number
                | figure operator number "x" figure
    operator    = "<=" | ">=" | "<" | ">" | "=="

Such as "lost <= 0", "delivery.p99 <= 250", or "one does not read: delivery.p99 <= 1.5 x all read:
delivery.p99". Before a figure's colon stands the name of the variant; a rule without one is for
every variant, each compared with its own.
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import Literal

from msgspec import Struct

from loadtest.report.model import Judgement

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "==": operator.eq,
}
# An operator stands between spaces, so that the name of a variant may have a character of its own.
_RULE = re.compile(
    r"(?P<figure>\S.*?)\s+(?P<operator><=|>=|<|>|==)\s+(?P<number>\S+?)"
    r"(\s+x\s+(?P<other>\S.*?))?"
)
_VARIANT = ": "


class RuleError(ValueError):
    """A rule that cannot be read; the text says what one looks like."""


class Rule(Struct, frozen=True, kw_only=True):
    """A comparison.

    Attributes:
        text: as it was written.
        figure: that is compared.
        operator: as it is written.
        number: with which, or how many times `other`.
        other: another figure; None: with the number itself.
    """

    text: str
    figure: str
    operator: str
    number: float
    other: str | None = None

    @property
    def figures(self) -> tuple[str, ...]:
        """The names of all figures in it."""
        return (self.figure,) if self.other is None else (self.figure, self.other)

    def of(self, variant: str) -> "Rule":
        """The same for a variant: figures without the name of one get this one's."""
        figure = _of(variant, self.figure)
        other = None if self.other is None else _of(variant, self.other)
        times = "" if other is None else f" x {other}"
        return Rule(
            text=f"{figure} {self.operator} {self.number:g}{times}",
            figure=figure,
            operator=self.operator,
            number=self.number,
            other=other,
        )

    def holds(self, figures: Mapping[str, float]) -> bool:
        """Whether it does; it does not when there is no such figure."""
        found = figures.get(self.figure)
        measure = 1.0 if self.other is None else figures.get(self.other)
        if found is None or measure is None:
            return False
        return _OPERATORS[self.operator](found, self.number * measure)


def parse(text: str) -> Rule:
    """Read a rule.

    Raises:
        RuleError: it is none.
    """
    found = _RULE.fullmatch(text.strip())
    number = _number(found["number"]) if found else None
    if found is None or number is None:
        raise RuleError(
            f'"{text}" is no rule. One looks like "lost <= 0", '
            '"delivery.p99 < 250" or "busy: ack.p99 <= 1.5 x idle: ack.p99", '
            f"with one of {' '.join(_OPERATORS)} between spaces."
        )
    return Rule(
        text=text.strip(),
        figure=found["figure"],
        operator=found["operator"],
        number=number,
        other=found["other"],
    )


def judge(
    rules: Iterable[str],
    figures: Mapping[str, float],
    kind: Literal["threshold", "budget"] = "threshold",
) -> list[Judgement]:
    """Compare figures with rules.

    Args:
        rules: as they are written.
        figures: name -> value; of several repetitions, their median.
        kind: of the rules.

    Returns:
        What became of each, in order; of a rule for every variant, one for each.

    Raises:
        RuleError: a rule cannot be read.
    """
    return [
        Judgement(
            rule=rule.text,
            found=figures.get(rule.figure),
            holds=rule.holds(figures),
            kind=kind,
        )
        for text in rules
        for rule in _expanded(parse(text), figures)
    ]


def split(figure: str) -> tuple[str, str]:
    """The variant of a figure ("" if it names none), and the figure itself."""
    variant, _, name = figure.rpartition(_VARIANT)
    return variant, name


def _expanded(rule: Rule, figures: Mapping[str, float]) -> list[Rule]:
    """The rule itself, or one for each variant if it names none and there is no such figure."""
    if split(rule.figure)[0] or rule.figure in figures:
        return [rule]
    variants = [variant for variant, name in map(split, figures) if variant and name == rule.figure]
    return [rule.of(variant) for variant in variants] or [rule]


def _of(variant: str, figure: str) -> str:
    return figure if split(figure)[0] else f"{variant}{_VARIANT}{figure}"


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None
