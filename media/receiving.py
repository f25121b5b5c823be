"""What is counted of the packets that come."""

from dataclasses import dataclass


@dataclass(slots=True)
class ReceivingCounts:
    """What a process has received from publishers, for metrics.

    Attributes:
        packets: RTP packets that were forwarded, recovered ones included.
        bytes: of all RTP packets that came, as they were on the wire but for SRTP.
        lost: packets that were missing and given up.
        nacks: packets asked for again, each time they were.
        recovered: packets that came after they had been asked for.
        retransmissions: RTX packets (RFC 4588), probes included.
        duplicates: packets that were there already, RTX ones that nobody asked for included.
        late: packets older than what is kept.
        probes: packets of padding.
        capped: packets dropped because a publisher sends more than it may.
        foreign: what is no RTP, or of no track that was agreed upon.
        keyframes: that began.
        keyframe_requests: PLI and FIR sent.
        restarts: of encoders: another SSRC, or other numbers on the same.
    """

    packets: int = 0
    bytes: int = 0
    lost: int = 0
    nacks: int = 0
    recovered: int = 0
    retransmissions: int = 0
    duplicates: int = 0
    late: int = 0
    probes: int = 0
    capped: int = 0
    foreign: int = 0
    keyframes: int = 0
    keyframe_requests: int = 0
    restarts: int = 0
