"""What may be said of a stream.

Text is stored in NFC, and control characters are refused rather than dropped, as in messages.
"""

import re
import unicodedata

from msgspec import UNSET, Struct, UnsetType

from protocol.errors import BAD_REQUEST, PlazaError
from protocol.ids import Id
from protocol.posts import Visibility

MAX_TITLE = 140  # characters, as all of these
MAX_DESCRIPTION = 2_000
MAX_CATEGORY = 40

_REFUSED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # all but tab and line feed
_REFUSED_IN_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SPACES = re.compile(r"\s+")


class Wanted(Struct, frozen=True, kw_only=True):
    """A stream as somebody would have it. `thumbnail`: an upload."""

    title: str
    description: str = ""
    category: str = ""
    visibility: Visibility = Visibility.PUBLIC
    thumbnail: Id | None = None


class Changes(Struct, frozen=True, kw_only=True):
    """What is to change of a stream. UNSET: it stays."""

    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    category: str | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET
    thumbnail: Id | UnsetType | None = UNSET


def clean_title(title: str) -> str:
    """Return the stored form of a title: one line. Raises PlazaError bad_request."""
    cleaned = _line("title", title, MAX_TITLE)
    if not cleaned:
        raise PlazaError(BAD_REQUEST, "title is empty. Say what the stream is about.")
    return cleaned


def clean_description(description: str) -> str:
    """Return the stored form of a description. Raises PlazaError bad_request."""
    cleaned = unicodedata.normalize("NFC", description).replace("\r\n", "\n").strip()
    return _checked("description", cleaned, _REFUSED, MAX_DESCRIPTION)


def clean_category(category: str) -> str:
    """Return the stored form of a category; an empty one: none. Raises PlazaError bad_request."""
    return _line("category", category, MAX_CATEGORY)


def _line(field: str, text: str, most: int) -> str:
    cleaned = unicodedata.normalize("NFC", text).strip()
    return _SPACES.sub(" ", _checked(field, cleaned, _REFUSED_IN_LINE, most))


def _checked(field: str, text: str, refused: re.Pattern[str], most: int) -> str:
    if found := refused.search(text):
        raise PlazaError(
            BAD_REQUEST,
            f"{field} must not contain the control character U+{ord(found[0]):04X}. Leave it out.",
        )
    if len(text) > most:
        raise PlazaError(BAD_REQUEST, f"{field} has at most {most:,} characters, not {len(text)}.")
    return text
