"""Where a keyframe begins, by codec: what a decoder can start with."""

from media import h264, vp8


def is_keyframe(codec: str, payload: bytes) -> bool:
    """Whether a packet begins a keyframe, or the parameter sets in front of it.

    With H264 several packets of one frame may (parameter sets, then the picture): a keyframe
    begins with the first of them that has a timestamp of its own.

    Args:
        codec: as in the rtpmap.
        payload: of the RTP packet; anything at all.
    """
    match codec:
        case "H264":
            return h264.is_keyframe(payload)
        case "VP8":
            return vp8.is_keyframe(payload)
        case "VP9":
            return _is_vp9_keyframe(payload)
        case "AV1":
            # A new coded video sequence (N), and not the rest of an OBU (Z) (AV1 RTP, 4.4).
            return bool(payload) and payload[0] & 0x88 == 0x08
    return False


def _is_vp9_keyframe(payload: bytes) -> bool:
    """RFC 9628, 4.2: a frame begins (B) that is not predicted (P), in the lowest layer."""
    if not payload or payload[0] & 0x48 != 0x08:
        return False
    if not payload[0] & 0x20:  # no layers (L)
        return True
    # The layer indices come behind the picture ID, which has one or two bytes.
    offset = 1
    if payload[0] & 0x80:
        offset = 3 if len(payload) > 1 and payload[1] & 0x80 else 2
    return len(payload) > offset and not payload[offset] & 0x0E
