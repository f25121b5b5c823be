"""An answer, read with aiortc's parser."""

from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.sdp import MediaDescription, SessionDescription, parameters_to_sdp

from loadtest.webrtc.description import Answer, Codec, Section

_SETUP = {"client": "active", "server": "passive"}


class Refusal(Exception):
    """The answer cannot be used."""


def parse_answer(text: str) -> Answer:
    """Read an answer.

    Raises:
        Refusal: no section of it is in use, or something is missing that WebRTC demands.
    """
    parsed = SessionDescription.parse(text)
    used = [media for media in parsed.media if media.port and media.kind != "application"]
    if not used:
        raise Refusal("no section is in use")
    first = used[0]
    if first.dtls is None or first.dtls.role not in _SETUP:
        raise Refusal("an answer says a=setup:active or a=setup:passive (RFC 8842, 5.3)")
    ice = first.ice
    if ice is None or not (ice.usernameFragment and ice.password):
        raise Refusal("there are no ICE credentials")
    if not all(media.rtcp_mux for media in used):
        raise Refusal("a section is without rtcp-mux")
    bundled = {mid for group in parsed.group if group.semantic == "BUNDLE" for mid in group.items}
    if len(used) > 1 and not {media.rtp.muxId for media in used} <= bundled:
        raise Refusal("the sections are not one bundle")
    return Answer(
        sections=tuple(_section(media) for media in used),
        ufrag=ice.usernameFragment,
        pwd=ice.password,
        candidates=tuple(
            (candidate.ip, candidate.port)
            for candidate in first.ice_candidates
            if candidate.protocol.lower() == "udp" and candidate.component == 1
        ),
        fingerprints=tuple((one.algorithm, one.value) for one in first.dtls.fingerprints),
        setup=_SETUP[first.dtls.role],
    )


def _section(media: MediaDescription) -> Section:
    rtx = {
        codec.parameters.get("apt"): codec.payloadType
        for codec in media.rtp.codecs
        if codec.name.lower() == "rtx"
    }
    codecs = {
        number: _codec(codec, number, rtx.get(number))
        for number in media.fmt
        for codec in media.rtp.codecs
        if codec.payloadType == number and codec.name.lower() != "rtx"
    }
    if not codecs:
        raise Refusal(f"section {media.rtp.muxId} has no codec")
    ssrc = media.ssrc[0].ssrc if media.ssrc else 0
    rtx_ssrc = next(
        (
            group.items[1]
            for group in media.ssrc_group
            if group.semantic == "FID" and group.items[0] == ssrc
        ),
        0,
    )
    return Section(
        mid=media.rtp.muxId,
        kind="audio" if media.kind == "audio" else "video",
        codecs=codecs,
        extensions={one.uri: one.id for one in media.rtp.headerExtensions},
        ssrc=ssrc,
        rtx_ssrc=int(rtx_ssrc),
    )


def _codec(codec: RTCRtpCodecParameters, number: int, rtx: int | None) -> Codec:
    return Codec(
        name=codec.name,
        payload_type=number,
        clock_rate=codec.clockRate,
        channels=codec.channels or 0,
        parameters=parameters_to_sdp(codec.parameters),
        feedback=tuple(
            f"{one.type} {one.parameter}" if one.parameter else one.type
            for one in codec.rtcpFeedback
        ),
        rtx=rtx,
    )
