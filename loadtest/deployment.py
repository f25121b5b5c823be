"""A server to measure: a real `plaza serve` with a database of its own, and people to fill it."""

import contextlib
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import psutil  # type: ignore[import-untyped]

from loadtest.process import Launch, cpu_seconds, resident_bytes, tree_cpu_seconds

_PLAZA = str(Path(sys.executable).with_name("plaza"))
_POSTMASTER = Path("postgres/postmaster.pid")
_POLL_SECONDS = 0.01


class Clocks(NamedTuple):
    """Seconds: on the wall, and of CPU time by whom. The database's come in steps of 10 ms."""

    wall: float
    server: float
    postgres: float

    def since(self, earlier: "Clocks") -> "Clocks":
        """What has passed between two looks at the clocks."""
        return Clocks(*(now - then for now, then in zip(self, earlier, strict=True)))


class Deployment:
    """A running server. Made by `deployed`.

    Args:
        launch: its process.
        folder: of its data.
        url: at which it is reached.
        signing_key: with which it checks access tokens.

    Attributes:
        pid: of the server, or of the last one if it has been killed.
        dsn: of its database.
    """

    def __init__(self, launch: Launch, folder: Path, url: str, signing_key: str) -> None:
        self.url = url
        self.signing_key = signing_key
        self._launch = launch
        self._folder = folder
        self._server = self._postgres = _Account()
        self._look()

    @property
    def is_up(self) -> bool:
        """Whether its process is there."""
        return self._launch.pid is not None

    def clocks(self) -> Clocks:
        """Look at the clocks."""
        return Clocks(time.perf_counter(), self.server_seconds(), self.postgres_seconds())

    def server_seconds(self) -> float:
        """CPU time of the server, those that were killed included."""
        return self._server.seconds()

    def postgres_seconds(self) -> float:
        """CPU time of its database, which outlives a server that is killed."""
        return self._postgres.seconds()

    def resident_bytes(self) -> int:
        """Resident memory of the server, without its database."""
        return resident_bytes(self.pid)

    async def restart(self) -> None:
        """Kill the server (SIGKILL), and start it again on the same port, with the same data.

        Raises:
            StartFailed: it did not start again.
        """
        self._server.seconds()
        self._postgres.seconds()
        await self._launch.signal(signal.SIGKILL)
        port = urlsplit(self.url).port
        assert port is not None
        self._launch.command = _command(self._folder, port)
        await self._launch.start()
        self._look()

    def last_words(self) -> str:
        """The end of what it wrote to standard error."""
        return self._launch.last_words()

    def _look(self) -> None:
        assert self._launch.pid is not None
        self.pid = self._launch.pid
        lines = (self._folder / _POSTMASTER).read_text().splitlines()
        folder, port = quote(lines[4], safe=""), lines[3]
        self.dsn = f"postgresql://postgres@/postgres?host={folder}&port={port}"
        self._server = self._server.of(self.pid, cpu_seconds)
        self._postgres = self._postgres.of(int(lines[0]), tree_cpu_seconds)


class _Account:
    """CPU time of processes that follow each other: it never goes back.

    Args:
        pid: of the present one; 0: there is none yet.
        read: its clock.
        before: what the ones before it used.
    """

    def __init__(
        self, pid: int = 0, read: Callable[[int], float] = lambda _: 0.0, before: float = 0.0
    ) -> None:
        self._pid = pid
        self._read = read
        self._before = before
        self._seen = before

    def seconds(self) -> float:
        """What they have used; what was seen last, when the present one is gone."""
        with contextlib.suppress(OSError, psutil.NoSuchProcess):
            self._seen = max(self._seen, self._before + self._read(self._pid))
        return self._seen

    def of(self, pid: int, read: Callable[[int], float]) -> "_Account":
        """The same with another process, or itself if it is the same one."""
        return self if pid == self._pid else _Account(pid, read, self._seen)


@asynccontextmanager
async def deployed(environment: Mapping[str, str] | None = None) -> AsyncIterator[Deployment]:
    """Start a server on a free port, with an embedded Postgres in a temporary folder.

    Settings are the defaults, but for the echo at /ws/echo and free ports; a plaza.toml of the
    present folder is not read, nor are the PLAZA_ variables of this process.

    Args:
        environment: other settings, as variables.

    Raises:
        StartFailed: it did not start.
    """
    # In /tmp itself: started as root, the database runs as a user who must be able to get there.
    folder = Path(tempfile.mkdtemp(prefix="plaza-load-", dir="/tmp"))
    signing_key = secrets.token_hex(32)
    settings = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PLAZA_")},
        "PLAZA_AUTH__SIGNING_KEY": signing_key,
        "PLAZA_DEBUG__ECHO": "true",
        "PLAZA_LOG__LEVEL": "warning",
        "PLAZA_MEDIA__PORT": "0",
        **(environment or {}),
    }
    launch = Launch(_command(folder), settings, log=folder / "plaza.log", folder=folder)
    try:
        url = await launch.start()
        yield Deployment(launch, folder, url, signing_key)
    finally:
        await launch.stop()
        _end_database(folder)
        shutil.rmtree(folder)


def _command(folder: Path, port: int = 0) -> list[str]:
    return [_PLAZA, "serve", "--port", str(port), "--data-dir", str(folder)]


def _end_database(folder: Path) -> None:
    """End the Postgres that a killed server has left behind. Its data are not needed any more."""
    # The id in a Postgres' file may by now be somebody else's.
    with contextlib.suppress(FileNotFoundError, ValueError, psutil.NoSuchProcess):
        postmaster = psutil.Process(int((folder / _POSTMASTER).read_text().split()[0]))
        if str(folder) in " ".join(postmaster.cmdline()):
            os.killpg(postmaster.pid, signal.SIGKILL)  # it leads a session of its own
            # It is not our child: where nobody buries it, it stays as a zombie.
            while postmaster.status() != psutil.STATUS_ZOMBIE:
                time.sleep(_POLL_SECONDS)
