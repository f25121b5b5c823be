"""Lines of a session description (RFC 8866): bounded, split into sections, looked up by name."""

import re
from dataclasses import dataclass, field

# Chromium's largest offers have 10 KiB and a handful of sections.
TEXT_MOST = 65_536
SECTIONS_MOST = 64

# What RFC 8866 calls a token, as mids and the like are, and what may stand in an answer at all.
_TOKEN = re.compile(r"[!#-'*+\-.0-9A-Z^-~]{1,64}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class SdpError(Exception):
    """A session description cannot be used. Its text says what to do about it."""


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of one m= section, or those in front of the first.

    Attributes:
        media: value of the m= line; empty for the session.
        attributes: name -> values, in order; a property has an empty value.
    """

    media: str = ""
    attributes: dict[str, list[str]] = field(default_factory=dict)

    def first(self, name: str) -> str | None:
        """The value of an attribute that stands once; None: it does not stand here."""
        values = self.attributes.get(name)
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        """The values of an attribute that may stand several times."""
        return self.attributes.get(name, [])


def is_token(text: str) -> bool:
    """Whether it can be repeated in an answer without saying something else there."""
    return _TOKEN.fullmatch(text) is not None


def split(text: str) -> tuple[Lines, list[Lines]]:
    """The session's lines, and those of each section.

    Raises:
        SdpError: it is too long, or has lines that are none.
    """
    if len(text) > TEXT_MOST:
        raise SdpError(f"The session description has more than {TEXT_MOST} characters.")
    session = current = Lines()
    sections: list[Lines] = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.removesuffix("\r").rstrip(" ")
        if not line:
            continue
        if line[1:2] != "=" or _CONTROL.search(line):
            raise SdpError(f"Line {number} of the session description is not of the form a=value.")
        if line[0] == "m":
            current = Lines(line[2:])
            sections.append(current)
        elif line[0] == "a":
            name, _, value = line[2:].partition(":")
            current.attributes.setdefault(name.strip().lower(), []).append(value.strip())
    if len(sections) > SECTIONS_MOST:
        raise SdpError(f"The session description has more than {SECTIONS_MOST} m= sections.")
    return session, sections
