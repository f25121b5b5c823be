"""Reports and feedback. aiortc's classes, and what it has none for."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_PLI,
    RTCP_RTPFB,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
    pack_remb_fci,
)

TRANSPORT_FEEDBACK = 15  # draft-holmer-rmcat-transport-wide-cc-extensions-01, 3.1
_CNAME = 1


class TransportFeedback(NamedTuple):
    """A packet of transport-wide feedback, to be read by `congestion.read`."""

    media_ssrc: int
    body: bytes


def parse(data: bytes) -> Iterator[AnyRtcpPacket | TransportFeedback]:
    """The packets of a compound one. What cannot be read ends it."""
    position = 0
    while position + 4 <= len(data):
        end = position + 4 + 4 * int.from_bytes(data[position + 2 : position + 4], "big")
        one = data[position:end]
        if data[position + 1] == RTCP_RTPFB and data[position] & 31 == TRANSPORT_FEEDBACK:
            yield TransportFeedback(int.from_bytes(one[8:12], "big"), one[12:])
        else:
            try:
                yield from RtcpPacket.parse(one)
            except ValueError:
                return
        position = end


def sender_report(ssrc: int, ntp: int, timestamp: int, packets: int, octets: int) -> bytes:
    """A report of one source, and its name."""
    info = RtcpSenderInfo(ntp, timestamp, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)
    return bytes(RtcpSrPacket(ssrc, info)) + name(ssrc)


def receiver_report(ssrc: int, reports: Sequence[RtcpReceiverInfo]) -> bytes:
    """Reports of what was received, and the name of who reports."""
    return bytes(RtcpRrPacket(ssrc, list(reports))) + name(ssrc)


def name(ssrc: int) -> bytes:
    """The source's CNAME (RFC 3550, 6.5.1)."""
    return bytes(RtcpSdesPacket([RtcpSourceInfo(ssrc, [(_CNAME, b"light")])]))


def nack(ssrc: int, media_ssrc: int, lost: Sequence[int]) -> bytes:
    """A request for packets (RFC 4585, 6.2.1), by their sequence numbers in order."""
    return bytes(RtcpRtpfbPacket(RTCP_RTPFB_NACK, ssrc, media_ssrc, lost=list(lost)))


def picture_loss(ssrc: int, media_ssrc: int) -> bytes:
    """A request for a keyframe (RFC 4585, 6.3.1)."""
    return bytes(RtcpPsfbPacket(RTCP_PSFB_PLI, ssrc, media_ssrc))


def estimate(ssrc: int, bitrate: int, sources: Sequence[int]) -> bytes:
    """What the receiver believes to get through (draft-alvestrand-rmcat-remb-03)."""
    fci = pack_remb_fci(bitrate, list(sources))
    return bytes(RtcpPsfbPacket(RTCP_PSFB_APP, ssrc, 0, fci))
