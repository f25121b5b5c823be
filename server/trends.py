"""What trends, refreshed now and then by a job, and shown."""

from collections.abc import Awaitable, Callable, Sequence

import asyncpg

from feed_push import trending
from feed_push.trending import Usage
from persistence import trends
from persistence.database import Database
from persistence.trends import Recent
from protocol.ids import Id
from protocol.times import from_ms
from protocol.trends import PostTrend, Span, TagTrend

REFRESH_HOUR = "trends.refresh.1h"
REFRESH_REST = "trends.refresh"

KEPT = 100
"""Of each list: the longest page, and some that a viewer may not see."""


class Trends:
    """The lists.

    Args:
        clock: Unix time in milliseconds.
    """

    def __init__(self, database: Database, *, clock: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock

    async def tags(self, span: Span, *, limit: int) -> list[TagTrend]:
        """The tags that trend, the strongest first."""
        async with self._database.connection() as connection:
            return await trends.trending_tags(connection, span, limit=limit)

    async def posts(self, viewer: Id, span: Span, *, limit: int) -> list[PostTrend]:
        """The posts that trend, the strongest first, without those the viewer may not see."""
        async with self._database.connection() as connection:
            return await trends.trending_posts(connection, viewer, span, limit=limit)

    async def refresh_hour(self) -> None:
        """Make the lists of the last hour anew."""
        await self._refresh(Span.HOUR)

    async def refresh_rest(self) -> None:
        """Make the lists of longer spans anew."""
        await self._refresh(Span.DAY)
        await self._refresh(Span.WEEK)

    async def _refresh(self, span: Span) -> None:
        now = self._clock()
        slices = trending.slice_bounds(span, now)
        least = trending.LEAST_ACCOUNTS
        async with self._database.connection() as connection:
            tags = await trends.recent_tags(connection, slices, span, now, least=least)
            await self._rank(connection, "tag", tags, trends.tags_before, span, now)
            posts = await trends.recent_posts(connection, slices, span, now, least=least)
            await self._rank(connection, "post", posts, trends.posts_before, span, now)

    async def _rank(
        self,
        connection: asyncpg.Connection,
        kind: str,
        found: Sequence[Recent],
        count_before: "CountBefore",
        span: Span,
        now: int,
    ) -> None:
        windows = trending.window_bounds(span, now)
        before = await count_before(connection, windows, [recent.name for recent in found])
        usages = [
            Usage(
                name=recent.name,
                recent=_newest_first(recent.slices),
                before=before.get(recent.name, 0),
                windows=trending.windows_since(recent.born_ms, span, now),
            )
            for recent in found
        ]
        ranked = trending.ranked(usages, span, now, limit=KEPT)
        await trends.replace(
            connection,
            kind,
            span,
            [(trend.name, trend.score, trend.why) for trend in ranked],
            at=from_ms(now),
        )


CountBefore = Callable[
    [asyncpg.Connection, Sequence[int], Sequence[str]], Awaitable[dict[str, int]]
]


def _newest_first(slices: Sequence[tuple[int, int]]) -> list[int]:
    counts = [0] * trending.SLICES
    for number, accounts in slices:
        counts[-1 - number] = accounts
    return counts
