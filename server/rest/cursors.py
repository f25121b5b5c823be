"""Opaque cursors: where a page of a list ends.

What is inside is nobody's business but ours, and may change: clients hand it back as it came.
"""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from math import isfinite
from typing import Any

from persistence.likes import NEWEST, LikePosition
from persistence.profile_search import Place
from persistence.search import Position
from persistence.stream_reader import TOP, LivePlace
from protocol.errors import BAD_REQUEST, PlazaError
from protocol.ids import MAX_ID, Id, parse_id
from protocol.names import fold_username
from protocol.times import from_us, to_us
from server.timelines import RankedPlace

_POSITION = struct.Struct(">QdQ")
_LIKE = struct.Struct(">qq")
_PLACE = struct.Struct(">dQ")
_RANKED = struct.Struct(">QQ")
_LIVE = struct.Struct(">QQ")


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


def place_before(cursor: str | None) -> int:
    """The position below which a list with the newest first continues.

    Raises:
        PlazaError: bad_request for what is no cursor of ours.
    """
    return MAX_ID if cursor is None else position_of(cursor)


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
    position = Position(*_unpacked(_POSITION, cursor))
    if not (isfinite(position.score) and max(position.newest, position.event_id) <= MAX_ID):
        raise _broken()
    return position


def cursor_after_like(position: LikePosition | None) -> str | None:
    """The cursor that continues after a like; None at the end of the list."""
    if position is None:
        return None
    return _sealed(_LIKE.pack(to_us(position.at), position.account))


def like_position(cursor: str | None) -> LikePosition:
    """The position at which a cursor continues: the newest of all likes without one.

    Raises:
        PlazaError: bad_request for what is no cursor of ours.
    """
    if cursor is None:
        return NEWEST
    try:
        microseconds, account = _LIKE.unpack(_unsealed(cursor))
        return LikePosition(from_us(microseconds), Id(account))
    except (ValueError, OverflowError, struct.error):
        raise _broken() from None


def cursor_after_person(place: Place | None) -> str | None:
    """The cursor that continues the people found after a place; None at their end."""
    return None if place is None else _sealed(_PLACE.pack(*place))


def person_place(cursor: str | None) -> Place | None:
    """The place after which a cursor continues the people found; None: the beginning.

    Raises:
        PlazaError: bad_request for what is no cursor of ours.
    """
    if cursor is None:
        return None
    place = Place(*_unpacked(_PLACE, cursor))
    if not (isfinite(place.score) and place.account <= MAX_ID):
        raise _broken()
    return place


def cursor_in_ranking(place: RankedPlace | None) -> str | None:
    """The cursor that continues a ranked feed; None at its end."""
    return None if place is None else _sealed(_RANKED.pack(*place))


def ranked_place(cursor: str | None) -> RankedPlace | None:
    """Where a cursor continues a ranked feed; None: the beginning.

    Raises:
        PlazaError: bad_request for what is no cursor of ours.
    """
    if cursor is None:
        return None
    ranking, before = _unpacked(_RANKED, cursor)
    if max(ranking, before) > MAX_ID or before == 0:
        raise _broken()
    return RankedPlace(Id(ranking), before)


def cursor_after_live(place: LivePlace | None) -> str | None:
    """The cursor that continues the live list after a place; None at its end."""
    return None if place is None else _sealed(_LIVE.pack(*place))


def live_place(cursor: str | None) -> LivePlace:
    """The place after which a cursor continues the live list: its beginning without one.

    Raises:
        PlazaError: bad_request for what is no cursor of ours.
    """
    if cursor is None:
        return TOP
    place = LivePlace(*_unpacked(_LIVE, cursor))
    if place.key > TOP.key or place.stream > TOP.stream:
        raise _broken()
    return place


def _unpacked(form: struct.Struct, cursor: str) -> tuple[Any, ...]:
    try:
        return form.unpack(_unsealed(cursor))
    except (ValueError, struct.error):
        raise _broken() from None


def _sealed(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _unsealed(cursor: str) -> bytes:
    return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))


def _broken() -> PlazaError:
    return PlazaError(
        BAD_REQUEST, "The cursor is broken. Take next_cursor from the page before as it is."
    )
