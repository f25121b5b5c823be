"""Exports: everything that is kept of an account, in a zip that a job makes.

Neither a row nor a file is ever in memory as a whole list: rows come from a cursor, files from the
object store, and both go through the zip to the disk, and from there to the object store.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import asyncpg
import structlog

from persistence import account_export
from persistence.account_export import FILES, LEFT_OUT, Stored
from persistence.database import Database
from persistence.objects import NoSuchObject, Objects
from protocol.errors import NOT_FOUND, PlazaError
from protocol.exports import Export, ExportState
from protocol.ids import Id, IdMint
from server.spool import Spool
from server.upload_conversion import object_path
from server.uploads import KEY_BYTES

logger = structlog.get_logger(__name__)

LEFT_SECONDS = 86_400  # what is as old in the spool was left by a crash

NO_SUCH_EXPORT = "You have no such export, or it has expired. Ask for a new one."

README = """\
Everything that is kept of your account, as JSON: one file for each kind of thing, with a list of
objects. Times are in UTC. Below uploads/ are your files, as others see them; uploads.json says what
each is.

Not in here:
{}
"""


class Exports:
    """Makes exports, and has them fetched.

    Args:
        spool: has room for the zip while it is made.
        mint: makes ids.
        clock: Unix time in milliseconds.
    """

    def __init__(
        self,
        database: Database,
        objects: Objects,
        spool: Spool,
        *,
        mint: IdMint,
        clock: Callable[[], int],
    ) -> None:
        self._database = database
        self._objects = objects
        self._spool = spool
        self._mint = mint
        self._clock = clock

    async def request(self, account: Id) -> Export:
        """Have an export made, or show the one that is under way, or an hour old at most."""
        export, key = self._mint.mint(self._clock()), secrets.token_urlsafe(KEY_BYTES)
        async with self._database.transaction() as connection:
            return await account_export.request(connection, account, id=export, key=key)

    async def show(self, account: Id, export: Id) -> Export:
        """An export of the account's. Raises PlazaError not_found."""
        async with self._database.connection() as connection:
            found = await account_export.find(connection, account, export)
        if found is None:
            raise PlazaError(NOT_FOUND, NO_SUCH_EXPORT)
        return found

    async def read(self, key: str) -> tuple[int, AsyncIterator[bytes]]:
        """The length and the bytes of the export with a key. Raises PlazaError not_found."""
        async with self._database.connection() as connection:
            length = await account_export.served(connection, key)
        if length is None:
            raise PlazaError(NOT_FOUND, NO_SUCH_EXPORT)
        try:
            return length, await self._objects.read(_path(key), 0, length)
        except NoSuchObject:
            raise PlazaError(NOT_FOUND, NO_SUCH_EXPORT) from None

    # --- jobs ------------------------------------------------------------------------------------

    async def make(self, payload: bytes) -> None:
        """Do the job MAKE: put together what is kept of an account."""
        export = Id(int(payload))
        async with self._database.connection() as connection:
            due = await account_export.to_make(connection, export)
        if due is None:
            return
        account, key = due
        with self._spool.workspace() as folder:
            path = Path(folder) / "export.zip"
            await self._write(account, path)
            length = path.stat().st_size
            await self._objects.put(_path(key), path)
        async with self._database.connection() as connection:
            kept = await account_export.finish(connection, export, ExportState.READY, bytes=length)
        if not kept:  # the account was deleted meanwhile: the job that erases came too early
            await self._objects.delete(_path(key))

    async def erase(self, payload: bytes) -> None:
        """Do the job ERASE: delete the zip of an export that is gone."""
        await self._objects.delete(_path(payload.decode()))

    async def sweep(self) -> None:
        """Delete exports that are too old."""
        async with self._database.transaction() as connection:
            await account_export.sweep(connection)
        await asyncio.to_thread(self._spool.remove_old, LEFT_SECONDS)

    # --- the zip ---------------------------------------------------------------------------------

    async def _write(self, account: Id, path: Path) -> None:
        with ZipFile(path, "w", ZIP_DEFLATED) as archive:
            archive.writestr("README.txt", README.format(_left_out()))
            async with (
                self._database.connection() as connection,
                # All files show the account at one moment.
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                for name in FILES:
                    await _add_rows(connection, archive, account, name)
                stored = await account_export.uploads_of(connection, account)
            for upload in stored:
                await self._add_upload(archive, upload)

    async def _add_upload(self, archive: ZipFile, upload: Stored) -> None:
        try:
            path = object_path(upload.key, upload.name)
            pieces = await self._objects.read(path, 0, upload.bytes)
        except NoSuchObject:  # deleted since the list was made
            return
        # Images and videos are compressed already.
        info = ZipInfo(f"uploads/{upload.file}")
        info.compress_type = ZIP_STORED
        with _entry(archive, info) as entry:
            async for piece in pieces:
                await asyncio.to_thread(entry.write, piece)


async def _add_rows(
    connection: asyncpg.Connection, archive: ZipFile, account: Id, name: str
) -> None:
    with _entry(archive, f"{name}.json") as entry:
        before = "[\n"
        async for rows in account_export.rows_of(connection, account, name):
            text = before + ",\n".join(rows)
            await asyncio.to_thread(entry.write, text.encode())
            before = ",\n"
        entry.write(b"\n]\n" if before != "[\n" else b"[]\n")


@contextmanager
def _entry(archive: ZipFile, name: str | ZipInfo) -> "Iterator[BinaryIO]":
    with archive.open(name, "w", force_zip64=True) as entry:
        yield entry  # type: ignore[misc]


def _left_out() -> str:
    return "\n".join(f"- {what}: {why}" for what, why in LEFT_OUT.items())


def _path(key: str) -> str:
    return f"exports/{key}"
