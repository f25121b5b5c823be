"""What comes per second, by counters that are looked at now and then."""

from collections import deque
from typing import NamedTuple

SECONDS = 5.0


class Counters(NamedTuple):
    """The counters of a layer at one time, all of them from its beginning.

    Attributes:
        at: when.
        bytes: of RTP packets.
        frames: as `media.timeline.Timeline` counts them.
        backward: of these, with B-frames.
        expected: packets that were sent.
        kept: of these, that came in the end.
    """

    at: float
    bytes: int = 0
    frames: int = 0
    backward: int = 0
    expected: int = 0
    kept: int = 0


class Rates:
    """The last seconds of a layer's counters. Costs nothing between the samples."""

    __slots__ = ("_samples",)

    def __init__(self, now: float) -> None:
        self._samples = deque([Counters(now)])

    def sample(self, counters: Counters) -> None:
        """Look at the counters; to be called about once a second."""
        samples = self._samples
        samples.append(counters)
        while len(samples) > 2 and samples[1].at <= counters.at - SECONDS:
            samples.popleft()

    def since(self, seconds: float, now: float) -> Counters:
        """The latest counters that are at least so old; the oldest, if none is."""
        for counters in reversed(self._samples):
            if counters.at <= now - seconds:
                return counters
        return self._samples[0]
