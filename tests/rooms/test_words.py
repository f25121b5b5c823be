"""rooms/words.py: what is a word, and what is the same one."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.words import MAX_WORD, placed_words, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \n", []),
        ("!?", []),
        ("Steam engine", ["steam", "engine"]),
        # Of addresses, paths and names of code each part can be found.
        ("https://www.example.org/a?b=1", ["https", "www", "example", "org", "a", "b", "1"]),
        ("sess.crate_types", ["sess", "crate", "types"]),
        ("well-known don't", ["well", "known", "don", "t"]),
        ("covid-19 -5 3.14", ["covid", "19", "5", "3", "14"]),
        # Neither case nor accents nor the width of letters matter.
        ("ÄRGER Café cafe\u0301 ﬁn ＡＢ ß", ["arger", "cafe", "cafe", "fin", "ab", "ss"]),
        ("ПРИВЕТ Ελλάδα", ["привет", "ελλαδα"]),
        # Marks that are more than accents belong to their word.
        ("हिन्दी", ["हिन्दी"]),
        # Scripts without spaces, and symbols: each character.
        ("我家在上海东边。", list("我家在上海东边")),
        ("がんばって", list("がんばって")),
        ("go 🎉👍🏽!", ["go", "🎉", "👍"]),
        ("x" * 150, ["x" * MAX_WORD]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@given(st.text())
def test_a_word_is_of_letters_digits_marks_and_symbols_and_has_a_place(text: str) -> None:
    placed = placed_words(text)
    assert [word.text for word in placed] == words_of(text)
    for word in placed:
        assert 0 < len(word.text) <= MAX_WORD
        # Nothing that means something in the text of a tsvector or tsquery.
        assert all(
            unicodedata.category(letter)[0] in "LMN" or unicodedata.category(letter) == "So"
            for letter in word.text
        )
        assert word.text in words_of(text[word.start : word.end])
    # Some letters stand for several words, such as ﷺ.
    starts = [word.start for word in placed]
    assert starts == sorted(starts)


@given(st.text())
def test_case_does_not_matter(text: str) -> None:
    text = unicodedata.normalize("NFC", text)
    ascii_ = text.encode("ascii", "ignore").decode()
    assert words_of(ascii_.upper()) == words_of(ascii_.lower()) == words_of(ascii_)
