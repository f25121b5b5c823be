"""What a word is: to the index of messages, to what is searched for, and to what is highlighted.

The database's own parser is not used: it takes `www.example.org/a` and `sess.opts` for one word
each, so that neither `example` nor `opts` finds it, it knows no word boundaries where scripts have
no spaces, and it folds case by the locale that the database happens to have. Here a word is a run
of letters, digits and marks, without case and accents; everything else separates. A letter of a
script without spaces, and a symbol such as an emoji, is a word of its own: a row of them is then
found as a phrase.
"""

import re
import unicodedata
from typing import NamedTuple

MAX_WORD = 100  # characters; of a longer one (a key, a blob) the rest does not count

# Thai to Myanmar, Khmer; Han, kana, bopomofo and their supplements; compatibility ideographs.
_UNSPACED = (
    range(0x0E00, 0x0F00), range(0x1000, 0x10A0), range(0x1780, 0x1800), range(0x2E80, 0x3130),
    range(0x3190, 0xA000), range(0xF900, 0xFB00), range(0xFF66, 0xFF9E), range(0x1B000, 0x1B300),
    range(0x20000, 0x40000),
)  # fmt: skip
_ACCENTS = range(0x0300, 0x0370)
_CACHED = 0x3000  # code points below: the alphabets

_SEPARATED = re.compile(r"\S+")


class Word(NamedTuple):
    """A word and where it stands: `text[start:end]`, before folding."""

    text: str
    start: int
    end: int


class _Folded(dict[int, str]):
    """Code point -> what it becomes; filled as characters are seen."""

    def __missing__(self, code: int) -> str:
        folded = _fold(chr(code))
        if code < _CACHED:
            self[code] = folded
        return folded


def _fold(character: str) -> str:
    category = unicodedata.category(character)
    if category == "So":
        return f" {character} "
    if category[0] not in "LMN":
        return " "
    # Once more after the folding of case: bold mathematical letters have theirs only then.
    text = unicodedata.normalize("NFKD", character).casefold()
    text = unicodedata.normalize("NFKD", text)
    kept = "".join(
        letter if unicodedata.category(letter)[0] in "LMN" else " "
        for letter in text
        if ord(letter) not in _ACCENTS
    )
    kept = unicodedata.normalize("NFC", kept)
    if category[0] != "M" and any(ord(character) in script for script in _UNSPACED):
        return f" {kept} "
    return kept


_FOLDED = _Folded()


def words_of(text: str) -> list[str]:
    """The words of a text, folded, in order."""
    return [word[:MAX_WORD] for word in text.translate(_FOLDED).split(" ") if word]


def placed_words(text: str) -> list[Word]:
    """The words of a text, folded, in order, and where they stand."""
    pieces = [_FOLDED[ord(character)] for character in text]
    origin = [index for index, piece in enumerate(pieces) for _ in piece]
    return [
        Word(found[0][:MAX_WORD], origin[found.start()], origin[found.end() - 1] + 1)
        for found in _SEPARATED.finditer("".join(pieces))
    ]
