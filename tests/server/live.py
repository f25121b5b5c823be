"""Offers of peers, who may do what, and peers that connect: for the tests of WHIP and WHEP."""

import re
from collections.abc import Collection, Sequence
from struct import pack
from typing import Any

from media import ports
from media.broadcasts import Broadcasts
from media.description import Candidate, IceCredentials
from media.dtls import Dtls, DtlsState
from media.relay import Relay
from media.srtp import InboundSrtp, OutboundSrtp
from media.timers import Timers
from protocol.errors import FORBIDDEN, NOT_FOUND, UNAUTHORIZED, PlazaError
from protocol.ids import Id
from server.live_session import LiveSession
from server.live_sessions import LiveSessions, StreamAccess
from server.sections import Media
from tests.media.transport import OURS, THEIRS, WirePath, check

# A STAP-A (RFC 6184, 5.7.1): a sequence parameter set, a picture parameter set, an IDR slice.
SPS_PPS_IDR = bytes.fromhex("78000a6742c01fda0280bfe5c0000468ce3c8000056588804000")

KEY = "key-of-the-stream"
STREAM = Id(7)
HIDDEN = Id(8)
ALICE, BOB = Id(41), Id(42)
CANDIDATES = (Candidate("192.0.2.7", 8189), Candidate("192.0.2.7", 8189, "tcp"))

NEWER = IceCredentials("ysXw", "vw5LmwG4y/e6dPP/zAP9Gp5k")
REMOTE = IceCredentials("EsAw", "P2uYro0UCOQ4zxjKXaWCBui1")
VIDEO_SSRC, AUDIO_SSRC = 0x10203040, 0x50607080

H264 = (
    "a=rtpmap:96 H264/90000",
    "a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    "a=rtcp-fb:96 nack",
    "a=rtcp-fb:96 nack pli",
)
VP8 = ("a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli")
VP8_AND_H264 = (*VP8, *(line.replace(":96 ", ":97 ") for line in H264))
MIDI = ("a=rtpmap:96 rtp-midi/90000",)


def offer_of(
    direction: str,
    *,
    video: Sequence[str] = H264,
    setup: str = "actpass",
    rids: Sequence[str] = (),
) -> str:
    """An offer with sound and pictures."""
    formats = " ".join(dict.fromkeys(re.findall(r"a=rtpmap:(\d+)", "\n".join(video))))
    lines = [
        *("v=0", "o=- 5228595038118931041 2 IN IP4 127.0.0.1", "s=-", "t=0 0"),
        *("a=group:BUNDLE 0 1", "a=extmap-allow-mixed"),
        *("m=audio 9 UDP/TLS/RTP/SAVPF 111", *_common("0", direction, setup)),
        *("a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1"),
        *_source(AUDIO_SSRC, direction),
        *(f"m=video 9 UDP/TLS/RTP/SAVPF {formats}", *_common("1", direction, setup), *video),
    ]
    if rids:
        lines += [f"a=rid:{rid} send" for rid in rids]
        lines += [f"a=simulcast:send {';'.join(rids)}"]
        lines += ["a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid"]
        lines += ["a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"]
    else:
        lines += _source(VIDEO_SSRC, direction)
    return "".join(f"{line}\r\n" for line in lines)


def _common(mid: str, direction: str, setup: str) -> list[str]:
    return [
        *("c=IN IP4 0.0.0.0", f"a=ice-ufrag:{REMOTE.ufrag}", f"a=ice-pwd:{REMOTE.pwd}"),
        f"a=fingerprint:{THEIRS.fingerprint.algorithm} {THEIRS.fingerprint.value}",
        *(f"a=setup:{setup}", f"a=mid:{mid}", f"a={direction}", "a=rtcp-mux"),
    ]


def _source(ssrc: int, direction: str) -> list[str]:
    return [f"a=ssrc:{ssrc} cname:them"] if direction.startswith("send") else []


