"""What text may be: message bodies, room titles, emoji.

Text is stored in NFC, so that what looks equal is equal to searches and comparisons. Control
characters are refused rather than dropped: they are never typed, and silently changing what
somebody said is worse than an error. Formatting characters (ZWJ, bidirectional marks) are kept:
emoji sequences and right-to-left scripts need them.
"""

import re
import unicodedata

from protocol.errors import BAD_REQUEST, PlazaError

MAX_BODY = 8_000  # characters, after normalisation
MAX_TITLE = 200
MAX_EMOJI = 32  # the longest sequences (families, flags of regions) have about 15 code points

# C0 and C1 but tab and line feed; lone surrogates cannot be written as UTF-8.
_REFUSED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_REFUSED_IN_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def clean_body(body: str, *, may_be_empty: bool = False) -> str:
    """Return the stored form of a message body.

    Args:
        may_be_empty: there is something else to show, such as an attachment.

    Raises:
        PlazaError: bad_request; the message names the problem.
    """
    if not body.isascii():
        body = unicodedata.normalize("NFC", body)
    if "\r" in body:
        body = body.replace("\r\n", "\n")
    if refused := _REFUSED.search(body):
        raise PlazaError(BAD_REQUEST, f"A body must not contain {_name(refused[0])}. Leave it out.")
    if len(body) > MAX_BODY:
        raise PlazaError(
            BAD_REQUEST, f"A body has at most {MAX_BODY} characters, this one {len(body)}."
        )
    if not may_be_empty and (not body or body.isspace()):
        raise PlazaError(BAD_REQUEST, "A body must not be empty. Write something or attach a file.")
    return body


def clean_title(title: str | None) -> str:
    """Return the stored form of a room's title: one line, no outer space.

    Raises:
        PlazaError: bad_request.
    """
    title = unicodedata.normalize("NFC", title or "").strip()
    if refused := _REFUSED_IN_LINE.search(title):
        raise PlazaError(
            BAD_REQUEST, f"A title is one line and must not contain {_name(refused[0])}."
        )
    if not 1 <= len(title) <= MAX_TITLE:
        raise PlazaError(
            BAD_REQUEST, f"A group or channel has a title of up to {MAX_TITLE} letters."
        )
    return title


def clean_emoji(emoji: str) -> str:
    """Return the stored form of a reaction: an emoji or a :short_code:, without white space.

    Raises:
        PlazaError: bad_request.
    """
    emoji = unicodedata.normalize("NFC", emoji)
    if (
        not 1 <= len(emoji) <= MAX_EMOJI
        or _REFUSED_IN_LINE.search(emoji)
        or any(character.isspace() for character in emoji)
    ):
        raise PlazaError(
            BAD_REQUEST, f"A reaction is an emoji or a short code of up to {MAX_EMOJI} characters."
        )
    return emoji


def _name(character: str) -> str:
    return f"the control character U+{ord(character):04X}"
