"""persistence/likes.py on a real database."""

import asyncio
from contextlib import suppress

import asyncpg
import pytest

from persistence import likes
from persistence.database import Database
from persistence.likes import NEWEST, LikePosition
from protocol.errors import FORBIDDEN, NOT_FOUND, PlazaError
from protocol.ids import Id
from protocol.posts import Counters, PostStatus, Visibility
from tests import social


async def count(db: asyncpg.Connection, post: Id) -> tuple[int, int]:
    """The counter, and the rows."""
    row = await db.fetchrow(
        "SELECT likes, (SELECT count(*) FROM post_likes WHERE post_id = $1) AS rows "
        "FROM post_counters WHERE post_id = $1",
        post,
    )
    assert row is not None
    return row["likes"], row["rows"]


async def names(db: asyncpg.Connection, viewer: Id, post: Id) -> list[str]:
    found = await likes.likers(db, viewer, post, after=NEWEST, limit=100)
    return [author.username for author, _ in found]


async def test_a_like_counts_once(database: Database) -> None:
    async with database.connection() as db:
        ada, bob = await social.person(db), await social.person(db)
        post = await social.post(db, ada)
        await db.execute("UPDATE post_counters SET comments = 2, shares = 3")
        assert await likes.like(db, bob, post) == (Counters(1, 2, 3, True), True)
        assert await likes.like(db, bob, post) == (Counters(1, 2, 3, True), False)
        assert await likes.like(db, ada, post) == (Counters(2, 2, 3, True), True)
        assert await likes.unlike(db, bob, post) == (Counters(1, 2, 3, False), True)
        assert await likes.unlike(db, bob, post) == (Counters(1, 2, 3, False), False)
        assert await count(db, post) == (1, 1)


async def test_what_one_cannot_see_one_cannot_like(database: Database) -> None:
    async with database.connection() as db:
        ada, bob, eve = [await social.person(db) for _ in range(3)]
        await social.block(db, ada, eve)
        hidden = [
            (await social.post(db, ada), eve),
            (await social.post(db, ada, visibility=Visibility.FOLLOWERS), bob),
            (await social.post(db, ada, status=PostStatus.DRAFT), bob),
            (await social.post(db, ada, status=PostStatus.DELETED), ada),
            (await social.post(db, bob, "", shared_id=await social.post(db, ada)), eve),
            (Id(17), bob),
        ]
        sentences = set()
        for post, viewer in hidden:
            for call in (
                likes.like(db, viewer, post),
                likes.unlike(db, viewer, post),
                likes.likers(db, viewer, post, after=NEWEST, limit=10),
            ):
                with pytest.raises(PlazaError) as refusal:
                    await call
                assert refusal.value.spec is NOT_FOUND
                sentences.add(refusal.value.message)
        assert len(sentences) == 1
        assert await db.fetchval("SELECT count(*) FROM post_likes") == 0


@pytest.mark.parametrize(
    "status", [PostStatus.DRAFT, PostStatus.SCHEDULED, PostStatus.UNDER_REVIEW, PostStatus.FLAGGED]
)
async def test_what_is_not_published_is_not_liked(database: Database, status: PostStatus) -> None:
    async with database.connection() as db:
        ada = await social.person(db)
        post = await social.post(db, ada)
        await likes.like(db, ada, post)
        await db.execute("UPDATE posts SET status = $2 WHERE id = $1", post, status.value)
        with pytest.raises(PlazaError) as refusal:
            await likes.like(db, ada, post)
        assert refusal.value.spec is FORBIDDEN
        await likes.unlike(db, ada, post)
        assert await count(db, post) == (0, 0)


async def test_who_likes_is_listed_newest_first_and_paged(database: Database) -> None:
    async with database.connection() as db:
        ada = await social.person(db, "ada", display_name="Ada L.", verified=True)
        post, other = await social.post(db, ada), await social.post(db, ada)
        people = [await social.person(db, f"fan_{number}") for number in range(7)]
        for number, person in enumerate(people):
            await likes.like(db, person, other)
            await likes.like(db, person, post)
            # Pairs of one moment.
            await db.execute(
                "UPDATE post_likes SET at = now() + $3 * interval '1 microsecond' "
                "WHERE (post_id, account_id) = ($1, $2)",
                *(post, person, number // 2),
            )
        await likes.like(db, ada, post)
        await db.execute("UPDATE post_likes SET at = '2000-01-01' WHERE account_id = $1", ada)
        found: list[str] = []
        after: LikePosition = NEWEST
        while page := await likes.likers(db, ada, post, after=after, limit=3):
            found += [author.username for author, _ in page]
            after = page[-1][1]
        assert found == [f"fan_{number}" for number in reversed(range(7))] + ["ada"]
        assert (await likes.likers(db, ada, post, after=NEWEST, limit=10))[-1][0].verified


async def test_those_who_are_blocked_either_way_are_not_listed(database: Database) -> None:
    async with database.connection() as db:
        host, ada, bob, eve = [
            await social.person(db, name) for name in ("host", "ada", "bob", "eve")
        ]
        post = await social.post(db, host)
        for person in (ada, bob, eve):
            await likes.like(db, person, post)
        await social.block(db, ada, bob)
        await social.block(db, eve, ada)
        assert await names(db, ada, post) == ["ada"]
        assert await names(db, bob, post) == ["eve", "bob"]
        assert await names(db, host, post) == ["eve", "bob", "ada"]


async def test_counts_are_exact_when_all_come_at_once(database: Database) -> None:
    async with database.connection() as db:
        people = [await social.person(db) for _ in range(8)]
        post = await social.post(db, people[0])

    async def fickle(person: Id, *, ends: bool) -> None:
        async with database.connection() as connection:
            for _ in range(5):
                await likes.like(connection, person, post)
                await likes.unlike(connection, person, post)
            if ends:
                await likes.like(connection, person, post)

    # Each account twice, as from two devices.
    await asyncio.gather(*(fickle(person, ends=True) for person in people * 2))
    async with database.connection() as db:
        counter, rows = await count(db, post)
        assert counter == rows


async def test_a_like_meets_the_removal_of_its_post(database: Database) -> None:
    """Neither is refused for a deadlock, whichever is first."""
    async with database.connection() as db:
        people = [await social.person(db) for _ in range(3)]

    async def like(person: Id, post: Id) -> None:
        async with database.connection() as connection:
            for _ in range(4):
                with suppress(PlazaError):  # it is gone
                    await likes.like(connection, person, post)
                    await likes.unlike(connection, person, post)

    async def remove(post: Id) -> None:
        async with database.connection() as connection:
            await connection.execute("DELETE FROM posts WHERE id = $1", post)

    for _ in range(5):
        async with database.connection() as db:
            post = await social.post(db, people[0])
        await asyncio.gather(*(like(person, post) for person in people), remove(post))
    async with database.connection() as db:
        assert await db.fetchval("SELECT count(*) FROM post_likes") == 0
