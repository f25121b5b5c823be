"""Whether the process is behind, so that newcomers would only make it worse. Pure.

Who is connected already goes on; who is not comes back a little later, when hello can be answered
in a reasonable time. Each signal has two thresholds: with one alone, the first newcomer after the
relief would bring the trouble back, and the answer would flicker.
"""

MEASUREMENTS = 2  # of the loop's lag: a single one is a hiccup, such as a large page of history


class Signal:
    """Something that is measured, and is trouble from `high` on until it is below `low` again.

    Args:
        high: 0: never trouble.
        low: by default half of it.
    """

    __slots__ = ("_high", "_low", "trouble")

    def __init__(self, high: float, low: float | None = None) -> None:
        self._high = high
        self._low = high / 2 if low is None else low
        self.trouble = False

    def see(self, value: float) -> bool:
        """Take a measurement; return whether there is trouble."""
        if not self._high:
            return False
        self.trouble = value > (self._low if self.trouble else self._high)
        return self.trouble


class Pressure:
    """Judges the process by three signals.

    Args:
        loop_lag: seconds by which the event loop may be late.
        queue: events that the log can queue; half of them are too many.
        arriving: hellos that may be under way.
    """

    def __init__(self, *, loop_lag: float, queue: int, arriving: int) -> None:
        self._lag = Signal(loop_lag)
        self._queue = Signal(queue / 2)
        self._arriving = Signal(arriving)
        self._lags = [0.0] * MEASUREMENTS

    def lagged(self, seconds: float) -> None:
        """The event loop was late by so much."""
        self._lags = [*self._lags[1:], seconds]
        # All of the last ones must be high for trouble, and low for its end.
        self._lag.see(max(self._lags) if self._lag.trouble else min(self._lags))

    def trouble(self, *, queued: int, arriving: int) -> str | None:
        """What the process is behind with, in a word; None: with nothing.

        Args:
            queued: events that wait in the log's queue.
            arriving: hellos that are under way.
        """
        # All of them are asked, so that each knows whether its trouble is over.
        queue, crowd = self._queue.see(queued), self._arriving.see(arriving)
        if self._lag.trouble:
            return "lag"
        if queue:
            return "queue"
        return "arriving" if crowd else None
