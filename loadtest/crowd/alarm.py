"""Rings at a time, to some microseconds.

The timers of uvloop, which are libuv's, are in milliseconds: a message that is due between two of
them would be late by half of one on average, before it has even been sent. Linux has timers that
are file descriptors (timerfd_create(2)), for which an event loop waits as for any other. Python has
them from 3.13 on; before, the C library is asked.
"""

import asyncio
import ctypes
import os
import time
from collections.abc import Callable, Iterator
from typing import Final

_ABSOLUTE: Final = 1  # TFD_TIMER_ABSTIME

# A sleeping process is some 40 us late, which is as much as an echo takes. Where there is time
# between two moments, the alarm is set so much earlier, and the rest is waited for awake: at 1,000
# a second that is a twentieth of a core. Where there is not, lateness is lost in what queues.
_EARLY: Final = 0.00008
_SPARSE: Final = 0.0005


class _Spec(ctypes.Structure):
    """struct itimerspec: an interval, which is not used, and a time."""

    _fields_ = [(name, ctypes.c_long) for name in ("every", "every_ns", "seconds", "nanoseconds")]


class Alarm:
    """One alarm, of time.monotonic(). Only the last time that was set counts.

    Args:
        ring: called at that time, or as soon after it as the event loop gets there.
    """

    def __init__(self, ring: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None
        self._library = ctypes.CDLL(None, use_errno=True)
        self._descriptor = -1
        if hasattr(self._library, "timerfd_create"):
            self._descriptor = self._library.timerfd_create(
                time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC
            )
        if self._descriptor >= 0:
            self._loop.add_reader(self._descriptor, self._wake)

    def set(self, at: float) -> None:
        """Ring at this time; at once where it has passed."""
        if self._descriptor < 0:
            self._set_timer(at)
            return
        seconds, rest = divmod(max(1, round(at * 1e9)), 1_000_000_000)  # 0 would disarm it
        spec = _Spec(0, 0, seconds, rest)
        if self._library.timerfd_settime(self._descriptor, _ABSOLUTE, ctypes.byref(spec), None):
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def close(self) -> None:
        """Ring no more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def _set_timer(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay = max(0.0, at - time.monotonic())
        self._timer = self._loop.call_later(delay, self._ring)

    def _wake(self) -> None:
        try:
            os.read(self._descriptor, 8)
        except BlockingIOError:
            return  # it was set anew meanwhile
        self._ring()


class Pacer:
    """Calls a function at each of many times: all that are overdue in one turn of the event loop.

    What falls due meanwhile waits for the next turn: with more to do than can be done, users are
    still heard between two turns.

    Args:
        times: ascending, of time.monotonic().
        call: gets the time that was due.
    """

    def __init__(self, times: Iterator[float], call: Callable[[float], None]) -> None:
        self._times = times
        self._call = call
        self._due = next(times, None)
        self._alarm = Alarm(self._ring)
        self._set(time.monotonic())

    def close(self) -> None:
        """Call no more."""
        self._due = None
        self._alarm.close()

    def _ring(self) -> None:
        now = time.monotonic()
        if self._due is not None and now < self._due <= now + _EARLY:
            while (now := time.monotonic()) < self._due:
                pass
        while self._due is not None and self._due <= now:
            due, self._due = self._due, next(self._times, None)
            self._call(due)
        self._set(now)

    def _set(self, now: float) -> None:
        if self._due is not None:
            self._alarm.set(self._due - _EARLY if self._due - now > _SPARSE else self._due)
