"""The header that all RTCP packets begin with (RFC 3550, 6.1)."""

from collections.abc import Iterator
from struct import Struct

# Packet types of RFC 3550 and RFC 4585.
SENDER_REPORT = 200
RECEIVER_REPORT = 201
SOURCE_DESCRIPTION = 202
BYE = 203
TRANSPORT_FEEDBACK = 205
PAYLOAD_FEEDBACK = 206

# Count or format beside the version, packet type, length in words beyond the header.
HEADER = Struct("!BBH")
# Who sends the feedback and what it is about (RFC 4585, 6.1).
FEEDBACK = Struct("!II")
WORD = Struct("!I")


def packed(packet_type: int, count: int, body: bytes) -> bytes:
    """A packet of its type, count (or format) and body, which is made of whole words."""
    assert not len(body) % 4
    return HEADER.pack(0x80 | count, packet_type, len(body) // 4) + body


def feedback(packet_type: int, form: int, sender: int, media: int, control: bytes) -> bytes:
    """A feedback packet: who says something about what, and the feedback control information."""
    return packed(packet_type, form, FEEDBACK.pack(sender, media) + control)


def unpacked(compound: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Type, count and body without padding of each packet; stops at the first that is broken."""
    position = 0
    end = len(compound)
    while position + 4 <= end:
        first, packet_type, words = HEADER.unpack_from(compound, position)
        start = position + 4
        position = start + 4 * words
        if first >> 6 != 2 or position > end:
            return
        stop = position
        if first & 0x20:
            padding = compound[position - 1]
            if not 0 < padding <= 4 * words:
                return
            stop -= padding
        yield packet_type, first & 31, compound[start:stop]
