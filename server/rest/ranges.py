"""Parts of a resource (RFC 9110, section 14)."""

import re
from typing import NamedTuple

_RANGE = re.compile(
    r"bytes=(?:(?P<first>\d{1,18})-(?P<last>\d{1,18})?|-(?P<suffix>\d{1,18}))", re.I
)


class Span(NamedTuple):
    """The bytes from `start` to before `stop`."""

    start: int
    stop: int


class Unsatisfiable(Exception):
    """The resource has none of the bytes that were asked for."""


def span_of(header: str | None, size: int) -> Span | None:
    """Which part of a resource a header Range asks for; None: all of it.

    Several parts at once are not served one by one, but as the whole, and so is what is malformed:
    section 14.2 allows the one and asks for the other.

    Args:
        size: of the resource.

    Raises:
        Unsatisfiable
    """
    found = _RANGE.fullmatch(header.replace(" ", "")) if header else None
    if found is None:
        return None
    if found["suffix"] is not None:
        start, stop = max(0, size - int(found["suffix"])), size
    else:
        start = int(found["first"])
        stop = size if found["last"] is None else min(size, int(found["last"]) + 1)
        if found["last"] is not None and int(found["last"]) < start:
            return None
    if start >= stop:
        raise Unsatisfiable
    return Span(start, stop)
