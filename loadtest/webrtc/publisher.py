"""A peer that sends: frames that somebody else has encoded, one source for each encoding."""

from collections.abc import Callable, Mapping, Sequence
from random import Random

from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    unpack_remb_fci,
)

from loadtest.webrtc import congestion, rtcp
from loadtest.webrtc.connection import Connection
from loadtest.webrtc.description import (
    ABS_SEND_TIME,
    MID,
    REPAIRED_RID,
    RID,
    TRANSPORT_SEQUENCE,
    Answer,
    Kind,
    Section,
)
from loadtest.webrtc.sender import Names, Source

REPORT_INTERVAL = 1.0
NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970


class Publisher:
    """Sends what it is given; answers requests for packets, and passes on those for keyframes.

    Args:
        answer: to its offer.
        sources: the SSRCs of each kind, as offered; those of simulcast layers one pair a layer.
        rids: of the layers of video, in the order of `sources`.
        keyframe_wanted: called with the layer's rid and the time, when a viewer needs a keyframe.
        chance: for the numbers with which things begin.
        wall: what to add to `now` for the time of day.

    Attributes:
        sources: (kind, rid) -> source.
        keyframe_requests: PLIs and FIRs that came.
        bitrate: that the other side asks for (REMB); None: it does not.
        acknowledged, unacknowledged: packets, by transport-wide feedback.
        fraction_lost: the last that was reported, by source.
        ended: why it is over; empty: it is not.
    """

    def __init__(
        self,
        answer: Answer,
        sources: Mapping[Kind, Sequence[int]],
        *,
        rids: Sequence[str] = (),
        keyframe_wanted: Callable[[str, float], None] | None = None,
        chance: Random,
        wall: float = 0.0,
    ) -> None:
        self._keyframe_wanted = keyframe_wanted
        self._wall = wall
        self._connection: Connection | None = None
        self._transport_sequence = 0
        self._due = float("inf")
        self.sources: dict[tuple[Kind, str], Source] = {}
        for section in answer.sections:
            announced = sources.get(section.kind, ())
            for number, rid in enumerate(rids if section.kind == "video" and rids else ("",)):
                ssrc, *rtx = announced[2 * number : 2 * number + 2]
                self.sources[section.kind, rid] = self._source(
                    section, rid, ssrc, rtx[0] if rtx else 0, chance
                )
        self._by_ssrc = {
            ssrc: (rid, source)
            for (_, rid), source in self.sources.items()
            for ssrc in (source.ssrc, source.rtx_ssrc)
            if ssrc
        }
        self.keyframe_requests = 0
        self.bitrate: int | None = None
        self.acknowledged = 0
        self.unacknowledged = 0
        self.fraction_lost: dict[int, float] = {}
        self.ended = ""

    def attach(self, connection: Connection) -> None:
        """The connection that is to carry it."""
        self._connection = connection

    @property
    def due(self) -> float:
        """When `run` has to be called next."""
        return self._due

    def send(
        self,
        kind: Kind,
        payloads: Sequence[bytes],
        timestamp: int,
        now: float,
        *,
        rid: str = "",
        captured: float | None = None,
    ) -> None:
        """Send a frame.

        Args:
            payloads: of its packets.
            timestamp: in units of the codec's clock.
            captured: when it was taken; None: now.
        """
        source = self.sources[kind, rid]
        source.captured(timestamp, now if captured is None else captured)
        for number, payload in enumerate(payloads, 1):
            # RFC 7587, 4.1: the marker of audio begins a talk spurt; there is but one here.
            marker = kind == "video" and number == len(payloads)
            source.send(payload, timestamp=timestamp, marker=marker, now=now)

    def connected(self, now: float) -> None:
        """Reports begin."""
        self._due = now

    def receive_rtp(self, data: bytes, now: float) -> None:
        """Nobody sends media to a publisher."""

    def receive_rtcp(self, data: bytes, now: float) -> None:
        """Feedback."""
        for packet in rtcp.parse(data):
            if isinstance(packet, rtcp.TransportFeedback):
                came = [at is not None for _, at in congestion.read(packet.body)]
                self.acknowledged += sum(came)
                self.unacknowledged += len(came) - sum(came)
            elif isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
                if packet.media_ssrc in self._by_ssrc:
                    self._by_ssrc[packet.media_ssrc][1].again(packet.lost, now)
            elif isinstance(packet, RtcpPsfbPacket):
                self._payload_feedback(packet, now)
            elif isinstance(packet, RtcpRrPacket):
                for report in packet.reports:
                    self.fraction_lost[report.ssrc] = report.fraction_lost / 256

    def run(self, now: float) -> None:
        """Send the reports."""
        self._due = now + REPORT_INTERVAL
        assert self._connection is not None
        # NTP's fractions of 32 bits; a float of seconds since 1900 would have but 20 of them.
        whole, fraction = divmod(now + self._wall, 1)
        ntp = (int(whole) + NTP_EPOCH) << 32 | int(fraction * 2**32)
        for source in self.sources.values():
            if report := source.report(now, ntp & (1 << 64) - 1):
                self._connection.send_rtcp(report)

    def closed(self, reason: str) -> None:
        """It is over."""
        self.ended = reason

    def _payload_feedback(self, packet: RtcpPsfbPacket, now: float) -> None:
        if packet.fmt in {RTCP_PSFB_PLI, RTCP_PSFB_FIR}:
            # RFC 5104, 4.3.1.2: the media source of a FIR is 0, its entries say which are meant.
            wanted = (
                [packet.media_ssrc]
                if packet.fmt == RTCP_PSFB_PLI
                else [
                    int.from_bytes(packet.fci[start : start + 4], "big")
                    for start in range(0, len(packet.fci), 8)
                ]
            )
            for ssrc in wanted:
                if ssrc in self._by_ssrc:
                    self.keyframe_requests += 1
                    if self._keyframe_wanted is not None:
                        self._keyframe_wanted(self._by_ssrc[ssrc][0], now)
        elif packet.fmt == RTCP_PSFB_APP:
            try:
                self.bitrate = unpack_remb_fci(packet.fci)[0]
            except ValueError:
                return

    def _source(
        self, section: Section, rid: str, ssrc: int, rtx_ssrc: int, chance: Random
    ) -> Source:
        ids = section.extensions

        def named(uri: str, value: str) -> tuple[int, bytes]:
            return (ids.get(uri, 0) if value else 0, value.encode())

        names = Names(named(MID, section.mid), named(RID, rid), named(REPAIRED_RID, rid))
        sequence_id, time_id = ids.get(TRANSPORT_SEQUENCE, 0), ids.get(ABS_SEND_TIME, 0)

        def stamps(now: float) -> dict[int, bytes]:
            made = {}
            if time_id:  # seconds with 18 bits behind the point, 24 in all
                made[time_id] = (int(now * (1 << 18)) & 0xFFFFFF).to_bytes(3, "big")
            if sequence_id:
                self._transport_sequence = (self._transport_sequence + 1) & 0xFFFF
                made[sequence_id] = self._transport_sequence.to_bytes(2, "big")
            return made

        return Source(
            section.preferred,
            ssrc=ssrc,
            rtx_ssrc=rtx_ssrc,
            names=names,
            protect=self._protect,
            resend=self._resend,
            stamps=stamps,
            chance=chance,
        )

    def _protect(self, packet: bytes) -> bytes:
        assert self._connection is not None
        return self._connection.send_rtp(packet)

    def _resend(self, protected: bytes) -> None:
        assert self._connection is not None
        self._connection.send(protected)
