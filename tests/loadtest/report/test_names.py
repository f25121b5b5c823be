import pytest

from loadtest.figures import Budget, Figure
from loadtest.report.names import Name, amount, better, parse, value, words


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("lost", ("", "lost", "")),
        ("delivery.p99", ("", "delivery", "p99")),
        ("50 pairs: delivery.p99", ("50 pairs", "delivery", "p99")),
        ("rooms: 50: server.us_per_delivery", ("rooms: 50", "server", "us_per_delivery")),
    ],
)
def test_parts(name: str, parts: tuple[str, str, str]) -> None:
    parsed = parse(name)
    assert parsed == Name(*parts)
    assert name.endswith(parsed.measure)


@pytest.mark.parametrize(
    ("name", "unit", "way"),
    [
        ("delivery.p999", "ms", "less"),
        ("a: delivery.max", "ms", "less"),
        ("delivery.count", "", ""),
        ("delivered.rate", "/s", "more"),
        ("due.rate", "/s", ""),
        ("dropped.rate", "/s", "less"),
        ("delivered", "", ""),
        ("server.cpu", "cores", "less"),
        ("server.rss", "MiB", "less"),
        ("server.us_per_connect", "us", "less"),
        ("users.max", "", "more"),
        ("viewers.per_core", "", "more"),
        ("lost", "", "none"),
        ("a: late", "", "none"),
        ("errors.rate_limited", "", "none"),
        ("something.else", "", ""),
    ],
)
def test_which_way_is_better(name: str, unit: str, way: str) -> None:
    assert better(Figure(name=name, unit=unit, samples=[1])) == way


@pytest.mark.parametrize(("bound", "way"), [("at most", "less"), ("at least", "more")])
def test_a_budget_says_which_way_is_better(bound: str, way: str) -> None:
    budget = Budget(bound, 5)  # type: ignore[arg-type]
    assert better(Figure(name="something", unit="", samples=[1], budget=budget)) == way


def test_words() -> None:
    assert words(parse("delivery.p999")) == "Delivery p99.9"
    assert words(parse("a: server.us_per_delivery")) == "Server CPU per delivery"
    assert words(parse("waves.rate")) == "Waves"
    assert words(parse("a_new_kind.p50")) == "A new kind p50"


def test_of_what_must_not_be_the_worst_repetition_counts() -> None:
    assert value(Figure(name="lost", unit="", samples=[0, 0, 3])) == 3
    assert value(Figure(name="ack.p99", unit="ms", samples=[1, 2, 30])) == 2


def test_shares_are_said_in_percent() -> None:
    assert amount(0.425, "cores") == ("42.5", "% of a core")
    assert amount(3.14159, "us") == ("3.14", "µs")
    assert amount(12345.6, "/s") == ("12,346", "/s")
