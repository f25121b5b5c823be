"""Offers as text, such as Chromium would make them (RFC 8866, 8829, 8853)."""

from collections.abc import Sequence

from loadtest.webrtc.description import (
    ABS_SEND_TIME,
    AUDIO_LEVEL,
    MID,
    REPAIRED_RID,
    RID,
    TRANSPORT_SEQUENCE,
    Codec,
    Kind,
    Local,
)

# What is agreed upon by ids; the same in every section, as BUNDLE asks for (RFC 8843, 9.2).
EXTENSIONS = {
    MID: 4,
    RID: 10,
    REPAIRED_RID: 11,
    ABS_SEND_TIME: 2,
    TRANSPORT_SEQUENCE: 3,
    AUDIO_LEVEL: 1,
}
_OF_SIMULCAST = (RID, REPAIRED_RID)
_OF_VIDEO = (MID, ABS_SEND_TIME, TRANSPORT_SEQUENCE)
_OF_AUDIO = (AUDIO_LEVEL, MID, TRANSPORT_SEQUENCE)


def publish_offer(
    local: Local,
    codecs: Sequence[Codec],
    *,
    rids: Sequence[str] = (),
    sources: dict[Kind, Sequence[int]] | None = None,
) -> str:
    """An offer to send: an audio section, a video section, each if there is a codec of its kind.

    Args:
        codecs: in order of preference.
        rids: of the layers of video, the lowest first (simulcast); then no source is announced.
        sources: the SSRC, and that of retransmissions, of each kind.
    """
    return _offer(local, codecs, "sendonly", rids=rids, sources=sources or {})


def watch_offer(
    local: Local, codecs: Sequence[Codec], *, extensions: Sequence[str] | None = None
) -> str:
    """An offer to receive.

    Args:
        extensions: those that are offered; by default all that Chromium would.
    """
    return _offer(local, codecs, "recvonly", extensions=extensions)


def _offer(
    local: Local,
    codecs: Sequence[Codec],
    direction: str,
    *,
    rids: Sequence[str] = (),
    sources: dict[Kind, Sequence[int]] | None = None,
    extensions: Sequence[str] | None = None,
) -> str:
    kinds: list[Kind] = []
    for kind in ("audio", "video"):
        if any(codec.kind == kind for codec in codecs):
            kinds.append(kind)
    lines = [
        "v=0",
        f"o=- {local.session_id} 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {' '.join(str(mid) for mid in range(len(kinds)))}",
        "a=extmap-allow-mixed",
        "a=msid-semantic: WMS",
    ]
    for mid, kind in enumerate(kinds):
        of_kind = [codec for codec in codecs if codec.kind == kind]
        layers = rids if kind == "video" else ()
        wanted = _OF_VIDEO if kind == "video" else _OF_AUDIO
        offered = [*wanted, *(_OF_SIMULCAST if layers else ())]
        lines += _section(local, kind, mid, of_kind, direction)
        lines += [
            f"a=extmap:{EXTENSIONS[uri]} {uri}"
            for uri in offered
            if extensions is None or uri in extensions
        ]
        if layers:
            lines += [f"a=rid:{rid} send" for rid in layers]
            lines.append(f"a=simulcast:send {';'.join(layers)}")
        else:
            lines += _sources((sources or {}).get(kind, ()), kind)
    return "\r\n".join(lines) + "\r\n"


def _section(
    local: Local, kind: Kind, mid: int, codecs: Sequence[Codec], direction: str
) -> list[str]:
    numbers = [
        str(number)
        for codec in codecs
        for number in (codec.payload_type, codec.rtx)
        if number is not None
    ]
    lines = [
        f"m={kind} 9 UDP/TLS/RTP/SAVPF {' '.join(numbers)}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.pwd}",
        "a=ice-options:trickle",
        f"a=fingerprint:sha-256 {local.fingerprint}",
        "a=setup:actpass",
        f"a=mid:{mid}",
        f"a={direction}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
    ]
    for codec in codecs:
        lines += _codec(codec)
    return lines


def _codec(codec: Codec) -> list[str]:
    number = codec.payload_type
    channels = f"/{codec.channels}" if codec.channels else ""
    lines = [f"a=rtpmap:{number} {codec.name}/{codec.clock_rate}{channels}"]
    lines += [f"a=rtcp-fb:{number} {feedback}" for feedback in codec.feedback]
    if codec.parameters:
        lines.append(f"a=fmtp:{number} {codec.parameters}")
    if codec.rtx is not None:
        lines += [
            f"a=rtpmap:{codec.rtx} rtx/{codec.clock_rate}",
            f"a=fmtp:{codec.rtx} apt={number}",
        ]
    return lines


def _sources(sources: Sequence[int], kind: Kind) -> list[str]:
    """The lines of a source and its retransmissions (RFC 5576)."""
    lines = [f"a=msid:light {kind}"] if sources else []
    if len(sources) > 1:
        lines.append(f"a=ssrc-group:FID {' '.join(map(str, sources))}")
    for ssrc in sources:
        lines += [f"a=ssrc:{ssrc} cname:light", f"a=ssrc:{ssrc} msid:light {kind}"]
    return lines
