"""What a viewer's line takes: the port, and the variant that knows nothing.

The others:
    estimate_transport   from transport-wide feedback: delay and loss (TWCC)
    estimate_receiver    from what the viewer estimates itself (REMB)
    estimate_loss        from the loss in its reports alone
"""

from typing import Protocol

from media.rtcp import TransportFeedback

# Below this nothing can be watched, so nothing is gained by going further down.
LEAST = 30_000
# And no stream is above this.
MOST = 100_000_000


class Estimator(Protocol):
    """Estimates one viewer's line. Time is of the clock of `Timers`.

    Attributes:
        bitrate: bits per second; None: not known.
        next_sequence: of the next packet with a transport-wide sequence number; counts beyond
            16 bits.
    """

    bitrate: int | None
    next_sequence: int

    def sent(self, first: int, count: int, size: int, now: float) -> None:
        """A burst has left.

        Args:
            first: the transport-wide number of its first packet.
            count: of packets.
            size: in bytes, all together.
        """

    def feedback(self, feedback: TransportFeedback, now: float) -> None:
        """Which packets have come, and when."""

    def told(self, bitrate: int, now: float) -> None:
        """The viewer's own estimate (REMB)."""

    def reported(self, loss: float, sending: int, now: float) -> None:
        """A receiver report.

        Args:
            loss: the fraction of packets lost since the last one, the worst of its tracks.
            sending: bits per second that are sent to it.
        """


class Unknown:
    """Knows nothing: for viewers who get one layer whatever their line takes."""

    __slots__ = ("bitrate", "next_sequence")

    def __init__(self) -> None:
        self.bitrate: int | None = None
        self.next_sequence = 0

    def sent(self, first: int, count: int, size: int, now: float) -> None:  # noqa: ARG002
        """Goes on counting."""
        self.next_sequence = first + count

    def feedback(self, feedback: TransportFeedback, now: float) -> None:
        """Is not listened to."""

    def told(self, bitrate: int, now: float) -> None:
        """Is not listened to."""

    def reported(self, loss: float, sending: int, now: float) -> None:
        """Is not listened to."""
