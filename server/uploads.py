"""Uploads: received piece by piece, converted, described, deleted, swept.

The body of a request goes to the disk as it comes. When all of it is there the upload is converted:
an image while its sender waits, which takes a moment; a video by a job. What the answer says may be
lost with a crash, the conversion is not: its job is in the transaction that says it is due.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

from msgspec.structs import replace

from persistence import uploads
from persistence.database import Database
from persistence.jobs import enqueue
from persistence.uploads import UploadRow
from protocol.errors import (
    BAD_REQUEST,
    IN_USE,
    NOT_FOUND,
    OFFSET_CONFLICT,
    TOO_LARGE,
    UNAVAILABLE,
    PlazaError,
)
from protocol.ids import Id, IdMint
from protocol.posts import MediaKind
from protocol.uploads import Upload, UploadState
from server.background import Background
from server.conversion.sniff import SNIFFED_BYTES, sniff
from server.sections import Uploads as Settings
from server.spool import Appender, Spool, SpoolBusy
from server.upload_conversion import CONVERT, Conversions

KEY_BYTES = 24  # of chance in an address
IDLE_SECONDS = 60.0  # without a byte: the sender is gone, and what has come stays
IMAGE_SECONDS = 10.0  # that a sender waits for the conversion; it goes on after that
# When the job of an image that was to be converted at once looks whether it was.
SECOND_TRY = timedelta(minutes=5)
SWEEP_BATCH = 200

NO_SUCH_UPLOAD = "There is no such upload of yours. Check the id."


class OffsetConflict(PlazaError):
    """The bytes do not go on where the upload is. `offset`: where that is."""

    def __init__(self, offset: int, message: str | None = None) -> None:
        super().__init__(
            OFFSET_CONFLICT, message or f"The upload has {offset} bytes. Go on from there."
        )
        self.offset = offset


class Uploads:
    """What accounts do with their uploads.

    Args:
        spool: where bytes are while they come.
        conversions: what becomes of them.
        clock: Unix time in milliseconds.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        database: Database,
        spool: Spool,
        conversions: Conversions,
        background: Background,
        mint: IdMint,
        clock: Callable[[], int],
    ) -> None:
        self._settings = settings
        self._database = database
        self._spool = spool
        self._conversions = conversions
        self._background = background
        self._mint = mint
        self._clock = clock
        self._receiving: dict[Id, asyncio.Task[object]] = {}

    # --- begin, receive --------------------------------------------------------------------------

    @property
    def max_bytes(self) -> int | None:
        """The largest upload of any kind; None: any."""
        caps = [self._cap(kind) for kind in MediaKind]
        return None if None in caps else max(cap for cap in caps if cap is not None)

    async def begin(self, account: Id, *, name: str, alt: str, length: int | None) -> Id:
        """Begin an upload.

        Args:
            length: how many bytes it will have; None: as many as the first request brings.

        Raises:
            PlazaError: too_large.
        """
        self._judge_size(length or 0, self.max_bytes)
        upload = self._mint.mint(self._clock())
        key = secrets.token_urlsafe(KEY_BYTES)
        async with self._database.transaction() as connection:
            used = await uploads.used_bytes(connection, account)
            self._judge_quota(used + (length or 0))
            await uploads.create(
                connection,
                upload=upload,
                account=account,
                key=key,
                name=name,
                alt=alt,
                length=length,
            )
        return upload

    async def send(self, account: Id, upload: Id, chunks: AsyncIterator[bytes]) -> Upload:
        """Take the one request of an upload without a declared length.

        If it fails, nothing stays behind.

        Raises:
            PlazaError: too_large, unsupported_media, bad_request.
        """
        try:
            size = await self._receive(upload, 0, chunks, length=None)
            if not size:
                raise PlazaError(BAD_REQUEST, "The body is missing. Send the file as it is.")
            return await self._complete(account, upload, size)
        except BaseException:
            await self._forget(upload)
            raise

    async def resume(
        self, account: Id, upload: Id, offset: int, chunks: AsyncIterator[bytes]
    ) -> int:
        """Take more bytes of an upload. Those that come before the connection breaks are kept.

        Returns:
            How many there are now.

        Raises:
            OffsetConflict
            PlazaError: not_found, too_large, unsupported_media, bad_request.
        """
        row = await self._taken_over(account, upload)
        length = row.upload.length
        if row.upload.state is not UploadState.RECEIVING or length is None:
            if offset != row.upload.received:
                raise OffsetConflict(row.upload.received)
            return offset
        try:
            size = await self._receive(upload, offset, chunks, length=length)
        except PlazaError as refusal:
            if refusal.spec is TOO_LARGE:
                await self._forget(upload)
            raise
        if size == length:
            await self._complete(account, upload, size)
        return size

    async def offset(self, account: Id, upload: Id) -> tuple[int, int | None]:
        """How many bytes of an upload are here, and how many it will have."""
        row = await self._taken_over(account, upload)
        if row.upload.state is not UploadState.RECEIVING:
            return row.upload.received, row.upload.received
        size = self._spool.size(upload)
        if size and size == row.upload.length:  # a crash came between the last byte and the rest
            await self._complete(account, upload, size)
        return size, row.upload.length

    # --- look, describe, delete ------------------------------------------------------------------

    async def show(self, account: Id, upload: Id) -> Upload:
        """An upload of the account's. Raises PlazaError: not_found."""
        shown = (await self._own(account, upload)).upload
        if shown.state is UploadState.RECEIVING:  # noted at the end of a request that ends well
            return replace(shown, received=self._spool.size(upload))
        return shown

    async def page(self, account: Id, *, before: Id, limit: int) -> list[Upload]:
        """The account's uploads with lower ids, newest first."""
        async with self._database.connection() as connection:
            return await uploads.page(connection, account, before=before, limit=limit)

    async def describe(
        self, account: Id, upload: Id, *, name: str | None, alt: str | None
    ) -> Upload:
        """Change what is said of an upload; None: it stays. Raises PlazaError: not_found."""
        await self._own(account, upload)
        async with self._database.connection() as connection:
            await uploads.describe(connection, upload, name=name, alt=alt)
        return await self.show(account, upload)

    async def delete(self, account: Id, upload: Id) -> None:
        """Delete an upload. Raises PlazaError: not_found, in_use."""
        await self._taken_over(account, upload)
        if not await self._forget(upload):
            raise PlazaError(IN_USE)

    async def sweep(self) -> None:
        """Delete what nothing shows and nobody has touched for a while."""
        kept = timedelta(hours=self._settings.orphan_hours)
        while True:
            async with self._database.transaction() as connection:
                gone = await uploads.sweep(connection, older_than=kept, limit=SWEEP_BATCH)
            for upload in gone:
                self._spool.remove(upload)
            if len(gone) < SWEEP_BATCH:
                break
        await asyncio.to_thread(self._spool.remove_old, kept.total_seconds())

    # --- receiving -------------------------------------------------------------------------------

    async def _receive(
        self, upload: Id, offset: int, chunks: AsyncIterator[bytes], *, length: int | None
    ) -> int:
        """Write what comes behind what is here. Returns how much there is then."""
        task = asyncio.current_task()
        assert task is not None
        self._receiving[upload] = task
        try:
            async with self._spool.appending(upload) as file:
                if file.size != offset:
                    raise OffsetConflict(file.size)
                await self._take(upload, file, chunks, length)
                size = file.size
        except SpoolBusy:
            raise OffsetConflict(
                self._spool.size(upload), "Another request sends this upload. Wait for its end."
            ) from None
        except OSError as error:
            raise PlazaError(
                UNAVAILABLE, "The server cannot store the file. Try again later.", retry_after=60.0
            ) from error
        except asyncio.CancelledError:
            if self._receiving.get(upload) is task:
                raise
            task.uncancel()  # it was _taken_over, and not the end of the request
            raise OffsetConflict(
                self._spool.size(upload), "Another request goes on with this upload."
            ) from None
        finally:
            if self._receiving.get(upload) is task:
                del self._receiving[upload]
        async with self._database.connection() as connection:
            await uploads.note_received(connection, upload, size)
        return size

    async def _take(
        self, upload: Id, file: Appender, chunks: AsyncIterator[bytes], length: int | None
    ) -> None:
        head = self._spool.head(upload, SNIFFED_BYTES)
        cap = self._cap(sniff(head).kind) if head else self.max_bytes
        while True:
            try:
                async with asyncio.timeout(IDLE_SECONDS):
                    chunk = await anext(chunks, None)
            except TimeoutError:
                raise PlazaError(
                    BAD_REQUEST, f"No byte has come for {IDLE_SECONDS:.0f} seconds. Go on later."
                ) from None
            if chunk is None:
                return
            if len(head) < SNIFFED_BYTES:
                head += chunk[: SNIFFED_BYTES - len(head)]
                cap = self._cap(sniff(head).kind) if head else cap
                self._judge_size(length or 0, cap)
            if length is not None and file.size + len(chunk) > length:
                raise PlazaError(
                    BAD_REQUEST, f"More bytes have come than the {length} that were declared."
                )
            self._judge_size(file.size + len(chunk), cap)
            await file.add(chunk)

    async def _taken_over(self, account: Id, upload: Id) -> UploadRow:
        """An upload of the account's, and nobody sends it any more.

        Whoever sent it has lost that connection, and is back. Else the server would wait until it
        notices, and refuse to go on.
        """
        row = await self._own(account, upload)
        if upload not in self._receiving:
            return row
        while (task := self._receiving.pop(upload, None)) is not None:
            task.cancel()
            await asyncio.wait([task], timeout=IDLE_SECONDS)
        return await self._own(account, upload)

    async def _complete(self, account: Id, upload: Id, size: int) -> Upload:
        """All bytes are here."""
        kind = sniff(self._spool.head(upload, SNIFFED_BYTES)).kind
        at_once = kind in (MediaKind.IMAGE, MediaKind.FILE)
        row = await self._own(account, upload)
        if not at_once:
            await self._conversions.share(upload, row.key)
        async with self._database.transaction() as connection:
            # Counted with what has been noted of this one.
            self._judge_quota(await uploads.used_bytes(connection, account))
            if await uploads.begin_processing(connection, upload, size):
                after = SECOND_TRY if at_once else None
                await enqueue(
                    connection, CONVERT, str(upload).encode(), after=after, key=str(upload)
                )
        if at_once:
            conversion = self._background.spawn(self._conversions.try_now(upload))
            await asyncio.wait([conversion], timeout=IMAGE_SECONDS)
        return (await self._own(account, upload)).upload

    # --- bounds ----------------------------------------------------------------------------------

    def _cap(self, kind: MediaKind) -> int | None:
        match kind:
            case MediaKind.IMAGE:
                cap = self._settings.image_bytes
            case MediaKind.VIDEO | MediaKind.AUDIO:
                cap = self._settings.video_bytes
            case MediaKind.FILE:
                cap = self._settings.file_bytes
        return cap or None

    def _judge_size(self, size: int, cap: int | None) -> None:
        if cap is not None and size > cap:
            raise PlazaError(
                TOO_LARGE,
                f"A file of this kind has at most {cap:,} bytes here. Send a smaller one.",
            )

    def _judge_quota(self, used: int) -> None:
        most = self._settings.account_bytes
        if most and used > most:
            raise PlazaError(
                TOO_LARGE,
                f"Your uploads would take more than {most:,} bytes. Delete some that you do not "
                "need.",
            )

    async def _own(self, account: Id, upload: Id) -> UploadRow:
        async with self._database.connection() as connection:
            row = await uploads.find(connection, upload)
        if row is None or row.account != account:
            raise PlazaError(NOT_FOUND, NO_SUCH_UPLOAD)
        return row

    async def _forget(self, upload: Id) -> bool:
        async with self._database.transaction() as connection:
            gone = await uploads.delete(connection, upload)
        if gone:
            self._spool.remove(upload)
        return bool(gone)
