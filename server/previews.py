"""Link previews: a job asks for the page behind a link, through the guard of server/outbound.py."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from feed_push.ports import Watchers
from persistence import previews
from persistence.database import Database
from persistence.posts import PREVIEW
from persistence.previews import PreviewImage
from protocol.ids import first_id_at
from server.outbound import Outbound, OutboundError
from server.page_reader import PageFacts, read_page

logger = structlog.get_logger(__name__)

PAGES = ("text/html", "application/xhtml+xml")
PAGE_BYTES = 1_048_576  # the head of a page is at its beginning
PICTURES = ("image/jpeg", "image/png", "image/webp", "image/gif")
PICTURE_BYTES = 8 * 1_048_576
_SHOWN_MS = 3_600_000  # how long ago a post is told that its preview has come

__all__ = ["PREVIEW", "Pictures", "Previews"]


class Pictures(Protocol):
    """Where pictures of pages go."""

    async def keep(self, picture: bytes) -> PreviewImage | None:
        """Encode a picture anew, small, and store it; None: it is none, or a broken one."""


class Previews:
    """Asks for pages.

    Args:
        watchers: are told of posts that have got a preview.
        pictures: keeps the pages' pictures.
        clock: Unix time in milliseconds.
    """

    def __init__(
        self,
        database: Database,
        outbound: Outbound,
        watchers: Watchers,
        pictures: Pictures,
        *,
        clock: Callable[[], int],
    ) -> None:
        self._database = database
        self._outbound = outbound
        self._watchers = watchers
        self._pictures = pictures
        self._clock = clock

    async def fetch(self, payload: bytes) -> None:
        """Do a job PREVIEW: fetch the page of a link, unless somebody has lately."""
        url = payload.decode()
        async with self._database.connection() as connection:
            if not await previews.claim(connection, url):
                return
        try:
            facts = await self._ask(url)
        except OutboundError as error:
            logger.debug("no preview", url=url, reason=str(error))
            async with self._database.connection() as connection:
                await previews.fail(connection, url)
            return
        image = await self._picture(facts.image)
        async with self._database.transaction() as connection:
            await previews.store(
                connection,
                url,
                title=facts.title,
                description=facts.description,
                site=facts.site,
                image=image,
            )
        since = first_id_at(self._clock() - _SHOWN_MS)
        async with self._database.connection() as connection:
            posts = await previews.shown_by(connection, url, since=since)
        for post in posts:
            self._watchers.updated(post)

    async def _ask(self, url: str) -> PageFacts:
        page = await self._outbound.fetch(url, accept=PAGES, max_bytes=PAGE_BYTES, cut=True)
        # In a thread: a page of a megabyte takes 10 ms.
        return await asyncio.to_thread(read_page, page.body, page.content_type, page.url)

    async def _picture(self, url: str | None) -> PreviewImage | None:
        if url is None:
            return None
        try:
            found = await self._outbound.fetch(url, accept=PICTURES, max_bytes=PICTURE_BYTES)
        except OutboundError as error:
            logger.debug("no picture for a preview", url=url, reason=str(error))
            return None
        return await self._pictures.keep(found.body)
