"""What a line takes, as the viewer estimates it (REMB), and by the loss that it reports."""

from media.estimate import LEAST, MOST
from media.estimate_loss import LossEstimator

# Browsers begin with 300 kbit/s, whatever the line, and rise from there.
FIRST_SECONDS = 4.0


class ReceiverEstimator(LossEstimator):
    """The viewer's estimate, and no more than loss allows."""

    __slots__ = ("_by_loss", "_since", "_told")

    def __init__(self) -> None:
        super().__init__()
        self._by_loss: int | None = None
        self._told: int | None = None
        self._since: float | None = None

    def told(self, bitrate: int, now: float) -> None:
        """The viewer's own estimate."""
        if self._since is None:
            self._since = now
        if now - self._since >= FIRST_SECONDS:
            self._told = min(max(bitrate, LEAST), MOST)
            self._combine()

    def reported(self, loss: float, sending: int, now: float) -> None:
        """A receiver report."""
        self.bitrate = self._by_loss
        super().reported(loss, sending, now)
        self._by_loss = self.bitrate
        self._combine()

    def _combine(self) -> None:
        self.bitrate = min(
            (bitrate for bitrate in (self._told, self._by_loss) if bitrate is not None),
            default=None,
        )
