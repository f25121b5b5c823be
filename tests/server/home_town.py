"""A small town whose people publish, follow, mute and leave, and look at their home timelines.

The real parts, on one connection; jobs wait until a test does one. What a timeline has to show is
asked of the tables in the plainest way.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import asyncpg

from feed_push.composition import Changes, Wanted
from persistence import relations, timeline_fanout
from persistence.database import Database
from persistence.graph import BACKFILL, PRUNE
from persistence.post_reader import visible_posts
from persistence.posts import FAN_OUT
from persistence.timelines import REFILL
from protocol.errors import PlazaError
from protocol.ids import Id, IdMint
from protocol.posts import Post, PostStatus, PostType, Visibility
from server.deliveries import Deliveries
from server.graph import Graph
from server.post_changes import PostChanges
from server.posts import Posts
from server.sections import Feed
from server.timelines import Timelines
from tests import social
from tests.server.newsroom import START, Noted

DAY = 86_400_000

PLAIN = """
SELECT p.id FROM posts p
WHERE p.status = 'published'
    AND (p.author_id = $1 OR p.author_id IN (
        SELECT followee_id FROM follows WHERE follower_id = $1 AND accepted
    ))
    AND p.author_id NOT IN (SELECT other_id FROM account_mutes WHERE account_id = $1)
    AND coalesce(p.shared_id, 0) NOT IN (
        SELECT s.id FROM posts s JOIN account_mutes m ON m.other_id = s.author_id
        WHERE m.account_id = $1
    )
ORDER BY p.position DESC
"""


class OneConnection:
    """Lends always the same connection, as a Database does."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        yield self._connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection]:
        async with self._connection.transaction():
            yield self._connection


class Town:
    """Some people, and the parts.

    Attributes:
        now: Unix time in milliseconds, moved by hand.
        people: their accounts.
        written: the posts, deleted ones included.
    """

    def __init__(self, connection: asyncpg.Connection, settings: Feed) -> None:
        self.db = connection
        self.now = START
        self.people: list[Id] = []
        self.written: list[Id] = []
        database = cast(Database, OneConnection(connection))
        mint = IdMint(0)

        def clock() -> int:
            return self.now

        self.timelines = Timelines(database, settings, mint=mint, clock=clock)
        self.deliveries = Deliveries(database, settings, clock=clock, followers=2)
        self.posts = Posts(database, Noted(), mint=mint, clock=clock)
        self.changes = PostChanges(database, Noted(), mint=mint, clock=clock)
        self.graph = Graph(database, mint=mint, clock=clock, pull_followers=settings.pull_followers)
        self._handlers = {
            FAN_OUT: self.deliveries.fan_out,
            BACKFILL: self.deliveries.backfill,
            PRUNE: self.deliveries.prune,
            REFILL: self.deliveries.refill,
        }

    async def settle(self, people: int) -> None:
        """Let so many people move in; the last one is a moderator."""
        for number in range(people):
            self.people.append(await social.person(self.db, moderator=number == people - 1))

    async def write(
        self,
        author: Id,
        *,
        shared: Id | None = None,
        status: PostStatus = PostStatus.PUBLISHED,
        visibility: Visibility = Visibility.PUBLIC,
    ) -> None:
        """Publish a post, or write a draft."""
        self.now += 1000
        wanted = Wanted(
            type=PostType.TEXT,
            content=f"Number {len(self.written)}",
            shared=shared,
            status=status,
            visibility=visibility,
        )
        self.written.append((await self.posts.create(author, wanted)).id)

    async def share(self, sharer: Id, post: Id) -> None:
        """Share a post without a text."""
        self.written.append((await self.posts.share(sharer, post)).id)

    async def change(self, post: Id, **changes: Any) -> None:
        """Let the author change a post, or a moderator its status."""
        status = await self.db.fetchval("SELECT status FROM posts WHERE id = $1", post)
        held = PostStatus.UNDER_REVIEW in (status, changes.get("status"))
        by = self.people[-1] if held else await self.author(post)
        await self.changes.change(by, post, Changes(**changes))

    async def author(self, post: Id) -> Id:
        """Who has written a post."""
        return Id(await self.db.fetchval("SELECT author_id FROM posts WHERE id = $1", post))

    async def position(self, post: Id) -> int:
        """A post's place in the order of time."""
        return int(await self.db.fetchval("SELECT position FROM posts WHERE id = $1", post))

    async def waiting(self) -> list[asyncpg.Record]:
        """The jobs of timelines that wait."""
        return await self.db.fetch(
            "SELECT id, entrypoint AS name, payload FROM pgqueuer "
            "WHERE entrypoint LIKE 'timeline.%' ORDER BY id"
        )

    async def work(self, number: int) -> None:
        """Do one of the jobs that wait, whichever."""
        waiting = await self.waiting()
        if waiting:
            job = waiting[number % len(waiting)]
            await self.db.execute("DELETE FROM pgqueuer WHERE id = $1", job["id"])
            await self._handlers[job["name"]](job["payload"])

    async def work_all(self) -> None:
        """Do all jobs that wait."""
        while await self.waiting():
            await self.work(0)

    async def begin_delivery(self, number: int) -> None:
        """Do the first step of a delivery that waits, and leave the rest."""
        waiting = [job for job in await self.waiting() if job["name"] == FAN_OUT]
        if waiting:
            post = Id(waiting[number % len(waiting)]["payload"])
            async with self.db.transaction():
                await timeline_fanout.deliver(
                    self.db, post, followers=2, active_since=self.deliveries.passed_over_before()
                )

    async def relate(self, deed: str, account: Id, other: Id) -> None:
        """Block, unblock, mute or unmute."""
        async with self.db.transaction():
            if deed in ("block", "mute"):
                await getattr(relations, deed)(self.db, account, other, limit=0)
            else:
                await getattr(relations, deed)(self.db, account, other)

    async def home(self, viewer: Id) -> list[Id]:
        """What a home timeline has to show: of the tables, in the plainest way."""
        ids = [Id(row["id"]) for row in await self.db.fetch(PLAIN, viewer)]
        visible = await visible_posts(self.db, viewer, ids)
        return [post for post in ids if post in visible]

    async def read(self, viewer: Id, *, limit: int = 2) -> list[Id]:
        """A home timeline to its end, the newest first."""
        found: list[Post] = []
        before: int | None = None
        while True:
            page = await self.timelines.latest(viewer, before=before, limit=limit)
            assert len(page.posts) <= limit
            found += page.posts
            before = page.after
            if before is None:
                return [post.id for post in found]

    async def read_ranked(self, viewer: Id, *, limit: int = 2) -> list[Id]:
        """A ranked home feed to its end."""
        page = await self.timelines.ranked(viewer, at=None, limit=limit)
        found = page.posts
        while page.after is not None:
            page = await self.timelines.ranked(viewer, at=page.after, limit=limit)
            assert len(page.posts) <= limit
            found = found + page.posts
        return [post.id for post in found]


@asynccontextmanager
async def town(database: Database, *, people: int, **settings: int) -> AsyncIterator[Town]:
    """A town in a transaction that is rolled back.

    Args:
        settings: of feeds.
    """
    async with database.connection() as connection:
        example = connection.transaction()
        await example.start()
        try:
            made = Town(connection, Feed(**settings))
            await made.settle(people)
            yield made
        finally:
            await example.rollback()


tolerating = suppress(PlazaError)
"""Around deeds that may be refused: of what is blocked, gone or not one's own."""
