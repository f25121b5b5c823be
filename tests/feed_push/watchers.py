"""Connections that watch feeds, and remember what they are told."""

from collections.abc import Callable

from protocol.codec import JSON
from protocol.events import Event
from protocol.feed_events import PostCounters, PostDeleted
from protocol.ids import Id


class Format:
    """A wire format whose frames are numbers, and which knows what they stand for."""

    def __init__(self) -> None:
        self.encoded: list[Event] = []

    def frame(self, event: Event) -> bytes:
        JSON.encode(event)  # it can be
        self.encoded.append(event)
        return b"%d;" % (len(self.encoded) - 1)


class Watcher:
    """A connection of an account. While it is `slow`, it takes nothing.

    Args:
        offered: called whenever something is offered.
    """

    def __init__(
        self, account: Id, wire: Format, offered: Callable[[], None] = lambda: None
    ) -> None:
        self.account = account
        self.wire = wire
        self.slow = False
        self.chunks = 0
        self.heard: list[Event] = []
        self._offered = offered

    def offer(self, chunk: bytes) -> bool:
        assert chunk
        self._offered()
        if self.slow:
            return False
        self.chunks += 1
        self.heard += [self.wire.encoded[int(number)] for number in chunk.split(b";")[:-1]]
        return True

    def take(self) -> list[Event]:
        """What was heard since the last time."""
        heard, self.heard = self.heard, []
        return heard


def about(event: Event) -> tuple[str, str | None, Id]:
    """What an event is, of which feed, and of which post (or comment)."""
    kind = type(event).__name__
    if isinstance(event, PostDeleted | PostCounters):
        return kind, getattr(event, "feed", None), event.post
    subject = getattr(event, "post", None) or getattr(event, "comment", None)
    assert subject is not None
    return kind, getattr(event, "feed", None), subject.id
