"""What this process knows of a stream while it is on, and what is to be written of it."""

import asyncio
from typing import NamedTuple

from persistence.stream_air import Numbers, Placed
from protocol.ids import Id
from protocol.streams import StreamState


class Airing:
    """A stream from `live` until it has ended, in this process.

    Attributes:
        stream: which one.
        place: it, its owner and its chat; None: not known yet.
        is_live: it is not interrupted.
        watching: how many do now.
        told: of them, in the chat.
        peak: the most there were.
        before: all that had come in before this process had it, or before it was started anew.
        joined: all that have come in since.
    """

    __slots__ = ("before", "is_live", "joined", "peak", "place", "stream", "told", "watching")

    def __init__(self, stream: Id, place: Placed | None = None) -> None:
        self.stream = stream
        self.place = place
        self.is_live = True
        self.watching = self.told = self.peak = self.before = self.joined = 0

    @property
    def numbers(self) -> Numbers:
        """As they are now."""
        return Numbers(self.watching, self.peak, self.before + self.joined)

    def count(self, watching: int, joined: int) -> None:
        """Take the numbers that the media has."""
        if joined < self.joined:  # it has begun to count anew
            self.before += self.joined
        self.watching, self.joined = watching, joined
        self.peak = max(self.peak, watching)


class Change(NamedTuple):
    """Something to be written. `at` (Unix ms) and `numbers` are of the moment it happened."""

    airing: Airing
    state: StreamState
    at: int
    numbers: Numbers
    written: asyncio.Event
