"""Posts are deleted, and nothing that hangs on them is left."""

import asyncio

import pytest

from feed_push.composition import WantedPoll
from persistence.database import Database
from protocol.errors import FORBIDDEN, NOT_FOUND
from protocol.ids import Id
from protocol.posts import PostStatus, PostType, Visibility
from tests import social
from tests.server.newsroom import Newsroom, refused

# Where the id of a deleted post stays: in its own row; in the row of a quote, which says so; in the
# key that keeps a late repeat from posting anew; in jobs and timelines, which look before they act.
STAYS = {
    ("posts", "id"),
    ("posts", "position"),
    ("posts", "shared_id"),
    ("post_keys", "post_id"),
    ("pgqueuer", "payload"),
    ("timeline_entries", "post_id"),
    ("timeline_entries", "position"),
}


@pytest.fixture
async def room(database: Database) -> Newsroom:
    return await Newsroom(database).open()


async def columns_with(room, post):
    """The columns of all tables in which a post's id stands."""
    columns = await room.rows(
        "SELECT c.table_name, c.column_name, c.data_type, c.udt_name "
        "FROM information_schema.columns c JOIN information_schema.tables t "
        "USING (table_schema, table_name) "
        "WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'"
    )
    found = set()
    for table, column, kind, udt in columns:
        if kind == "bigint":
            condition = f'"{column}" = $1::bigint'
        elif udt == "_int8":
            condition = f'$1::bigint = ANY("{column}")'
        elif kind in ("text", "bytea", "jsonb"):
            text = f"""encode("{column}", 'escape')""" if kind == "bytea" else f'"{column}"::text'
            condition = f"{text} LIKE '%' || $1::bigint::text || '%'"
        else:
            continue
        if await room.value(f'SELECT EXISTS (SELECT FROM "{table}" WHERE {condition})', post):
            found.add((table, column))
    # Partitions are tables, too.
    return {("posts" if table.startswith("posts_") else table, name) for table, name in found}


async def hang_everything_on(room, post, *, options=0):
    """Everything that people do with a post."""
    async with room.database.connection() as db:
        for option in range(options):
            await db.execute(
                "INSERT INTO poll_votes (post_id, account_id, option, multiple) "
                "VALUES ($1, $2, $3, true)",
                post, room.bob, option,
            )  # fmt: skip
        await db.execute(
            "INSERT INTO post_likes (post_id, account_id) VALUES ($1, $2)", post, room.bob
        )
        await db.execute(
            "INSERT INTO bookmarks (account_id, post_id, id) VALUES ($1, $2, $3)",
            room.bob, post, social.new_id(),
        )  # fmt: skip
        parent = None
        for _ in range(3):
            comment = social.new_id()
            await db.execute(
                "INSERT INTO comments (id, post_id, author_id, parent_id, content) "
                "VALUES ($1, $2, $3, $4, 'Well said.')",
                comment, post, room.bob, parent,
            )  # fmt: skip
            await db.execute(
                "INSERT INTO comment_likes (comment_id, account_id) VALUES ($1, $2)",
                comment, room.eve,
            )  # fmt: skip
            parent = comment
        await db.execute(
            "UPDATE post_counters SET likes = 1, comments = 3 WHERE post_id = $1", post
        )


