"""The parts of uploads, put together: the composition root (server/app.py) makes them here."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from persistence.database import Database
from persistence.objects import Objects
from persistence.uploads import ERASE
from protocol.ids import IdMint
from server.background import Background
from server.config import Config
from server.conversion.workers import Workers
from server.jobs import Jobs
from server.media import Media
from server.pictures import PagePictures
from server.spool import Spool
from server.upload_conversion import CONVERT, Conversions
from server.uploads import Uploads

SWEEP = "uploads.sweep"
HOURLY = "23 * * * *"


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploading:
    """The parts."""

    objects: Objects
    uploads: Uploads
    conversions: Conversions
    media: Media
    pictures: PagePictures


@asynccontextmanager
async def uploading(
    config: Config,
    database: Database,
    *,
    jobs: Jobs,
    background: Background,
    mint: IdMint,
    clock: Callable[[], int],
) -> AsyncIterator[Uploading]:
    """Make the parts, and wire them; at the end their processes are killed.

    Args:
        jobs: get the parts' handlers; they run when everything is made.
        background: has the conversions that a request waits for.
        mint: makes ids.
        clock: Unix time in milliseconds.

    Raises:
        ObjectStoreError: `uploads.store` names no store.
    """
    folder = Path(config.server.data_dir)
    objects = Objects.open(config.uploads.store, folder / "objects")
    spool = Spool(folder / "receiving")
    images, videos = Workers(config.uploads.workers), Workers(config.uploads.workers)
    conversions = Conversions(
        settings=config.uploads,
        database=database,
        objects=objects,
        spool=spool,
        images=images,
        videos=videos,
    )
    uploads = Uploads(
        settings=config.uploads,
        database=database,
        spool=spool,
        conversions=conversions,
        background=background,
        mint=mint,
        clock=clock,
    )
    jobs.on(CONVERT, conversions.run, at_once=config.uploads.workers)
    jobs.on(ERASE, conversions.erase)
    jobs.every(SWEEP, HOURLY, uploads.sweep)
    try:
        yield Uploading(
            objects=objects,
            uploads=uploads,
            conversions=conversions,
            media=Media(database, objects),
            pictures=PagePictures(conversions, spool),
        )
    finally:
        await images.close()
        await videos.close()
