"""What transport-wide feedback tells a publisher: which packets came when (draft-holmer-01)."""

from media.twcc import TransportFeedback, feedbacks

# Of libwebrtc's 50 to 250 ms the middle; its estimate of the line gets no better below that.
EVERY_SECONDS = 0.1
# Waiting to be told, at most: 40 Mbit/s of packets in `EVERY_SECONDS`.
MOST_WAITING = 512
# Packets that are remembered, so that one that comes late is told of without the others being
# called lost.
REMEMBERED = 2048


class Arrivals:
    """Packets of one publisher, by their transport-wide numbers.

    Attributes:
        waiting: those that were not told of: the extension's value, and the arrival. Whoever adds
            one tells them all when there are `MOST_WAITING`.
    """

    __slots__ = ("_count", "_highest", "_seen", "_told", "waiting")

    def __init__(self) -> None:
        self.waiting: list[tuple[bytes, float]] = []
        self._seen: dict[int, float] = {}
        self._highest = -1  # unwrapped, as are all that follow
        self._told = 0
        self._count = 0

    def told(self, sender: int, media: int) -> list[TransportFeedback]:
        """Tell of those that wait.

        Args:
            sender: our SSRC.
            media: one of the publisher's.
        """
        waiting, self.waiting = self.waiting, []
        lowest = self._taken(waiting)
        if lowest is None:
            return []
        highest = self._highest
        # Told again from the lowest that is new: a number between that and what was told of would
        # be called lost if it were left out.
        base = max(min(lowest, self._told), highest - REMEMBERED + 1)
        seen = self._seen
        arrivals = [seen.get(sequence) for sequence in range(base, highest + 1)]
        self._told = highest + 1
        messages = feedbacks(sender, media, self._count, base & 0xFFFF, arrivals)
        self._count = self._count + len(messages) & 255
        if len(seen) > 2 * REMEMBERED:
            oldest = highest - REMEMBERED
            self._seen = {number: at for number, at in seen.items() if number > oldest}
        return messages

    def _taken(self, waiting: list[tuple[bytes, float]]) -> int | None:
        """Remember them; the lowest that is new."""
        seen = self._seen
        highest = self._highest
        lowest = None
        for value, arrival in waiting:
            if len(value) < 2:
                continue
            number = value[0] << 8 | value[1]
            if highest < 0:
                highest = self._told = 0x10000 + number
            ahead = (number - highest + 0x8000 & 0xFFFF) - 0x8000
            sequence = highest + ahead
            if ahead > 0:
                highest = sequence
            elif ahead <= -REMEMBERED:
                continue  # told of, or given up by the sender, long ago
            if sequence not in seen:
                seen[sequence] = arrival
                if lowest is None or sequence < lowest:
                    lowest = sequence
        self._highest = highest
        return lowest
