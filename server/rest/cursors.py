"""Opaque cursors: where a page of a list ends.

What is inside is nobody's business but ours, and may change: clients hand it back as it came.
"""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from math import isfinite

from persistence.search import Position
from protocol.errors import BAD_REQUEST, PlazaError
from protocol.ids import MAX_ID, parse_id
from protocol.names import fold_username

_POSITION = struct.Struct(">QdQ")


def cursor_after(position: int | None) -> str | None:
    """The cursor that continues after a position; None at the end of the list."""
    return None if position is None else _sealed(str(position).encode())


def position_of(cursor: str | None) -> int:
    """The position at which a cursor continues: 0, the beginning, without one.

    Raises:
        PlazaError: bad_request for what is no cursor of ours.
    """
    if cursor is None:
        return 0
    try:
        return parse_id(_unsealed(cursor).decode())
    except (ValueError, IndexError):
        raise _broken() from None


def cursor_after_name(username: str | None) -> str | None:
    """The cursor that continues after a username; None at the end of the list."""
    return None if username is None else _sealed(username.encode())


def name_of(cursor: str | None) -> str:
    """The username after which a cursor continues: an empty one, the beginning, without one.

    Raises:
        PlazaError: bad_request for what is no cursor of ours.
    """
    if cursor is None:
        return ""
    try:
        return fold_username(_unsealed(cursor).decode())
    except ValueError:
        raise _broken() from None


def cursor_at(position: Position | None) -> str | None:
    """The cursor that continues what was found after a position; None at its end."""
    return None if position is None else _sealed(_POSITION.pack(*position))


def found_position(cursor: str | None) -> Position | None:
    """The position at which a cursor continues what was found; None: the beginning.

    Raises:
        PlazaError: bad_request for what is no cursor of ours.
    """
    if cursor is None:
        return None
    try:
        position = Position(*_POSITION.unpack(_unsealed(cursor)))
    except (ValueError, struct.error):
        raise _broken() from None
    if not (isfinite(position.score) and max(position.newest, position.event_id) <= MAX_ID):
        raise _broken()
    return position


def _sealed(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _unsealed(cursor: str) -> bytes:
    return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))


def _broken() -> PlazaError:
    return PlazaError(
        BAD_REQUEST, "The cursor is broken. Take next_cursor from the page before as it is."
    )
