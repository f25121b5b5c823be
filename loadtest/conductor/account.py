"""What the processes of virtual users tell, put together: second by second, and for the whole run.

What is measured is the time after the ramp. The last answers come after that time. They belong to
what fell due in it, so they are among its latencies and totals; rates are of the time itself.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from loadtest import latencies
from loadtest.crowd.orders import Tick
from loadtest.report.model import Moment

# Seconds by which processes may tell of the same second apart from each other.
_APART = 0.5
# How words about it begin.
_LATE = "late:"


class Window(NamedTuple):
    """A time: seconds since the beginning."""

    begin: float
    end: float

    def has(self, begin: float, end: float) -> bool:
        """Whether the middle of a span is in it, of which all beyond its own end is nothing."""
        return self.begin < (begin + min(end, self.end)) / 2 < self.end


class Second(NamedTuple):
    """What a process did in a second, or in as long as it took to say so.

    Attributes:
        begin: of it.
        tick: what it told.
        end: of all that is done: what was told after it is of the time before.
    """

    begin: float
    tick: Tick
    end: float

    @property
    def seconds(self) -> float:
        """How long that was."""
        end = self.tick.at if self.begin >= self.end else min(self.tick.at, self.end)
        return max(end - self.begin, 1e-3)


class Account:
    """All that was told.

    Args:
        processes: how many tell.
        window: what is measured.

    Attributes:
        moments: the seconds that all of them have told.
    """

    def __init__(self, processes: int, window: Window) -> None:
        self.window = window
        self.moments: list[Moment] = []
        self._told: list[list[Second]] = [[] for _ in range(processes)]
        self._rests: list[Tick] = []
        self._shown = [0] * processes

    def tick(self, process: int, tick: Tick) -> Moment | None:
        """A second of a process.

        Returns:
            The second of all of them, if this was the last one to tell its own. Of a process that
            could not tell each second it has all that it told at once.
        """
        told = self._told[process]
        told.append(Second(told[-1].tick.at if told else 0.0, tick, self.window.end))
        until = self.told_until + _APART
        news = [
            [second for second in told[shown:] if second.tick.at < until]
            for told, shown in zip(self._told, self._shown, strict=True)
        ]
        if not all(news):
            return None
        self._shown = [shown + len(new) for shown, new in zip(self._shown, news, strict=True)]
        moment = _moment(news)
        self.moments.append(moment)
        return moment

    def rest(self, tick: Tick) -> None:
        """What came after the last second of a process."""
        self._rests.append(tick)

    @property
    def told_until(self) -> float:
        """Up to when all of them have told what they did."""
        return min((told[-1].tick.at if told else 0.0) for told in self._told)

    def latencies(self) -> dict[str, Counter[int]]:
        """Kind -> microseconds -> how often, of what was measured."""
        return latencies.added(tick.latencies for tick in self._measured())

    def totals(self) -> Counter[str]:
        """Of what was measured."""
        return _sum(tick.counts for tick in self._measured())

    def counts(self, window: Window) -> Counter[str]:
        """Of a time."""
        return _sum(second.tick.counts for second in self._in(window))

    def rates(self, window: Window) -> dict[str, float]:
        """Of a time, a second."""
        return _rates([self._of(told, window) for told in self._told])

    def errors(self) -> Counter[str]:
        """Answers that were errors, of the whole run, by code."""
        return _sum(tick.errors for tick in self._all())

    def wrong(self) -> Counter[str]:
        """What must not be, of the whole run, by kind."""
        return _sum(tick.wrong for tick in self._all())

    def violations(self) -> list[str]:
        """What must never be, in words. To be late is not among it: thresholds say how late."""
        words = (words for tick in self._all() for words in tick.violations)
        return [one for one in words if not one.startswith(_LATE)]

    def counts_of_all(self) -> Counter[str]:
        """Of the whole run, with ramp and end."""
        return _sum(tick.counts for tick in self._all())

    def users_at(self, at: float) -> int:
        """How many were connected at a moment."""
        return next((one.users for one in reversed(self.moments) if one.at < at + 0.5), 0)

    def clients_cpu(self) -> float | None:
        """Of the busiest process, in the measured time: share of a core."""
        shares = [_cpu(seconds) for told in self._told if (seconds := self._of(told, self.window))]
        return max(shares, default=None)

    def _measured(self) -> list[Tick]:
        measured = [second.tick for second in self._in(self.window)]
        # Who waited longest is answered after the end: without them the rest would look better
        # than it was.
        after = [
            second.tick for told in self._told for second in told if second.begin >= self.window.end
        ]
        return [*measured, *after, *self._rests] if measured else []

    def _all(self) -> list[Tick]:
        return [second.tick for told in self._told for second in told] + self._rests

    def _in(self, window: Window) -> Iterator[Second]:
        for told in self._told:
            yield from self._of(told, window)

    def _of(self, told: Sequence[Second], window: Window) -> list[Second]:
        return [second for second in told if window.has(second.begin, second.tick.at)]


def _moment(news: list[list[Second]]) -> Moment:
    ticks = [second.tick for told in news for second in told]
    return Moment(
        at=max(tick.at for tick in ticks),
        users=sum(told[-1].tick.users for told in news),
        rates=_rates(news),
        errors=_rates(news, errors=True),
        latencies={
            kind: latencies.of_a_second(counts)
            for kind, counts in latencies.added(tick.latencies for tick in ticks).items()
        },
        clients_cpu=max(_cpu(told) for told in news),
    )


def _rates(news: Iterable[Sequence[Second]], *, errors: bool = False) -> dict[str, float]:
    """Each process's own by the time that it took, added up."""
    rates: dict[str, float] = {}
    for told in news:
        seconds = sum(second.seconds for second in told)
        ticks = (second.tick for second in told)
        for name, number in _sum(tick.errors if errors else tick.counts for tick in ticks).items():
            rates[name] = rates.get(name, 0.0) + number / seconds
    return rates


def _sum(counts: Iterable[dict[str, int]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for one in counts:
        found.update(one)
    return found


def _cpu(told: Sequence[Second]) -> float:
    """The mean of a process."""
    seconds = sum(second.seconds for second in told)
    return sum(second.tick.cpu * second.seconds for second in told) / seconds
