"""How one source is received: its sequence numbers, and what is lost (RFC 3550, A.1, A.3)."""

# Beyond: an outage, or an encoder that has begun anew (RFC 3550, A.1, MAX_DROPOUT).
MOST_AHEAD = 3000
# Retransmissions come up to a second late: of 40 Mbit/s that is this many (MAX_MISORDER is 100
# there, of a time before retransmission).
MOST_BEHIND = 4096
CYCLE = 0x10000


class Reception:
    """The sequence numbers of one SSRC.

    Args:
        sequence: of the first packet, which is still to be counted.

    Attributes:
        base: the first number.
        highest: the highest number so far: the 16 bits of the packet, and the cycles above; the
            first packet is in cycle 1, so that those it has overtaken have a number too.
        received: packets, duplicates included (A.3).
        jumped: the last packet was the second of two that are far from the others, one behind the
            other: the source has begun anew.
    """

    __slots__ = (
        "_expected_before",
        "_jump",
        "_received_before",
        "base",
        "highest",
        "jumped",
        "received",
    )

    def __init__(self, sequence: int) -> None:
        self.base = CYCLE + sequence
        self.highest = self.base - 1
        self.received = 0
        self.jumped = False
        self._jump = -1  # the number that would confirm a jump
        self._expected_before = 0
        self._received_before = 0

    def receive(self, sequence: int) -> int | None:
        """Count a packet.

        Args:
            sequence: 16 bits.

        Returns:
            Its number with cycles; None: it is far from the others, and not counted.
        """
        ahead = (sequence - self.highest) & 0xFFFF
        if ahead < MOST_AHEAD:
            self.received += 1
            self.highest += ahead
            return self.highest
        if ahead >= CYCLE - MOST_BEHIND:
            self.received += 1
            return self.highest + ahead - CYCLE
        self.jumped = sequence == self._jump
        self._jump = sequence + 1 & 0xFFFF
        return None

    def number(self, sequence: int) -> int | None:
        """What `receive` would say of a packet, without counting it."""
        ahead = (sequence - self.highest) & 0xFFFF
        if ahead < MOST_AHEAD:
            return self.highest + ahead
        return self.highest + ahead - CYCLE if ahead >= CYCLE - MOST_BEHIND else None

    @property
    def expected(self) -> int:
        """How many packets were sent, as far as is known."""
        return self.highest - self.base + 1

    @property
    def lost(self) -> int:
        """How many of them have not come; negative where there are duplicates."""
        return self.expected - self.received

    def fraction_lost(self) -> int:
        """Of those since the last call, in 256ths: for a report."""
        expected = self.expected - self._expected_before
        lost = expected - (self.received - self._received_before)
        self._expected_before = self.expected
        self._received_before = self.received
        return min(255, (lost << 8) // expected) if expected > 0 and lost > 0 else 0
