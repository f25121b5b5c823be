"""Scheduled posts come out: each by a job of its own at its time, and what that missed by another.

Several processes may be at it. A post is published by whoever has locked it while it is scheduled.
"""

from collections.abc import Callable

from feed_push.ports import Watchers
from persistence import post_publication, posts
from persistence.database import Database
from protocol.ids import Id, IdMint, parse_id
from protocol.times import from_ms

PUBLISH_OVERDUE = "post.publish_overdue"
"""The job, once a minute, that publishes what is due all the same."""

OVERDUE = 1_000  # posts in one go; the rest a minute later


class PostSchedule:
    """Publishes scheduled posts.

    Args:
        watchers: are told.
        mint: makes ids.
        clock: Unix time in milliseconds.
    """

    def __init__(
        self, database: Database, watchers: Watchers, *, mint: IdMint, clock: Callable[[], int]
    ) -> None:
        self._database = database
        self._watchers = watchers
        self._mint = mint
        self._clock = clock

    async def publish_due(self, payload: bytes) -> None:
        """Publish a post, if it is still scheduled and its time has come.

        Args:
            payload: of the job PUBLISH_DUE.
        """
        await self._publish(parse_id(payload.decode()))

    async def publish_overdue(self) -> None:
        """Publish everything whose time has come.

        Raises:
            ExceptionGroup: some could not be published. They do not keep the others.
        """
        now = from_ms(self._clock())
        async with self._database.connection() as connection:
            due = await post_publication.due(connection, now, limit=OVERDUE)
        failures = []
        for post in due:
            try:
                await self._publish(post)
            except Exception as failure:  # whatever it is
                failures.append(failure)
        if failures:
            raise ExceptionGroup("Scheduled posts could not be published.", failures)

    async def _publish(self, post: Id) -> None:
        now = self._clock()
        async with self._database.transaction() as connection:
            stored = await posts.lock_due(connection, post, from_ms(now))
            if stored is None:
                return
            out = await post_publication.publish(
                connection, stored, position=self._mint.mint(now), at=from_ms(now)
            )
        self._watchers.published(out.id)
        if out.shared_id is not None:
            self._watchers.counted(out.shared_id)
