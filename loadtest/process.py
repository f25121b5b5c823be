"""A server in a process of its own, and what it uses: CPU and memory, seen from outside."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import psutil  # type: ignore[import-untyped]

START_SECONDS = 60
STOP_SECONDS = 60


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used, in user and kernel mode, to the nanosecond.

    psutil reads it from /proc, where it comes in steps of 10 ms: too coarse for short rounds.
    """
    # The identifier of another process's clock, as clock_getcpuclockid(3) of glibc makes it.
    return time.clock_gettime((~pid << 3) | 2)


def tree_cpu_seconds(pid: int) -> float:
    """CPU time that a process and all that it ever started have used, in steps of 10 ms."""
    process = psutil.Process(pid)
    total = 0.0
    for member in (process, *process.children(recursive=True)):
        try:
            times = member.cpu_times()
        except psutil.NoSuchProcess:
            continue  # it is among those that have ended by now, which their parent counts
        total += times.user + times.system + times.children_user + times.children_system
    return total


def resident_bytes(pid: int) -> int:
    """The resident set of a process."""
    resident: int = psutil.Process(pid).memory_info().rss
    return resident


class StartFailed(Exception):
    """A server ended before it was ready. Why, it has said on standard error."""


@asynccontextmanager
async def launched(
    command: Sequence[str], environment: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[int, str]]:
    """Run a server; on exit it gets SIGTERM, and has ended. Its standard error is ours.

    Args:
        command: program and arguments. When it is ready it prints a line that ends with its URL.
        environment: variables beyond those of this process.

    Yields:
        Its process id and URL.

    Raises:
        StartFailed: it ended instead.
        TimeoutError: it is not ready after START_SECONDS.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, **(environment or {})},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_SECONDS):
            line = (await process.stdout.readline()).decode()
        if not line:
            raise StartFailed(f"{' '.join(command)} ended before it was ready.")
        yield process.pid, line.split()[-1]
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
