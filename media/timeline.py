"""The timestamps of a layer, which run on whatever the encoder does; frames and jitter by them."""

# A timestamp that is so far from where it should be belongs to another clock. A gap in time that
# the timestamps show as well, as of a muted microphone, is none.
JUMP_SECONDS = 5.0
CYCLE = 1 << 32


def difference(later: int, earlier: int) -> int:
    """How far one timestamp of 32 bits is ahead of another; negative: it is behind."""
    return (later - earlier + 0x80000000 & 0xFFFFFFFF) - 0x80000000


class Timeline:
    """Of packets in their order, only those with another timestamp than the one before.

    Args:
        timestamp, now: of the first packet, and when it came.

    Attributes:
        clock_rate: in Hz.
        shift: to be added to timestamps (modulo 2^32), so that they run on.
        latest: the last timestamp, as the publisher has it.
        frames: how many timestamps there were.
        backward: how many of them were lower than the one before: frames in the order of decoding,
            not of showing (B-frames).
        jitter: RFC 3550, A.8, in units of the clock.
        arrival: of the last.
    """

    __slots__ = (
        "_shift_before",
        "arrival",
        "backward",
        "clock_rate",
        "frames",
        "jitter",
        "latest",
        "shift",
    )

    def __init__(self, clock_rate: int, timestamp: int, now: float) -> None:
        self.clock_rate = clock_rate
        self.shift = self._shift_before = 0
        self.latest = timestamp
        self.arrival = now
        self.frames = 1
        self.backward = 0
        self.jitter = 0.0

    def advance(self, timestamp: int, now: float) -> None:
        """The next frame (or audio packet) has begun to come."""
        clock_rate = self.clock_rate
        steps = (timestamp - self.latest + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        elapsed = (now - self.arrival) * clock_rate
        most = JUMP_SECONDS * clock_rate
        if steps < -most or steps > elapsed + most:
            before = self.shift
            self.restart(timestamp, now)
            self._shift_before = before
            return
        if steps < 0:
            self.backward += 1
        # Of a frame the first packet alone: the others are behind it because they were sent so.
        self.jitter += (abs(elapsed - steps) - self.jitter) / 16
        self.frames += 1
        self.latest = timestamp
        self.arrival = now

    def restart(self, timestamp: int, now: float) -> None:
        """The encoder has begun anew: the next timestamp is as far from the last as in time."""
        steps = max(1, round((now - self.arrival) * self.clock_rate))
        self.shift = self.latest + steps + self.shift - timestamp & 0xFFFFFFFF
        self._shift_before = self.shift
        self.frames += 1
        self.latest = timestamp
        self.arrival = now

    def shifted(self, timestamp: int) -> int:
        """Of a sender report, or of a packet that may be from before the last jump."""
        if self._shift_before != self.shift:
            # Where it is nearer to the present: a report may be of a silence that lasts.
            present = self.latest + self.shift
            after = abs(difference(timestamp + self.shift, present))
            if abs(difference(timestamp + self._shift_before, present)) < after:
                return timestamp + self._shift_before & 0xFFFFFFFF
        return timestamp + self.shift & 0xFFFFFFFF
