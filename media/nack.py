"""Packets that are missing, and when to ask for them again (RFC 4585, 6.2.1)."""

# Before the first request: a packet that was merely overtaken comes within a few milliseconds.
SETTLE_SECONDS = 0.005
# Between requests, while the round trip is not known; and at least, whatever it is.
RETRY_SECONDS = 0.1
RETRY_LEAST = 0.02
# After that nobody waits for the packet: a player's buffer holds less.
GIVE_UP_SECONDS = 1.0
TRIES = 10
# Of one layer: a gap that is longer is an outage, which a keyframe ends sooner than retransmission.
MOST = 1000
# Of a new measurement, as in RFC 6298.
ROUND_TRIP_GAIN = 0.125


class _Missing:
    __slots__ = ("asked", "due", "noticed", "tries")

    def __init__(self, now: float) -> None:
        self.noticed = now
        self.due = now + SETTLE_SECONDS
        self.asked = 0.0
        self.tries = 0


class NackList:
    """What is missing of a layer. By unwrapped sequence numbers.

    Attributes:
        round_trip: seconds from a request to the packet, smoothed; None: none was answered yet.
        given_up: how many packets have not come in time.
        recovered: how many have come after they were asked for.
    """

    __slots__ = ("_missing", "given_up", "recovered", "round_trip")

    def __init__(self) -> None:
        self._missing: dict[int, _Missing] = {}
        self.round_trip: float | None = None
        self.given_up = 0
        self.recovered = 0

    def __len__(self) -> int:
        return len(self._missing)

    def __contains__(self, sequence: int) -> bool:
        return sequence in self._missing

    def gap(self, start: int, stop: int, now: float) -> None:
        """Packets from `start` to before `stop` have not come, and later ones have.

        Of more than `MOST` the oldest are given up.
        """
        missing = self._missing
        self.given_up += max(0, stop - start - MOST)
        for sequence in range(max(start, stop - MOST), stop):
            missing[sequence] = _Missing(now)
        while len(missing) > MOST:
            del missing[next(iter(missing))]
            self.given_up += 1

    def arrived(self, sequence: int, now: float) -> bool:
        """A packet has come that is older than others; True: it was missing."""
        missing = self._missing.pop(sequence, None)
        if missing is None:
            return False
        if missing.tries:
            self.recovered += 1
        # Of several requests nobody knows which was answered (Karn's algorithm).
        if missing.tries == 1:
            sample = now - missing.asked
            known = self.round_trip
            self.round_trip = (
                sample if known is None else known + ROUND_TRIP_GAIN * (sample - known)
            )
        return True

    def due(self, now: float) -> list[int]:
        """Those to be asked for now, ascending; those that nobody waits for are given up."""
        wait = RETRY_SECONDS
        if self.round_trip is not None:
            # A quarter more: the answer to the last request may be on its way.
            wait = max(RETRY_LEAST, self.round_trip * 1.25)
        asked = []
        late = []
        for sequence, missing in self._missing.items():
            if missing.due > now:
                continue
            if missing.tries >= TRIES or now - missing.noticed >= GIVE_UP_SECONDS:
                late.append(sequence)
                continue
            missing.tries += 1
            missing.asked = now
            missing.due = now + wait
            asked.append(sequence)
        for sequence in late:
            del self._missing[sequence]
        self.given_up += len(late)
        asked.sort()
        return asked

    def next(self) -> float | None:
        """When `due` is to be called; None: nothing is missing."""
        return min((missing.due for missing in self._missing.values()), default=None)

    def clear(self) -> None:
        """The encoder began anew, or is not listened to: what was missing is not missed."""
        self._missing.clear()
