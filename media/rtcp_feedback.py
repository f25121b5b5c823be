"""Feedback about packets and pictures: NACK and PLI (RFC 4585), FIR (RFC 5104)."""

from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct

from media.rtcp_header import FEEDBACK, PAYLOAD_FEEDBACK, TRANSPORT_FEEDBACK, feedback

# Formats of transport layer and of payload-specific feedback.
NACK = 1
PICTURE_LOSS = 1
FULL_INTRA_REQUEST = 4

_LOST = Struct("!HH")
_REQUEST = Struct("!IB3x")
# What one packet may ask for, so that asking stays cheap: 1,200 bytes hold fewer pairs.
_MOST_PAIRS = 300


@dataclass(frozen=True, slots=True)
class Nack:
    """Packets that are missing (RFC 4585, 6.2.1).

    Attributes:
        sender: who misses them.
        media: the SSRC that sent them.
        lost: sequence numbers, each once, in the order of the packet.
    """

    sender: int
    media: int
    lost: tuple[int, ...]

    @classmethod
    def parse(cls, body: bytes) -> "Nack | None":
        """Of a feedback packet's body; None: it is too short."""
        if len(body) < 8:
            return None
        sender, media = FEEDBACK.unpack_from(body)
        lost: dict[int, None] = {}
        for offset in range(8, min(len(body) - 3, 8 + 4 * _MOST_PAIRS), 4):
            sequence, mask = _LOST.unpack_from(body, offset)
            lost[sequence] = None
            while mask:
                bit = mask & -mask
                lost[sequence + bit.bit_length() & 0xFFFF] = None
                mask ^= bit
        return cls(sender, media, tuple(lost))

    def __bytes__(self) -> bytes:
        pairs = b"".join(_LOST.pack(*pair) for pair in _pairs(self.lost))
        return feedback(TRANSPORT_FEEDBACK, NACK, self.sender, self.media, pairs)


def _pairs(lost: Iterable[int]) -> list[tuple[int, int]]:
    """Sequence numbers with a mask of the 16 behind them. Ascending ones need the fewest."""
    pairs: list[tuple[int, int]] = []
    for sequence in lost:
        if pairs:
            first, mask = pairs[-1]
            distance = sequence - first & 0xFFFF
            if distance <= 16:
                if distance:
                    pairs[-1] = first, mask | 1 << distance - 1
                continue
        pairs.append((sequence, 0))
    return pairs


@dataclass(frozen=True, slots=True)
class PictureLoss:
    """The picture cannot be decoded any more: a keyframe, please (RFC 4585, 6.3.1)."""

    sender: int
    media: int

    @classmethod
    def parse(cls, body: bytes) -> "PictureLoss | None":
        """Of a feedback packet's body; None: it is too short."""
        return cls(*FEEDBACK.unpack_from(body)) if len(body) >= 8 else None

    def __bytes__(self) -> bytes:
        return feedback(PAYLOAD_FEEDBACK, PICTURE_LOSS, self.sender, self.media, b"")


@dataclass(frozen=True, slots=True)
class FullIntraRequest:
    """A keyframe, please (RFC 5104, 4.3.1).

    Attributes:
        requests: SSRC and command number of each; a number that was there before is a repetition.
    """

    sender: int
    requests: tuple[tuple[int, int], ...]

    @classmethod
    def parse(cls, body: bytes) -> "FullIntraRequest | None":
        """Of a feedback packet's body; None: it is too short."""
        if len(body) < 8:
            return None
        requests = tuple(
            _REQUEST.unpack_from(body, offset) for offset in range(8, len(body) - 7, 8)
        )
        return cls(FEEDBACK.unpack_from(body)[0], requests)

    def __bytes__(self) -> bytes:
        # The SSRC of the media is not used, and 0 (RFC 5104, 4.3.1.2).
        requests = b"".join(_REQUEST.pack(ssrc, number & 255) for ssrc, number in self.requests)
        return feedback(PAYLOAD_FEEDBACK, FULL_INTRA_REQUEST, self.sender, 0, requests)
