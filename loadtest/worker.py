"""Another process that does what it is told: a line of JSON in, a line of JSON out.

async with started("loadtest.live.viewers") as worker:
    outcome = await worker.ask(Join(...), Seen)
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
import uvloop

from loadtest.swarm import Violation

Outcome = TypeVar("Outcome")

_LINE_BYTES = 1 << 26
_END_SECONDS = 20


class Worker:
    """The parent's side. Made by `started`.

    Attributes:
        pid: of the process.
    """

    def __init__(self, process: asyncio.subprocess.Process, module: str) -> None:
        self._process = process
        self._module = module
        self.pid = process.pid

    async def ask(self, command: msgspec.Struct, outcome: type[Outcome]) -> Outcome:
        """Have it do something, and wait until that is done.

        Raises:
            Violation: it has ended instead; why, it has said on standard error.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(command) + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise Violation(f"{self._module} has ended.")
        return msgspec.json.decode(line, type=outcome)


@asynccontextmanager
async def started(module: str) -> AsyncIterator[Worker]:
    """Start a module that calls `work`; on exit its input ends, and it does."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE_BYTES,
        # Out of reach of the terminal's Ctrl-C, which is the parent's to answer.
        start_new_session=True,
    )
    try:
        yield Worker(process, module)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(_END_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def work(
    commands: Any,
    do: Callable[[Any], Awaitable[msgspec.Struct]],
    end: Callable[[], Awaitable[None]],
) -> None:
    """The worker's side: do what comes until nothing does.

    Args:
        commands: their types, tagged.
        do: one of them.
        end: called when there are no more.
    """
    decode = msgspec.json.Decoder(commands).decode

    async def run() -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_LINE_BYTES)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            outcome = await do(decode(line))
            sys.stdout.buffer.write(msgspec.json.encode(outcome) + b"\n")
            sys.stdout.buffer.flush()
        await end()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
