"""The text of an answer: the session's lines, and those of each section."""

import ipaddress
from collections.abc import Iterable, Iterator, Sequence

from media.description import Candidate, Codec, IceCredentials, Local, Section
from media.extensions import URIS, Extension
from media.sdp import Offer, OfferedSection

# Type preferences of host candidates: 126 (RFC 8445, 5.1.2.2), and below it for TCP, so that a
# peer that can have both takes UDP (RFC 6544, 4.2; 90 is Chromium's).
_UDP_PREFERENCE = 126
_TCP_PREFERENCE = 90
# Direction preference of a passive one, above the local preference's other bits (RFC 6544, 4.2).
_PASSIVE = 4 << 13


def text(lines: Iterable[str]) -> str:
    """Lines, each with its end."""
    return "".join(f"{line}\r\n" for line in lines)


def session_lines(offer: Offer, local: Local, mids: Sequence[str]) -> Iterator[str]:
    """What stands in front of the sections.

    Args:
        mids: of the sections in use, which share one transport.
    """
    yield "v=0"
    yield f"o=- {local.session_id} {local.version} IN IP4 0.0.0.0"
    yield "s=-"
    yield "t=0 0"
    yield "a=ice-lite"
    yield "a=ice-options:trickle ice2"
    if offer.bundle:
        yield f"a=group:BUNDLE {' '.join(mids)}"
    if offer.mixed:
        yield "a=extmap-allow-mixed"
    yield "a=msid-semantic: WMS *"


def rejected_lines(offered: OfferedSection) -> Iterator[str]:
    """A section that there will be none of (RFC 3264, 6): port 0, and no more than must be."""
    yield f"m={offered.media} 0 {offered.protocol} {offered.formats[0]}"
    yield "c=IN IP4 0.0.0.0"
    yield "a=inactive"
    if offered.mid:
        yield f"a=mid:{offered.mid}"


def section_lines(
    offered: OfferedSection,
    section: Section,
    local: Local,
    *,
    direction: str,
    setup: str,
    tagged: bool,
    bitrate: int = 0,
) -> Iterator[str]:
    """A section in use.

    Args:
        direction: as we see it.
        setup: `active` or `passive`.
        tagged: its transport is that of all of them (RFC 8843, 7.3): it has the candidates.
        bitrate: that the peer may send, in bits per second; 0: nothing is said of it.
    """
    formats = [str(number) for number in _payload_types(section.codecs)]
    address, port = _default(local.candidates)
    yield f"m={section.kind} {port} {offered.protocol} {' '.join(formats)}"
    yield f"c={address}"
    if bitrate:
        yield f"b=AS:{max(1, bitrate // 1000)}"
        yield f"b=TIAS:{bitrate}"
    if tagged:
        yield from candidate_lines(local.candidates)
    yield from credential_lines(local.credentials)
    yield f"a=fingerprint:{local.fingerprint.algorithm} {local.fingerprint.value}"
    yield f"a=setup:{setup}"
    if section.mid:
        yield f"a=mid:{section.mid}"
    for extension, number in section.extensions.items():
        yield f"a=extmap:{number} {URIS[Extension(extension)]}"
    yield f"a={direction}"
    yield "a=rtcp-mux"
    if offered.rtcp_rsize:
        yield "a=rtcp-rsize"
    for codec in section.codecs:
        yield from _codec_lines(codec)
    if section.rids:
        yield from (f"a=rid:{rid} recv" for rid in section.rids)
        yield f"a=simulcast:recv {';'.join(section.rids)}"


def source_lines(section: Section, *, cname: str, stream: str) -> Iterator[str]:
    """What we send there: browsers make a track of these, and of nothing else."""
    msid = f"{stream} {stream}-{section.kind}"
    yield f"a=msid:{msid}"
    ssrcs = [section.ssrc]
    if section.rtx_ssrc:
        ssrcs.append(section.rtx_ssrc)
        yield f"a=ssrc-group:FID {section.ssrc} {section.rtx_ssrc}"
    for ssrc in ssrcs:
        yield f"a=ssrc:{ssrc} cname:{cname}"
        yield f"a=ssrc:{ssrc} msid:{msid}"


def credential_lines(credentials: IceCredentials) -> Iterator[str]:
    """User fragment and password."""
    yield f"a=ice-ufrag:{credentials.ufrag}"
    yield f"a=ice-pwd:{credentials.pwd}"


def candidate_lines(candidates: Sequence[Candidate]) -> Iterator[str]:
    """All that there are, the first one preferred, and that there are no more (RFC 8840, 8.2)."""
    for index, candidate in enumerate(candidates):
        # Local preferences only have to differ (RFC 8445, 5.1.2.1); for TCP they have 13 bits.
        local_preference = max(0, 8191 - index)
        if candidate.protocol == "tcp":
            priority = _TCP_PREFERENCE << 24 | (_PASSIVE | local_preference) << 8 | 255
            end = " tcptype passive"
        else:
            priority = _UDP_PREFERENCE << 24 | (0xE000 | local_preference) << 8 | 255
            end = ""
        address = f"{candidate.protocol} {priority} {candidate.address} {candidate.port}"
        yield f"a=candidate:{index + 1} 1 {address} typ host{end}"
    yield "a=end-of-candidates"


def _default(candidates: Sequence[Candidate]) -> tuple[str, int]:
    """Connection data of the candidate for those who do no ICE (RFC 8839, 4.2.1.2)."""
    datagrams = [candidate for candidate in candidates if candidate.protocol == "udp"]
    versions = [(ipaddress.ip_address(one.address).version, one) for one in datagrams]
    for version, candidate in sorted(versions, key=lambda pair: pair[0]):
        return f"IN IP{version} {candidate.address}", candidate.port
    return "IN IP4 0.0.0.0", 9


def _payload_types(codecs: Sequence[Codec]) -> Iterator[int]:
    for codec in codecs:
        yield codec.payload_type
        if codec.rtx is not None:
            yield codec.rtx


def _codec_lines(codec: Codec) -> Iterator[str]:
    channels = f"/{codec.channels}" if codec.channels else ""
    number = codec.payload_type
    yield f"a=rtpmap:{number} {codec.name}/{codec.clock_rate}{channels}"
    for feedback in sorted(codec.feedback):
        yield f"a=rtcp-fb:{number} {feedback}"
    if codec.parameters:
        pairs = (f"{key}={value}" if value else key for key, value in codec.parameters)
        yield f"a=fmtp:{number} {';'.join(pairs)}"
    if codec.rtx is not None:
        yield f"a=rtpmap:{codec.rtx} rtx/{codec.clock_rate}"
        yield f"a=fmtp:{codec.rtx} apt={number}"
