"""Everything that is to happen later, for one timer of the event loop."""

import heapq
from collections.abc import Callable
from itertools import count


class Timer:
    """Something that is to happen; `cancel` it, and it does not.

    Attributes:
        when: in seconds, of the clock that `Timers.run` is called with.
    """

    __slots__ = ("call", "when")

    def __init__(self, when: float, call: Callable[[float], None]) -> None:
        self.when = when
        self.call: Callable[[float], None] | None = call

    def cancel(self) -> None:
        """Forget it. Has no effect on one that has happened."""
        self.call = None


class Timers:
    """A heap of timers. Pure: whoever has the clock asks `next` and calls `run`.

    A cancelled timer stays in the heap until its time, which is at most some seconds here.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = count()  # timers of one moment run as they were made

    def call_at(self, when: float, call: Callable[[float], None]) -> Timer:
        """Have `call` called with the time then.

        Args:
            when: seconds, of the clock that `run` is called with.
        """
        timer = Timer(when, call)
        heapq.heappush(self._heap, (when, next(self._order), timer))
        return timer

    def next(self) -> float | None:
        """When `run` is to be called next; None: there is nothing to wait for."""
        while self._heap and self._heap[0][2].call is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def run(self, now: float) -> None:
        """Call what is due. What that adds for a time that has come is called too."""
        while self._heap and self._heap[0][0] <= now:
            timer = heapq.heappop(self._heap)[2]
            call, timer.call = timer.call, None
            if call is not None:
                call(now)
