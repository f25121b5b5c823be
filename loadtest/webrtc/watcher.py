"""A peer that receives: asks for what is missing, reports, and puts frames together."""

from collections.abc import Callable
from random import Random

from aiortc.rtp import RtcpByePacket, RtcpSrPacket

from loadtest.webrtc import rtcp, rtp
from loadtest.webrtc.assembly import Assembler, Frame
from loadtest.webrtc.congestion import Recorder
from loadtest.webrtc.connection import Connection
from loadtest.webrtc.description import MID, TRANSPORT_SEQUENCE, Answer, Kind, Section
from loadtest.webrtc.reception import Reception

REPORT_INTERVAL = 1.0
FEEDBACK_INTERVAL = 0.1
MISSING_INTERVAL = 0.02
KEYFRAME_INTERVAL = 0.5

Show = Callable[[Kind, Frame], None]


class Incoming:
    """One section: its source, the retransmissions of it, and its frames.

    Attributes:
        reception: None: nothing has come yet.
        rtx: likewise.
        keyframe_requests: PLIs sent.
        payload_types: of the packets that came.
    """

    def __init__(self, section: Section, delay: float) -> None:
        self.section = section
        self.delay = delay
        codec = section.preferred
        self.assembler = Assembler(codec.name, codec.clock_rate, delay)
        self.nacks = "nack" in codec.feedback
        self.reception: Reception | None = None
        self.rtx: Reception | None = None
        self.ssrc = section.ssrc
        self.rtx_ssrc = section.rtx_ssrc
        self.keyframe_requests = 0
        self.keyframe_request_at = float("-inf")
        self.payload_types: set[int] = set()
        self.sequence_id = section.extensions.get(TRANSPORT_SEQUENCE, 0)

    def add(self, packet: rtp.Packet, now: float) -> None:
        """A packet of the section."""
        self.payload_types.add(packet.payload_type)
        codec = self.section.preferred
        original = self.section.repaired.get(packet.payload_type)
        if original is None:
            if self.reception is None:
                self.reception = Reception(
                    packet.ssrc, codec.clock_rate, packet.sequence, self.delay
                )
                self.ssrc = packet.ssrc
            number = self.reception.add(packet.sequence, packet.timestamp, now)
            payload = packet.payload
        else:
            if self.rtx is None:
                self.rtx = Reception(packet.ssrc, codec.clock_rate, packet.sequence, self.delay)
            self.rtx.add(packet.sequence, packet.timestamp, now)
            if self.reception is None or len(packet.payload) < 2:
                return
            number = self.reception.repair(int.from_bytes(packet.payload[:2], "big"))
            payload = packet.payload[2:]
        if number is not None:
            self.assembler.add(number, packet.timestamp, packet.marker, payload, now)


