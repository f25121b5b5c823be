"""What a connection brings, taken in: the list of rooms, and the inbox of the consumer.

Backpressure: when the inbox is full and a consumer is at work, the socket is not read further; a
server that gets tired of that closes the connection with `slow`, and it is resumed from where it
was. But answers come over the same socket as events. So while a command waits for its answer, or
when there is no consumer at all, reading goes on, and what no longer fits is left in the rooms'
logs (see Inbox): a consumer that sends in its loop cannot block itself.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from weakref import WeakSet

from plaza_client.delivery import Delivery
from plaza_client.inbox import Inbox
from plaza_client.people import People
from plaza_client.room_list import RoomList
from plaza_client.stream import EventStream
from plaza_client.wire import ClientEvent
from protocol.events import Gap, Ready
from protocol.ids import Id
from protocol.records import Room

# hello has to stay below limits.message_bytes (64 KiB by default); a cursor takes about 30 bytes.
CURSORS_IN_HELLO = 1_000


class Intake:
    """Takes in what one connection after the other brings.

    Args:
        rooms: kept up to date.
        people: likewise.
        inbox: gets the events.
        delivery: told where rooms begin.

    Attributes:
        streams: the consumers; one that is dropped is one no more.
        subscribed: channels that one listens to without being a member.
    """

    def __init__(self, rooms: RoomList, people: People, inbox: Inbox, delivery: Delivery) -> None:
        self._rooms = rooms
        self._people = people
        self._inbox = inbox
        self._delivery = delivery
        self._begun = False
        self._commands = 0
        self.streams: WeakSet[EventStream] = WeakSet()
        self.subscribed: set[Id] = set()
        inbox.seen.update(delivery.cursors)

    def resume_from(self) -> dict[Id, int]:
        """The cursors for hello: of rooms that one is a member of, or was."""
        seen = (
            (room, seq) for room, seq in self._inbox.seen.items() if room not in self.subscribed
        )
        return dict(islice(seen, CURSORS_IN_HELLO))

    def begin(self, ready: Ready, sent: dict[Id, int]) -> None:
        """A connection is ready.

        Args:
            sent: the cursors that its hello carried.
        """
        changes = self._rooms.renew(ready)
        self._people.renew(ready)
        for room in ready.rooms:
            seen = self._inbox.seen.get(room.id)
            if seen is None and not self._begun:
                self._inbox.seen[room.id] = self._delivery.cursors[room.id] = room.last_seq
            elif seen is not None and room.id not in sent and seen < room.last_seq:
                self._inbox.put(Gap(room=room.id, from_=seen + 1, to=room.last_seq))
        if self._begun:
            for change in changes:
                self._inbox.put(change)
        self._begun = True

    def subscribe(self, room: Room) -> None:
        """The server says that this connection listens to a channel from its `last_seq` on."""
        self.subscribed.add(room.id)
        seen = self._inbox.seen.setdefault(room.id, room.last_seq)
        self._delivery.cursors.setdefault(room.id, seen)
        if seen < room.last_seq:  # on an earlier connection one had come so far
            self._inbox.put(Gap(room=room.id, from_=seen + 1, to=room.last_seq))

    def unsubscribe(self, room: Id) -> None:
        """Undo `subscribe`, unless one has become a member."""
        self.subscribed.discard(room)
        if room not in self._rooms.rooms:
            self._inbox.seen.pop(room, None)
            self._delivery.cursors.pop(room, None)

    async def add(self, event: ClientEvent) -> None:
        """Take in an event. May wait for the consumer: see above."""
        self._rooms.apply(event)
        self._people.apply(event)
        if self._inbox.full:
            # A single read may bring more than fits: the consumer is slow only if it does not take
            # from the inbox when it gets to run.
            await asyncio.sleep(0)
            while self._inbox.full and self.streams and not self._commands:
                await self._inbox.turn()
        self._inbox.put(event)

    @contextmanager
    def answer_awaited(self) -> Iterator[None]:
        """While a command waits for its answer, `add` does not wait."""
        self._commands += 1
        self._inbox.nudge()
        try:
            yield
        finally:
            self._commands -= 1

    def end(self, error: Exception) -> None:
        """No connection will come any more."""
        self._inbox.end(error)
