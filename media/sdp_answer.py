"""Answers to offers: what a publisher may send us, what a viewer gets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from media.codec_match import closest, forwarded
from media.description import Answer, Codec, Kind, Local, Section
from media.extensions import URIS, Extension
from media.sdp import Offer, OfferedSection, SdpError
from media.sdp_text import rejected_lines, section_lines, session_lines, source_lines, text

__all__ = ["Outgoing", "Unsupported", "play_answer", "publish_answer"]

_FEEDBACK = frozenset({"nack", "nack pli", "ccm fir", "goog-remb", "transport-cc"})
_KINDS: tuple[Kind, ...] = ("audio", "video")
_PROTOCOLS = frozenset({"UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "RTP/SAVPF", "RTP/SAVP"})
# Values that differ each time that a packet leaves.
_VARYING = frozenset({Extension.ABS_SEND_TIME, Extension.TRANSPORT_SEQUENCE})
_NO_RTX = frozenset({"transport-cc"})
# Of the packets of a publisher; a viewer's have one layer, which needs no name.
_OF_LAYERS = frozenset({Extension.RID, Extension.REPAIRED_RID})


class Unsupported(SdpError):
    """The offer is sound, but there is no codec or kind of media that both sides have."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A track for a viewer.

    Attributes:
        codecs: that the stream has now, the preferred one first; empty: any that we forward.
        ssrc, rtx_ssrc: to send with; the second is used where retransmission is agreed upon.
    """

    kind: Kind
    codecs: tuple[Codec, ...]
    ssrc: int
    rtx_ssrc: int


def publish_answer(offer: Offer, local: Local, *, bitrate: int = 0) -> Answer:
    """Take what a publisher offers to send: its first audio section, and its first video section.

    Args:
        bitrate: that it may send, in bits per second; 0: nothing is said of it.

    Raises:
        Unsupported: it would send nothing that we forward.
    """
    sections: dict[int, Section] = {}
    for kind in _KINDS:
        for index, offered in _usable(offer, kind):
            codecs = forwarded(kind, offered.codecs) if offered.sends else ()
            if codecs:
                sections[index] = _incoming(kind, offered, codecs)
                break
    if not sections:
        raise Unsupported(
            "The offer sends nothing that can be forwarded: it needs a section that is sendonly "
            "with H264, VP8, VP9 or AV1, or with opus."
        )
    return _answer(offer, local, sections, "recvonly", bitrate=bitrate)


def play_answer(
    offer: Offer, local: Local, *, tracks: Sequence[Outgoing], cname: str, stream: str
) -> Answer:
    """Send a stream to a viewer: in its first section of each kind.

    Codecs of the stream come first, then others that a later publisher could use.

    Args:
        tracks: at most one of each kind. A section of a kind that has none is inactive.
        cname: of our sources (RFC 7022).
        stream: the identifier of the MediaStream that the tracks belong to (RFC 8830).

    Raises:
        Unsupported: there is nothing that the viewer could play.
    """
    sections: dict[int, Section] = {}
    playable = False
    for track in tracks:
        for index, offered in _usable(offer, track.kind):
            codecs = forwarded(track.kind, offered.codecs) if offered.receives else ()
            if codecs:
                playable = (
                    playable
                    or not track.codecs
                    or any(closest(codec, codecs) for codec in track.codecs)
                )
                sections[index] = _outgoing(track, offered, codecs)
                break
    if not playable:
        names = dict.fromkeys(codec.name for track in tracks for codec in track.codecs)
        raise Unsupported(
            "The offer has no recvonly section with a codec of this stream "
            f"({', '.join(names) or 'which has none'})."
        )
    sources = {
        index: [*source_lines(section, cname=cname, stream=stream)]
        for index, section in sections.items()
    }
    return _answer(offer, local, sections, "sendonly", more=sources)


def _usable(offer: Offer, kind: Kind) -> Iterator[tuple[int, OfferedSection]]:
    """The sections of a kind that could be answered, by their place."""
    for index, section in enumerate(offer.sections):
        bundled = not offer.bundle or section.mid in offer.bundle
        if section.media == kind and section.live and bundled and section.protocol in _PROTOCOLS:
            yield index, section


def _incoming(kind: Kind, offered: OfferedSection, codecs: tuple[Codec, ...]) -> Section:
    kept = tuple(
        replace(codec, feedback=codec.feedback & _FEEDBACK, parameters=_echoed(codec))
        for codec in codecs
    )
    return Section(
        mid=offered.mid,
        kind=kind,
        codecs=kept,
        extensions=_extensions(offered, frozenset()),
        rids=offered.rids if kind == "video" else (),
        ssrcs=offered.ssrcs,
    )


def _echoed(codec: Codec) -> tuple[tuple[str, str], ...]:
    """The parameters as offered; stereo is asked for where the offerer would send it."""
    named = dict(codec.parameters)
    if named.get("sprop-stereo") == "1" and "stereo" not in named:
        return (*codec.parameters, ("stereo", "1"))
    return codec.parameters


def _outgoing(track: Outgoing, offered: OfferedSection, codecs: tuple[Codec, ...]) -> Section:
    # Without RTX, a packet that is sent again has the SSRC and the number that it had, and AES-GCM
    # the same nonce: then nothing in it may differ, or the key stream is given away.
    resent = any("nack" in codec.feedback and codec.rtx is None for codec in codecs)
    feedback = _FEEDBACK - _NO_RTX if resent else _FEEDBACK
    present = [match for codec in track.codecs if (match := closest(codec, codecs))]
    ordered = dict.fromkeys([*present, *codecs])
    kept = tuple(replace(codec, feedback=codec.feedback & feedback) for codec in ordered)
    return Section(
        mid=offered.mid,
        kind=track.kind,
        codecs=kept,
        extensions=_extensions(offered, _OF_LAYERS | (_VARYING if resent else frozenset())),
        ssrc=track.ssrc,
        rtx_ssrc=track.rtx_ssrc if any(codec.rtx is not None for codec in kept) else 0,
    )


def _extensions(offered: OfferedSection, without: frozenset[Extension]) -> dict[int, int]:
    return {
        int(extension): offered.extensions[uri]
        for extension, uri in URIS.items()
        if uri in offered.extensions and extension not in without
    }


def _answer(
    offer: Offer,
    local: Local,
    sections: dict[int, Section],
    direction: str,
    *,
    bitrate: int = 0,
    more: Mapping[int, Sequence[str]] = MappingProxyType({}),
) -> Answer:
    """The text and what it says.

    Args:
        sections: in use, by their place.
        direction: of these, as we see it.
        bitrate: that video may have; 0: nothing is said of it.
        more: lines at the end of each.
    """
    active = offer.setup == "passive"
    kept = sections | _inactive(offer, sections)
    mids = _bundled(offer, [section.mid for section in kept.values()])
    lines = [*session_lines(offer, local, mids)]
    for index, offered in enumerate(offer.sections):
        if index not in kept:
            lines += rejected_lines(offered)
            continue
        section = kept[index]
        lines += section_lines(
            offered,
            section,
            local,
            direction=direction if index in sections else "inactive",
            setup="active" if active else "passive",
            tagged=section.mid == mids[0],
            bitrate=bitrate if section.kind == "video" else 0,
        )
        lines += more.get(index, ())
    return Answer(
        sdp=text(lines),
        sections=tuple(section for _, section in sorted(sections.items())),
        remote=offer.credentials,
        fingerprints=offer.fingerprints,
        dtls_role="client" if active else "server",
    )


def _inactive(offer: Offer, sections: Mapping[int, Section]) -> dict[int, Section]:
    """Sections that nothing is sent in, but which are not rejected, by their place.

    One that the others' transport is of: with bundle policy max-bundle, Chromium refuses an answer
    that rejects it ("Failed to setup RTCP mux"). And the first of a kind that is not in use, as a
    player that offers audio and video wants to keep both.
    """
    found = {}
    kinds = {section.kind for section in sections.values()}
    for kind in _KINDS:
        for index, offered in _usable(offer, kind):
            tagged = offered.mid in offer.bundle[:1]
            if index not in sections and offered.codecs and (tagged or kind not in kinds):
                found[index] = replace(_incoming(kind, offered, offered.codecs), rids=())
                kinds.add(kind)
    return found


def _bundled(offer: Offer, mids: Sequence[str]) -> list[str]:
    """The mids in the order of the offer's group: the first one has the transport."""
    return [mid for mid in offer.bundle if mid in mids] or [*mids]