def fragment_of(credentials: IceCredentials | None, *, candidates: bool = True) -> str:
    """A body of PATCH."""
    lines = ["a=group:BUNDLE 0 1", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:0"]
    if credentials is not None:
        lines += [f"a=ice-ufrag:{credentials.ufrag}", f"a=ice-pwd:{credentials.pwd}"]
    if candidates:
        lines += ["a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0"]
        lines += ["a=end-of-candidates"]
    return "".join(f"{line}\r\n" for line in lines)


PUBLISH = offer_of("sendonly")
WATCH = offer_of("recvonly")


class Access:
    """Who may do what, in memory. A `server.live_sessions.StreamAccess`.

    Attributes:
        keys: of streams.
        shut_out: who may not watch; None: whoever has no account.
    """

    def __init__(self) -> None:
        self.keys = {STREAM: KEY}
        self.shut_out: set[Id | None] = set()

    async def may_publish(self, stream: Id, key: str) -> None:
        if self.keys.get(stream) != key:
            raise PlazaError(UNAUTHORIZED, "The stream key is wrong.")

    async def may_watch(self, stream: Id, viewer: Id | None) -> None:
        if stream not in self.keys:
            raise PlazaError(NOT_FOUND)
        if viewer in self.shut_out:
            raise PlazaError(UNAUTHORIZED if viewer is None else FORBIDDEN)

    async def still_may_watch(
        self, stream: Id, viewers: Collection[Id | None]
    ) -> Collection[Id | None]:
        return {viewer for viewer in viewers if viewer not in self.shut_out}


class Stage:
    """Remembers what it was told. A `media.ports.Stage`."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def live(self, stream: int) -> None:
        self.told.append(("live", stream))

    def interrupted(self, stream: int) -> None:
        self.told.append(("interrupted", stream))

    def ended(self, stream: int, reason: str) -> None:
        self.told.append(("ended", stream, reason))

    def viewers(self, stream: int, watching: int, joined: int) -> None:
        self.told.append(("viewers", stream, watching, joined))


def credentials_in(sdp: str) -> IceCredentials:
    """Of an answer or a fragment."""
    ufrag = re.search(r"a=ice-ufrag:(\S+)", sdp)
    pwd = re.search(r"a=ice-pwd:(\S+)", sdp)
    assert ufrag
    assert pwd
    return IceCredentials(ufrag[1], pwd[1])


class Party:
    """The client's end of a session: its checks, its DTLS, its packets."""

    def __init__(self, session: LiveSession) -> None:
        self.session = session
        self.path = WirePath()
        ours = session.answer.dtls_role
        self.dtls = Dtls(
            THEIRS,
            role="client" if ours == "server" else "server",
            fingerprints=(OURS.fingerprint,),
        )
        self.srtp_in: InboundSrtp | None = None
        self.srtp_out: OutboundSrtp | None = None

    def check(self, now: float, credentials: IceCredentials | None = None) -> bool:
        """Send a check."""
        local = credentials or credentials_in(self.session.answer.sdp)
        return self.session.peer.receive_check(check(local), self.path, now)

    def connect(self, now: float) -> "Party":
        """ICE and DTLS, until both sides are through."""
        assert self.check(now)
        self.dtls.start()
        while True:
            theirs = self.dtls.datagrams_to_send()
            ours = [datagram for datagram in self.path.take() if 19 < datagram[0] < 64]
            if not theirs and not ours:
                break
            for datagram in theirs:
                self.session.peer.receive(datagram, self.path, now)
            for datagram in ours:
                self.dtls.receive(datagram)
        assert self.dtls.state is DtlsState.CONNECTED
        return self

    def send_picture(self, sequence: int, now: float) -> None:
        """Send a keyframe of one packet, as if it had been decrypted: a STAP-A with an SPS."""
        payload = SPS_PPS_IDR
        header = pack("!BBHII", 0x80, 0x80 | 96, sequence, sequence * 3_000, VIDEO_SSRC)
        self.session.receive_rtp(header + payload, now)

    def send_layers(self, house: "House", *rids: str, seconds: float = 1.0) -> None:
        """Send so many seconds of each layer of a simulcast, the house's clock moving on."""
        rids = rids or ("q", "h")
        for sequence in range(int(seconds * 20)):
            for number, rid in enumerate(rids):
                # One-byte header extensions (RFC 8285, 4.2): mid is 4, rid is 10.
                elements = b"\x40" + b"1" + bytes([0xA0 | len(rid) - 1]) + rid.encode()
                elements += bytes(-len(elements) % 4)
                header = pack("!BBHII", 0x90, 0xE0, sequence, sequence * 4_500, 100 + number)
                header += pack("!HH", 0xBEDE, len(elements) // 4) + elements
                payload = SPS_PPS_IDR + bytes(200 * number)
                self.session.receive_rtp(header + payload, house.now)
            house.relay.flush(house.now)
            house.now += 0.05


class House:
    """The sessions of a process, and its clock, which stands still until it is moved.

    Args:
        streams: who may do what; an `Access` unless given.
        told: the stage; a `Stage` unless given.
        settings: of the section `media`.
    """

    def __init__(
        self, streams: StreamAccess | None = None, told: ports.Stage | None = None, **settings: Any
    ) -> None:
        self.now = 100.0
        self.egress = 0.0
        self.access = Access()
        self.stage = Stage()
        self.faults: list[Exception] = []
        self.timers = Timers()
        self.relay = Relay(self.timers, fault=self.faults.append)
        self.broadcasts = Broadcasts(
            relay=self.relay, stage=told or self.stage, timers=self.timers, grace_seconds=30
        )
        self.live = LiveSessions(
            broadcasts=self.broadcasts,
            relay=self.relay,
            candidates=lambda: CANDIDATES,
            certificate=OURS,
            streams=streams or self.access,
            config=Media(**settings),
            egress=lambda: self.egress,
            clock=lambda: self.now,
        )

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now = min(self.now + 0.5, end)
            self.timers.run(self.now)
            self.relay.flush(self.now)
        assert not self.faults

    async def publish(self, stream: Id = STREAM, offer: str = PUBLISH) -> LiveSession:
        return await self.live.publish(stream, KEY, offer)

    async def on_air(self, stream: Id = STREAM, offer: str = PUBLISH) -> Party:
        """A publisher whose packets come."""
        party = Party(await self.publish(stream, offer)).connect(self.now)
        for sequence in range(3):
            party.send_picture(sequence, self.now)
        self.relay.flush(self.now)
        assert not self.faults
        return party

    async def watch(self, viewer: Id | None = None, stream: Id = STREAM) -> LiveSession:
        return await self.live.watch(stream, viewer, WATCH)

    async def audience(self, *viewers: Id | None) -> list[Party]:
        """Viewers that are connected."""
        return [Party(await self.watch(viewer)).connect(self.now) for viewer in viewers]

    def counts(self) -> tuple[int, int, int]:
        return self.live.count("whip"), self.live.count("whep"), len(self.relay)
