"""Keeps home timelines filled: posts are delivered, follows filled in, old entries taken away.

All of it are jobs, each made of short transactions with pauses between them.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

from feed_push import activity
from persistence import timeline_fanout, timeline_upkeep, timelines
from persistence.database import Database
from persistence.graph import BACKFILL, PRUNE, pair_of
from persistence.posts import FAN_OUT
from persistence.timelines import REFILL
from protocol.ids import first_id_at, parse_id
from protocol.times import from_ms
from server.jobs import Jobs
from server.sections import Feed

TRIM = "timeline.trim"
TRIM_AT = "23 */3 * * *"
SWEEP = "timeline.sweep"
SWEEP_AT = "41 4 * * *"

FOLLOWERS = 2_000
"""To whom a post is delivered at once: about 10 ms of the database's time."""

TIMELINES = 200
"""That are trimmed, or dropped, at once."""

RANKINGS_KEPT_MS = 86_400_000


class Deliveries:
    """Does the jobs of timelines.

    Args:
        settings: of feeds.
        clock: Unix time in milliseconds.
        followers: to deliver to at once.
    """

    def __init__(
        self,
        database: Database,
        settings: Feed,
        *,
        clock: Callable[[], int],
        followers: int = FOLLOWERS,
    ) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._followers = followers

    def register(self, jobs: Jobs) -> None:
        """Take over the jobs."""
        # Few at once: these are for later, and share the database with what people wait for.
        jobs.on(FAN_OUT, self.fan_out, at_once=2)
        jobs.on(BACKFILL, self.backfill, at_once=2)
        jobs.on(PRUNE, self.prune, at_once=1)
        jobs.on(REFILL, self.refill, at_once=2)
        jobs.every(TRIM, TRIM_AT, self.trim)
        jobs.every(SWEEP, SWEEP_AT, self.sweep)

    async def fan_out(self, payload: bytes) -> None:
        """Deliver a post to the timelines of its author's followers.

        Args:
            payload: the post's id.
        """
        post = parse_id(payload.decode())

        async def step() -> bool:
            async with self._database.transaction() as connection:
                delivered = await timeline_fanout.deliver(
                    connection,
                    post,
                    followers=self._followers,
                    active_since=self.passed_over_before(),
                )
            return delivered.more

        await _with_pauses(step)

    async def backfill(self, payload: bytes) -> None:
        """Write what somebody has published into the timeline of a new follower.

        Args:
            payload: see persistence.graph.payload_of.
        """
        async with self._database.transaction() as connection:
            await timeline_fanout.backfill(
                connection, pair_of(payload), entries=self._settings.timeline_entries
            )

    async def prune(self, payload: bytes) -> None:
        """Take out again what was written for somebody who follows no longer."""
        async with self._database.transaction() as connection:
            await timeline_fanout.prune(connection, pair_of(payload))

    async def refill(self, payload: bytes) -> None:
        """Fill a timeline whose owner has come, or come back.

        Args:
            payload: the account's id.
        """
        async with self._database.transaction() as connection:
            await timelines.refill(
                connection, parse_id(payload.decode()), entries=self._settings.timeline_entries
            )

    async def trim(self) -> None:
        """Shorten timelines to what is kept."""
        after: int | None = 0

        async def step() -> bool:
            nonlocal after
            async with self._database.transaction() as connection:
                after = await timeline_upkeep.trim(
                    connection,
                    after=after or 0,
                    timelines=TIMELINES,
                    entries=self._settings.timeline_entries,
                )
            return after is not None

        await _with_pauses(step)

    async def sweep(self) -> None:
        """Drop timelines that nobody looks at, and rankings of which nobody reads on."""

        async def step() -> bool:
            async with self._database.transaction() as connection:
                return await timeline_upkeep.drop(
                    connection, inactive_since=self.passed_over_before(), timelines=TIMELINES
                )

        await _with_pauses(step)
        async with self._database.connection() as connection:
            await timeline_upkeep.drop_stray_entries(connection)
            await timeline_upkeep.forget_rankings(
                connection, before=first_id_at(self._clock() - RANKINGS_KEPT_MS)
            )

    def passed_over_before(self) -> datetime:
        """The moment before which whoever looked last is passed over."""
        now = from_ms(self._clock())
        return activity.passed_over_before(now, active_days=self._settings.active_days)


async def _with_pauses(step: Callable[[], Awaitable[bool]]) -> None:
    """Take steps while there are more, and pause after each for as long as it took.

    So at least half of the database's time is left to others.
    """
    while True:
        began = time.perf_counter()
        if not await step():
            return
        await asyncio.sleep(time.perf_counter() - began)
