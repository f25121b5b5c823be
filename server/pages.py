"""Pages of a log, or of a thread in it."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from protocol.events import AnyRoomEvent

Read = Callable[[int, int], Awaitable[list[AnyRoomEvent]]]
"""`read(seq, limit)`: the events next to a seq, in ascending order."""


class Place(NamedTuple):
    """Where a page is: after a seq, else around one, else before one."""

    before: int
    after: int | None
    around: int | None


async def page_at(
    place: Place, older: Read, newer: Read, limit: int
) -> tuple[list[AnyRoomEvent], bool]:
    """A page, and whether there is more in its direction: newer for `after`, else older.

    Args:
        older: reads the last events before a seq.
        newer: reads the first ones after a seq.
    """
    if place.after is not None:
        found = await newer(place.after, limit + 1)
        return found[:limit], len(found) > limit
    if place.around is not None:
        return await _around(older, newer, max(place.around, 1), limit)
    found = await older(place.before, limit + 1)
    return found[-limit:], len(found) > limit


async def _around(
    older: Read, newer: Read, seq: int, limit: int
) -> tuple[list[AnyRoomEvent], bool]:
    # The event itself leads the newer half; a short newer half makes room for older ones.
    after = await newer(seq - 1, limit - limit // 2)
    wanted = limit - len(after)
    before = await older(seq, wanted + 1)
    more = len(before) > wanted
    return before[len(before) - wanted if more else 0 :] + after, more
