"""Which servers run with a data directory, and how their end goes: for `plaza drain`.

    DATA/serve-PID.lock     locked by the server whose process has that id

The kernel drops the lock (flock) when the process is gone, however it went: a file that nobody has
locked tells of a server that was killed. Ids do not, since they are given away again. The file gets
its name only when it is locked and written, so that there is no moment at which it looks stale.

Not the embedded database's plaza.lock: with a database of their own, several servers may share a
data directory, as the old and the new one do for some seconds when one replaces the other.
"""

import contextlib
import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import IO

import msgspec
import structlog
from msgspec import Struct

logger = structlog.get_logger(__name__)


class Running(Struct):
    """A server.

    Attributes:
        pid: its process.
        pids: which processes' ids these are: of the machine, or of a container. Empty where the
            system does not say.
        url: where it listens.
        total: the connections that it had when its end began; None: it has not.
        left: those that are still there.
    """

    pid: int
    pids: str
    url: str
    total: int | None = None
    left: int = 0

    @property
    def reachable(self) -> bool:
        """Whether the id means the same process here."""
        return self.pids == namespace()


class PidFile:
    """The file of this process; a context manager that removes it.

    Args:
        data_dir: is made if need be.
    """

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / f"serve-{os.getpid()}.lock"
        self._running = Running(pid=os.getpid(), pids=namespace(), url="")
        self._file: IO[bytes] | None = None

    def __enter__(self) -> "PidFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._path.unlink()
            self._file.close()

    def announce(self, url: str) -> None:
        """Say that a server listens. Where the file cannot be written, nobody but the log knows."""
        self._running.url = url
        new = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = new.open("wb", buffering=0)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._file = file
            self._write()
            new.rename(self._path)
        except OSError as error:
            self._file = None
            logger.warning("plaza drain will not find this server", error=str(error))

    def draining(self, left: int, of: int) -> None:
        """Say how the end goes."""
        self._running.left, self._running.total = left, of
        with contextlib.suppress(OSError):  # a full disk must not keep anybody here
            self._write()

    def _write(self) -> None:
        if self._file is not None:
            text = msgspec.json.encode(self._running)
            os.pwrite(self._file.fileno(), text + b"\n", 0)
            os.ftruncate(self._file.fileno(), len(text) + 1)


class Watched:
    """Another process's file.

    Attributes:
        running: what it said last.
    """

    def __init__(self, file: IO[bytes], running: Running) -> None:
        self._file = file
        self.running = running

    def look(self) -> bool:
        """Read it again; whether the process is still there."""
        if not _is_locked(self._file):
            return False
        with contextlib.suppress(msgspec.DecodeError):  # it is being written
            self.running = _read(self._file)
        return True

    def close(self) -> None:
        """Look no more."""
        self._file.close()


def running_in(data_dir: Path) -> list[Watched]:
    """The servers that run with a data directory. To be closed.

    Raises:
        OSError: it cannot be read.
    """
    found = []
    for path in sorted(data_dir.glob("serve-*.lock")):
        try:
            file = path.open("rb", buffering=0)
        except FileNotFoundError:  # it has just ended
            continue
        if _is_locked(file):
            found.append(Watched(file, _read(file)))
        else:
            file.close()
            with contextlib.suppress(OSError):  # somebody else may not be allowed to
                path.unlink()
    return found


def namespace() -> str:
    """Which processes' ids this process sees; empty where the system does not say."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _is_locked(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(file, fcntl.LOCK_UN)
    return False


def _read(file: IO[bytes]) -> Running:
    return msgspec.json.decode(os.pread(file.fileno(), 65_536, 0), type=Running)
