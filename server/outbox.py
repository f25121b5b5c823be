"""What waits to be written to the sockets.

Everything that is queued for a connection within a tick leaves in one write at the end of the tick:
fan-out of several rooms, answers, notices. `Tick` is the process's end of the tick, `Outbox` one
connection's queue.

A reader that is too slow is its own problem: past the hard bound its connection is closed with
`slow`, and the client resumes from its cursors. Nobody else waits for it, and nothing is lost.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from rooms.ports import WireFormat


class TickObserver(Protocol):
    """Is told of each tick in which something was written."""

    def flushed(self, seconds: float) -> None:
        """All writes of a tick took so long."""


class Tick:
    """The end of the event loop's tick, when everything that is queued is written.

    Args:
        loop: whose ticks.
        observer: is told how long the writes took.
    """

    __slots__ = ("_dirty", "_loop", "_observer", "_scheduled", "before", "bytes_out")

    def __init__(self, loop: asyncio.AbstractEventLoop, observer: TickObserver) -> None:
        self._loop = loop
        self._observer = observer
        self._dirty: list[Outbox] = []
        self._scheduled = False
        self.bytes_out = 0
        self.before: Callable[[], None] = lambda: None
        """Run first: it may queue more. The composition root sets it to the fan-out's flush."""

    def wake(self) -> None:
        """See to it that this tick ends with a flush."""
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self.flush)

    def add(self, outbox: "Outbox") -> None:
        """Let an outbox that has become non-empty be flushed at the end of this tick."""
        self._dirty.append(outbox)
        self.wake()

    def flush(self) -> None:
        """Write everything that is queued."""
        started = time.perf_counter()
        dirty: list[Outbox] = []
        try:
            self.before()
            dirty, self._dirty = self._dirty, []
            while dirty:
                dirty.pop().flush()
        finally:
            # After a bug, one connection's, the others' turn is the next tick; and so is that of
            # what was queued during the writes.
            self._dirty += dirty
            self._scheduled = False
            if self._dirty:
                self.wake()
        self._observer.flushed(time.perf_counter() - started)


def _forgotten() -> None:
    """A closed outbox cannot overflow."""


class Outbox:
    """One connection's queue of framed events, bounded in bytes. A rooms.ports.Receiver.

    Args:
        wire: the format that the connection negotiated.
        transport: of the connection.
        hard: bytes that may wait for a reader that does not keep up; 0: any number.
        overflowed: called once, when more than that wait.
    """

    __slots__ = (
        "_closed",
        "_hard",
        "_held",
        "_overflowed",
        "_paused",
        "_pending",
        "_tick",
        "_transport",
        "wire",
    )

    def __init__(
        self,
        wire: WireFormat,
        transport: asyncio.Transport,
        tick: Tick,
        *,
        hard: int,
        overflowed: Callable[[], None],
    ) -> None:
        self.wire = wire
        self._transport = transport
        self._tick = tick
        self._hard = hard
        self._overflowed = overflowed
        self._pending: list[bytes] = []
        self._held: int | None = None  # bytes, while live events are held; for good once closed
        self._paused: asyncio.Future[None] | None = None
        self._closed = False

    def enqueue(self, chunk: bytes) -> None:
        """Queue a chunk for the end of the tick."""
        if self._held is not None:
            self._hold_back(chunk)
            return
        if not self._pending:
            self._tick.add(self)
        self._pending.append(chunk)

    def deliver(self, chunk: bytes) -> None:
        """Write a chunk now, if nothing is queued that would have to go first; else queue it."""
        if self._pending or self._held is not None:
            self.enqueue(chunk)
            return
        self._transport.write(chunk)
        self._tick.bytes_out += len(chunk)
        if self._paused is not None:
            self.check()

    def offer(self, chunk: bytes) -> bool:
        """Queue a chunk of signs of life for the end of the tick, unless the reader is behind."""
        if self._paused is None and self._held is None:
            self.enqueue(chunk)
            return True
        return False

    def flush(self) -> None:
        """Write what is queued, unless it is held."""
        if self._held is None and self._pending:
            pending, self._pending = self._pending, []
            self.write(pending[0] if len(pending) == 1 else b"".join(pending))

    def write(self, chunk: bytes) -> None:
        """Write a chunk now, ahead of what is queued."""
        if self._closed:
            return
        self._transport.write(chunk)
        self._tick.bytes_out += len(chunk)
        self.check()

    def check(self) -> None:
        """Overflow if more than the hard bound waits in the transport."""
        # The transport says when it is over the soft bound; below it, asking for the size would
        # cost every write.
        if (
            self._paused is not None
            and self._hard
            and self._transport.get_write_buffer_size() > self._hard
        ):
            self._overflow()

    def hold(self) -> None:
        """Keep what is queued from now on until `release`; `write` still writes."""
        self._held = sum(map(len, self._pending))

    def release(self) -> None:
        """Let go what was held, at the end of this tick."""
        if self._closed:
            return
        self._held = None
        if self._pending:
            self._tick.add(self)

    def pause(self) -> None:
        """The transport's buffer is above the soft bound."""
        self._paused = asyncio.get_running_loop().create_future()

    def resume(self) -> None:
        """The transport's buffer has been written."""
        paused, self._paused = self._paused, None
        if paused is not None and not paused.done():
            paused.set_result(None)

    async def drained(self) -> None:
        """Wait until the transport's buffer is below the soft bound, or the connection is gone."""
        if self._paused is not None:
            await asyncio.shield(self._paused)

    def close(self) -> None:
        """Drop what is queued, and everything that will be."""
        self._closed = True
        self._held = 0
        self._pending.clear()
        self._overflowed = _forgotten  # it is the connection's, which has this outbox
        self.resume()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    @property
    def holding(self) -> bool:
        """Whether what is queued waits for `release`."""
        return self._held is not None and not self._closed

    @property
    def waiting(self) -> int:
        """Bytes that wait to be written."""
        buffered = 0 if self._closed else self._transport.get_write_buffer_size()
        return buffered + sum(map(len, self._pending))

    def _hold_back(self, chunk: bytes) -> None:
        if self._closed or self._held is None:
            return
        self._pending.append(chunk)
        self._held += len(chunk)
        if self._hard and self._held > self._hard:
            self._overflow()

    def _overflow(self) -> None:
        if not self._closed:
            self._overflowed()
