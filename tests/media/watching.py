"""A publisher and viewers without a network: SRTP is real, paths remember what was sent."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from aiortc.rtcdtlstransport import SRTP_AEAD_AES_128_GCM

from media import rtcp, rtp
from media.broadcast import Broadcast
from media.description import Answer, Codec, Fingerprint, IceCredentials, Kind, Section
from media.extensions import Extension
from media.layer import Layer
from media.packet import Packet
from media.peer import Counters
from media.publisher import Publisher
from media.srtp import InboundSrtp, OutboundSrtp
from media.store import PacketStore
from media.timers import Timers
from media.viewer import Viewer

NACK = frozenset({"nack", "nack pli"})
H264 = Codec("H264", 96, 90000, parameters=(("packetization-mode", "1"),), feedback=NACK, rtx=97)
VP8 = Codec("VP8", 98, 90000, feedback=NACK, rtx=99)
OPUS = Codec("opus", 111, 48000, 2)

# As a viewer numbers them.
TO_H264 = Codec("H264", 102, 90000, parameters=H264.parameters, feedback=NACK, rtx=103)
TO_VP8 = Codec("VP8", 104, 90000, feedback=NACK, rtx=105)
TO_OPUS = Codec("opus", 100, 48000, 2)

VIDEO_SSRC, RTX_SSRC, AUDIO_SSRC = 0x11223344, 0x22334455, 0x33445566
CNAME = "plaza"
KEY = bytes(range(28))


class FakeLayer:
    """A layer whose packets a test makes."""

    def __init__(self, track: "FakeTrack", rid: str = "", rate: int = 1_000_000) -> None:
        self.track = track
        self.kind = track.kind
        self.rid = rid
        self.store = PacketStore()
        self.codec = track.codecs[0]
        self.clock_rate = self.codec.clock_rate
        self.sender_report: tuple[int, int, float] | None = None
        self.rate = rate
        self.silent = False
        self.requests: list[float] = []

    def bitrate(self, now: float) -> int:
        return 0 if self.silent else self.rate

    def active(self, now: float) -> bool:
        return not self.silent and self.store.last >= self.store.first

    def request_keyframe(self, now: float) -> None:
        self.requests.append(now)

    def packet(
        self,
        sequence: int,
        timestamp: int,
        payload: bytes = b"payload",
        *,
        now: float = 0.0,
        keyframe: bool = False,
        marker: bool = False,
        payload_type: int | None = None,
        extensions: dict[int, bytes] | None = None,
    ) -> Packet:
        """A packet, which is in the store."""
        packet = Packet(
            cast(Layer, self),
            sequence,
            timestamp & 0xFFFFFFFF,
            marker,
            self.codec.payload_type if payload_type is None else payload_type,
            payload,
            extensions,
            now,
            keyframe,
        )
        self.store.put(packet)
        return packet


class FakeTrack:
    """A track with layers, one for each rid."""

    def __init__(self, kind: Kind, *codecs: Codec, rates: dict[str, int] | None = None) -> None:
        self.kind = kind
        self.codecs = codecs
        self.layers = [
            FakeLayer(self, rid, rate) for rid, rate in (rates or {"": 1_000_000}).items()
        ]

    @property
    def codec(self) -> Codec:
        return self.layers[0].codec


class FakePublisher:
    """As far as a broadcast goes, a publisher."""

    def __init__(self, broadcast: Broadcast, *tracks: FakeTrack) -> None:
        self.broadcast = broadcast
        self.tracks = {track.kind: track for track in tracks}
        self.closed: list[str] = []

    @property
    def as_publisher(self) -> Publisher:
        return cast(Publisher, self)

    def connected(self, now: float) -> None:
        self.broadcast.publish(self.as_publisher, now)

    def close(self, reason: str, now: float) -> None:
        self.closed.append(reason)
        self.broadcast.publisher_gone(self.as_publisher, reason, now)


class RememberingPath:
    """What was sent, and in which bursts."""

    def __init__(self) -> None:
        self.peer = None
        self.remote = "nowhere"
        self.address = ("192.0.2.1", 9)
        self.sent: list[bytes] = []
        self.bursts: list[int] = []

    def send(self, datagram: bytes) -> None:
        self.sent.append(datagram)

    def send_burst(self, buffer: memoryview, sizes: Sequence[int]) -> None:
        self.bursts.append(len(sizes))
        start = 0
        for size in sizes:
            self.sent.append(bytes(buffer[start : start + size]))
            start += size
        assert start == len(buffer)

    def close(self) -> None:
        pass


class Received:
    """An RTP packet as a viewer has it, in the clear."""

    def __init__(self, data: bytes) -> None:
        header = rtp.parse(data)
        assert header is not None
        self.data = data
        self.marker, self.payload_type, self.sequence, self.timestamp, self.ssrc = header[:5]
        self.profile, elements, start, end = header[5:]
        self.block = data[elements:start]
        self.payload = data[start:end]


class WatchingPeer:
    """As far as a viewer goes, its peer; and the other end, which decrypts."""

    def __init__(self, viewer: Viewer) -> None:
        self.session = viewer
        self.path: RememberingPath | None = RememberingPath()
        self.srtp_out = OutboundSrtp(SRTP_AEAD_AES_128_GCM, KEY)
        self.counters = Counters()
        self.rtcp: list[Any] = []
        self.reason = ""
        self.repeated = 0  # packets that came again
        self._srtp_in = InboundSrtp(SRTP_AEAD_AES_128_GCM, KEY)
        viewer.attached(cast(Any, self))

    def send_rtcp(self, data: bytes) -> None:
        self.rtcp += rtcp.parse(data)

    def close(self, reason: str, now: float) -> None:
        if not self.reason:
            self.reason = reason
            self.session.closed(reason, now)

    def ciphertexts(self) -> list[bytes]:
        """What has come since the last time, as it was on the wire."""
        assert self.path is not None
        sent, self.path.sent = self.path.sent, []
        return sent

    def received(self) -> list[Received]:
        """What has come since the last time; a packet that came twice is there once."""
        clear = [self._srtp_in.unprotect_rtp(data) for data in self.ciphertexts()]
        self.repeated += clear.count(None)
        return [Received(data) for data in clear if data is not None]

    def video(self) -> list[Received]:
        return [packet for packet in self.received() if packet.ssrc == VIDEO_SSRC]


def video_section(
    *codecs: Codec,
    rtx: bool = True,
    extensions: dict[int, int] | None = None,
    feedback: frozenset[str] = frozenset(),
    mid: str = "1",
) -> Section:
    """A section for video that we send."""
    offered = tuple(
        Codec(
            codec.name,
            codec.payload_type,
            codec.clock_rate,
            parameters=codec.parameters,
            feedback=codec.feedback | feedback,
            rtx=codec.rtx if rtx else None,
        )
        for codec in codecs or (TO_H264, TO_VP8)
    )
    ids: dict[int, int] = {Extension.MID: 1} if extensions is None else extensions
    return Section(mid, "video", offered, ids, ssrc=VIDEO_SSRC, rtx_ssrc=RTX_SSRC if rtx else 0)


def audio_section(extensions: dict[int, int] | None = None) -> Section:
    """A section for audio that we send."""
    return Section("0", "audio", (TO_OPUS,), extensions or {}, ssrc=AUDIO_SSRC)


def answer(*sections: Section) -> Answer:
    """An answer of which nothing but the sections matters."""
    fingerprint = Fingerprint("sha-256", "00")
    return Answer("", sections, IceCredentials("u", "p"), (fingerprint,), "client")


def watch(broadcast: Broadcast, timers: Timers, now: float, *sections: Section) -> WatchingPeer:
    """A viewer that is connected."""
    viewer = Viewer(
        answer=answer(*(sections or (audio_section(), video_section()))),
        broadcast=broadcast,
        cname=CNAME,
        timers=timers,
        now=now,
    )
    peer = WatchingPeer(viewer)
    viewer.connected(now)
    return peer


class NoFlushes:
    """A relay that flushes when it is told to."""

    def __init__(self) -> None:
        self.flushes: list[Callable[[float], None]] = []

    def flush(self, now: float) -> None:
        flushes, self.flushes = self.flushes, []
        for flush in flushes:
            flush(now)


class RememberingStage:
    """What a broadcast has said."""

    def __init__(self) -> None:
        self.said: list[tuple[Any, ...]] = []

    def live(self, stream: int) -> None:
        self.said.append(("live", stream))

    def interrupted(self, stream: int) -> None:
        self.said.append(("interrupted", stream))

    def ended(self, stream: int, reason: str) -> None:
        self.said.append(("ended", stream, reason))

    def viewers(self, stream: int, watching: int, joined: int) -> None:
        self.said.append(("viewers", stream, watching, joined))
