"""What has come and waits for the consumer of the events.

Bounded by count. What comes when it is full is left in the rooms' logs: a gap notice takes the
place of the events of each room, and grows with every further one. So nothing is lost, the memory
is bounded, and whoever reads the socket never has to stand still because of a slow consumer (it may
choose to: see Link).
"""

import asyncio
from collections import deque

from plaza_client.wire import ClientEvent, UnknownEvent, log_place
from protocol.events import Gap, RoomAdded, RoomGone
from protocol.ids import Id


class Inbox:
    """A queue of events.

    Args:
        limit: how many events may wait. Notices come on top: one per room and change of membership.

    Attributes:
        seen: room -> the highest seq that was put in: where to resume from.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._events: deque[ClientEvent] = deque()
        self._left: dict[Id, Gap] = {}
        self._filled = asyncio.Event()
        self._taken = asyncio.Event()
        self._end: Exception | None = None
        self.seen: dict[Id, int] = {}

    @property
    def full(self) -> bool:
        """Whether further events would be left in the log."""
        return len(self._events) >= self._limit

    def put(self, event: ClientEvent) -> None:
        """Queue an event, or leave it in the log."""
        place = log_place(event)
        if place is not None:
            room, seq = place
            self.seen[room] = max(seq, self.seen.get(room, 0))
            if room in self._left or self.full:
                self._leave(room, seq)
                return
        elif not self._note(event):
            return
        self._events.append(event)
        self._filled.set()

    def _note(self, notice: ClientEvent) -> bool:
        """Keep `seen` right; whether to queue the notice."""
        match notice:
            case Gap(room=room, to=to):
                self.seen[room] = max(to, self.seen.get(room, 0))
            case RoomAdded(room=added):
                self.seen.setdefault(added.id, added.last_seq)
            case RoomGone(room=gone):
                # After a reconnect both the new list of rooms and the server's catch-up say so.
                return self.seen.pop(gone, None) is not None
            case UnknownEvent():
                return not self.full  # ephemeral, whatever it is
        return True

    def _leave(self, room: Id, seq: int) -> None:
        gap = self._left.get(room)
        if gap is None:
            gap = self._left[room] = Gap(room=room, from_=seq, to=seq)
            self._events.append(gap)
            self._filled.set()
        gap.to = max(gap.to, seq)

    async def head(self) -> ClientEvent:
        """Wait for the first event. It stays until it is taken.

        Raises:
            Exception: the one given to `end`, when there is no event any more.
        """
        while not self._events:
            if self._end is not None:
                raise self._end
            self._filled.clear()
            await self._filled.wait()
        return self._events[0]

    def take(self) -> None:
        """Remove the first event."""
        event = self._events.popleft()
        if isinstance(event, Gap) and self._left.get(event.room) is event:
            del self._left[event.room]
        self._taken.set()

    async def turn(self) -> None:
        """Wait until something is taken, or `nudge` is called."""
        self._taken.clear()
        await self._taken.wait()

    def nudge(self) -> None:
        """Wake who waits in `turn`."""
        self._taken.set()

    def end(self, error: Exception) -> None:
        """Nothing more comes: after the events that wait, `head` raises `error`."""
        self._end = error
        self._filled.set()
