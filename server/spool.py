"""Files that are being received, on this server's disk: what has come survives a restart.

A file's size is the truth about how much has come. Servers that share a database and no folder
have files of their own: whoever goes on with an upload at another one is told to begin anew.
"""

import asyncio
import fcntl
import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from protocol.ids import Id

WRITE_BYTES = 256 * 2**10  # gathered for one write, which takes a thread's time


class SpoolBusy(Exception):
    """Another process is writing to the file."""


class Spool:
    """The folder. It is made when the first upload comes.

    Args:
        folder: readable for this server alone.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    def path(self, upload: Id) -> Path:
        """Where an upload's bytes are."""
        return self._folder / str(upload)

    def size(self, upload: Id) -> int:
        """How many bytes of an upload are here."""
        try:
            return self.path(upload).stat().st_size
        except FileNotFoundError:
            return 0

    def head(self, upload: Id, length: int) -> bytes:
        """The first bytes of an upload."""
        try:
            with self.path(upload).open("rb") as file:
                return file.read(length)
        except FileNotFoundError:
            return b""

    @asynccontextmanager
    async def appending(self, upload: Id) -> AsyncIterator["Appender"]:
        """Open an upload's file to add to it. What was added is on disk when this ends.

        Raises:
            SpoolBusy
        """
        self._make()
        with self.path(upload).open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SpoolBusy from None
            appender = Appender(file)
            try:
                yield appender
            finally:
                # Not to be cancelled in the middle: the thread would go on writing.
                await asyncio.shield(appender.flush())

    def workspace(self) -> TemporaryDirectory[str]:
        """A folder for what is made of an upload, until it is stored."""
        self._make()
        return TemporaryDirectory(prefix="making-", dir=self._folder)

    def remove(self, upload: Id) -> None:
        """Delete an upload's file, if there is one."""
        self.path(upload).unlink(missing_ok=True)

    def remove_old(self, seconds: float) -> None:
        """Delete what nobody has written to for so long: it was left by a crash."""
        if not self._folder.is_dir():
            return
        for path in self._folder.iterdir():
            try:
                if time.time() - path.stat().st_mtime < seconds:
                    continue
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            except FileNotFoundError:
                continue

    def _make(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)


class Appender:
    """Adds to a file, without blocking the loop and with little in memory.

    Attributes:
        size: of the file, with what is still in memory.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._waiting = bytearray()
        self._writing: asyncio.Future[int] | None = None
        self.size = os.fstat(file.fileno()).st_size

    async def add(self, chunk: bytes) -> None:
        """Add some bytes."""
        self._waiting += chunk
        self.size += len(chunk)
        if len(self._waiting) >= WRITE_BYTES:
            content, self._waiting = self._waiting, bytearray()
            self._writing = asyncio.ensure_future(asyncio.to_thread(self._file.write, content))
            await asyncio.shield(self._writing)

    async def flush(self) -> None:
        """Wait until everything is on disk."""
        if self._writing is not None:  # whoever waited for it may have been cancelled
            await asyncio.wait([self._writing])
        await asyncio.to_thread(self._write_all)

    def _write_all(self) -> None:
        self._file.write(self._waiting)
        self._waiting = bytearray()
        self._file.flush()
        os.fsync(self._file.fileno())