class Watcher:
    """Receives what a WHEP server sends, as a browser does.

    Args:
        answer: to its offer.
        show: gets each frame that is complete, in order.
        delay: seconds; see `assembly`. Packets are asked for that long, too.
        bandwidth: says at a time what gets through, for REMB; None: it is not sent.
        chance: for the SSRC of reports.

    Attributes:
        incoming: kind -> section.
        frames: shown, by kind.
        first_frame: when the first picture was there.
        unknown: packets that belong to no section.
        said_goodbye: sources that have sent BYE.
        ended: why it is over; empty: it is not.
    """

    def __init__(
        self,
        answer: Answer,
        *,
        show: Show,
        delay: float = 0.5,
        bandwidth: Callable[[float], int] | None = None,
        chance: Random,
    ) -> None:
        self._connection: Connection | None = None
        self._show = show
        self._bandwidth = bandwidth
        self._ssrc = chance.getrandbits(32) or 1
        self._recorder = Recorder(self._ssrc)
        self._by_ssrc: dict[int, Incoming] = {}
        self._by_payload_type: dict[int, Incoming] = {}
        self.incoming: dict[Kind, Incoming] = {}
        for section in answer.sections:
            incoming = Incoming(section, delay)
            self.incoming[section.kind] = incoming
            for ssrc in (section.ssrc, section.rtx_ssrc):
                if ssrc:
                    self._by_ssrc[ssrc] = incoming
            for number in (*section.codecs, *section.repaired):
                self._by_payload_type[number] = incoming
        self._reports_transport = any(
            incoming.sequence_id and "transport-cc" in incoming.section.preferred.feedback
            for incoming in self.incoming.values()
        )
        self._report_at = self._feedback_at = self._missing_at = float("inf")
        self.frames: dict[Kind, int] = {"audio": 0, "video": 0}
        self.first_frame: float | None = None
        self.unknown = 0
        self.said_goodbye: set[int] = set()
        self.ended = ""

    def attach(self, connection: Connection) -> None:
        """The connection that carries it."""
        self._connection = connection

    @property
    def due(self) -> float:
        """When `run` has to be called next."""
        waits = min((one.assembler.due for one in self.incoming.values()), default=float("inf"))
        return min(self._report_at, self._feedback_at, self._missing_at, waits)

    def connected(self, now: float) -> None:
        """Reports begin."""
        self._report_at = now + REPORT_INTERVAL
        if self._reports_transport:
            self._feedback_at = now + FEEDBACK_INTERVAL

    def receive_rtp(self, data: bytes, now: float) -> None:
        """A packet in the clear."""
        packet = rtp.parse(data)
        incoming = self._incoming(packet) if packet is not None else None
        if packet is None or incoming is None:
            self.unknown += 1
            return
        if incoming.sequence_id and (stamp := packet.extensions.get(incoming.sequence_id)):
            self._recorder.received(int.from_bytes(stamp[:2], "big"), now)
        incoming.add(packet, now)
        self._show_frames(incoming, now)
        self._ask(incoming, now)

    def receive_rtcp(self, data: bytes, now: float) -> None:
        """Reports of the server."""
        for packet in rtcp.parse(data):
            if isinstance(packet, RtcpSrPacket):
                incoming = self._by_ssrc.get(packet.ssrc)
                if incoming is not None and incoming.reception is not None:
                    info = packet.sender_info
                    incoming.reception.sender_report = (
                        info.ntp_timestamp,
                        info.rtp_timestamp,
                        now,
                    )
            elif isinstance(packet, RtcpByePacket):
                self.said_goodbye.update(packet.sources)

    def run(self, now: float) -> None:
        """Do what is due."""
        for incoming in self.incoming.values():
            self._show_frames(incoming, now)
            self._ask(incoming, now)
        if self._feedback_at <= now:
            self._feedback_at = now + FEEDBACK_INTERVAL
            while report := self._recorder.report(self._any_source()):
                self._send(report)
        if self._report_at <= now:
            self._report_at = now + REPORT_INTERVAL
            self._report(now)

    def closed(self, reason: str) -> None:
        """It is over."""
        self.ended = reason

    def _incoming(self, packet: rtp.Packet) -> Incoming | None:
        """RFC 8843, 9.2: by its source, else by its mid, else by its payload type."""
        incoming = self._by_ssrc.get(packet.ssrc)
        if incoming is None:
            by_mid = (
                one
                for one in self.incoming.values()
                if packet.extensions.get(one.section.extensions.get(MID, 0))
                == one.section.mid.encode()
            )
            incoming = next(by_mid, None) or self._by_payload_type.get(packet.payload_type)
            if incoming is not None:
                self._by_ssrc[packet.ssrc] = incoming
        return incoming

    def _show_frames(self, incoming: Incoming, now: float) -> None:
        for frame in incoming.assembler.frames(now):
            self.frames[incoming.section.kind] += 1
            if self.first_frame is None and incoming.section.kind == "video":
                self.first_frame = now
            self._show(incoming.section.kind, frame)

    def _ask(self, incoming: Incoming, now: float) -> None:
        """For packets that are missing, and for a keyframe where only that helps."""
        reception = incoming.reception
        if reception is None:
            return
        if incoming.nacks:
            if incoming.assembler.next is not None:
                reception.forget(incoming.assembler.next)
            assert self._connection is not None
            wanted = reception.wanted(now, self._connection.agent.round_trip)
            if wanted:
                self._send(rtcp.nack(self._ssrc, incoming.ssrc, wanted))
            self._missing_at = float("inf")
            if any(one.reception and one.reception.is_waiting for one in self.incoming.values()):
                self._missing_at = now + MISSING_INTERVAL
        since = now - incoming.keyframe_request_at
        if incoming.assembler.needs_keyframe and since >= KEYFRAME_INTERVAL:
            incoming.keyframe_request_at = now
            incoming.keyframe_requests += 1
            self._send(rtcp.picture_loss(self._ssrc, incoming.ssrc))

    def _report(self, now: float) -> None:
        blocks = [
            reception.report(now)
            for incoming in self.incoming.values()
            for reception in (incoming.reception, incoming.rtx)
            if reception is not None
        ]
        report = rtcp.receiver_report(self._ssrc, blocks)
        if self._bandwidth is not None:
            sources = [one.ssrc for one in self.incoming.values() if one.ssrc]
            report += rtcp.estimate(self._ssrc, self._bandwidth(now), sources)
        self._send(report)

    def _any_source(self) -> int:
        return next((one.ssrc for one in self.incoming.values() if one.ssrc), 0)

    def _send(self, report: bytes) -> None:
        assert self._connection is not None
        self._connection.send_rtcp(report)
