"""The home timeline, page by page: the newest first, or ranked.

Whoever looks has a timeline from then on, which server/deliveries.py keeps filled.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import asyncpg

from feed_push import activity, ranking
from feed_push.ranking import Candidate, Tie
from persistence import rankings, timelines
from persistence.database import Database
from persistence.post_lists import PageOfPosts
from protocol.errors import BAD_REQUEST, PlazaError
from protocol.ids import MAX_ID, Id, IdMint, first_id_at
from protocol.posts import Post
from protocol.times import from_ms
from server.sections import Feed

_DAY_MS = 86_400_000

IN_TIME = Id(0)
"""In place of a ranking: behind its last post the feed goes on in the order of time."""


class RankedPlace(NamedTuple):
    """Where a ranked feed goes on.

    Attributes:
        ranking: the order that is kept for it, or IN_TIME.
        before: below this place of the order, or this position in time.
    """

    ranking: Id
    before: int


class RankedPage(NamedTuple):
    """A part of a ranked feed. `after`: where it goes on; None: it does not."""

    posts: list[Post]
    after: RankedPlace | None


class Timelines:
    """Reads home timelines.

    Args:
        settings: of feeds.
        mint: makes ids.
        clock: Unix time in milliseconds.
    """

    def __init__(
        self, database: Database, settings: Feed, *, mint: IdMint, clock: Callable[[], int]
    ) -> None:
        self._database = database
        self._days = settings.active_days
        self._mint = mint
        self._clock = clock

    async def latest(self, account: Id, *, before: int | None = None, limit: int) -> PageOfPosts:
        """What an account and those whom it follows have published, the newest first.

        Args:
            before: the position below which the page begins; None: the newest.
            limit: posts at most.
        """
        now = from_ms(self._clock())
        async with self._database.connection() as connection:
            home = await self._latest(connection, account, before or MAX_ID, limit, now)
            await self._note(connection, account, home.looked_at, now)
        return home.page

    async def ranked(self, account: Id, *, at: RankedPlace | None, limit: int) -> RankedPage:
        """The same, in the order of feed_push/ranking.py.

        The newest posts are ranked when the first page is read, and stay in that order. Behind
        them the feed goes on with older ones, the newest first.

        Args:
            at: where to go on; None: the first page.
            limit: posts at most.

        Raises:
            PlazaError: bad_request: the order is not kept any more.
        """
        now = from_ms(self._clock())
        async with self._database.connection() as connection:
            if at is None:
                at = await self._rank(connection, account, now)
            found: list[Post] = []
            if at.ranking != IN_TIME:
                found, at = await self._slice(connection, account, at, limit)
            if at.ranking != IN_TIME or len(found) == limit:
                return RankedPage(found, at)
            page = (
                await self._latest(connection, account, at.before, limit - len(found), now)
            ).page
        after = None if page.after is None else RankedPlace(IN_TIME, page.after)
        return RankedPage(found + page.posts, after)

    async def _latest(
        self, connection: asyncpg.Connection, account: Id, before: int, limit: int, now: datetime
    ) -> timelines.HomePage:
        since = activity.filled_since(now, active_days=self._days)
        return await timelines.latest(connection, account, since=since, before=before, limit=limit)

    async def _rank(
        self, connection: asyncpg.Connection, account: Id, now: datetime
    ) -> RankedPlace:
        """Rank the newest posts, and keep their order. Returns its beginning."""
        since = activity.filled_since(now, active_days=self._days)
        found = await timelines.glance(
            connection, account, since=since, before=MAX_ID, limit=ranking.CANDIDATES
        )
        await self._note(connection, account, found.looked_at, now)
        if not found.places:
            return RankedPlace(IN_TIME, 1)
        candidates = await rankings.candidates(
            connection, account, [place.post for place in found.places]
        )
        now_ms = self._clock()
        first = first_id_at(now_ms - ranking.AFFINITY_DAYS * _DAY_MS)
        deeds = await rankings.deeds(connection, account, since=first)
        order = ranking.rank(
            [Candidate(*each) for each in candidates],
            {author: Tie(*each) for author, each in deeds.items()},
            now_ms=now_ms,
        )
        kept = self._mint.mint(now_ms)
        floor = found.places[-1].position
        await rankings.keep(connection, kept, account, order, floor=floor)
        return RankedPlace(kept, len(order) + 1)

    async def _slice(
        self, connection: asyncpg.Connection, account: Id, at: RankedPlace, limit: int
    ) -> tuple[list[Post], RankedPlace]:
        """Read on in an order that is kept. Returns where the feed goes on."""
        order = await rankings.order(connection, account, at.ranking)
        if order is None:
            raise PlazaError(
                BAD_REQUEST,
                "The order of this feed is not kept any more. Read it from its beginning, without "
                "a cursor.",
            )
        before = min(at.before, order.posts + 1)
        page = await rankings.page(connection, account, at.ranking, before=before, limit=limit)
        if page.after is None:
            return page.posts, RankedPlace(IN_TIME, order.floor)
        return page.posts, RankedPlace(at.ranking, page.after)

    async def _note(
        self,
        connection: asyncpg.Connection,
        account: Id,
        looked_at: datetime | None,
        now: datetime,
    ) -> None:
        if not activity.is_to_be_noted(looked_at, now):
            return
        async with connection.transaction():
            await timelines.note_look(
                connection,
                account,
                now=now,
                since=activity.filled_since(now, active_days=self._days),
                noted_by=now - activity.NOTED_EVERY,
            )
