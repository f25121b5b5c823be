"""Who does something to a post waits where it holds nothing that those before it may want.

Somebody has locked what everybody locks first. Who comes now must not hold anything below it: if
they do, the two can end up waiting for each other, now and then, under load.
"""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from persistence import comments, likes, polls
from persistence.comments import NewComment
from persistence.database import Database
from protocol.ids import Id
from tests import social
from tests.persistence.test_polls import NOW
from tests.persistence.thread_model import delete

IS_WAITING = "SELECT cardinality(pg_blocking_pids($1)) > 0"


class Scene:
    """A poll with a comment, both liked by eve, who has voted."""

    eve: Id
    post: Id
    comment: Id

    async def set(self, db: asyncpg.Connection) -> None:
        ada, self.eve = await social.person(db), await social.person(db)
        self.post = await social.poll(db, ada)
        self.comment = social.new_id()
        await comments.add(db, NewComment(self.comment, self.post, self.eve, None, "x", ()))
        await likes.like(db, self.eve, self.post)
        await comments.like(db, self.eve, self.comment)
        await self.vote(db, 0)

    async def vote(self, db: asyncpg.Connection, *options: int) -> None:
        async with db.transaction():
            question = await polls.open_poll(db, self.eve, self.post, now=NOW)
            await polls.set_votes(db, self.eve, self.post, options, question)


Act = Callable[[asyncpg.Connection, Scene], Awaitable[object]]

COUNTERS = "SELECT FROM post_counters FOR UPDATE"
COMMENT = "SELECT FROM comments FOR UPDATE"
POLL = "SELECT FROM polls FOR UPDATE"
POST = "SELECT FROM posts FOR UPDATE"
BELOW_COUNTERS = "SELECT FROM comments, comment_likes, post_likes FOR UPDATE NOWAIT"
BELOW_COMMENT = "SELECT FROM comment_likes FOR UPDATE NOWAIT"
BELOW_POLL = "SELECT FROM poll_options, poll_votes FOR UPDATE NOWAIT"
BELOW_POST = "SELECT FROM post_counters, polls, comments FOR UPDATE NOWAIT"

ACTS: dict[str, tuple[str, str, Act]] = {
    "unlike": (COUNTERS, BELOW_COUNTERS, lambda db, s: likes.unlike(db, s.eve, s.post)),
    "delete a comment": (COUNTERS, BELOW_COUNTERS, lambda db, s: delete(db, s.comment)),
    "unlike a comment": (
        *(COMMENT, BELOW_COMMENT),
        lambda db, s: comments.unlike(db, s.eve, s.comment),
    ),
    "change a vote": (POLL, BELOW_POLL, lambda db, s: s.vote(db, 1)),
    "unlike a post that goes": (POST, BELOW_POST, lambda db, s: likes.unlike(db, s.eve, s.post)),
    "unlike a comment on a post that goes": (
        *(POST, BELOW_POST),
        lambda db, s: comments.unlike(db, s.eve, s.comment),
    ),
    "vote in a post that goes": (POST, BELOW_POST, lambda db, s: s.vote(db, 1)),
}


@pytest.mark.parametrize("name", ACTS)
async def test_who_waits_holds_nothing_below(database: Database, name: str) -> None:
    first, below, act = ACTS[name]
    scene = Scene()
    async with database.connection() as before, database.connection() as now:
        await scene.set(before)
        pid = await now.fetchval("SELECT pg_backend_pid()")
        async with before.transaction():
            await before.execute(first)
            acting = asyncio.ensure_future(act(now, scene))
            while not await before.fetchval(IS_WAITING, pid):
                assert not acting.done(), "it went past the lock"
            await before.execute(below)
        await acting
