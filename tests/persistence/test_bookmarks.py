"""persistence/bookmarks.py on a real database."""

import asyncpg
import pytest

from persistence import bookmarks
from persistence.database import Database
from protocol.errors import NOT_FOUND, PlazaError
from protocol.ids import MAX_ID, Id
from protocol.posts import PostStatus, Visibility
from tests import social


async def keep(db: asyncpg.Connection, account: Id, *posts: Id) -> None:
    for post in posts:
        await bookmarks.bookmark(db, account, post, id=social.new_id())


async def kept(db: asyncpg.Connection, account: Id, *, limit: int = 100) -> list[Id]:
    """All of the list, page by page."""
    found: list[Id] = []
    before: int | None = MAX_ID
    while before is not None:
        page = await bookmarks.bookmarks(db, account, before=before, limit=limit)
        assert len(page.posts) <= limit
        assert all(post.bookmarked for post in page.posts)
        found += [post.id for post in page.posts]
        before = page.last
    return found


async def test_the_last_one_kept_comes_first(database: Database) -> None:
    async with database.connection() as db:
        ada, bob = await social.person(db), await social.person(db)
        posts = [await social.post(db, ada) for _ in range(5)]
        order = [posts[2], posts[0], posts[4], posts[1], posts[3]]
        await keep(db, bob, *order)
        await keep(db, bob, posts[2])  # stays where it is
        assert await kept(db, bob, limit=2) == order[::-1]
        assert await kept(db, ada) == []
        for _ in range(2):
            await bookmarks.unbookmark(db, bob, posts[4])
        assert await kept(db, bob, limit=3) == [posts[3], posts[1], posts[0], posts[2]]


async def test_what_one_sees_no_more_is_left_out_of_full_pages(database: Database) -> None:
    async with database.connection() as db:
        ada, bob, eve = [await social.person(db) for _ in range(3)]
        posts = [await social.post(db, ada) for _ in range(6)]
        eves = await social.post(db, eve)
        share = await social.post(db, bob, "", shared_id=eves)
        await keep(db, bob, *posts, share, eves)
        await db.execute("UPDATE posts SET status = 'deleted' WHERE id = $1", posts[5])
        await db.execute("UPDATE posts SET visibility = 'private' WHERE id = $1", posts[3])
        await social.block(db, eve, bob)
        assert await kept(db, bob, limit=2) == [posts[4], posts[2], posts[1], posts[0]]
        page = await bookmarks.bookmarks(db, bob, before=MAX_ID, limit=3)
        assert [post.id for post in page.posts] == [posts[4], posts[2]]  # and a share of nothing
        # It is not forgotten.
        await db.execute("DELETE FROM account_blocks")
        assert await kept(db, bob, limit=2) == [eves, share, posts[4], posts[2], posts[1], posts[0]]


async def test_what_one_cannot_see_one_cannot_keep(database: Database) -> None:
    async with database.connection() as db:
        ada, bob = await social.person(db), await social.person(db)
        posts = [
            await social.post(db, ada, visibility=Visibility.PRIVATE),
            await social.post(db, ada, status=PostStatus.DRAFT),
            await social.post(db, ada, status=PostStatus.FLAGGED),
            Id(17),
        ]
        messages = set()
        for post in posts:
            for call in (keep(db, bob, post), bookmarks.unbookmark(db, bob, post)):
                with pytest.raises(PlazaError) as refusal:
                    await call
                assert refusal.value.spec is NOT_FOUND
                messages.add(refusal.value.message)
        assert len(messages) == 1
        await keep(db, ada, *posts[:3])
        assert await kept(db, ada) == posts[2::-1]
