"""Codecs, and what a peer has to know of an answer."""

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["audio", "video"]
Address = tuple[str, int]

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
TRANSPORT_SEQUENCE = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

VIDEO_FEEDBACK = ("nack", "nack pli", "ccm fir", "goog-remb", "transport-cc")


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec as it stands in an offer or an answer.

    Attributes:
        parameters: the fmtp line's, as they are written; empty: there is none.
        feedback: of the rtcp-fb lines.
        rtx: payload type of retransmissions (RFC 4588); None: there are none.
    """

    name: str
    payload_type: int
    clock_rate: int
    channels: int = 0
    parameters: str = ""
    feedback: tuple[str, ...] = ()
    rtx: int | None = None

    @property
    def kind(self) -> Kind:
        """Of the section in which it stands."""
        return "audio" if self.channels else "video"


# The numbers are those that Chromium uses.
OPUS = Codec("opus", 111, 48_000, 2, "minptime=10;useinbandfec=1", ("transport-cc",))
VP8 = Codec("VP8", 96, 90_000, feedback=VIDEO_FEEDBACK, rtx=97)
H264 = Codec(
    "H264",
    106,
    90_000,
    parameters="level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    feedback=VIDEO_FEEDBACK,
    rtx=107,
)


@dataclass(frozen=True, slots=True)
class Local:
    """Our side of an offer: what is made by chance, and the certificate's digest."""

    ufrag: str
    pwd: str
    fingerprint: str
    session_id: int


@dataclass(frozen=True, slots=True)
class Section:
    """An m= section of an answer that is in use.

    Attributes:
        codecs: payload type -> codec, the preferred one first.
        extensions: URI -> id.
        ssrc, rtx_ssrc: of what the answerer sends; 0: it did not say.
    """

    mid: str
    kind: Kind
    codecs: dict[int, Codec]
    extensions: dict[str, int] = field(default_factory=dict)
    ssrc: int = 0
    rtx_ssrc: int = 0

    @property
    def preferred(self) -> Codec:
        """The first codec."""
        return next(iter(self.codecs.values()))

    @property
    def repaired(self) -> dict[int, int]:
        """Payload type of retransmissions -> that of the packets that they carry."""
        return {codec.rtx: number for number, codec in self.codecs.items() if codec.rtx is not None}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side has said.

    Attributes:
        candidates: addresses behind UDP, in the order of the answer.
        fingerprints: (algorithm, value), of its certificate.
        setup: `active`: it begins the DTLS handshake; `passive`: we do.
    """

    sections: tuple[Section, ...]
    ufrag: str
    pwd: str
    candidates: tuple[Address, ...]
    fingerprints: tuple[tuple[str, str], ...]
    setup: str
