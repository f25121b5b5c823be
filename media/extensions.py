"""RTP header extensions (RFC 8285): those that Plaza knows, by their URIs; reading and writing."""

from collections.abc import Iterable, Mapping
from enum import IntEnum


class Extension(IntEnum):
    """Those that are understood. The numbers are ours; each session has its own ids for them."""

    MID = 1
    RID = 2
    REPAIRED_RID = 3
    ABS_SEND_TIME = 4
    AUDIO_LEVEL = 5
    TRANSPORT_SEQUENCE = 6
    VIDEO_ORIENTATION = 7
    ABS_CAPTURE_TIME = 8
    PLAYOUT_DELAY = 9
    DEPENDENCY_DESCRIPTOR = 10


URIS = {
    Extension.MID: "urn:ietf:params:rtp-hdrext:sdes:mid",
    Extension.RID: "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    Extension.REPAIRED_RID: "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    Extension.ABS_SEND_TIME: "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    Extension.AUDIO_LEVEL: "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    Extension.TRANSPORT_SEQUENCE: (
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
    ),
    Extension.VIDEO_ORIENTATION: "urn:3gpp:video-orientation",
    Extension.ABS_CAPTURE_TIME: "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    Extension.PLAYOUT_DELAY: "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    Extension.DEPENDENCY_DESCRIPTOR: (
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
    ),
}

# Passed on from the publisher to viewers as they are.
FORWARDED = frozenset(
    {
        Extension.AUDIO_LEVEL,
        Extension.VIDEO_ORIENTATION,
        Extension.ABS_CAPTURE_TIME,
        Extension.DEPENDENCY_DESCRIPTOR,
    }
)

ONE_BYTE = 0xBEDE
TWO_BYTE = 0x1000  # the lowest four bits are the application's

# By id, which of `Extension` it is, or 0: an array, as ids are small and a packet has several.
Names = tuple[int, ...]


def names(ids: Mapping[int, int]) -> Names:
    """What `read` needs to know of a session: a table by id.

    Args:
        ids: `Extension` -> id, as a section of an answer has them.
    """
    table = [0] * 256
    for extension, number in ids.items():
        table[number] = int(extension)
    return tuple(table)


def read(data: bytes, profile: int, start: int, end: int, known: Names) -> dict[int, bytes]:
    """The elements of a header extension that were agreed upon.

    What is cut off or of a foreign profile is left out: the rest of the packet is good.

    Args:
        data: the packet.
        profile, start, end: as `media.rtp.parse` found them.
        known: of `names`.

    Returns:
        By `Extension`.
    """
    found: dict[int, bytes] = {}
    if profile != ONE_BYTE:
        return _read_two_byte(data, start, end, known) if profile & 0xFFF0 == TWO_BYTE else found
    while start < end:
        head = data[start]
        start += 1
        if not head:  # padding
            continue
        if head >= 0xF0:  # id 15: processing stops there (RFC 8285, 4.2)
            break
        stop = start + (head & 15) + 1
        if stop > end:
            break
        name = known[head >> 4]
        if name:
            found[name] = data[start:stop]
        start = stop
    return found


def _read_two_byte(data: bytes, start: int, end: int, known: Names) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while start < end:
        number = data[start]
        start += 1
        if not number:  # padding, which has no length
            continue
        if start >= end:
            break
        stop = start + 1 + data[start]
        if stop > end:
            break
        if known[number]:
            found[known[number]] = data[start + 1 : stop]
        start = stop
    return found


def write(elements: Iterable[tuple[int, bytes]]) -> bytes:
    """A header extension with its own header, padded: what stands between RTP header and payload.

    One-byte headers where they suffice, two-byte ones otherwise (RFC 8285, 4.1.2).

    Args:
        elements: ids of 1 to 255, and values of up to 255 bytes.

    Returns:
        Nothing where there are no elements.
    """
    elements = tuple(elements)
    if not elements:
        return b""
    if all(number < 15 and 0 < len(value) <= 16 for number, value in elements):
        profile = ONE_BYTE
        body = b"".join(
            bytes((number << 4 | len(value) - 1,)) + value for number, value in elements
        )
    else:
        profile = TWO_BYTE
        body = b"".join(bytes((number, len(value))) + value for number, value in elements)
    words = -(-len(body) // 4)
    return (profile << 16 | words).to_bytes(4, "big") + body.ljust(words * 4, b"\0")


def abs_send_time(now: float) -> bytes:
    """The value of ABS_SEND_TIME: seconds, 6.18 bits of fixed point, so it wraps each 64 s."""
    return (int(now * 262144) & 0xFFFFFF).to_bytes(3, "big")


def abs_send_time_of(value: bytes) -> float | None:
    """What `abs_send_time` says: seconds, in a circle of 64; None: it is malformed."""
    return int.from_bytes(value, "big") / 262144 if len(value) == 3 else None


def transport_sequence_of(value: bytes) -> int | None:
    """The value of TRANSPORT_SEQUENCE; None: it is malformed.

    Two bytes of number; the second version of the draft may add a request for feedback.
    """
    return value[0] << 8 | value[1] if len(value) >= 2 else None


def audio_level_of(value: bytes) -> tuple[bool, int] | None:
    """The value of AUDIO_LEVEL (RFC 6464): whether there is voice, and -dBov (0 loud, 127 silent).

    None: it is malformed. Two-byte headers may pad it to two bytes.
    """
    return (value[0] > 127, value[0] & 127) if 1 <= len(value) <= 2 else None


def text_of(value: bytes) -> str | None:
    """The value of MID, RID or REPAIRED_RID; None: it is none, or longer than we would agree to."""
    if not 0 < len(value) <= 64 or not value.isascii():
        return None
    return value.decode("ascii")
