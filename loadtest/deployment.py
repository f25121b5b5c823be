"""A server to measure: a real `plaza serve` with a database of its own, and people to fill it."""

import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from loadtest.process import cpu_seconds, launched, resident_bytes, tree_cpu_seconds

_PLAZA = str(Path(sys.executable).with_name("plaza"))


class Clocks(NamedTuple):
    """Seconds: on the wall, and of CPU time by whom. The database's come in steps of 10 ms."""

    wall: float
    server: float
    postgres: float
    clients: float

    def since(self, earlier: "Clocks") -> "Clocks":
        """What has passed between two looks at the clocks."""
        return Clocks(*(now - then for now, then in zip(self, earlier, strict=True)))


class Deployment:
    """A running server. Made by `deployed`.

    Args:
        url: at which it is reached.
        pid: of the server.
        signing_key: with which it checks access tokens.
        postmaster: the lines of its database's postmaster.pid.
    """

    def __init__(self, url: str, pid: int, signing_key: str, postmaster: list[str]) -> None:
        self.url = url
        self.signing_key = signing_key
        self.pid = pid
        self._postgres = int(postmaster[0])
        folder, port = quote(postmaster[4], safe=""), postmaster[3]
        self.dsn = f"postgresql://postgres@/postgres?host={folder}&port={port}"

    def clocks(self) -> Clocks:
        """Look at the clocks. The clients are this process."""
        return Clocks(
            time.perf_counter(),
            cpu_seconds(self.pid),
            tree_cpu_seconds(self._postgres),
            time.process_time(),
        )

    def resident_bytes(self) -> int:
        """Resident memory of the server, without its database."""
        return resident_bytes(self.pid)


@asynccontextmanager
async def deployed(environment: Mapping[str, str] | None = None) -> AsyncIterator[Deployment]:
    """Start a server on a free port, with an embedded Postgres in a temporary folder.

    Settings are the defaults, but for the echo at /ws/echo and free ports.

    Args:
        environment: other settings, as variables.

    Raises:
        StartFailed: it did not start.
    """
    # In /tmp itself: started as root, the database runs as a user who must be able to get there.
    folder = Path(tempfile.mkdtemp(prefix="plaza-load-", dir="/tmp"))
    signing_key = secrets.token_hex(32)
    settings = {
        "PLAZA_AUTH__SIGNING_KEY": signing_key,
        "PLAZA_DEBUG__ECHO": "true",
        "PLAZA_LOG__LEVEL": "warning",
        "PLAZA_MEDIA__PORT": "0",
        **(environment or {}),
    }
    command = [_PLAZA, "serve", "--port", "0", "--data-dir", str(folder)]
    try:
        async with launched(command, settings) as (pid, url):
            postmaster = (folder / "postgres/postmaster.pid").read_text().splitlines()
            yield Deployment(url, pid, signing_key, postmaster)
    finally:
        shutil.rmtree(folder)
