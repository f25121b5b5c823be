"""`plaza serve` as a process of its own, to be killed."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

START_SECONDS = 60.0


class ServerProcess:
    """A server on a data directory; every start takes the port of the first.

    Args:
        data_dir: of the embedded Postgres.
        environment: settings, as PLAZA_ variables.
    """

    def __init__(self, data_dir: Path, environment: Mapping[str, str]) -> None:
        self._data_dir = data_dir
        self._environment = {**os.environ, **environment}
        self._port = 0
        self._process: asyncio.subprocess.Process | None = None
        self.url = ""

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        with (self._data_dir / "plaza.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "server", "serve", "--port", str(self._port)),
                *("--data-dir", str(self._data_dir)),
                env=self._environment,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            line = await self._process.stdout.readline()
        assert b"listening on" in line, (line, (self._data_dir / "plaza.log").read_text()[-2000:])
        self.url = line.decode().split()[-1]
        self._port = int(self.url.rpartition(":")[2])

    async def kill(self) -> None:
        """End it as the kernel does when memory is out: nothing is flushed, nobody is told."""
        await self._send(signal.SIGKILL)

    async def cut_power(self) -> None:
        """Kill its Postgres along with it."""
        os.killpg(self.postmaster, signal.SIGKILL)  # it leads a session of its own
        await self.kill()

    @property
    def postmaster(self) -> int:
        """The process id of its Postgres."""
        return int((self._data_dir / "postgres" / "postmaster.pid").read_text().split()[0])

    async def stop(self) -> int:
        """Ask it to stop, and return its exit code."""
        return await self._send(signal.SIGTERM)

    async def drain(self) -> int:
        """Run `plaza drain` for it, and return that command's exit code."""
        drain = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "server", "drain", "--data-dir", str(self._data_dir)),
            env=self._environment,
        )
        return await drain.wait()

    async def end(self) -> None:
        """Leave nothing of it running, whatever has become of it."""
        if self._process is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                await self.stop()
        await self.kill()
        # A server that was killed leaves its Postgres behind; and the id in a Postgres' file may by
        # now be somebody else's.
        with contextlib.suppress(FileNotFoundError, ValueError, psutil.NoSuchProcess):
            if str(self._data_dir) in " ".join(psutil.Process(self.postmaster).cmdline()):
                os.killpg(self.postmaster, signal.SIGKILL)

    async def _send(self, number: signal.Signals) -> int:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(number)
        return await self._process.wait()

    def errors(self) -> str:
        """What it wrote to standard error, over all starts."""
        return (self._data_dir / "plaza.log").read_text()