@pytest.mark.parametrize("deleter", ["ada", "moderator"])
async def test_no_dependent_row_is_left(room, deleter):
    original = await room.write()
    kept = await room.write("Kept. #a @bob")
    await hang_everything_on(room, kept.id)
    kept_rows = await room.snapshot()
    media = await room.upload()
    image = await room.write(
        "#a @bob @eve", type=PostType.IMAGE, media=(media,), key="one", shared=original.id
    )
    poll = WantedPoll(options=("yes", "no"), multiple=True)
    poll = await room.write("Tea? #a @bob", type=PostType.POLL, poll=poll)
    for post in (image, poll):
        await hang_everything_on(room, post.id, options=2 if post is poll else 0)
        await room.change(post.id, content="Changed. #b @eve", warning="w")
        share = await room.posts.share(room.bob, post.id)
        await hang_everything_on(room, share.id)
        await room.write("So true.", by=room.eve, shared=post.id)
        assert len(await columns_with(room, post.id) - STAYS) >= 10
        await room.posts.delete(getattr(room, deleter), post.id)
        for gone in (post.id, share.id):
            assert await columns_with(room, gone) <= STAYS
    rows = await room.rows(
        "SELECT content, warning, link, media, tags, mentions FROM posts WHERE status = 'deleted'"
    )
    assert rows == [("", None, None, [], [], [])] * 4
    await room.counted()
    left = await room.snapshot()
    for table in (
        "comments",
        "comment_likes",
        "post_likes",
        "bookmarks",
        "post_tags",
        "post_shares",
    ):
        assert left[table] == kept_rows[table], table
    for table in ("polls", "poll_options", "poll_votes", "post_edits", "upload_uses"):
        assert left[table] == 0, table


async def test_those_who_watch_are_told(room):
    original = await room.write()
    post = await room.write("#a", shared=original.id, visibility=Visibility.PUBLIC)
    share = await room.posts.share(room.bob, post.id)
    room.watchers.take()
    await room.posts.delete(room.ada, post.id)
    assert room.watchers.take() == [
        ("gone", post.id, room.ada, ("a",), Visibility.PUBLIC),
        ("gone", share.id, room.bob, (), Visibility.PUBLIC),
        ("counted", original.id),
    ]
    draft = await room.write(status=PostStatus.DRAFT)
    await room.posts.delete(room.ada, draft.id)
    assert room.watchers.take() == []
    await room.counted()


async def test_who_may(room):
    post = await room.write()
    private = await room.write(visibility=Visibility.PRIVATE)
    await refused(FORBIDDEN, room.posts.delete(room.bob, post.id))
    for by in (room.bob, room.moderator):
        await refused(NOT_FOUND, room.posts.delete(by, private.id))
    await refused(NOT_FOUND, room.posts.delete(room.ada, Id(17)))
    await room.posts.delete(room.moderator, post.id)
    await refused(NOT_FOUND, room.posts.delete(room.ada, post.id))
    await refused(NOT_FOUND, room.change(post.id, content="x"))
    await refused(NOT_FOUND, room.posts.share(room.bob, post.id))


async def test_what_is_held_back_is_not_counted_twice(room):
    original = await room.write()
    share = await room.posts.share(room.bob, original.id)
    await room.change(share.id, by=room.moderator, status=PostStatus.FLAGGED)
    room.watchers.take()
    await room.posts.delete(room.ada, original.id)
    await room.counted()
    assert [told[:2] for told in room.watchers.take()] == [("gone", original.id)]


async def test_everything_at_once_keeps_count(room):
    posts = [await room.write(f"Number {number}. #a") for number in range(4)]
    people = [room.ada, room.bob, room.eve]
    work = []
    for post in posts:
        work += [room.posts.share(by, post.id) for by in people]
        work += [room.write("So true.", by=by, shared=post.id) for by in people]
        work += [room.posts.unshare(by, post.id) for by in people]
        work += [room.posts.share(by, post.id) for by in people]
        work += [room.change(post.id, by=room.moderator, status=PostStatus.FLAGGED)]
        work += [room.change(post.id, by=room.moderator, status=PostStatus.PUBLISHED)]
        work += [room.posts.delete(room.ada, post.id), room.posts.delete(room.moderator, post.id)]
    done = await asyncio.gather(*work, return_exceptions=True)
    refusals = {error.spec for error in done if isinstance(error, Exception)}
    assert refusals <= {NOT_FOUND, FORBIDDEN}
    statuses = dict(await room.rows("SELECT id, status FROM posts"))
    assert {statuses[post.id] for post in posts} == {"deleted"}
    assert await room.rows("SELECT * FROM post_shares") == []
    await room.counted()
