"""A publisher's wire, without a network: what it sends is built here, what it gets is read here."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, cast

from media import extensions, rtcp, rtp
from media.description import Answer, Codec, IceCredentials, Kind, Section
from media.extensions import Extension
from media.layer import Layer
from media.packet import Packet
from media.publisher import Publisher
from media.receiving import ReceivingCounts
from media.timers import Timers

OURS = 0x0A0A0A0A
FEEDBACK = frozenset({"nack", "nack pli", "ccm fir", "goog-remb", "transport-cc"})
VP8 = Codec("VP8", 96, 90000, feedback=FEEDBACK, rtx=97)
H264 = Codec("H264", 102, 90000, feedback=FEEDBACK, rtx=103)
OPUS = Codec("opus", 111, 48000, channels=2)
IDS = {
    Extension.MID: 1,
    Extension.RID: 2,
    Extension.REPAIRED_RID: 3,
    Extension.AUDIO_LEVEL: 4,
    Extension.TRANSPORT_SEQUENCE: 5,
}
VIDEO = Section("0", "video", (VP8, H264), dict(IDS))
AUDIO = Section("1", "audio", (OPUS,), dict(IDS))

# What a decoder can begin with, and what it cannot.
KEYFRAMES = {
    # A descriptor of one byte, a keyframe's header, its start code, 640 x 360.
    "VP8": b"\x10\x00\x00\x00\x9d\x01\x2a\x80\x02\x68\x01",
    "H264": b"\x65\x88\x84",
    "opus": b"\x78",
}
DELTAS = {"VP8": b"\x10\x01\x00\x00", "H264": b"\x41\x9a\x00", "opus": b"\x78"}
INNER = {"VP8": b"\x00", "H264": b"\x7c\x01", "opus": b"\x78"}


def answer(*sections: Section) -> Answer:
    """What was agreed upon, as far as a publisher's session looks at it."""
    return Answer("", sections, IceCredentials("ufrag", "pwd"), (), "client")


class Wire:
    """The peer of a session: what is sent to the publisher, taken apart."""

    def __init__(self) -> None:
        self.session: Publisher | None = None
        self.sent: list[bytes] = []
        self.open = True

    def send_rtcp(self, data: bytes) -> None:
        """Keep a compound packet."""
        assert self.open, "nothing can be sent any more"
        assert len(data) <= 1200
        self.sent.append(data)

    def close(self, reason: str, now: float) -> None:
        """As a peer does: once."""
        if self.open:
            self.open = False
            assert self.session is not None
            self.session.closed(reason, now)

    def take(self) -> list[rtcp.Message]:
        """What was said since the last time, without the empty reports in front."""
        sent, self.sent = self.sent, []
        messages: list[rtcp.Message] = []
        for data in sent:
            said = rtcp.parse(data)
            assert isinstance(said[0], rtcp.ReceiverReport), "RFC 3550, 6.1"
            messages += said if said[0].blocks else said[1:]
        return messages

    def nacks(self) -> list[int]:
        """What was asked for since the last time."""
        return [
            sequence
            for message in self.take()
            if isinstance(message, rtcp.Nack)
            for sequence in message.lost
        ]


class Sink:
    """A broadcast that keeps what it is handed."""

    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self.publishers: list[Publisher] = []
        self.gone: list[tuple[Publisher, str]] = []

    def publish(self, publisher: Publisher, now: float) -> None:
        """It is connected."""
        self.publishers.append(publisher)

    def forward(self, packet: Packet) -> None:
        """A packet of it."""
        assert packet.layer.store.get(packet.sequence) is packet
        self.packets.append(packet)

    def publisher_gone(self, publisher: Publisher, reason: str, now: float) -> None:
        """It is gone."""
        self.gone.append((publisher, reason))

    def take(self) -> list[Packet]:
        """What came since the last time."""
        packets, self.packets = self.packets, []
        return packets

    def payloads(self) -> list[bytes]:
        """Of what came since the last time."""
        return [packet.payload for packet in self.take()]


