"""Everybody's timers, run by one timer of the event loop."""

import math
from collections.abc import Callable
from typing import Protocol

from media.timers import Timer, Timers


class Handle(Protocol):
    """A call that the loop will make."""

    def cancel(self) -> None:
        """Make it not."""


class Loop(Protocol):
    """What is needed of an event loop."""

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Handle:
        """Call something in so many seconds."""


class LoopTimers(Timers):
    """Timers that one timer of the event loop runs.

    Args:
        loop: the event loop.
        clock: whose seconds the timers are set in.
        ran: called after each time that some were due, with the time.
        fault: is told of an exception that one has raised, which is a bug; the others run.
    """

    def __init__(
        self,
        loop: Loop,
        *,
        clock: Callable[[], float],
        ran: Callable[[float], None],
        fault: Callable[[Exception], None],
    ) -> None:
        super().__init__()
        self._loop = loop
        self._clock = clock
        self._ran = ran
        self._fault = fault
        self._armed = math.inf  # when the loop's timer is due; -inf: nothing is to be armed
        self._handle: Handle | None = None

    def call_at(self, when: float, call: Callable[[float], None]) -> Timer:
        """Have `call` called with the time then."""
        timer = super().call_at(when, call)
        if when < self._armed:
            self._arm(when)
        return timer

    def close(self) -> None:
        """Run none any more."""
        self._armed = -math.inf
        if self._handle is not None:
            self._handle.cancel()

    def _arm(self, when: float) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._armed = when
        self._handle = self._loop.call_later(max(0.0, when - self._clock()), self._fire)

    def _fire(self) -> None:
        self._armed = -math.inf  # what is added now is seen below
        self._handle = None
        now = self._clock()
        while True:
            try:
                self.run(now)
                break
            except Exception as error:  # the timer is off the heap: the others' turn
                self._fault(error)
        self._ran(now)
        self._armed = math.inf
        due = self.next()
        if due is not None:
            self._arm(due)
