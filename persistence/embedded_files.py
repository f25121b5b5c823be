"""The embedded server's files, and who holds them.

    DATA/plaza.lock        locked by the plaza process that uses DATA
    DATA/postgres.lock     locked by the server: each of its processes inherits the descriptor
    DATA/postgres.log      what the server has to say
    DATA/postgres/         the database

The kernel drops a lock (flock) when the last process that holds it is gone, however it went. So it
alone says whether a server was left running by a plaza that was killed: process ids do not, since
they are given away again, above all in containers.
"""

import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import IO, NamedTuple

from persistence.embedded_user import ENVIRONMENT, EmbeddedPostgresError, ServerUser, popen_options

_PROBE_SECONDS = 1.0


class Postmaster(NamedTuple):
    """A server's first process."""

    pid: int
    socket_dir: Path


def claim(data_dir: Path) -> IO[str]:
    """Take a data directory for this process, until the returned file is closed.

    Raises:
        EmbeddedPostgresError: another process has it.
        OSError: it cannot be written to.
    """
    file = lock(data_dir / "plaza.lock")
    if file is None:
        pid = (data_dir / "plaza.lock").read_text().strip()
        raise EmbeddedPostgresError(
            f"The data directory {data_dir} is in use by another plaza (process {pid}). "
            "Stop that one, or choose another --data-dir."
        )
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def lock(path: Path) -> IO[str] | None:
    """Lock a file until it is closed, here and in every process that inherited it.

    Returns:
        The file; None: somebody else has it locked.
    """
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def create(files: Path, *, binaries: Path, user: ServerUser | None) -> None:
    """Make a database aside and move it into place: a first start that is killed halfway leaves
    nothing that looks like one.

    Raises:
        EmbeddedPostgresError: with what initdb or the system said.
    """
    for leftover in files.parent.glob("postgres.new-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    new = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=files.parent))
    # Postgres' own C.UTF-8 knows all letters and sorts by code point; the system's locales change
    # with its libraries, which silently breaks indexes.
    options = ["--encoding=UTF8", "--no-locale", "--locale-provider=builtin"]
    options += ["--builtin-locale=C.UTF-8", "--username=postgres", "--auth=trust"]
    try:
        if user is not None:
            os.chown(new, user.uid, user.gid)
        subprocess.run(  # noqa: S603
            [binaries / "initdb", "--no-instructions", *options, new],
            check=True, cwd="/", env=ENVIRONMENT, capture_output=True, text=True,
            start_new_session=True, **popen_options(user),
        )  # fmt: skip
        new.rename(files)  # replaces an empty folder, too
        _sync(files.parent)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", None) or str(error)
        raise EmbeddedPostgresError(
            f"The database could not be created in {files}: {reason.strip()}"
        ) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def postmaster(files: Path) -> Postmaster | None:
    """The server on `files`, if it takes connections."""
    try:
        lines = (files / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    # pid, data directory, start time, port, socket directory, address, shared memory, status
    if len(lines) < 8 or lines[7].strip() != "ready":
        return None
    # The file outlives a server that was killed; an open socket does not.
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_PROBE_SECONDS)
        try:
            probe.connect(f"{lines[4]}/.s.PGSQL.{lines[3]}")
        except OSError:
            return None
    return Postmaster(int(lines[0]), Path(lines[4]))


def disown_process_id(files: Path, sockets: Path) -> None:
    """Take the process id out of the files of a server that is gone.

    The server refuses to start while that id is in use, by whomever: after a power cut, likely by
    somebody else. The rest of postmaster.pid stays: by it the server makes sure that nobody else
    has these files open.

    Args:
        files: of the database.
        sockets: the folder of the server's socket, with a lock file of its own.
    """
    for path in (files / "postmaster.pid", *sockets.glob(".s.PGSQL.*.lock")):
        if not path.exists():
            continue
        _, newline, rest = path.read_text().partition("\n")
        if newline:
            path.write_text(f"{2**31 - 1}\n{rest}")  # above every system's largest id
        else:
            path.unlink()
