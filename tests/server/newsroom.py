"""The parts that write posts; people, a clock that is moved by hand, and watchers that note."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from feed_push.composition import Changes, Wanted
from persistence.database import Database
from protocol.errors import ErrorSpec, PlazaError
from protocol.ids import Id, IdMint
from protocol.posts import Post, PostType, Visibility
from protocol.times import from_ms
from server.post_changes import PostChanges
from server.post_schedule import PostSchedule
from server.posts import Posts
from tests import social

START = 1_800_000_000_000


class Noted:
    """What watchers were told. A feed_push.ports.Watchers."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []

    def published(self, post: Id) -> None:
        self.heard.append(("published", post))

    def updated(self, post: Id, *, left: Sequence[str] = ()) -> None:
        self.heard.append(("updated", post, *left))

    def gone(self, post: Id, author: Id, tags: Sequence[str], was: Visibility) -> None:
        self.heard.append(("gone", post, author, tuple(tags), was))

    def counted(self, post: Id) -> None:
        self.heard.append(("counted", post))

    def commented(self, post: Id, comment: Id) -> None:
        self.heard.append(("commented", post, comment))

    def take(self) -> list[tuple[Any, ...]]:
        """What they were told since the last time."""
        heard, self.heard = self.heard, []
        return heard


class Newsroom:
    """Ada, Bob and Eve, a moderator; and the parts."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = START
        self.watchers = Noted()
        parts = {"mint": IdMint(0), "clock": lambda: self.now}
        self.posts = Posts(database, self.watchers, **parts)  # type: ignore[arg-type]
        self.changes = PostChanges(database, self.watchers, **parts)  # type: ignore[arg-type]
        self.schedule = PostSchedule(database, self.watchers, **parts)  # type: ignore[arg-type]
        self.ada = self.bob = self.eve = self.moderator = Id(0)

    async def open(self) -> "Newsroom":
        async with self.database.connection() as db:
            self.ada, self.bob, self.eve = [
                await social.person(db, name) for name in ("ada", "bob", "eve")
            ]
            self.moderator = await social.person(db, moderator=True)
        return self

    @property
    def moment(self) -> datetime:
        return from_ms(self.now)

    def later(self, seconds: float) -> datetime:
        return self.moment + timedelta(seconds=seconds)

    def pass_seconds(self, seconds: float) -> None:
        self.now += int(seconds * 1000)

    async def write(
        self,
        content: str = "Good morning.",
        *,
        by: Id | None = None,
        key: str | None = None,
        type: PostType = PostType.TEXT,
        **fields: Any,
    ) -> Post:
        wanted = Wanted(type=type, content=content, **fields)
        return await self.posts.create(by or self.ada, wanted, key=key)

    async def change(self, post: Id, *, by: Id | None = None, **changes: Any) -> Post:
        return await self.changes.change(by or self.ada, post, Changes(**changes))

    async def upload(self, *, by: Id | None = None, kind: str = "image", **columns: Any) -> Id:
        """An upload that is ready."""
        upload = social.new_id()
        row = {
            "id": upload,
            "account_id": by or self.ada,
            "key": f"key-{upload}",
            "state": "ready",
            "kind": kind,
            "media_type": "image/webp",
            "variants": '[{"name": "original.webp", "type": "image/webp", "bytes": 9}]',
            **columns,
        }
        places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
        async with self.database.connection() as db:
            await db.execute(
                f"INSERT INTO uploads ({', '.join(row)}) VALUES ({places})", *row.values()
            )
        return upload

    async def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        async with self.database.connection() as db:
            return [tuple(row) for row in await db.fetch(query, *values)]

    async def value(self, query: str, *values: Any) -> Any:
        async with self.database.connection() as db:
            return await db.fetchval(query, *values)

    async def jobs(self, name: str) -> list[bytes]:
        """The payloads of the jobs of a name that wait."""
        query = "SELECT payload FROM pgqueuer WHERE entrypoint = $1 ORDER BY id"
        return [payload for (payload,) in await self.rows(query, name)]

    async def counted(self) -> None:
        """Check every counter against the rows that it counts."""
        wrong = await self.rows(
            "SELECT account_id, posts FROM profiles pr WHERE posts <> "
            "(SELECT count(*) FROM posts p WHERE p.author_id = pr.account_id "
            "AND p.status = 'published')"
        )
        wrong += await self.rows(
            "SELECT post_id, shares FROM post_counters c WHERE shares <> (SELECT count(*) "
            "FROM posts p WHERE p.shared_id = c.post_id AND p.status = 'published')"
        )
        wrong += await self.rows(
            "SELECT id, 0 FROM posts p WHERE status IN ('published', 'under_review', 'flagged') "
            "AND NOT EXISTS (SELECT FROM post_counters c WHERE c.post_id = p.id)"
        )
        assert wrong == []

    async def snapshot(self) -> dict[str, int]:
        """How many rows each table has."""
        async with self.database.connection() as db:
            return {
                table: await db.fetchval(f'SELECT count(*) FROM "{table}"')
                for table in await tables(db)
            }


async def tables(db: asyncpg.Connection) -> list[str]:
    rows = await db.fetch(
        "SELECT table_name FROM information_schema.tables "
        "WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1"
    )
    return [row["table_name"] for row in rows]


async def refused(spec: ErrorSpec, call: Any) -> str:
    """Check that a call is refused with this code; return the sentence."""
    with pytest.raises(PlazaError) as caught:
        await call
    assert caught.value.spec is spec, caught.value.message
    return caught.value.message