class Studio:
    """A publisher's session with its wire, its broadcast and a clock."""

    def __init__(self, *sections: Section, bitrate_cap: int = 0) -> None:
        self.now = 1000.0
        self.timers = Timers()
        self.sink = Sink()
        self.wire = Wire()
        self.counts = ReceivingCounts()
        self.publisher = Publisher(
            answer=answer(*(sections or (VIDEO, AUDIO))),
            broadcast=self.sink,
            timers=self.timers,
            ssrc=OURS,
            bitrate_cap=bitrate_cap,
            now=self.now,
            counts=self.counts,
        )
        self.wire.session = self.publisher
        self.publisher.attached(cast(Any, self.wire))
        self.publisher.connected(self.now)

    def layer(self, kind: Kind = "video", number: int = 0) -> Layer:
        """A layer of a track."""
        return self.publisher.tracks[kind].layers[number]

    def receive(self, *packets: bytes) -> list[Packet]:
        """Packets come, at once; what is forwarded."""
        for data in packets:
            self.publisher.receive_rtp(data, self.now)
        return self.sink.take()

    def control(self, *messages: rtcp.Message) -> None:
        """The publisher says something."""
        self.publisher.receive_rtcp(rtcp.compound(messages), self.now)

    def wait(self, seconds: float) -> None:
        """Time goes by: all that is due happens when it is due."""
        until = self.now + seconds
        while (when := self.timers.next()) is not None and when <= until:
            self.now = max(self.now, when)
            self.timers.run(self.now)
        self.now = until


class Source:
    """An encoder: packets of one SSRC, one behind the other."""

    def __init__(
        self,
        codec: Codec = VP8,
        *,
        ssrc: int = 0x1111,
        sequence: int = 1000,
        timestamp: int = 5000,
        **names: bytes,
    ) -> None:
        self.codec = codec
        self.ssrc = ssrc
        self.sequence = sequence
        self.timestamp = timestamp
        self.names = names
        self.ticks = codec.clock_rate // 30

    def packet(
        self,
        payload: bytes,
        *,
        marker: bool = False,
        sequence: int | None = None,
        ssrc: int | None = None,
        payload_type: int | None = None,
        elements: Iterable[tuple[Extension, bytes]] = (),
    ) -> bytes:
        """The next packet; with a number, another one, which does not count on."""
        if sequence is None:
            sequence = self.sequence
            self.sequence = self.sequence + 1 & 0xFFFF
        named = [(Extension[name.upper()], value) for name, value in self.names.items()]
        return rtp.build(
            payload_type=self.codec.payload_type if payload_type is None else payload_type,
            sequence=sequence,
            timestamp=self.timestamp,
            ssrc=self.ssrc if ssrc is None else ssrc,
            payload=payload,
            marker=marker,
            extensions=extensions.write((IDS[name], value) for name, value in (*named, *elements)),
        )

    def frame(self, *, keyframe: bool = False, packets: int = 1, size: int = 0) -> list[bytes]:
        """The next picture (or sound), in so many packets of at least `size` bytes."""
        self.timestamp = self.timestamp + self.ticks & 0xFFFFFFFF
        name = self.codec.name
        first = (KEYFRAMES if keyframe else DELTAS)[name]
        return [
            self.packet(
                (INNER[name] if number else first).ljust(size, b"\0"), marker=number == packets - 1
            )
            for number in range(packets)
        ]

    def frames(self, count: int, *, packets: int = 1) -> Iterator[bytes]:
        """Pictures, the first of them a keyframe."""
        return itertools.chain.from_iterable(
            self.frame(keyframe=number == 0, packets=packets) for number in range(count)
        )

    def repair(self, data: bytes, *, ssrc: int, sequence: int = 0, **names: bytes) -> bytes:
        """A retransmission of a packet (RFC 4588)."""
        header = rtp.parse(data)
        assert header is not None
        assert self.codec.rtx is not None
        return rtp.build(
            payload_type=self.codec.rtx,
            sequence=sequence,
            timestamp=header[3],
            ssrc=ssrc,
            payload=header[2].to_bytes(2, "big") + data[header[-2] : header[-1]],
            marker=header[0],
            extensions=extensions.write(
                (IDS[Extension[name.upper()]], value) for name, value in names.items()
            ),
        )


def probe(data: bytes, padding: int = 200) -> bytes:
    """A packet with the header of another one and nothing but padding."""
    header = rtp.parse(data)
    assert header is not None
    head = bytearray(data[: header[-2]])
    head[0] |= 0x20
    return bytes(head) + bytes(padding - 1) + bytes((padding,))


def simulcast(*rids: str) -> Section:
    """The video, in layers."""
    return replace(VIDEO, rids=rids)
