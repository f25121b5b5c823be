"""The header of an RTP packet (RFC 3550, 5.1) and its extensions (RFC 8285)."""

import struct
from collections.abc import Mapping
from typing import NamedTuple

from aiortc.rtp import pack_header_extensions, unpack_header_extensions

HEADER = struct.Struct("!BBHLL")
_BLOCK = struct.Struct("!HH")


class Packet(NamedTuple):
    """An RTP packet in the clear.

    Attributes:
        extensions: id -> value.
        payload: without padding.
    """

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    extensions: Mapping[int, bytes]
    payload: bytes


def parse(data: bytes) -> Packet | None:
    """Take a packet apart; None: it is none."""
    if len(data) < HEADER.size:
        return None
    first, second, sequence, timestamp, ssrc = HEADER.unpack_from(data)
    position = HEADER.size + 4 * (first & 15)
    end = len(data) - (data[-1] if first & 0x20 else 0)
    extensions: Mapping[int, bytes] = {}
    if first & 0x10:
        if len(data) < position + 4:
            return None
        profile, words = _BLOCK.unpack_from(data, position)
        position += 4
        try:
            block = data[position : position + 4 * words]
            extensions = dict(unpack_header_extensions(profile, block))
        except ValueError:
            return None
        position += 4 * words
    if first >> 6 != 2 or position > end:
        return None
    return Packet(
        second & 0x7F, second >> 7 == 1, sequence, timestamp, ssrc, extensions, data[position:end]
    )


def build(packet: Packet) -> bytes:
    """Put a packet together."""
    profile, block = pack_header_extensions(list(packet.extensions.items()))
    header = HEADER.pack(
        0x90 if block else 0x80,
        packet.marker << 7 | packet.payload_type,
        packet.sequence & 0xFFFF,
        packet.timestamp & 0xFFFFFFFF,
        packet.ssrc,
    )
    if not block:
        return header + packet.payload
    return header + _BLOCK.pack(profile, len(block) // 4) + block + packet.payload


def unwrap(value: int, near: int, bits: int = 16) -> int:
    """The number that ends with `value` and is nearest to `near`."""
    half = 1 << (bits - 1)
    return near + ((value - near + half) & (2 * half - 1)) - half
