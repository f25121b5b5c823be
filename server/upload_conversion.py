"""What has been received is converted, and stored where others can fetch it."""

import asyncio
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import structlog

from persistence import uploads
from persistence.database import Database
from persistence.media_rows import StoredVariant
from persistence.objects import NoSuchObject, Objects
from persistence.uploads import Conversion, UploadRow
from protocol.errors import PlazaError
from protocol.ids import Id
from protocol.posts import MediaKind
from protocol.uploads import UploadState
from server.conversion.order import Limits, Made, Order, Outcome, Piece
from server.conversion.sniff import SNIFFED_BYTES, Sniffed, sniff
from server.conversion.workers import ConverterLost, Workers
from server.sections import Uploads as Settings
from server.spool import Spool

logger = structlog.get_logger(__name__)

CONVERT = "upload.convert"
"""The job that converts an upload. Its payload is the id, in decimal."""

IMAGE_CPU_SECONDS = 30
ORIGINAL = "original"
LOST = "The server has lost the file before it was converted. Send it again."


def object_path(key: str, name: str = "") -> str:
    """Where a variant is in the object store; without a name: all of an upload's."""
    return f"media/{key}/{name}".rstrip("/")


class Conversions:
    """Converts uploads whose bytes have all come.

    Args:
        images, videos: convert them.
        spool: where they are; if the store is shared, those of videos are in it as well, for the
            job may be done by another server.

    Attributes:
        counts: how many files were converted, by what they are and what came of it.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        database: Database,
        objects: Objects,
        spool: Spool,
        images: Workers,
        videos: Workers,
    ) -> None:
        self._settings = settings
        self._database = database
        self._objects = objects
        self._spool = spool
        self._images = images
        self._videos = videos
        self.counts: Counter[tuple[str, str]] = Counter()
        self._under_way: set[Id] = set()

    @property
    def busy(self) -> int:
        """How many are under way."""
        return self._images.busy + self._videos.busy

    async def share(self, upload: Id, key: str) -> None:
        """Let other servers convert an upload that is here."""
        if self._objects.is_shared:
            await self._objects.put(_received(key), self._spool.path(upload))

    async def run(self, payload: bytes) -> None:
        """Do the job CONVERT."""
        await self.convert(Id(int(payload)))

    async def convert(self, upload: Id) -> None:
        """Convert an upload, unless that has been done or is under way here.

        Raises:
            ConverterLost, PlazaError: to be tried again.
        """
        if upload in self._under_way:
            return
        self._under_way.add(upload)
        try:
            await self._convert(upload)
        finally:
            self._under_way.discard(upload)

    async def try_now(self, upload: Id) -> None:
        """Convert an upload, if that can be done now; else the job does it later."""
        try:
            await self.convert(upload)
        except (ConverterLost, PlazaError) as error:
            logger.info("an upload is converted later", upload=str(upload), reason=repr(error))

    async def erase(self, payload: bytes) -> None:
        """Do the job ERASE: delete the objects of an upload that is gone."""
        key = payload.decode()
        await self._objects.delete(_received(key))
        await self._objects.delete_below(object_path(key))

    async def _convert(self, upload: Id) -> None:
        async with self._database.connection() as connection:
            row = await uploads.find(connection, upload)
        if row is None or row.upload.state is not UploadState.PROCESSING:
            self._spool.remove(upload)
            return
        source = self._spool.path(upload)
        with self._spool.workspace() as folder:
            if not self._spool.size(upload):
                source = Path(folder) / "source"
                try:
                    await self._objects.fetch(_received(row.key), source)
                except NoSuchObject:
                    await self._fail(upload, LOST)
                    return
            await self._make(row, source, Path(folder) / "made")
        self._spool.remove(upload)
        if self._objects.is_shared:
            await self._objects.delete(_received(row.key))

    async def _make(self, row: UploadRow, source: Path, folder: Path) -> None:
        found = await asyncio.to_thread(_sniffed, source)
        if found.kind is MediaKind.FILE:
            # As it is: nobody looks into it here, and it is served as something to be saved.
            size = await asyncio.to_thread(os.path.getsize, source)
            kept = Made(
                kind=MediaKind.FILE, pieces=[Piece(name=ORIGINAL, type=found.type, bytes=size)]
            )
            await self._objects.put(object_path(row.key, ORIGINAL), source)
            await self._finish(row, kept)
            return
        outcome = await self.convert_file(source, folder, found)
        if not isinstance(outcome, Made):
            await self._fail(row.upload.id, outcome.problem)
            return
        await self.store(row.key, outcome.pieces, folder)
        await self._finish(row, outcome)

    async def convert_file(self, source: Path, folder: Path, found: Sniffed) -> Outcome:
        """Convert a file, in a worker.

        Args:
            folder: for what comes out; made here.
        """
        await asyncio.to_thread(folder.mkdir)
        is_image = found.kind is MediaKind.IMAGE
        settings = self._settings
        limits = Limits(
            pixels=settings.image_pixels,
            seconds=settings.video_seconds,
            cpu_seconds=IMAGE_CPU_SECONDS if is_image else settings.conversion_seconds,
        )
        workers = self._images if is_image else self._videos
        outcome = await workers.convert(
            Order(
                source=str(source),
                target=str(folder),
                kind=found.kind,
                reader=found.reader,
                limits=limits,
            )
        )
        made = "made" if isinstance(outcome, Made) else "refused"
        self.counts[found.kind.value, made] += 1
        return outcome

    async def store(self, key: str, pieces: Sequence[Piece], folder: Path) -> None:
        """Store what came out of a conversion into a folder."""
        for piece in pieces:
            await self._objects.put(object_path(key, piece.name), folder / piece.name)

    async def _finish(self, row: UploadRow, made: Made) -> None:
        conversion = Conversion(
            kind=made.kind,
            media_type=made.pieces[0].type,
            width=made.width,
            height=made.height,
            duration_ms=made.duration_ms,
            blurhash=made.blurhash,
            variants=[_stored(piece) for piece in made.pieces],
        )
        kept_bytes = sum(piece.bytes for piece in made.pieces)
        async with self._database.connection() as connection:
            if await uploads.finish(connection, row.upload.id, conversion, kept_bytes=kept_bytes):
                return
            still_there = await uploads.find(connection, row.upload.id) is not None
        if not still_there:  # deleted meanwhile: the job that erases its objects came too early
            await self._objects.delete_below(object_path(row.key))

    async def _fail(self, upload: Id, problem: str) -> None:
        logger.info("an upload cannot be used", upload=str(upload), problem=problem)
        async with self._database.connection() as connection:
            await uploads.fail(connection, upload, problem)


def _received(key: str) -> str:
    return f"received/{key}"


def _sniffed(path: Path) -> Sniffed:
    with path.open("rb") as file:
        return sniff(file.read(SNIFFED_BYTES))


def _stored(piece: Piece) -> StoredVariant:
    return StoredVariant(
        name=piece.name,
        type=piece.type,
        bytes=piece.bytes,
        width=piece.width,
        height=piece.height,
    )
