"""What a profile may say.

Text is stored in NFC, and control characters are refused rather than dropped, as in messages.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date

from protocol.errors import BAD_REQUEST, PlazaError

MAX_DISPLAY_NAME = 50  # characters, as all of these
MAX_PRONOUNS = 40
MAX_BIO = 1_000
MAX_LOCATION = 100
MAX_WEBSITE = 300
MAX_INTERESTS = 20
MAX_INTEREST = 40

_REFUSED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # all but tab and line feed
_REFUSED_IN_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SPACES = re.compile(r"\s+")

# Without a user before the host: https://bank.example@evil.example is not where it seems to be.
_WEBSITE = re.compile(
    r"""https?://[^\s/?#@:\[\]<>"'\\^`{|}]+(?::\d{1,5})?(?:[/?#][^\s<>"\\^`{|}]*)?""", re.IGNORECASE
)


def clean_display_name(name: str) -> str:
    """Return the stored form of a name; an empty one: none, the username is shown.

    Raises:
        PlazaError: bad_request, also for what nobody would see.
    """
    cleaned = _line("display_name", name, MAX_DISPLAY_NAME)
    if cleaned and not any(unicodedata.category(character)[0] in "LNPS" for character in cleaned):
        raise PlazaError(BAD_REQUEST, "display_name shows nothing. Write some letters.")
    return cleaned


def clean_pronouns(pronouns: str) -> str:
    """Return the stored form of pronouns. Raises PlazaError bad_request."""
    return _line("pronouns", pronouns, MAX_PRONOUNS)


def clean_location(location: str) -> str:
    """Return the stored form of a place. Raises PlazaError bad_request."""
    return _line("location", location, MAX_LOCATION)


def clean_bio(bio: str) -> str:
    """Return the stored form of what somebody says of themselves, in Markdown.

    Raises:
        PlazaError: bad_request.
    """
    cleaned = unicodedata.normalize("NFC", bio).replace("\r\n", "\n").strip()
    _refuse("bio", cleaned, _REFUSED)
    return _bounded("bio", cleaned, MAX_BIO)


def clean_website(website: str) -> str:
    """Return the stored form of an address; an empty one: none.

    Raises:
        PlazaError: bad_request.
    """
    cleaned = _line("website", website, MAX_WEBSITE)
    if cleaned and _WEBSITE.fullmatch(cleaned) is None:
        raise PlazaError(
            BAD_REQUEST,
            "website is not the address of a web page. Write it out, such as https://example.org/.",
        )
    return cleaned


def clean_interests(interests: Iterable[str]) -> list[str]:
    """Return the stored form of interests: each once, whatever its case, in their order.

    Raises:
        PlazaError: bad_request.
    """
    kept: dict[str, str] = {}
    for interest in interests:
        cleaned = _line("interests", interest, MAX_INTEREST)
        if not cleaned:
            raise PlazaError(BAD_REQUEST, "One of the interests is empty. Leave it out.")
        kept.setdefault(cleaned.casefold(), cleaned)
    if len(kept) > MAX_INTERESTS:
        raise PlazaError(BAD_REQUEST, f"Give up to {MAX_INTERESTS} interests, not {len(kept)}.")
    return list(kept.values())


def check_birthday(birthday: date, *, today: date) -> None:
    """Refuse a birthday that is yet to come. Raises PlazaError bad_request."""
    if birthday > today:
        raise PlazaError(BAD_REQUEST, "birthday is in the future. Give the day of your birth.")


def _line(field: str, text: str, limit: int) -> str:
    cleaned = unicodedata.normalize("NFC", text).strip()
    _refuse(field, cleaned, _REFUSED_IN_LINE)
    return _bounded(field, _SPACES.sub(" ", cleaned), limit)


def _refuse(field: str, text: str, refused: re.Pattern[str]) -> None:
    if found := refused.search(text):
        raise PlazaError(
            BAD_REQUEST,
            f"{field} must not contain the control character U+{ord(found[0]):04X}. Leave it out.",
        )


def _bounded(field: str, text: str, limit: int) -> str:
    if len(text) > limit:
        raise PlazaError(
            BAD_REQUEST, f"{field} has at most {limit} characters, this one {len(text)}."
        )
    return text
