"""The processes that convert, seen from the server: started, asked, killed."""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import msgspec
import structlog

import server
from server.conversion.order import Order, Outcome, Refused
from server.conversion.worker import LENGTH, framed

logger = structlog.get_logger(__name__)

PATIENCE = 5.0  # seconds beyond the time after which a worker ends a conversion itself

# Nothing of ours: neither a password of the database nor a key of the object store.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(server.__file__).parent.parent)}


class ConverterLost(Exception):
    """The process that was to convert has ended. Another one may do it."""


class Workers:
    """Converts files, so many at a time; the others wait.

    Args:
        count: processes. They are started when they are needed.
    """

    def __init__(self, count: int) -> None:
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._free = asyncio.Semaphore(count)
        self._closed = False

    async def convert(self, order: Order) -> Outcome:
        """Convert a file. Whatever becomes of the process, its time is bounded.

        Raises:
            ConverterLost: try again.
        """
        async with self._free:
            if self._closed:
                raise ConverterLost
            worker = self._idle.pop() if self._idle else await _Worker.start()
            self._busy.add(worker)
            try:
                async with asyncio.timeout(2 * order.limits.cpu_seconds + PATIENCE):
                    outcome = await worker.convert(order)
            except TimeoutError:
                return Refused("Converting it takes too long. Send a shorter or smaller one.")
            except (OSError, asyncio.IncompleteReadError, msgspec.DecodeError) as error:
                raise ConverterLost from error
            else:
                self._idle.append(worker)
                if isinstance(outcome, Refused) and outcome.detail:
                    logger.warning("a conversion failed", detail=outcome.detail)
                return outcome
            finally:
                self._busy.discard(worker)
                if worker not in self._idle:  # also when the caller was cancelled
                    await worker.kill()

    @property
    def busy(self) -> int:
        """How many are converting."""
        return len(self._busy)

    async def close(self) -> None:
        """End the processes, with what they are doing."""
        self._closed = True
        for worker in (*self._idle, *self._busy):
            await worker.kill()


class _Worker:
    """One process, and its children: they are a group, to be killed together."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls) -> "_Worker":
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "server.conversion.worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_ENVIRONMENT,
            start_new_session=True,
        )
        logger.debug("started a converter", pid=process.pid)
        return cls(process)

    async def convert(self, order: Order) -> Outcome:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(framed(msgspec.msgpack.encode(order)))
        await self._process.stdin.drain()
        (length,) = LENGTH.unpack(await self._process.stdout.readexactly(LENGTH.size))
        content = await self._process.stdout.readexactly(length)
        outcome: Outcome = msgspec.msgpack.decode(content, type=Outcome)
        return outcome

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
