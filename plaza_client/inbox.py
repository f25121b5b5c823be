"""What has come and waits for the consumer of the events.

Bounded by count. What comes when it is full is left in the rooms' logs: a gap notice takes the
place of the events of each room, and grows with every further one. So nothing is lost, the memory
is bounded, and whoever reads the socket never has to stand still because of a slow consumer (it may
choose to: see Link).

Of what is in no log the latest counts: it takes the place of what waits of the same kind and about
the same. Signs of life are not taken in when half of the space is used: they are the first to go.
"""

import asyncio
from collections import deque
from typing import Any, get_args

from msgspec import UNSET

from plaza_client.wire import ClientEvent, SignOfLife, UnknownEvent, log_place
from protocol.events import (
    DeliveredMarker,
    Gap,
    LevelChanged,
    PresenceChanged,
    ReadMarker,
    RelationChanged,
    RoomAdded,
    RoomGone,
    RoomPresence,
    SettingsChanged,
    TypingNotice,
)
from protocol.feed_events import NewComment, NewPost, PostCounters, PostDeleted, PostUpdated
from protocol.ids import Id
from protocol.stream_events import StreamChanged, StreamEnded, StreamStarted, StreamViewers

SIGNS_OF_LIFE = get_args(SignOfLife)


class _Latest:
    """The place in the queue of the latest event of a kind about a subject."""

    __slots__ = ("event", "subject")

    def __init__(self, subject: tuple[Any, ...], event: ClientEvent) -> None:
        self.subject = subject
        self.event = event


class Inbox:
    """A queue of events.

    Args:
        limit: how many events may wait. Notices come on top: one per room and change of membership,
            and one per setting.

    Attributes:
        seen: room -> the highest seq that was put in: where to resume from.
        advanced: rooms with something new since they were last taken out of this set.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._events: deque[ClientEvent | _Latest] = deque()
        self._left: dict[Id, Gap] = {}
        self._latest: dict[tuple[Any, ...], _Latest] = {}
        self._filled = asyncio.Event()
        self._taken = asyncio.Event()
        self._end: Exception | None = None
        self._put = asyncio.Event()
        self.seen: dict[Id, int] = {}
        self.advanced: set[Id] = set()

    @property
    def full(self) -> bool:
        """Whether further events would be left in the log."""
        return len(self._events) >= self._limit

    def put(self, event: ClientEvent) -> None:
        """Queue an event, or leave it in the log."""
        place = log_place(event)
        if place is not None:
            room, seq = place
            self._see(room, seq)
            if room in self._left or self.full:
                self._leave(room, seq)
                return
        elif (subject := _subject(event)) is not None:
            self._put_latest(subject, event)
            return
        elif not self._note(event):
            return
        self._events.append(event)
        self._filled.set()

    def _see(self, room: Id, seq: int) -> None:
        self.seen[room] = max(seq, self.seen.get(room, 0))
        self.advanced.add(room)
        self._put.set()

    async def advance(self) -> None:
        """Wait until `advanced` has a room."""
        while not self.advanced:
            self._put.clear()
            await self._put.wait()

    def _put_latest(self, subject: tuple[Any, ...], event: ClientEvent) -> None:
        waiting = self._latest.get(subject)
        if waiting is not None:
            waiting.event = event
        elif not _is_sign_of_life(event) or self._has_room_for_signs:
            waiting = self._latest[subject] = _Latest(subject, event)
            self._events.append(waiting)
            self._filled.set()

    def _note(self, notice: ClientEvent) -> bool:
        """Keep `seen` right; whether to queue the notice."""
        match notice:
            case Gap(room=room, to=to):
                self._see(room, to)
            case RoomAdded(room=added):
                self.seen.setdefault(added.id, added.last_seq)
            case RoomGone(room=gone):
                # After a reconnect both the new list of rooms and the server's catch-up say so.
                return self.seen.pop(gone, None) is not None
            case UnknownEvent():
                return not self.full  # ephemeral, whatever it is
            case (
                NewPost()
                | PostUpdated()
                | PostDeleted()
                | NewComment()
                | StreamStarted()
                | StreamChanged()
                | StreamEnded()
            ):
                return self._has_room_for_signs
        return True

    @property
    def _has_room_for_signs(self) -> bool:
        return 2 * len(self._events) < self._limit

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
        first = self._events[0]
        return first.event if isinstance(first, _Latest) else first

    def take(self) -> None:
        """Remove the first event."""
        event = self._events.popleft()
        if isinstance(event, _Latest):
            del self._latest[event.subject]
        elif isinstance(event, Gap) and self._left.get(event.room) is event:
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


def _is_sign_of_life(event: ClientEvent) -> bool:
    # One's own read marker, which has counts, is not.
    own = isinstance(event, ReadMarker) and event.unread is not UNSET
    return isinstance(event, SIGNS_OF_LIFE) and not own


def _subject(event: ClientEvent) -> tuple[Any, ...] | None:
    """What an event is about, where a later one about the same makes it void; else None."""
    match event:
        case ReadMarker() | DeliveredMarker():
            return type(event), event.room, event.account
        case TypingNotice():
            return TypingNotice, event.room, event.account, event.thread
        case PresenceChanged() | RelationChanged():
            return type(event), event.account
        case RoomPresence() | LevelChanged():
            return type(event), event.room
        case PostCounters():
            return PostCounters, event.post
        case StreamViewers():
            return StreamViewers, event.stream
        case SettingsChanged():
            return (SettingsChanged,)
    return None
