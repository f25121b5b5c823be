"""Receiver estimated maximum bitrate (draft-alvestrand-rmcat-remb-03)."""

from dataclasses import dataclass
from struct import Struct

from media.rtcp_header import FEEDBACK, PAYLOAD_FEEDBACK, WORD, feedback

# Application layer feedback, a format of payload-specific feedback (RFC 4585, 6.4).
APPLICATION = 15
NAME = b"REMB"
# Six bits of exponent, 18 of mantissa.
_MANTISSA = 0x3FFFF
_BITRATE_MOST = _MANTISSA << 63
_RATE = Struct("!4sI")


@dataclass(frozen=True, slots=True)
class Remb:
    """How much the receiver believes to get through, all sources together.

    Attributes:
        bitrate: in bits per second; written it loses what 18 bits of precision do not hold.
        ssrcs: the sources that it is about, 255 at most.
    """

    sender: int
    bitrate: int
    ssrcs: tuple[int, ...]

    @classmethod
    def parse(cls, body: bytes) -> "Remb | None":
        """Of a feedback packet's body; None: it is something else of an application, or broken."""
        if len(body) < 16:
            return None
        name, rate = _RATE.unpack_from(body, 8)
        count = rate >> 24
        if name != NAME or len(body) < 16 + 4 * count:
            return None
        bitrate = (rate & _MANTISSA) << (rate >> 18 & 63)
        ssrcs = tuple(WORD.unpack_from(body, 16 + 4 * index)[0] for index in range(count))
        return cls(FEEDBACK.unpack_from(body)[0], bitrate, ssrcs)

    def __bytes__(self) -> bytes:
        mantissa = max(0, min(self.bitrate, _BITRATE_MOST))
        exponent = max(0, mantissa.bit_length() - 18)
        mantissa >>= exponent
        rate = _RATE.pack(NAME, len(self.ssrcs) << 24 | exponent << 18 | mantissa)
        # The SSRC of the media is always 0 (2.2).
        control = rate + b"".join(map(WORD.pack, self.ssrcs))
        return feedback(PAYLOAD_FEEDBACK, APPLICATION, self.sender, 0, control)
