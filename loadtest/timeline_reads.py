"""Reads home timelines, at a given rate or as fast as they come; a process of its own.

    python -m loadtest.timeline_reads < task.json > outcome.json

At a rate it is an open loop: requests begin when they are due, whatever has become of those before,
and their time runs from that moment. So a server that falls behind cannot hide it.
"""

import asyncio
import sys
import time
from itertools import cycle
from urllib.parse import urlsplit

import msgspec
import uvloop
from msgspec import Struct

from loadtest.swarm import Violation


class Task(Struct):
    """What is to be read.

    Attributes:
        url: of the server.
        tokens: of those whose timelines are read, in turn.
        seconds: how long.
        rate: a second; 0: as many as are answered, `at_once` under way at a time.
    """

    url: str
    tokens: list[str]
    seconds: float
    rate: float = 0
    at_once: int = 1


class Outcome(Struct):
    """What came of it.

    Attributes:
        latencies: seconds, of each request.
        seconds: how long it took.
        posts: read in all.
    """

    latencies: list[float]
    seconds: float
    posts: int


class _Page(Struct):
    items: list[msgspec.Raw]


_decode = msgspec.json.Decoder(_Page).decode


async def read(task: Task) -> Outcome:
    """Have a process do it.

    Raises:
        Violation: something was not answered as it should be.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadtest.timeline_reads"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate(msgspec.json.encode(task))
    if process.returncode:
        raise Violation("Timelines could not be read.")
    return msgspec.json.decode(output, type=Outcome)


class _Reader:
    """Connections that are kept, as many as are needed at a time."""

    def __init__(self, task: Task) -> None:
        address = urlsplit(task.url)
        self._host, self._port = address.hostname, address.port
        self._requests = cycle(
            f"GET /api/v1/feed HTTP/1.1\r\nHost: {address.netloc}\r\n"
            f"Authorization: Bearer {token}\r\n\r\n".encode()
            for token in task.tokens
        )
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.latencies: list[float] = []
        self.posts = 0

    async def read(self, due: float) -> None:
        """Read one timeline."""
        # The server closes those that are not needed for some seconds.
        while self._idle and self._idle[-1][0].at_eof():
            self._idle.pop()[1].close()
        if self._idle:
            reader, writer = self._idle.pop()
        else:
            reader, writer = await asyncio.open_connection(self._host, self._port)
        writer.write(next(self._requests))
        head = await reader.readuntil(b"\r\n\r\n")
        status, *fields = head.decode().lower().split("\r\n")
        [length] = [field[15:] for field in fields if field.startswith("content-length:")]
        body = await reader.readexactly(int(length))
        if " 200 " not in f"{status} ":
            raise Violation(f"{status}: {body[:200]!r}")
        self.latencies.append(time.perf_counter() - due)
        self.posts += len(_decode(body).items)
        self._idle.append((reader, writer))

    def close(self) -> None:
        """Close the connections."""
        for _, writer in self._idle:
            writer.close()


async def _at_a_rate(reader: _Reader, task: Task) -> None:
    began = time.perf_counter()
    async with asyncio.TaskGroup() as requests:
        for number in range(round(task.rate * task.seconds)):
            due = began + number / task.rate
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            requests.create_task(reader.read(due))


async def _as_they_come(reader: _Reader, task: Task) -> None:
    end = time.perf_counter() + task.seconds

    async def again_and_again() -> None:
        while (now := time.perf_counter()) < end:
            await reader.read(now)

    async with asyncio.TaskGroup() as loops:
        for _ in range(task.at_once):
            loops.create_task(again_and_again())


async def _carry_out(task: Task) -> Outcome:
    reader = _Reader(task)
    began = time.perf_counter()
    await (_at_a_rate(reader, task) if task.rate else _as_they_come(reader, task))
    seconds = time.perf_counter() - began
    reader.close()
    return Outcome(reader.latencies, seconds, reader.posts)


if __name__ == "__main__":
    given = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.stdout.buffer.write(msgspec.json.encode(runner.run(_carry_out(given))))
