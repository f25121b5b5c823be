"""What rooms/ needs from outside, and what it relies on."""

from collections.abc import Callable
from typing import Protocol

from protocol.events import Event


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


Wake = Callable[[], None]
"""Arrange that the fan-out is flushed at the end of this tick. Idempotent within a tick."""
