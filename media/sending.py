"""What is counted of the packets that are sent."""

from dataclasses import dataclass


@dataclass(slots=True)
class SendingCounts:
    """What a process has sent to viewers, for metrics.

    Attributes:
        packets: RTP packets, retransmissions and replays included.
        bytes: of these, protected.
        bursts: in which they left.
        nacks: packets that viewers have asked for again.
        retransmitted: packets sent again.
        unanswered: asked for, but gone from the store, sent again just now, or too many.
        keyframe_requests: PLI and FIR of viewers.
        replayed: packets from the store to viewers who joined.
        joins: viewers who got their first picture from the store.
        switches: from one layer to another.
        left_out: packets that are not for viewers: probes, and codecs that one does not take.
        dropped: packets that could not be sent: there was no path, or SRTP has refused.
    """

    packets: int = 0
    bytes: int = 0
    bursts: int = 0
    nacks: int = 0
    retransmitted: int = 0
    unanswered: int = 0
    keyframe_requests: int = 0
    replayed: int = 0
    joins: int = 0
    switches: int = 0
    left_out: int = 0
    dropped: int = 0
