"""A process of virtual users: `python -m loadtest.crowd.process`.

crowd/orders.py says what it hears and says, a line of JSON each, on standard input and output. The
end of its input is its end.
"""

import asyncio
import gc
import resource
import sys
import time

import msgspec
import uvloop

from loadtest.crowd.crowd import Crowd
from loadtest.crowd.orders import Begin, Enlist, Enlisted, Halt, Order, Settle, Word

_LINE_BYTES = 1 << 28
# A collection walks all users: with so many objects between two of them, it is a rare pause. What
# goes round in circles here is little, and there is none of it in what is done for a message.
_COLLECT_AFTER = 200_000

_decode = msgspec.json.Decoder(Order).decode


class Failed(Exception):
    """It cannot go on; the text says why."""


class _Outlet(asyncio.BaseProtocol):
    """Standard output: what the harness has not read yet waits, and the users do not."""

    def __init__(self) -> None:
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_lost(self, _error: Exception | None) -> None:
        self.closed.set_result(None)


class _Process:
    """What it is told, it does.

    Args:
        output: standard output.
    """

    def __init__(self, output: asyncio.WriteTransport) -> None:
        self._output = output
        self._crowd: Crowd | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._ramp = 0.0

    async def obey(self, order: Order) -> None:
        """Do as told.

        Raises:
            Failed: that is not possible.
        """
        if isinstance(order, Enlist):
            await self._enlist(order)
        elif self._crowd is None:
            raise Failed("Enlist has to come first.")
        elif isinstance(order, Begin):
            gc.freeze()
            self._crowd.begin(order.at)
            # A second ends when the ramp does: what is measured begins with a whole one.
            begin = order.at - (-self._ramp) % 1
            self._ticking = asyncio.ensure_future(self._tick(self._crowd, begin))
        elif isinstance(order, Halt):
            halted = await self._crowd.halt()
            if self._ticking is not None:
                self._ticking.cancel()
            self._say(halted)
        elif isinstance(order, Settle):
            self._say(await self._crowd.settle(order.acknowledged))

    async def end(self) -> None:
        """There are no more orders."""
        if self._ticking is not None:
            self._ticking.cancel()
        if self._crowd is not None:
            await self._crowd.close()

    async def _enlist(self, order: Enlist) -> None:
        try:
            self._crowd = Crowd(order)
            await self._crowd.prepare()
            self._ramp = 0.0 if order.scenario.stages else order.scenario.load.ramp
        except (OSError, ValueError) as error:
            raise Failed(f"{order.url} cannot be reached: {error}") from error
        self._say(Enlisted())

    async def _tick(self, crowd: Crowd, at: float) -> None:
        second = 0
        while True:
            second = max(second + 1, int(time.monotonic() - at) + 1)
            await asyncio.sleep(max(0.0, at + second - time.monotonic()))
            self._say(crowd.tick())

    def _say(self, word: Word) -> None:
        self._output.write(msgspec.json.encode(word) + b"\n")


async def _run() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_LINE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    output, outlet = await loop.connect_write_pipe(_Outlet, sys.stdout)
    process = _Process(output)
    try:
        while line := await reader.readline():
            order = _decode(line)
            await process.obey(order)
            if isinstance(order, Settle):
                break
        await process.end()
    finally:
        output.close()
        await outlet.closed


def main() -> None:
    """Run until there are no more orders."""
    gc.set_threshold(_COLLECT_AFTER)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run())
    except Failed as failure:
        sys.exit(str(failure))


if __name__ == "__main__":
    main()
