"""What text may be: bodies, titles, emoji."""

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.errors import BAD_REQUEST, PlazaError
from rooms.body import MAX_BODY, MAX_EMOJI, MAX_TITLE, clean_body, clean_emoji, clean_title

refused = pytest.raises(PlazaError, check=lambda error: error.spec is BAD_REQUEST)

CONTROLS = [chr(code) for code in [*range(0x20), *range(0x7F, 0xA0)]]
SURROGATES = ["\ud800", "\udbff", "\udc00", "\udfff"]
# What text may hold that is not what it seems: marks to compose, spaces of all kinds, controls.
tricky = st.text(
    st.sampled_from([*"aé\u0301\u0327\u1100\u1161\u0958\u2000\u2028\u200d\u00a0\n\r\t\0\x1f\x85 "])
    | st.characters(),
    max_size=30,
)


def stored_form(clean: Callable[..., str], text: str | None, **options: bool) -> str | None:
    """What `clean` makes of a text; None: a bad request."""
    try:
        return clean(text, **options)
    except PlazaError as error:
        if error.spec is not BAD_REQUEST:
            raise
        return None


class TestBody:
    @pytest.mark.parametrize(
        "body",
        [
            "hi",
            " hi\n\tthere ",
            "👩‍👩‍👧‍👦",  # held together by zero-width joiners
            "\u2067אבג\u2069",  # isolated by bidirectional marks
            "ಕನ್ನಡ",
            "line\u2028separator",
            "x" * MAX_BODY,
        ],
    )
    def test_stays_as_it_is(self, body: str) -> None:
        assert clean_body(body) == body

    @pytest.mark.parametrize(
        ("body", "stored"),
        [
            ("cafe\u0301", "café"),
            ("\u212b", "Å"),  # the Angstrom sign
            ("one\r\ntwo\r\n", "one\ntwo\n"),
        ],
    )
    def test_has_one_spelling(self, body: str, stored: str) -> None:
        assert clean_body(body) == stored

    @pytest.mark.parametrize("character", [c for c in CONTROLS if c not in "\t\n"])
    def test_holds_no_control_characters(self, character: str) -> None:
        with pytest.raises(PlazaError, match=rf"U\+{ord(character):04X}"):
            clean_body(f"before{character}after")

    @pytest.mark.parametrize("surrogate", SURROGATES)
    def test_holds_no_half_characters(self, surrogate: str) -> None:
        with refused:
            clean_body(f"half an emoji: {surrogate}")

    @pytest.mark.parametrize("body", ["a\rb", "\r", "a\r\r\nb"])
    def test_a_lone_carriage_return_is_a_control_character(self, body: str) -> None:
        with refused:
            clean_body(body)

    def test_has_a_length_counted_after_normalisation(self) -> None:
        with pytest.raises(PlazaError, match="8000 characters, this one 8001"):
            clean_body("x" * 8_001)
        assert len(clean_body("e\u0301" * 8_000)) == 8_000
        with refused:
            clean_body("\u0958" * 4_001)  # becomes two characters
        assert clean_body("x\r\n" * 4_000) == "x\n" * 4_000

    @pytest.mark.parametrize("body", ["", " ", "\n\t", "\u00a0\u2003\u3000", "\r\n"])
    def test_says_something(self, body: str) -> None:
        with refused:
            clean_body(body)
        clean_body(body, may_be_empty=True)

    @settings(deadline=None)
    @given(tricky, st.booleans())
    def test_what_is_stored_is_its_own_stored_form(self, body: str, may_be_empty: bool) -> None:
        stored = stored_form(clean_body, body, may_be_empty=may_be_empty)
        if stored is None:
            return
        assert clean_body(stored, may_be_empty=may_be_empty) == stored
        assert unicodedata.is_normalized("NFC", stored)
        assert not set(stored) & ({*CONTROLS} - {"\t", "\n"})
        stored.encode()


class TestTitle:
    @pytest.mark.parametrize(
        ("title", "stored"),
        [
            ("Garden", "Garden"),
            ("  Garden club\t", "Garden club"),
            ("\u3000Cafe\u0301\u00a0", "Café"),
            ("x" * MAX_TITLE, "x" * MAX_TITLE),
            (" " + "e\u0301" * MAX_TITLE, "é" * MAX_TITLE),
        ],
    )
    def test_has_no_outer_space(self, title: str, stored: str) -> None:
        assert clean_title(title) == stored

    @pytest.mark.parametrize("title", [None, "", "   ", "\n", "x" * 201, "\u0958" * 101])
    def test_is_there_and_not_too_long(self, title: str | None) -> None:
        with refused:
            clean_title(title)

    @pytest.mark.parametrize("character", [*CONTROLS, *SURROGATES, "\u2028", "\u2029"])
    def test_is_one_line_without_control_characters(self, character: str) -> None:
        with pytest.raises(PlazaError, match=rf"one line .* U\+{ord(character):04X}"):
            clean_title(f"one{character}two")

    @settings(deadline=None)
    @given(st.none() | tricky)
    def test_what_is_stored_is_its_own_stored_form(self, title: str | None) -> None:
        stored = stored_form(clean_title, title)
        if stored is None:
            return
        assert clean_title(stored) == stored
        assert stored == stored.strip()
        assert unicodedata.is_normalized("NFC", stored)
        assert not set(stored) & {*CONTROLS, "\u2028", "\u2029"}
        assert 1 <= len(stored) <= MAX_TITLE
        stored.encode()


class TestEmoji:
    @pytest.mark.parametrize(
        "emoji",
        [
            "👍",
            "👍🏽",
            "❤️",
            "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
            "👩‍❤️‍💋‍👩",
            ":tada:",
            "+1",
            "x" * MAX_EMOJI,
        ],
    )
    def test_is_kept(self, emoji: str) -> None:
        assert clean_emoji(emoji) == emoji

    def test_has_one_spelling(self) -> None:
        assert clean_emoji("e\u0301") == "é"

    @pytest.mark.parametrize(
        "emoji",
        ["", " ", "👍 ", "two words", "a\u00a0b", "x" * 33, "\u0958" * 17, "a\u2028b"]
        + [f"a{character}" for character in (*CONTROLS, *SURROGATES)],
    )
    def test_is_no_text(self, emoji: str) -> None:
        with refused:
            clean_emoji(emoji)

    @settings(deadline=None)
    @given(tricky)
    def test_what_is_stored_is_its_own_stored_form(self, emoji: str) -> None:
        stored = stored_form(clean_emoji, emoji)
        if stored is None:
            return
        assert clean_emoji(stored) == stored
        assert unicodedata.is_normalized("NFC", stored)
        assert not any(character.isspace() for character in stored)
        stored.encode()
