"""What presence/ needs from outside, and what it relies on."""

from typing import Protocol

from protocol.events import Event


class WireFormat(Protocol):
    """How a connection wants its events. Observers that share a format share the object."""

    def frame(self, event: Event) -> bytes:
        """The event as it goes over the wire."""


class Observer(Protocol):
    """One connection of one account."""

    @property
    def wire(self) -> WireFormat:
        """The format that the connection negotiated."""

    def offer(self, chunk: bytes) -> bool:
        """Queue framed events, and return True; or drop them, for now, and return False.

        Neither blocks nor fails.
        """
