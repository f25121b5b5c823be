"""What is known of a viewer."""

from dataclasses import dataclass


@dataclass(slots=True)
class ViewerStats:
    """What one viewer was sent, and what it says of it.

    Attributes:
        packets, octets: sent, in all: packets, and bytes of their payloads.
        nacks: packets it has asked for again.
        retransmitted: packets sent again.
        keyframe_requests: its PLI and FIR.
        loss: fraction of the packets lost on the way, by its last report.
        jitter: in seconds, by its last report.
        round_trip: in seconds; None: not known yet.
        estimate: what its line takes, in bits per second; None: not known.
        rid: of the layer of video it gets; empty: there is one only, or none yet.
    """

    packets: int = 0
    octets: int = 0
    nacks: int = 0
    retransmitted: int = 0
    keyframe_requests: int = 0
    loss: float = 0.0
    jitter: float = 0.0
    round_trip: float | None = None
    estimate: int | None = None
    rid: str = ""
