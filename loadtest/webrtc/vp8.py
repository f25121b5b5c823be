"""VP8 in RTP (RFC 7741), with aiortc's descriptor."""

from aiortc.codecs.vpx import VpxPayloadDescriptor

PAYLOAD_MOST = 1180


def packetize(frame: bytes, picture_id: int) -> list[bytes]:
    """The payloads of a frame.

    Args:
        picture_id: of the frame, 15 bits.
    """
    first = bytes(VpxPayloadDescriptor(1, 0, picture_id=picture_id & 0x7FFF))
    others = bytes(VpxPayloadDescriptor(0, 0, picture_id=picture_id & 0x7FFF))
    size = PAYLOAD_MOST - len(first)
    return [
        (others if start else first) + frame[start : start + size]
        for start in range(0, len(frame), size)
    ]


def depacketize(payload: bytes) -> bytes:
    """What a payload carries of its frame.

    Raises:
        ValueError: it is none.
    """
    return VpxPayloadDescriptor.parse(payload)[1]


def picture_id(payload: bytes) -> int | None:
    """The number of the payload's frame; None: it says none."""
    return VpxPayloadDescriptor.parse(payload)[0].picture_id


def starts_frame(payload: bytes) -> bool:
    """Whether it is the first of its frame: the beginning of partition 0."""
    return payload[:1] != b"" and payload[0] & 0x1F == 0x10


def starts_keyframe(payload: bytes) -> bool:
    """Whether a keyframe begins with it (RFC 7741, 4.3: the P bit is clear)."""
    if not starts_frame(payload):
        return False
    try:
        frame = depacketize(payload)
    except ValueError:
        return False
    return frame[:1] != b"" and not frame[0] & 1
