"""What a profile may say."""

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feed_push import profile_rules as rules
from protocol.errors import BAD_REQUEST, PlazaError

LINES: list[tuple[Callable[[str], str], int]] = [
    (rules.clean_display_name, rules.MAX_DISPLAY_NAME),
    (rules.clean_pronouns, rules.MAX_PRONOUNS),
    (rules.clean_location, rules.MAX_LOCATION),
]


def refused(clean: Callable[..., object], *arguments: object, **named: object) -> str:
    with pytest.raises(PlazaError) as refusal:
        clean(*arguments, **named)
    assert refusal.value.spec is BAD_REQUEST
    assert refusal.value.message.endswith(".")
    return refusal.value.message


@pytest.mark.parametrize(("clean", "limit"), LINES)
class TestLines:
    def test_are_stored_trimmed_and_composed(self, clean: Callable[[str], str], limit: int) -> None:
        assert clean("  Zoe\u0308  L. ") == "Zoë L."
        assert clean("") == ""

    def test_have_a_length(self, clean: Callable[[str], str], limit: int) -> None:
        assert clean("x" * limit) == "x" * limit
        assert str(limit) in refused(clean, "x" * (limit + 1))

    @pytest.mark.parametrize("control", ["\x00", "\n", "\x7f", "\x85", "\u2028", "\ud800"])
    def test_hold_no_controls(self, clean: Callable[[str], str], limit: int, control: str) -> None:
        assert "U+" in refused(clean, f"a{control}b")


@pytest.mark.parametrize("name", ["\u200b", "\u202e\u2066", "\ufeff\u200d"])
def test_a_name_shows_something(name: str) -> None:
    refused(rules.clean_display_name, name)


@pytest.mark.parametrize("name", ["Ada", "李", "👩‍🔬", "42", "…"])
def test_names_of_all_kinds(name: str) -> None:
    assert rules.clean_display_name(name) == name


def test_a_bio_has_lines() -> None:
    assert rules.clean_bio(" one\r\n\n\ttwo\n ") == "one\n\n\ttwo"
    assert rules.clean_bio("x" * rules.MAX_BIO)
    refused(rules.clean_bio, "x" * (rules.MAX_BIO + 1))
    for control in ("\x00", "\x1b", "\udfff"):
        refused(rules.clean_bio, f"a{control}b")


@pytest.mark.parametrize(
    "website",
    ["", "https://example.org", "HTTP://example.org:8080/a?b=c#d", "https://bücher.example/ä"],
)
def test_websites(website: str) -> None:
    assert rules.clean_website(website) == website


@pytest.mark.parametrize(
    "website",
    [
        "example.org",
        "javascript:alert(1)",
        "ftp://example.org",
        "https://",
        "https:///path",
        "https://user@example.org",
        "https://user:password@example.org",
        "https://bank.example\\@evil.example",
        "https://example.org/a b",
        'https://example.org/"onclick=x',
        "https://example.org/\x00",
        "https://example.org/" + "a" * rules.MAX_WEBSITE,
    ],
)
def test_what_is_no_website(website: str) -> None:
    refused(rules.clean_website, website)


def test_interests_are_kept_once_and_in_order() -> None:
    assert rules.clean_interests([" Looms", "looms", "LOOMS ", "Art"]) == ["Looms", "Art"]
    assert rules.clean_interests([]) == []
    numbers = [str(number) for number in range(rules.MAX_INTERESTS + 1)]
    assert len(rules.clean_interests(numbers[:-1])) == rules.MAX_INTERESTS
    refused(rules.clean_interests, numbers)
    refused(rules.clean_interests, [" "])
    refused(rules.clean_interests, ["x" * (rules.MAX_INTEREST + 1)])


def test_a_birthday_has_been() -> None:
    today = date(2026, 11, 22)
    rules.check_birthday(today, today=today)
    rules.check_birthday(date(1815, 12, 10), today=today)
    refused(rules.check_birthday, date(2026, 11, 23), today=today)


@given(st.text())
def test_what_is_stored_stays_as_it_is(text: str) -> None:
    for clean in (*(clean for clean, _ in LINES), rules.clean_bio, rules.clean_website):
        try:
            stored = clean(text)
        except PlazaError:
            continue
        assert clean(stored) == stored
        assert "\x00" not in stored
        stored.encode()
