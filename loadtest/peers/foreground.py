"""Servers of others: run in the foreground, ready when they take connections, gone afterwards."""

import asyncio
import contextlib
import os
import signal
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import psutil  # type: ignore[import-untyped]

from loadtest.process import START_SECONDS, STOP_SECONDS, StartFailed

_LOOK_SECONDS = 0.02


def free_port() -> int:
    """A port of this machine that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def foreground(
    command: Sequence[str], port: int, environment: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[int, ...]]:
    """Run a server until the block is left; then it and its children have ended.

    Args:
        command: program and arguments. It must stay in the foreground.
        port: of 127.0.0.1, at which it takes connections when it is ready.
        environment: variables beyond those of this process.

    Yields:
        The ids of its process and of the children that this one has.

    Raises:
        StartFailed: it ended before it was ready, or does not get ready. Its last words are told.
    """
    with tempfile.TemporaryFile() as said:
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**os.environ, **(environment or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            # Ctrl-C ends the run, which then ends this. And its family is a group.
            start_new_session=True,
        )
        try:
            if not await _answers(process, port):
                said.seek(0)
                words = said.read()[-1000:].decode(errors="replace").strip()
                raise StartFailed(f"{command[0]} did not get ready. It said: {words}")
            yield (process.pid, *(child.pid for child in _family(process.pid)))
        finally:
            await _end(process)


async def _answers(process: asyncio.subprocess.Process, port: int) -> bool:
    """Whether it takes connections before it ends, or START_SECONDS have passed."""
    deadline = asyncio.get_running_loop().time() + START_SECONDS
    while process.returncode is None and asyncio.get_running_loop().time() < deadline:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(_LOOK_SECONDS)
        else:
            writer.close()
            return True
    return False


async def _end(process: asyncio.subprocess.Process) -> None:
    """SIGTERM, after STOP_SECONDS SIGKILL; and SIGKILL at once for whom it leaves behind."""
    family = _family(process.pid)
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    await asyncio.to_thread(_see_them_end, family)


def _family(pid: int) -> list[psutil.Process]:
    """The children of a process, and theirs; none, if it has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return list(psutil.Process(pid).children(recursive=True))
    return []


def _see_them_end(family: list[psutil.Process]) -> None:
    while any(map(_runs, family)):
        time.sleep(_LOOK_SECONDS)


def _runs(process: psutil.Process) -> bool:
    """Not a zombie, which waits for a parent that may never ask for it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False
