"""What is sent again, and how often: RTX (RFC 4588) where it was agreed upon."""

from collections import OrderedDict
from struct import Struct

from media.description import Codec, Section
from media.rtp import RTX_BYTES

# A packet asked for again within this, or within the round trip, has just been sent again.
LEAST_WAIT = 0.02
# Packets whose last retransmission is remembered.
REMEMBERED = 1024

# Bytes of retransmissions for one subscription: at once, and a second. A tenth of 40 Mbit/s; who
# asks for more than that is not helped by sending more.
ALLOWANCE = 512 * 1024
ALLOWANCE_A_SECOND = 512 * 1024

_ORIGINAL = Struct("!H")
assert _ORIGINAL.size == RTX_BYTES


def may_vary(section: Section) -> bool:
    """Whether what is different each time a packet is sent may be in its header extension.

    Not where packets are sent again under their own numbers (see `media.extension_block`).
    """
    return not any(repeats(codec, section) for codec in section.codecs)


def repeats(codec: Codec, section: Section) -> bool:
    """Whether a codec's packets are sent again under their own numbers: NACK without RTX."""
    return "nack" in codec.feedback and not has_rtx(codec, section)


def has_rtx(codec: Codec, section: Section) -> bool:
    """Whether a codec's packets are sent again on an SSRC of retransmissions."""
    return codec.rtx is not None and section.rtx_ssrc != 0


class Retransmission:
    """Judges requests of one subscription, and numbers its retransmissions.

    Attributes:
        next_sequence: of the next packet on the SSRC of retransmissions.
    """

    __slots__ = ("_allowance", "_at", "_sent", "next_sequence")

    def __init__(self, section: Section) -> None:
        self.next_sequence = section.rtx_ssrc & 0x7FFF
        self._sent: OrderedDict[int, float] = OrderedDict()
        self._allowance = float(ALLOWANCE)
        self._at = 0.0

    def allows(self, sequence: int, size: int, now: float, round_trip: float | None) -> bool:
        """Whether to send a packet again, which is then noted as sent.

        Args:
            sequence: its outgoing number.
            size: of its payload.
            round_trip: to the viewer, in seconds; None: not known.
        """
        sent = self._sent.get(sequence)
        # One and a half round trips less than its own would be too late to help.
        if sent is not None and now - sent < max(LEAST_WAIT, (round_trip or 0.0) * 0.8):
            return False
        gained = (now - self._at) * ALLOWANCE_A_SECOND
        self._allowance = min(ALLOWANCE, self._allowance + gained)
        self._at = now
        if size > self._allowance:
            return False
        self._allowance -= size
        self._sent[sequence] = now
        self._sent.move_to_end(sequence)
        if len(self._sent) > REMEMBERED:
            self._sent.popitem(last=False)
        return True

    def number(self) -> int:
        """The number of a retransmission that is made now."""
        sequence = self.next_sequence
        self.next_sequence += 1
        return sequence


def with_original(sequence: int, payload: bytes) -> bytes:
    """The payload of a retransmission: what it repeats, and the payload of that."""
    return _ORIGINAL.pack(sequence & 0xFFFF) + payload
