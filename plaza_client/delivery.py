"""From what arrives to what the consumer gets: of each room every event, once, in the log's order.

The cursor of a room is the seq of the last event that was handed over. What arrives is a duplicate
(not above the cursor), the next one, or shows a hole before it. Holes are filled from the log, a
page at a time, as the consumer asks for more; so a consumer that is slow, or was away for long,
needs no more memory than one that keeps up.
"""

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping

from plaza_client.errors import PlazaRefused
from plaza_client.inbox import Inbox
from plaza_client.wire import ClientEvent, HistoryPage, log_place
from protocol.events import Gap, RoomAdded, RoomGone
from protocol.ids import Id

PAGE = 200  # the most that the server gives at once

ReadLog = Callable[[Id, int, int], Awaitable[HistoryPage]]
"""`read_log(room, after, limit)`: the events that follow the seq `after`."""

_log = logging.getLogger(__name__)


class Delivery:
    """Hands events over.

    Args:
        inbox: what has arrived.
        read_log: reads a page of a room's log.
        cursors: room -> the last seq that the consumer has from an earlier run.

    Attributes:
        cursors: as they are now.
    """

    def __init__(self, inbox: Inbox, read_log: ReadLog, cursors: Mapping[Id, int]) -> None:
        self._inbox = inbox
        self._read_log = read_log
        self._page: deque[ClientEvent] = deque()
        self._busy = False
        self.cursors: dict[Id, int] = dict(cursors)

    async def next(self) -> ClientEvent:
        """Wait for the next event. Cancelling it loses nothing.

        Raises:
            RuntimeError: another task is waiting already: two consumers would share the events.
            Exception: the client has ended; see `Inbox.end`.
        """
        if self._busy:
            raise RuntimeError("The events of a client have one consumer; another is waiting.")
        self._busy = True
        try:
            while True:
                event = await self._step()
                if event is not None:
                    return event
        finally:
            self._busy = False

    async def _step(self) -> ClientEvent | None:
        """Hand over one event, or come a step closer to it."""
        while self._page:
            event = self._page.popleft()
            if self._advance(event):
                return event
        event = await self._inbox.head()
        if isinstance(event, Gap):
            return await self._fill(event)
        place = log_place(event)
        if place is None:
            self._inbox.take()
            self._follow(event)
            return event
        room, seq = place
        cursor = self.cursors.get(room)
        if cursor is not None and seq > cursor + 1:
            return await self._turn_page(room, seq - 1)
        self._inbox.take()
        return event if self._advance(event) else None

    async def _fill(self, gap: Gap) -> Gap | None:
        cursor = self.cursors.setdefault(gap.room, gap.from_ - 1)
        if cursor < gap.to:
            return await self._turn_page(gap.room, gap.to)
        self._inbox.take()
        return None

    async def _turn_page(self, room: Id, upto: int) -> Gap | None:
        """Read the events that follow the cursor, at most up to `upto`.

        Returns:
            None; or, when they cannot be read any more, the gap that remains.
        """
        cursor = self.cursors[room]
        try:
            page = await self._read_log(room, cursor, min(PAGE, upto - cursor))
        except PlazaRefused as refusal:
            _log.warning("room %s: %d to %d are lost: %s", room, cursor + 1, upto, refusal)
        else:
            if page.events:
                self._page.extend(page.events)
                return None
            _log.warning("room %s: %d to %d are not in the log", room, cursor + 1, upto)
        self.cursors[room] = upto
        return Gap(room=room, from_=cursor + 1, to=upto)

    def _advance(self, event: ClientEvent) -> bool:
        """Move the cursor past an entry of a log; whether it is to be handed over."""
        place = log_place(event)
        assert place is not None
        room, seq = place
        if seq <= self.cursors.get(room, -1):
            return False
        self.cursors[room] = seq
        return True

    def _follow(self, notice: ClientEvent) -> None:
        """Begin or end with a room."""
        if isinstance(notice, RoomAdded):
            self.cursors.setdefault(notice.room.id, notice.room.last_seq)
        elif isinstance(notice, RoomGone):
            self.cursors.pop(notice.room, None)
