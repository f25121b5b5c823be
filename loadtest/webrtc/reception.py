"""One source as it comes in: statistics (RFC 3550, A.1, A.3, A.8), and what is missing."""

from aiortc.rtp import RtcpReceiverInfo, clamp_packets_lost

from loadtest.webrtc.rtp import unwrap

# As libwebrtc's nack_requester has them.
TRIES_MOST = 10
ROUND_TRIP = 0.1  # as long as none is known
ROUND_TRIP_LEAST = 0.02
MISSING_MOST = 1_000
_REMEMBERED = 1 << 12


class Reception:
    """Packets of one SSRC.

    Args:
        clock_rate: of its timestamps.
        sequence: of the first packet.
        patience: seconds for which a missing packet is asked for.

    Attributes:
        highest: the unwrapped number of the newest packet.
        received: packets, without those that came twice.
        duplicates: that came twice.
        repaired: that came by retransmission.
        asked: numbers that were asked for, repetitions included.
        sender_report: (ntp, timestamp, when it came) of the last one.
    """

    def __init__(self, ssrc: int, clock_rate: int, sequence: int, patience: float) -> None:
        self._ssrc = ssrc
        self._clock_rate = clock_rate
        self._patience = patience
        self._first = sequence
        self.highest = sequence - 1
        self.received = 0
        self.duplicates = 0
        self.repaired = 0
        self.asked = 0
        self.sender_report: tuple[int, int, float] | None = None
        self._seen: dict[int, None] = {}
        # Number -> when it was missed first, when it was last asked for, how often.
        self._missing: dict[int, tuple[float, float, int]] = {}
        self._transit: float | None = None
        self._jitter = 0.0
        self._prior = (0, 0)

    @property
    def is_waiting(self) -> bool:
        """Whether something is missing that may still come."""
        return bool(self._missing)

    @property
    def expected(self) -> int:
        """Packets from the first to the newest."""
        return self.highest - self._first + 1

    def add(self, sequence: int, timestamp: int, now: float) -> int | None:
        """A packet has come by itself.

        Returns:
            Its number, unwrapped; None: it was there already.
        """
        number = unwrap(sequence, max(self.highest, self._first))
        transit = now * self._clock_rate - timestamp
        if self._transit is not None:
            # Timestamps wrap; a difference that large is no jitter.
            change = abs(transit - self._transit)
            if change < self._clock_rate * 10:
                self._jitter += (change - self._jitter) / 16
        self._transit = transit
        for missed in range(self.highest + 1, number)[-MISSING_MOST:]:
            self._missing[missed] = (now, 0.0, 0)
        return self._note(number)

    def repair(self, sequence: int) -> int | None:
        """A packet has come by retransmission.

        Returns:
            Its number, unwrapped; None: it was there already.
        """
        number = self._note(unwrap(sequence, max(self.highest, self._first)))
        if number is not None:
            self.repaired += 1
        return number

    def wanted(self, now: float, round_trip: float | None) -> list[int]:
        """The numbers to ask for now, of 16 bits, in order; what is too old is given up."""
        interval = max(round_trip or ROUND_TRIP, ROUND_TRIP_LEAST)
        found = []
        for number, (since, last, tries) in list(self._missing.items()):
            if tries >= TRIES_MOST or now - since > self._patience:
                del self._missing[number]
            elif not tries or now - last >= interval:
                self._missing[number] = (since, now, tries + 1)
                found.append(number & 0xFFFF)
        self.asked += len(found)
        return found

    def forget(self, before: int) -> None:
        """Nobody needs what is missing below this number."""
        for number in [number for number in self._missing if number < before]:
            del self._missing[number]

    def report(self, now: float) -> RtcpReceiverInfo:
        """The block of a receiver report. Retransmissions count as received, as everywhere."""
        expected, received = self.expected, self.received
        interval = expected - self._prior[0]
        lost = max(0, interval - (received - self._prior[1]))
        self._prior = (expected, received)
        lsr = dlsr = 0
        if self.sender_report is not None:
            ntp, _, came = self.sender_report
            lsr, dlsr = ntp >> 16 & 0xFFFFFFFF, int((now - came) * 65_536) & 0xFFFFFFFF
        return RtcpReceiverInfo(
            ssrc=self._ssrc,
            fraction_lost=min(255, 256 * lost // interval) if interval > 0 else 0,
            packets_lost=clamp_packets_lost(expected - received),
            highest_sequence=self.highest & 0xFFFFFFFF,
            jitter=int(self._jitter) & 0xFFFFFFFF,
            lsr=lsr,
            dlsr=dlsr,
        )

    def _note(self, number: int) -> int | None:
        self._missing.pop(number, None)
        if number in self._seen:
            self.duplicates += 1
            return None
        self._seen[number] = None
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        self._first = min(self._first, number)
        self.highest = max(self.highest, number)
        self.received += 1
        return number
