"""How much a publisher may send, enforced: a token bucket (RFC 2697 has the idea)."""

# How much above the cap comes through at once: a keyframe, or a second of an encoder that has just
# been told.
BURST_SECONDS = 1.0
# Encoders keep to a bitrate on average, and retransmissions come on top: who obeys is not punished.
TOLERANCE = 1.1
# Dropping begins when the bucket is empty, and ends when it is half full: an encoder that keeps
# sending too much is on for a while, and off for a while, rather than both in each picture.
RESUME = 0.5
# What the other layers may take in advance when one is dropped, so that they do not go with it.
ADVANCE = 0.25
# How long the streamer is told after the last drop.
NOTICE_SECONDS = 10.0


class BitrateCap:
    """The bits of one publisher's layers, all together.

    Args:
        bitrate: in bits per second; 0: no cap.

    Attributes:
        bitrate: as above.
    """

    __slots__ = ("_at", "_depth", "_dropped_at", "_floor", "_rate", "_tokens", "bitrate")

    def __init__(self, bitrate: int, now: float) -> None:
        self.bitrate = bitrate
        self._rate = bitrate / 8 * TOLERANCE
        self._depth = self._rate * BURST_SECONDS
        self._tokens = self._depth
        self._floor = 0.0
        self._at = now
        self._dropped_at = float("-inf")

    def take(self, size: int, now: float) -> bool:
        """Count a packet of `size` bytes that is to be forwarded; False: it is too much."""
        if not self.bitrate:
            return True
        tokens = self._tokens + (now - self._at) * self._rate
        if tokens > self._depth:  # noqa: PLR1730 - 0.1 us less than min(), for each packet
            tokens = self._depth
        self._at = now
        if tokens - size < self._floor:
            self._tokens = tokens
            return False
        self._tokens = tokens - size
        return True

    def dropped(self, now: float) -> None:
        """A layer is dropped from now on: the others may go on a little."""
        self._dropped_at = now
        self._floor = self._tokens - self._depth * ADVANCE

    def resumes(self, now: float) -> bool:
        """Whether there is room for a layer that is dropped; until it is asked, it is dropped."""
        self._dropped_at = now
        if self._tokens + (now - self._at) * self._rate < self._depth * RESUME:
            return False
        self._floor = 0.0
        return True

    def noticed(self, now: float) -> bool:
        """Whether something was dropped in the last seconds."""
        return now - self._dropped_at < NOTICE_SECONDS
