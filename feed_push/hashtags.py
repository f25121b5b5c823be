"""Hashtags: what in a text is one, and when two are the same.

A hashtag is a # that does not continue a word, an address or another #, and the letters, marks,
digits and _ after it, with a letter among them. Two are the same that look alike but for case and
width: they are kept as Unicode's NFKC with case folded, so that #Café, #CAFÉ and #ｃａｆé are one.
"""

import re
import unicodedata

MAX_TAG = 100  # characters, folded
MAX_TAGS = 30

# What may be in a hashtag includes marks, without which most scripts of India have no words, and
# the joiner that Persian and many of those scripts write within words; it goes when folded.
_HASH = re.compile(r"(?<![\w&/#])#")
_UNSEEN = str.maketrans("", "", "\u200c\u200d")


def fold(text: str) -> str:
    """A text in the form in which hashtags are compared. Of a folded text it is the text itself."""
    if text.isascii():
        return text.lower()
    folded = text.translate(_UNSEEN)
    # Folding case can undo the normalisation, and the other way round: no text is known that takes
    # more than three rounds.
    for _ in range(4):
        before, folded = folded, unicodedata.normalize("NFKC", folded).casefold()
        if folded == before:
            break
    return folded


def hashtags(text: str) -> tuple[str, ...]:
    """The hashtags of a text, folded, each once, in order; beyond MAX_TAGS they are plain text."""
    if "#" not in text and "＃" not in text:  # noqa: RUF001 - full width
        return ()
    folded = fold(text)
    found = dict.fromkeys(
        tag for match in _HASH.finditer(folded) if (tag := _tag_at(folded, match.end()))
    )
    return tuple(found)[:MAX_TAGS]


def fold_tag(name: str) -> str | None:
    """A hashtag as it is kept, of how somebody wrote it, with or without #; None: it is none."""
    folded = fold(name).removeprefix("#")
    return folded if folded and _tag_at(folded, 0) == folded else None


def _tag_at(text: str, start: int) -> str:
    end = start
    while end < len(text) and _is_within(text[end]):
        end += 1
    tag = text[start:end]
    has_letter = any(unicodedata.category(character)[0] == "L" for character in tag)
    return tag if has_letter and len(tag) <= MAX_TAG else ""


def _is_within(character: str) -> bool:
    return character == "_" or unicodedata.category(character)[0] in "LMN"
