"""What rooms/ needs from outside, and what it relies on."""

from collections.abc import Callable, Iterable
from typing import Protocol

from protocol.events import Event
from protocol.ids import Id
from protocol.records import Room


class WireFormat(Protocol):
    """How a connection wants its events: an encoding, framed, perhaps compressed.

    Receivers that share a format share the object itself, so that an event is encoded once for all
    of them.
    """

    def frame(self, event: Event) -> bytes:
        """The event as it goes over the wire."""


class Receiver(Protocol):
    """One connection of one account.

    Neither method blocks or fails: chunks leave in the order in which they came, or the connection
    is closed and none of the later ones does. A receiver that cannot keep up is the
    receiver's own problem: it bounds what waits for it.
    """

    @property
    def wire(self) -> WireFormat:
        """The format that the connection negotiated."""

    def enqueue(self, chunk: bytes) -> None:
        """Queue framed events for the end of this tick."""

    def deliver(self, chunk: bytes) -> None:
        """Take framed events, and let them go at once if nothing is queued before them.

        For when no more is to come in this tick: saves the way through the queue.
        """

    def offer(self, chunk: bytes) -> bool:
        """Queue framed signs of life for the end of this tick, or drop them, and say which.

        They are dropped when the receiver is behind (limits.outbox_soft_bytes), or has yet to get
        what it missed.
        """


class Attendance(Protocol):
    """Is told who is here and in which rooms, by the hub, as it changes. Must not call back."""

    def arrived(self, account: Id, receiver: Receiver, rooms: Iterable[Room]) -> None:
        """A connection has settled: these are its account's rooms."""

    def left(self, account: Id, receiver: Receiver) -> None:
        """A connection that had settled is gone."""

    def entered(self, account: Id, room: Room) -> None:
        """Somebody who is here has become a member of a room."""

    def removed(self, account: Id, room: Id) -> None:
        """Somebody who is here is a member of a room no longer."""

    def resized(self, room: Id, members: int) -> None:
        """A room that somebody listens to has another number of members."""


Wake = Callable[[], None]
"""Arrange that the fan-out is flushed at the end of this tick. Idempotent within a tick."""
