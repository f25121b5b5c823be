"""What a process of virtual users has seen since its last Tick: counts, latencies, wrongs.

A delivery is counted for hundreds of users who are told the same in one turn of the event loop.
Their moments are kept with the chunk (crowd/chunks.py), and counted together when the turn is over:
that costs 0.09 us each, and no one's latency has the counting of the others' in it.
"""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from loadtest.crowd.chunks import Chunk

FEW = 3  # violations of a kind that are told in words


def rounded(microseconds: int) -> int:
    """A latency to three digits, as HdrHistogram keeps it."""
    step = 1
    while microseconds >= 1000 * step:
        step *= 10
    return (microseconds + step // 2) // step * step


_TABLED = 100_000
_ROUNDED: Final = [rounded(microseconds) for microseconds in range(_TABLED)]


class Meter:
    """Counts, latencies and what must never be, of all users of a process.

    Args:
        late_ms: a delivery that takes longer is late.
        soon: calls a function when the present turn of the event loop is over.

    Attributes:
        counts, errors, latencies, violations, wrongs: see crowd/orders.py Tick. Whoever has told
            them calls `clear`.
    """

    __slots__ = (
        "_heard",
        "_late",
        "_soon",
        "_told",
        "counts",
        "errors",
        "latencies",
        "violations",
        "wrongs",
    )

    def __init__(self, *, late_ms: float, soon: Callable[[Callable[[], None]], object]) -> None:
        self._late = round(late_ms * 1e6)
        self._soon = soon
        self._heard: list[Chunk] = []
        self._told: Counter[str] = Counter()
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self.counts: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.latencies: dict[str, Counter[int]] = {}
        self.violations: list[str] = []
        self.wrongs: Counter[str] = Counter()

    def count(self, name: str, n: int = 1) -> None:
        """Something has happened, `n` times."""
        self.counts[name] += n

    def latency(self, kind: str, seconds: float, times: int = 1) -> None:
        """Something took so long, `times` times."""
        self._latencies(kind)[rounded(max(0, round(seconds * 1e6)))] += times

    def error(self, code: str) -> None:
        """An answer was an error."""
        self.errors[code] += 1

    def wrong(self, kind: str, words: str) -> None:
        """Something was as it must never be.

        Args:
            kind: `doubled`, `disordered`, `late` or `forged`.
            words: what and where; told for the first few.
        """
        self.wrongs[kind] += 1
        self.tell(kind, words)

    def tell(self, kind: str, words: str) -> None:
        """Say what is wrong in words, if few of the kind have been said."""
        if self._told[kind] < FEW:
            self._told[kind] += 1
            self.violations.append(f"{kind}: {words}")

    def delivery(self, due: int, now: int) -> None:
        """One user has heard a message.

        Args:
            due: when it was due, in nanoseconds.
            now: likewise.
        """
        if now - due > self._late:
            self._tell_late(1, now - due)
        self._latencies("delivery")[rounded((now - due) // 1000)] += 1

    def hears(self, chunk: "Chunk") -> None:
        """Users are about to hear a chunk, in this turn: count it when that is over."""
        if not self._heard:
            self._soon(self._count)
        self._heard.append(chunk)

    def _count(self) -> None:
        heard, self._heard = self._heard, []
        counts = self.counts
        for chunk in heard:
            moments, chunk.heard = chunk.heard, []
            users = len(moments)
            counts["bytes"] += users * chunk.size
            if chunk.dues:
                counts["delivered"] += users * chunk.messages
                self._deliveries(chunk.dues, moments)

    def _deliveries(self, dues: dict[int, int], moments: list[int]) -> None:
        latencies = self._latencies("delivery")
        # The moments are in order: who is last has waited longest.
        first, last = moments[0], moments[-1]
        later = [(now - first) // 1000 for now in moments]
        for due, times in dues.items():
            least = (first - due) // 1000
            if least + later[-1] < _TABLED:
                found = [_ROUNDED[least + more] for more in later]
            else:
                found = [rounded(least + more) for more in later]
            if times == 1:
                latencies.update(found)
            else:
                for microseconds in found:
                    latencies[microseconds] += times
            if last - due > self._late:
                late = sum(now - due > self._late for now in moments)
                self._tell_late(late * times, last - due)

    def _tell_late(self, times: int, worst: int) -> None:
        self.wrong("late", f"a message was heard {worst / 1e6:,.0f} ms after it was due.")
        self.wrongs["late"] += times - 1

    def _latencies(self, kind: str) -> Counter[int]:
        found = self.latencies.get(kind)
        if found is None:
            found = self.latencies[kind] = Counter()
        return found
