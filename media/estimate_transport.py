"""What a line takes, by when packets come: transport-wide feedback.

A queue that does not become empty for half a second is a line that gets more than it takes. That is
CoDel's criterion (RFC 8289), at the sender's end: the least delay of half a second, above the least
of the last ten. It is asked for the least and not for the trend, as GCC does
(draft-ietf-rmcat-gcc-02), because a forwarder does not pace: each keyframe makes a queue of its own
that is gone a moment later.
"""

from collections import deque

from media.estimate import LEAST, MOST
from media.estimate_loss import BEYOND, HIGH_LOSS, LOW_LOSS, RISE_A_SECOND
from media.rtcp import TransportFeedback
from media.twcc import DELTA_SECONDS, DELTAS_A_REFERENCE

# Bursts whose feedback is awaited: some seconds.
BURSTS = 4096

JUDGED_SECONDS = 0.5
FILLED = 0.03  # a queue of this many seconds that does not become empty
BASE_SECONDS = 10.0
# Of what arrives, what is sent while a queue is to become empty.
DRAIN = 0.85
# The first estimate is what has arrived in this time: the picture a viewer joins with.
FIRST_SECONDS = 2.0


class TransportEstimator:
    """Estimates by delay and loss of each burst."""

    __slots__ = (
        "_arrived",
        "_bases",
        "_began",
        "_bursts",
        "_judged",
        "_least",
        "_lost",
        "_received",
        "_sent",
        "bitrate",
        "next_sequence",
    )

    def __init__(self) -> None:
        self.bitrate: int | None = None
        self.next_sequence = 0
        # Of each burst: its first number and the one behind it, when it left, bytes of a packet.
        self._bursts: deque[tuple[int, int, float, float]] = deque(maxlen=BURSTS)
        self._began: float | None = None
        self._judged = 0.0
        # Of the period that is to be judged next:
        self._arrived = 0.0  # bytes
        self._sent = 0
        self._received = self._lost = 0  # packets
        self._least: float | None = None  # seconds on the way, of clocks that differ
        # The least of earlier periods, with their time.
        self._bases: deque[tuple[float, float]] = deque()

    def sent(self, first: int, count: int, size: int, now: float) -> None:
        """A burst has left."""
        self.next_sequence = first + count
        self._sent += size
        self._bursts.append((first, first + count, now, size / count))

    def feedback(self, feedback: TransportFeedback, now: float) -> None:
        """Which packets have come, and when."""
        bursts = self._bursts
        if not bursts:
            return
        last = bursts[-1][1] - 1
        # In the sequence numbers of `sent`: the last one with these 16 bits.
        base = last - (last - feedback.base) % 0x10000
        first, end, left, size = bursts[0]
        ticks = feedback.reference * DELTAS_A_REFERENCE
        least = self._least
        # As feedback.arrivals() has it, without a tuple for each: viewers tell of every packet.
        for number, delta in enumerate(feedback.deltas, base):
            if number >= end:
                while bursts and bursts[0][1] <= number:
                    bursts.popleft()
                if not bursts:
                    break
                first, end, left, size = bursts[0]
            if delta is None:
                self._lost += number >= first
                continue
            ticks += delta
            if number < first:
                continue
            self._received += 1
            self._arrived += size
            delay = ticks * DELTA_SECONDS - left
            if least is None or delay < least:
                least = delay
        self._least = least
        if self._began is None:
            self._began = self._judged = now
        elif now - self._judged >= JUDGED_SECONDS and self._least is not None:
            self._judge(self._least, now)

    def told(self, bitrate: int, now: float) -> None:
        """Knows better."""

    def reported(self, loss: float, sending: int, now: float) -> None:
        """Knows better."""

    def _judge(self, least: float, now: float) -> None:
        elapsed = now - self._judged
        arrived, sent = self._arrived * 8 / elapsed, self._sent * 8 / elapsed
        loss = self._lost / (self._received + self._lost)
        self._judged = now
        self._arrived, self._sent, self._received, self._lost = 0.0, 0, 0, 0
        self._least = None
        bases = self._bases
        while bases and bases[0][0] < now - BASE_SECONDS:
            bases.popleft()
        filled = least - min((base for _, base in bases), default=least) > FILLED
        bases.append((now, least))
        assert self._began is not None
        if now - self._began < FIRST_SECONDS:
            return
        bitrate = self.bitrate or arrived
        if filled:
            bitrate = min(bitrate, arrived * DRAIN)
        elif loss > HIGH_LOSS:
            bitrate *= 1 - loss / 2
        elif loss < LOW_LOSS:
            risen = bitrate * (1 + RISE_A_SECOND * min(elapsed, 1.0))
            # What was sent and has come through, without a queue, is a fact however much it is.
            proven = min(arrived, sent)
            bitrate = max(min(risen, max(bitrate, arrived * BEYOND)), proven)
        self.bitrate = round(min(max(bitrate, LEAST), MOST))
