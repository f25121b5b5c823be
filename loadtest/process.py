"""A server in a process of its own, and what it uses: CPU and memory, seen from outside."""

import asyncio
import contextlib
import os
import resource
import signal
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]

START_SECONDS = 60
STOP_SECONDS = 60
_LAST_LINES = 8


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
    """A server ended before it was ready, or was not ready in time."""


class Launch:
    """A server's process. It can be killed, and started again.

    Args:
        command: program and arguments. When it is ready it prints a line that ends with its URL.
        environment: its variables.
        log: takes its standard error; None: that is ours.
        folder: that it runs in.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        log: Path | None = None,
        folder: Path | None = None,
    ) -> None:
        self.command = list(command)
        self._environment = dict(environment)
        self._log = log
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """Its process; None: there is none."""
        if self._process is None or self._process.returncode is not None:
            return None
        return self._process.pid

    async def start(self) -> str:
        """Start it; return its URL when it is ready.

        Raises:
            StartFailed: it ended instead, or is not ready after START_SECONDS.
        """
        with contextlib.ExitStack() as files:
            errors = None if self._log is None else files.enter_context(self._log.open("ab"))
            # A session of its own: the Ctrl-C that ends a run is not to end the server before the
            # run has looked at it for the last time.
            self._process = await asyncio.create_subprocess_exec(
                *self.command,
                env=self._environment,
                cwd=self._folder,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        try:
            assert self._process.stdout is not None
            async with asyncio.timeout(START_SECONDS):
                line = (await self._process.stdout.readline()).decode()
        except TimeoutError:
            await self.signal(signal.SIGKILL)
            raise StartFailed(self._about(f"is not ready after {START_SECONDS} s")) from None
        if not line.strip():
            await self._process.wait()
            raise StartFailed(self._about("ended before it was ready"))
        return line.split()[-1]

    async def signal(self, number: signal.Signals) -> None:
        """Send it a signal that ends it, and wait until it has ended."""
        if self._process is None:
            return
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)
        await self._process.wait()

    async def stop(self) -> None:
        """Ask it to end; kill it after STOP_SECONDS."""
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.signal(signal.SIGTERM)
        finally:
            await self.signal(signal.SIGKILL)

    def last_words(self) -> str:
        """The end of what it wrote to its log."""
        if self._log is None or not self._log.exists():
            return ""
        lines = self._log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_LAST_LINES:])

    def _about(self, what: str) -> str:
        sentence = f"{' '.join(self.command)} {what}."
        words = self.last_words()
        return f"{sentence} Its last words:\n{words}" if words else sentence


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
        StartFailed: it ended instead, or is not ready after START_SECONDS.
    """
    launch = Launch(command, {**os.environ, **(environment or {})})
    try:
        url = await launch.start()
        assert launch.pid is not None
        yield launch.pid, url
    finally:
        await launch.stop()


def raise_file_limit() -> None:
    """A connection is a file; the usual soft limit of 1,024 is the hard one's to raise.

    Processes started from now on have it, too.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
