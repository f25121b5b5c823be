"""Reading no more from a connection than it may send.

Beyond its bytes a connection is not read for a while. TCP lets the peer wait then, and nobody else:
what it sends stays in its own socket. It is not closed, as nothing is wrong: a limit on bytes is a
speed, like that of a slower network.
"""

import asyncio
from math import ceil

from server.allowance import Allowance
from server.wheel import TimerWheel

# So many bytes are paid for at a time: at every read, that would cost 0.2 us each. A connection
# that has never sent as many has no meter, which saves 250 bytes.
PAY_BYTES = 16_384


class ReadMeter:
    """A connection's. It is on the wheel (server.wheel.Timed) while the connection is paused.

    Args:
        allowance: pays.
        transport: is paused.
        wheel: ends pauses.

    Attributes:
        paused: whether the connection is not being read.
        resumed: the wheel's time at which the last pause ended.
    """

    __slots__ = ("_allowance", "_transport", "_wheel", "due", "paused", "resumed")

    def __init__(
        self, allowance: Allowance, transport: asyncio.Transport, wheel: TimerWheel
    ) -> None:
        self._allowance = allowance
        self._transport = transport
        self._wheel = wheel
        self.due = 0  # of the wheel
        self.paused = False
        self.resumed = 0

    def pay(self, size: int) -> None:
        """Pay for bytes that were read, and pause if it was too much."""
        wait = self._allowance.spend(size)
        if wait and not self.paused and not self._transport.is_closing():
            self.paused = True
            self._transport.pause_reading()
            # In whole seconds. What a pause is too short or too long by evens out: debts stay, and
            # so does what was saved.
            self._wheel.put(self, ceil(wait))

    def on_timer(self, now: int) -> None:
        """The pause is over."""
        self.paused = False
        self.resumed = now
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def stop(self) -> None:
        """The connection is gone."""
        self._wheel.remove(self)
