"""What an offer and its answer have settled. Frozen: a newer answer is another description.

The words are those of RFC 8866 (SDP), RFC 8843 (BUNDLE), RFC 8853 (simulcast) and RFC 8285.
"""

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["audio", "video"]


@dataclass(frozen=True, slots=True)
class IceCredentials:
    """A user fragment and its password (RFC 8445, 5.3)."""

    ufrag: str
    pwd: str


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The digest of a certificate: `sha-256` and the like, and upper-case hex with colons."""

    algorithm: str
    value: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A host candidate of ours: an address at which the endpoint is reached."""

    address: str
    port: int
    protocol: Literal["udp", "tcp"] = "udp"


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec by its numbers in one session.

    Attributes:
        name: as in the rtpmap: `H264`, `VP8`, `VP9`, `AV1`, `opus`.
        payload_type: its number.
        clock_rate: in Hz.
        channels: of audio; 0 for video.
        parameters: of the fmtp line, in order, keys in lower case.
        feedback: of its rtcp-fb lines: `nack`, `nack pli`, `ccm fir`, `goog-remb`, `transport-cc`.
        rtx: the payload type of its retransmissions (RFC 4588); None: none was agreed.
    """

    name: str
    payload_type: int
    clock_rate: int
    channels: int = 0
    parameters: tuple[tuple[str, str], ...] = ()
    feedback: frozenset[str] = frozenset()
    rtx: int | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """One m= section that both sides use.

    Attributes:
        mid: its identification tag.
        codecs: those agreed upon, the preferred one first.
        extensions: header extensions agreed upon, `media.extensions.Extension` -> id.
        rids: the layers that a publisher sends, as it orders them (simulcast); empty: one layer.
        ssrc, rtx_ssrc: of what we send, where the section is one that we send.
        ssrcs: that the offer announces; groups of two are a source and its retransmissions.
    """

    mid: str
    kind: Kind
    codecs: tuple[Codec, ...]
    extensions: dict[int, int] = field(default_factory=dict)
    rids: tuple[str, ...] = ()
    ssrc: int = 0
    rtx_ssrc: int = 0
    ssrcs: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Local:
    """Our side of an answer: what does not depend on the offer.

    Attributes:
        session_id: of the o= line, a number of up to 63 bits.
        version: of the o= line; counts up with each further answer of the session.
    """

    credentials: IceCredentials
    candidates: tuple[Candidate, ...]
    fingerprint: Fingerprint
    session_id: int
    version: int = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What was agreed upon.

    Attributes:
        sdp: the answer's text.
        sections: those in use, in order.
        remote: the peer's ICE credentials.
        fingerprints: of the peer's certificate.
        dtls_role: ours.
    """

    sdp: str
    sections: tuple[Section, ...]
    remote: IceCredentials
    fingerprints: tuple[Fingerprint, ...]
    dtls_role: Literal["client", "server"]
