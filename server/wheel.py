"""One timer for all connections: a timer wheel with ticks of a second. Pure: the owner turns it.

A heap or a timer of the event loop per connection would be a push and a pop per connection and
interval; here a connection is put into the dictionary of the tick at which it is due.
"""

from typing import Protocol


class Timed(Protocol):
    """What can be put on the wheel. `due` belongs to the wheel."""

    due: int

    def on_timer(self, now: int) -> None:
        """The time has come. May put itself on the wheel again."""


class TimerWheel:
    """Calls `on_timer` of what is due, each thing at most once per putting.

    Attributes:
        now: ticks since the start, in seconds.
    """

    __slots__ = ("_slots", "now")

    def __init__(self) -> None:
        self.now = 0
        self._slots: dict[int, dict[Timed, None]] = {}

    def put(self, timed: Timed, seconds: int) -> None:
        """Let `timed` be due after so many ticks, at least one; an earlier putting is void."""
        self.remove(timed)
        timed.due = self.now + max(1, seconds)
        self._slots.setdefault(timed.due, {})[timed] = None

    def remove(self, timed: Timed) -> None:
        """Let `timed` be due no more. Idempotent."""
        slot = self._slots.get(timed.due)
        if slot is not None:
            slot.pop(timed, None)

    def turn(self) -> None:
        """A second has passed."""
        self.now += 1
        due = self._slots.get(self.now, {})
        while due:  # one at a time: it may remove or put others that are due now
            timed, _ = due.popitem()
            timed.on_timer(self.now)
        self._slots.pop(self.now, None)
