"""H.264 in RTP (RFC 6184): what a packet holds, as far as forwarding needs it."""

from collections.abc import Iterator

# Types of NAL units (H.264, table 7-1) and of RTP payloads (RFC 6184, 5.2).
IDR = 5
SPS = 7
STAP_A = 24
FU_A = 28

# Profiles whose parameter sets say how the chroma is sampled (7.3.2.1.1).
_WITH_CHROMA = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244})
# What is looked at of a parameter set, and the longest side that is believed.
_SPS_MOST = 1024
_SIDE_MOST = 16384


def units(payload: bytes) -> Iterator[tuple[int, int, int]]:
    """The NAL units that begin in a packet: type, and where what is behind the header stands.

    A fragmented one counts with its first fragment. What is cut off is left out.
    """
    if len(payload) < 2:
        return
    kind = payload[0] & 31
    if kind == STAP_A:
        position = 1
        while position + 2 < len(payload):
            size = payload[position] << 8 | payload[position + 1]
            position += 2
            if not size or position + size > len(payload):
                return
            yield payload[position] & 31, position + 1, position + size
            position += size
    elif kind == FU_A:
        if payload[1] & 0x80:  # the first fragment
            yield payload[1] & 31, 2, len(payload)
    elif 0 < kind < STAP_A:
        yield kind, 1, len(payload)


def is_keyframe(payload: bytes) -> bool:
    """Whether a packet begins a picture that can be decoded by itself, or has the SPS before it."""
    for kind, start, stop in units(payload):
        # The picture's first slice: first_mb_in_slice is 0, one bit in Exp-Golomb (7.3.3).
        if kind == SPS or (kind == IDR and start < stop and payload[start] & 0x80):
            return True
    return False


def sps_of(payload: bytes) -> bytes | None:
    """The sequence parameter set in a packet, header included; None: there is none."""
    for kind, start, stop in units(payload):
        if kind == SPS and payload[0] & 31 != FU_A:
            return payload[start - 1 : stop]
    return None


def size_of(sps: bytes) -> tuple[int, int] | None:
    """Width and height of the pictures; None: the parameter set is broken (H.264, 7.3.2.1.1).

    Args:
        sps: with its header, as `sps_of` finds it.
    """
    if len(sps) < 4:
        return None
    bits = _Bits(sps[1:])
    try:
        profile = bits.read(8)
        bits.read(16)  # constraints, level
        bits.golomb()  # the parameter set's number
        chroma = _chroma(bits) if profile in _WITH_CHROMA else 1
        _skip_order(bits)
        bits.golomb()  # reference frames
        bits.read(1)  # gaps in frame numbers
        width = 16 * (bits.golomb() + 1)
        rows = 16 * (bits.golomb() + 1)
        frames_only = bits.read(1)
        if not frames_only:
            bits.read(1)
        bits.read(1)
        left, right, top, bottom = (
            [bits.golomb() for _ in range(4)] if bits.read(1) else (0, 0, 0, 0)
        )
    except IndexError:
        return None
    # Cropping counts in units of the chroma's samples, and of both fields (7.4.2.1.1).
    across, down = {1: (2, 2), 2: (2, 1)}.get(chroma, (1, 1))
    fields = 2 - frames_only
    width -= across * (left + right)
    height = rows * fields - down * fields * (top + bottom)
    return (width, height) if 0 < width <= _SIDE_MOST and 0 < height <= _SIDE_MOST else None


class _Bits:
    """Reads bits of a NAL unit, which raises IndexError where there are no more."""

    def __init__(self, unit: bytes) -> None:
        # Bytes that keep start codes from appearing inside are no data (7.4.1.1).
        data = unit[:_SPS_MOST].replace(b"\0\0\x03", b"\0\0")
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def read(self, count: int) -> int:
        """A number of `count` bits."""
        if count > self._left:
            raise IndexError
        self._left -= count
        return self._value >> self._left & (1 << count) - 1

    def golomb(self) -> int:
        """A number in Exp-Golomb code (9.1), unsigned; of a signed one, its code."""
        zeros = 0
        while not self.read(1):
            zeros += 1
        if zeros > 32:
            raise IndexError
        return (1 << zeros) - 1 + self.read(zeros)


def _chroma(bits: _Bits) -> int:
    """The chroma format, and everything on to the frame numbers."""
    chroma = bits.golomb()
    if chroma == 3:
        bits.read(1)
    bits.golomb()  # bit depths
    bits.golomb()
    bits.read(1)
    if bits.read(1):
        for index in range(12 if chroma == 3 else 8):
            if bits.read(1):
                _skip_scaling(bits, 16 if index < 6 else 64)
    return chroma


def _skip_scaling(bits: _Bits, size: int) -> None:
    """7.3.2.1.1.1: a list ends where its next value is 0."""
    last = 8
    for _ in range(size):
        code = bits.golomb()
        last = (last + (code + 1 >> 1 if code & 1 else -(code >> 1))) & 255
        if not last:
            return


def _skip_order(bits: _Bits) -> None:
    """How many bits frame numbers have, and what tells the pictures' order."""
    bits.golomb()
    kind = bits.golomb()
    if kind == 0:
        bits.golomb()
    elif kind == 1:
        bits.read(1)
        bits.golomb()
        bits.golomb()
        for _ in range(min(bits.golomb(), 255)):
            bits.golomb()
