"""How a user gets what it has missed: `ready`, the events that follow it, gaps, pages of history.

It is back when it has everything that `ready` shows.
"""

from functools import partial
from time import monotonic, monotonic_ns
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from loadtest.crowd.chunks import Room, Seen

if TYPE_CHECKING:
    from loadtest.crowd.user import User

_PAGE: Final = 200  # the most that the server gives at once


class _Shown(Struct):
    id: str
    last_seq: int


class _Ready(Struct):
    rooms: list[_Shown]


class _Page(Struct):
    events: list[Seen]


_ready = msgspec.json.Decoder(_Ready).decode
_page = msgspec.json.Decoder(_Page).decode


def come_in(user: "User", payload: bytes) -> None:
    """`ready` has come: the events that were missed follow."""
    shown = {
        room: shown.last_seq
        for shown in _ready(payload).rooms
        if (room := user.crowd.rooms.get(shown.id)) is not None
    }
    if user.was_here:
        user.cursors.resume()
        behind = {room: seq for room, seq in shown.items() if seq > user.seen.get(room, seq)}
        user.behind = {**(user.behind or {}), **behind} or None
    else:
        user.cursors.begin(shown)
    user.enter()
    user.crowd.greet(user, payload)


def look(user: "User") -> None:
    """See whether a user has caught up."""
    if user.behind is not None:
        reached = all(user.seen[room] >= seq for room, seq in user.behind.items())
        if user.cursors.holes is not None or not reached:
            return
        user.behind = None
    if user.is_ready and user.back_since is not None:
        user.meter.latency("back", monotonic() - user.back_since)
        user.back_since = None


def hear_gap(user: "User", event: Seen) -> None:
    """More was missed in a room than is sent: it is to be read in history."""
    room = user.crowd.rooms.get(event.room)
    if room is None:
        return
    user.meter.count("gaps")
    user.cursors.gap(room, event.since, event.to, user.meter.wrong)
    _fetch(user, room, event.since, event.to)


def _fetch(user: "User", room: Room, first: int, last: int) -> None:
    fields = b'"t":"history","room":"%b","after":%d,"limit":%d'
    command = fields % (room.id.encode(), first - 1, _PAGE)
    user.ask("", monotonic(), command, answered=partial(_hear_page, room, last))


def _hear_page(room: Room, last: int, user: "User", payload: bytes) -> None:
    """A page of what a gap has left out, up to `last`."""
    now, reader = monotonic_ns(), user.crowd.reader
    events = _page(payload).events
    for event in events:
        if user.cursors.fetched(room, event.seq):
            entry = reader.entry(event, now)
            assert entry is not None
            user.take(entry, None)
    if events and events[-1].seq < last:
        _fetch(user, room, events[-1].seq + 1, last)
    else:
        look(user)
