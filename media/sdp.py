"""Offers: session descriptions (RFC 8866) of WebRTC peers, read to what an answer needs.

`parse_offer` is the way in. It is tolerant of what peers add and exact about what a session needs;
what it refuses it refuses with `SdpError`, whose text tells the person at the other end what to do.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from media.description import Codec, Fingerprint, IceCredentials
from media.sdp_lines import Lines, SdpError, is_token, split
from media.sdp_media import codecs_of, extensions_of, rids_of, ssrcs_of

__all__ = ["Offer", "OfferedSection", "SdpError", "credentials_of", "media_line", "parse_offer"]

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
Setup = Literal["actpass", "active", "passive"]
DIRECTIONS: tuple[Direction, ...] = ("sendrecv", "sendonly", "recvonly", "inactive")
SETUPS: tuple[Setup, ...] = ("actpass", "active", "passive")

# Bytes of a digest. SHA-1 and MD5 are not what a session may rest upon (RFC 8122, 5).
_DIGESTS = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_HEX_PAIRS = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2})*")
_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")
_PWD = re.compile(r"[A-Za-z0-9+/]{22,256}")
_MEDIA = re.compile(
    r"([a-z]{1,16}) ([0-9]{1,5})(?:/[0-9]{1,5})? ([A-Za-z/]{1,32})((?: [!-~]{1,32})+)"
)


@dataclass(frozen=True, slots=True)
class OfferedSection:
    """One m= section of an offer.

    Attributes:
        mid: empty where a session of one section has none.
        media: `audio`, `video`, `application`, ...
        protocol, formats: of the m= line, as they are.
        live: it is offered at all: its port is not 0, or it is bundle-only (RFC 8843, 6).
        direction: as the offerer sees it.
        codecs: with an rtpmap, as the offerer prefers them; retransmission is in `Codec.rtx`.
        extensions: URI -> id.
        rids: the layers that it would send, as it orders them.
        ssrcs: that are announced; groups of two are a source and its retransmissions.
    """

    mid: str
    media: str
    protocol: str
    formats: tuple[str, ...]
    live: bool
    direction: Direction
    rtcp_mux: bool
    rtcp_rsize: bool
    codecs: tuple[Codec, ...]
    extensions: dict[str, int]
    rids: tuple[str, ...]
    ssrcs: tuple[tuple[int, ...], ...]

    @property
    def sends(self) -> bool:
        """The offerer would send here."""
        return self.direction in {"sendrecv", "sendonly"}

    @property
    def receives(self) -> bool:
        """The offerer would receive here."""
        return self.direction in {"sendrecv", "recvonly"}


@dataclass(frozen=True, slots=True)
class Offer:
    """What a peer offers.

    Attributes:
        sections: in order.
        bundle: the mids that share one transport; empty: there is no BUNDLE group.
        credentials, fingerprints, setup: of that transport, else of the first live section's.
        mixed: one- and two-byte header extensions may follow each other (RFC 8285, 6).
    """

    sections: tuple[OfferedSection, ...]
    bundle: tuple[str, ...]
    credentials: IceCredentials
    fingerprints: tuple[Fingerprint, ...]
    setup: Setup
    mixed: bool


def parse_offer(text: str) -> Offer:
    """Read an offer.

    Args:
        text: of any origin.

    Raises:
        SdpError: it cannot be read, or no session can come of it.
    """
    if not text.startswith("v=0"):
        raise SdpError("This is no session description: its first line must be v=0.")
    session, lines = split(text)
    if session.first("ice-lite") is not None:
        raise SdpError("The offer has a=ice-lite, and so has this server: one must do full ICE.")
    mixed = session.first("extmap-allow-mixed") is not None
    sections = tuple(_section(section, session, mixed=mixed) for section in lines)
    bundle = _bundle_of(session, [section.mid for section in sections])
    tagged = lines[_transport(sections, bundle)]
    credentials = credentials_of(tagged, session)
    if credentials is None:
        raise SdpError("The offer has no a=ice-ufrag and a=ice-pwd: ICE is needed.")
    return Offer(
        sections=sections,
        bundle=bundle,
        credentials=credentials,
        fingerprints=_fingerprints(tagged, session),
        setup=_setup(tagged, session),
        mixed=mixed,
    )


def _section(lines: Lines, session: Lines, *, mixed: bool) -> OfferedSection:
    media, port, protocol, formats = media_line(lines.media)
    mid = lines.first("mid") or ""
    if mid and not is_token(mid):
        raise SdpError("An a=mid is longer than 64 characters, or has some that it must not.")
    allow_mixed = mixed or lines.first("extmap-allow-mixed") is not None
    return OfferedSection(
        mid=mid,
        media=media,
        protocol=protocol,
        formats=formats,
        live=port > 0 or lines.first("bundle-only") is not None,
        direction=_direction(lines) or _direction(session) or "sendrecv",
        rtcp_mux=lines.first("rtcp-mux") is not None,
        rtcp_rsize=lines.first("rtcp-rsize") is not None,
        codecs=codecs_of(lines, formats),
        extensions=extensions_of(lines, two_byte=allow_mixed),
        rids=rids_of(lines),
        ssrcs=ssrcs_of(lines),
    )


def media_line(value: str) -> tuple[str, int, str, tuple[str, ...]]:
    """Media, port, protocol and formats of an m= line.

    Raises:
        SdpError: it is none.
    """
    match = _MEDIA.fullmatch(value)
    if not match or int(match[2]) > 65535:
        raise SdpError("An m= line is not of the form: media port protocol formats.")
    return match[1], int(match[2]), match[3], tuple(match[4].split())


def _direction(lines: Lines) -> Direction | None:
    return next((name for name in DIRECTIONS if name in lines.attributes), None)


def _bundle_of(session: Lines, mids: Sequence[str]) -> tuple[str, ...]:
    """The mids of the first BUNDLE group (RFC 8843, 5).

    Raises:
        SdpError: mids stand twice, or the group has others than the sections.
    """
    named = [mid for mid in mids if mid]
    if len(set(named)) < len(named):
        raise SdpError("Two m= sections have the same a=mid.")
    for value in session.all("group"):
        semantics, *tags = value.split()[: len(mids) + 2] or [""]
        if semantics == "BUNDLE":
            if not set(tags) <= set(named):
                raise SdpError("a=group:BUNDLE names an a=mid that no m= section has.")
            return tuple(dict.fromkeys(tags))
    return ()


def _transport(sections: Sequence[OfferedSection], bundle: Sequence[str]) -> int:
    """Which section has the transport that everything has to come over.

    The offerer-tagged one (RFC 8843, 7.2), or the only one that is in use.
    """
    live = [index for index, section in enumerate(sections) if section.live]
    if not live:
        raise SdpError("The offer has no m= section that is in use.")
    media = [sections[index] for index in live if sections[index].media in {"audio", "video"}]
    if not all(section.rtcp_mux for section in media):
        raise SdpError("The offer has an m= section without a=rtcp-mux: RTCP has no port here.")
    for mid in bundle[:1]:
        return next(index for index, section in enumerate(sections) if section.mid == mid)
    if len(live) > 1:
        raise SdpError(
            "The offer has several m= sections and no a=group:BUNDLE: "
            "set the bundle policy to max-bundle."
        )
    return live[0]


def credentials_of(lines: Lines, session: Lines) -> IceCredentials | None:
    """Those of a section, else of the session (RFC 8839, 5.4); None: there are none.

    Raises:
        SdpError: they are not of the form that they must have.
    """
    found = []
    for name, form in ("ice-ufrag", _UFRAG), ("ice-pwd", _PWD):
        value = lines.first(name) or session.first(name)
        if value is None:
            return None
        if not form.fullmatch(value):
            raise SdpError(f"a={name} has another length or other characters than RFC 8839 allows.")
        found.append(value)
    return IceCredentials(*found)


def _fingerprints(lines: Lines, session: Lines) -> tuple[Fingerprint, ...]:
    fingerprints = []
    for value in (lines.all("fingerprint") or session.all("fingerprint"))[:16]:
        algorithm, _, digest = value.partition(" ")
        algorithm, digest = algorithm.lower(), digest.strip().upper()
        length = _DIGESTS.get(algorithm)
        if length and len(digest) == 3 * length - 1 and _HEX_PAIRS.fullmatch(digest):
            fingerprints.append(Fingerprint(algorithm, digest))
    if not fingerprints:
        raise SdpError("The offer has no a=fingerprint with SHA-256, -384 or -512: DTLS is needed.")
    return tuple(fingerprints)


def _setup(lines: Lines, session: Lines) -> Setup:
    # Without one, the offerer is active (RFC 4145, 4.1).
    value = lines.first("setup") or session.first("setup") or "active"
    for setup in SETUPS:
        if setup == value:
            return setup
    raise SdpError("a=setup must be actpass, active or passive.")
