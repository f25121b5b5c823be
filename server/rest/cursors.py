"""Opaque cursors: where a page of a list ends.

What is inside is nobody's business but ours, and may change: clients hand it back as it came.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode

from protocol.errors import BAD_REQUEST, PlazaError
from protocol.ids import parse_id


def cursor_after(position: int | None) -> str | None:
    """The cursor that continues after a position; None at the end of the list."""
    if position is None:
        return None
    return urlsafe_b64encode(str(position).encode()).rstrip(b"=").decode()


def position_of(cursor: str | None) -> int:
    """The position at which a cursor continues: 0, the beginning, without one.

    Raises:
        PlazaError: bad_request for what is no cursor of ours.
    """
    if cursor is None:
        return 0
    try:
        return parse_id(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode())
    except (ValueError, IndexError):
        raise PlazaError(
            BAD_REQUEST, "The cursor is broken. Take next_cursor from the page before as it is."
        ) from None
