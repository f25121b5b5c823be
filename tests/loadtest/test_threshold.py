import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.threshold import RuleError, judge, parse, split

FIGURES = {
    "lost": 0.0,
    "delivery.p99": 12.5,
    "all read: delivery.p99": 10.0,
    "all read: lost": 0.0,
    "one does not read: delivery.p99": 14.0,
    "one does not read: lost": 2.0,
}


def test_a_rule_is_taken_apart() -> None:
    rule = parse("  one does not read: delivery.p99 <= 1.5 x all read: delivery.p99 ")

    assert rule.figure == "one does not read: delivery.p99"
    assert (rule.operator, rule.number) == ("<=", 1.5)
    assert rule.other == "all read: delivery.p99"
    assert rule.figures == ("one does not read: delivery.p99", "all read: delivery.p99")


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ("lost <= 0", True),
        ("lost == 0", True),
        ("lost < 0", False),
        ("lost > 0", False),
        ("delivery.p99 <= 12.5", True),
        ("delivery.p99 < 12.5", False),
        ("delivery.p99 >= 12.5", True),
        ("delivery.p99 >= 1e2", False),
        ("one does not read: delivery.p99 <= 1.5 x all read: delivery.p99", True),
        ("one does not read: delivery.p99 <= 1.3 x all read: delivery.p99", False),
    ],
)
def test_figures_are_compared(rule: str, holds: bool) -> None:
    [judgement] = judge([rule], FIGURES)

    assert judgement.holds is holds
    assert judgement.rule == rule


def test_what_was_found_is_told() -> None:
    [judgement] = judge(["delivery.p99 < 1"], FIGURES, "budget")

    assert judgement.found == 12.5
    assert judgement.kind == "budget"


@pytest.mark.parametrize(
    "rule", ["lots <= 0", "lots >= 0", "one: lost >= 0", "lost <= 5 x lots", "lots <= 5 x lost"]
)
def test_what_was_not_measured_does_not_hold(rule: str) -> None:
    [judgement] = judge([rule], FIGURES)

    assert not judgement.holds


def test_a_rule_without_a_variant_is_for_all_of_them() -> None:
    figures = {name: value for name, value in FIGURES.items() if ":" in name}

    found = judge(["lost <= 0"], figures)

    assert [(one.rule, one.holds) for one in found] == [
        ("all read: lost <= 0", True),
        ("one does not read: lost <= 0", False),
    ]


def test_each_variant_is_compared_with_its_own() -> None:
    figures = {"a: x": 4.0, "a: y": 2.0, "b: x": 4.0, "b: y": 1.0}

    found = judge(["x <= 2 x y", "x <= 1 x a: x"], figures)

    assert [(one.rule, one.holds) for one in found] == [
        ("a: x <= 2 x a: y", True),
        ("b: x <= 2 x b: y", False),
        ("a: x <= 1 x a: x", True),
        ("b: x <= 1 x a: x", True),
    ]


@pytest.mark.parametrize(
    "text",
    ["", "lost", "lost <=", "<= 0", "lost<=0", "lost = 0", "lost <= many", "lost <= nan",
     "lost <= inf", "lost <= 1 y other", "lost <= 2 x", "lost != 0"],
)  # fmt: skip
def test_what_is_no_rule_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(RuleError, match=r'is no rule. One looks like "lost <= 0"'):
        parse(text)


def test_a_variant_may_have_an_operator_in_its_name() -> None:
    assert parse("a<b: lost <= 0").figure == "a<b: lost"


def test_a_figure_is_split_from_its_variant() -> None:
    assert split("50 pairs: ack.p99") == ("50 pairs", "ack.p99")
    assert split("ack.p99") == ("", "ack.p99")


NAMES = st.from_regex(r"\A[a-z][a-z0-9 ]{0,8}[a-z0-9](: [a-z]+(\.[a-z0-9]+)?)?\Z").filter(
    lambda name: " x " not in name
)


@given(
    NAMES,
    st.sampled_from(["<=", ">=", "<", ">", "=="]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.none() | NAMES,
)
def test_whatever_is_written_is_read(
    figure: str, operator: str, number: float, other: str | None
) -> None:
    rule = parse(f"{figure} {operator} {number!r}" + (f" x {other}" if other else ""))

    assert (rule.figure, rule.operator, rule.number, rule.other) == (
        figure,
        operator,
        number,
        other,
    )
