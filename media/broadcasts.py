"""The broadcasts of a process, by their streams."""

from collections.abc import Iterator

from media.broadcast import Broadcast, Flushes
from media.burst import Burst
from media.ports import Stage
from media.sending import SendingCounts
from media.timers import Timers


class Broadcasts:
    """The streams that are live, interrupted, or about to be live.

    Args:
        relay: whose flushes they are.
        stage: is told what happens to them.
        timers: everybody's.
        grace_seconds: for a publisher to come back.

    Attributes:
        counts: of all that is sent to viewers.
    """

    __slots__ = ("_broadcasts", "_burst", "_grace", "_relay", "_stage", "_timers", "counts")

    def __init__(
        self, *, relay: Flushes, stage: Stage, timers: Timers, grace_seconds: float
    ) -> None:
        self._relay, self._stage, self._timers = relay, stage, timers
        self._grace = grace_seconds
        self._broadcasts: dict[int, Broadcast] = {}
        self.counts = SendingCounts()
        self._burst = Burst(self.counts)

    def __iter__(self) -> Iterator[Broadcast]:
        """All of them, as of now."""
        return iter(tuple(self._broadcasts.values()))

    def __len__(self) -> int:
        """How many there are."""
        return len(self._broadcasts)

    @property
    def viewers(self) -> int:
        """How many watch, in all."""
        return sum(len(broadcast.viewers) for broadcast in self._broadcasts.values())

    def get(self, stream: int) -> Broadcast | None:
        """A stream's broadcast; None: nobody publishes it, nor has within the grace time."""
        return self._broadcasts.get(stream)

    def open(self, stream: int, now: float) -> Broadcast:
        """The broadcast for a publisher of this stream: the one there is, or a new one."""
        broadcast = self._broadcasts.get(stream)
        if broadcast is None:
            broadcast = self._broadcasts[stream] = Broadcast(
                stream,
                relay=self._relay,
                stage=self._stage,
                timers=self._timers,
                grace_seconds=self._grace,
                now=now,
                burst=self._burst,
                ended=self._ended,
            )
        return broadcast

    def end(self, reason: str, now: float) -> None:
        """End them all: the process stops."""
        for broadcast in self:
            broadcast.end(reason, now)

    def _ended(self, broadcast: Broadcast) -> None:
        if self._broadcasts.get(broadcast.stream) is broadcast:
            del self._broadcasts[broadcast.stream]
