"""RTP packets (RFC 3550, 5.1), retransmissions (RFC 4588), and what tells RTCP apart (RFC 5761)."""

from struct import Struct

# What `parse` finds: marker, payload type, sequence number, timestamp, SSRC, profile of the header
# extension, where its elements begin (they go to the payload), where the payload begins and ends.
# A plain tuple, to be unpacked: a NamedTuple takes longer to make than all of this to find.
Header = tuple[bool, int, int, int, int, int, int, int, int]

# First byte (version, padding, extension, CSRC count), second (marker, payload type), ...
HEADER = Struct("!BBHII")
EXTENSION_HEADER = Struct("!HH")
VERSION = 0x80
WITH_EXTENSION = 0x90
HEADER_BYTES = 12
# A retransmission's payload begins with the sequence number of the packet that it repeats.
RTX_BYTES = 2


def is_rtcp(data: bytes) -> bool:
    """Whether a packet of an RTP session with rtcp-mux is RTCP (RFC 5761, 4)."""
    return len(data) > 1 and 192 <= data[1] <= 223


def parse(data: bytes) -> Header | None:
    """Take the header of a packet in the clear apart.

    Args:
        data: anything at all.

    Returns:
        None where it is no RTP packet; else `Header`. The payload is empty where there is nothing
        but padding, as in a probe for bandwidth.
    """
    end = len(data)
    if end < HEADER_BYTES:
        return None
    first, second, sequence, timestamp, ssrc = HEADER.unpack_from(data)
    if first == WITH_EXTENSION and end >= 16:  # nearly every packet of a browser
        profile, words = EXTENSION_HEADER.unpack_from(data, 12)
        start = 16 + words * 4
        if start > end:
            return None
        return second > 127, second & 127, sequence, timestamp, ssrc, profile, 16, start, end
    return _parse(data, first, second, sequence, timestamp, ssrc)


def _parse(
    data: bytes, first: int, second: int, sequence: int, timestamp: int, ssrc: int
) -> Header | None:
    if first >> 6 != 2:
        return None
    end = len(data)
    start = HEADER_BYTES + 4 * (first & 0x0F)
    profile = 0
    elements = start
    if first & 0x10:
        if end < start + 4:
            return None
        profile, words = EXTENSION_HEADER.unpack_from(data, start)
        elements = start + 4
        start = elements + words * 4
    if start > end:
        return None
    finish = end
    if first & 0x20:
        # The last byte counts the padding, itself included (RFC 3550, 5.1).
        padding = data[-1]
        if not 0 < padding <= end - start:
            return None
        finish = end - padding
    return second > 127, second & 127, sequence, timestamp, ssrc, profile, elements, start, finish


def build(
    *,
    payload_type: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    marker: bool = False,
    extensions: bytes = b"",
) -> bytes:
    """Put a packet together.

    Args:
        extensions: a header extension as `media.extensions.write` makes it; empty: none.
    """
    header = HEADER.pack(
        WITH_EXTENSION if extensions else VERSION,
        payload_type | 0x80 if marker else payload_type,
        sequence & 0xFFFF,
        timestamp & 0xFFFFFFFF,
        ssrc,
    )
    return header + extensions + payload


def original(payload: bytes) -> tuple[int, bytes] | None:
    """What a retransmission repeats (RFC 4588, 4): sequence number and payload.

    Args:
        payload: of the packet on the retransmission SSRC.

    Returns:
        None where there is nothing in it: a probe.
    """
    if len(payload) < RTX_BYTES:
        return None
    return payload[0] << 8 | payload[1], payload[RTX_BYTES:]
