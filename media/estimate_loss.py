"""What a line takes, by the loss that the viewer reports."""

from media.estimate import LEAST, MOST
from media.rtcp import TransportFeedback

# As in draft-ietf-rmcat-gcc-02, 6: down where a tenth is lost, up where next to nothing is.
HIGH_LOSS = 0.1
LOW_LOSS = 0.02
RISE_A_SECOND = 0.08
# What was never sent is not known to get through.
BEYOND = 1.5


class LossEstimator:
    """Estimates from receiver reports alone: every viewer sends these."""

    __slots__ = ("_at", "bitrate", "next_sequence")

    def __init__(self) -> None:
        self.bitrate: int | None = None  # nothing is lost: no bound is known
        self.next_sequence = 0
        self._at = 0.0

    def sent(self, first: int, count: int, size: int, now: float) -> None:  # noqa: ARG002
        """Goes on counting."""
        self.next_sequence = first + count

    def feedback(self, feedback: TransportFeedback, now: float) -> None:
        """Has none, or does not use it."""

    def told(self, bitrate: int, now: float) -> None:
        """Is told nothing."""

    def reported(self, loss: float, sending: int, now: float) -> None:
        """A receiver report."""
        elapsed, self._at = min(now - self._at, 1.0), now
        if loss > HIGH_LOSS:
            # What arrives is the most that is known to: of what is sent, not of an old estimate.
            bitrate = min(self.bitrate or sending, sending)
            self.bitrate = max(round(bitrate * (1 - loss / 2)), LEAST)
        elif loss < LOW_LOSS and self.bitrate is not None:
            risen = self.bitrate * (1 + RISE_A_SECOND * elapsed)
            bound = max(self.bitrate, sending * BEYOND)
            self.bitrate = min(max(round(min(risen, bound)), sending), MOST)
