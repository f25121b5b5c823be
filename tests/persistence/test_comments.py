"""persistence/comments.py and comment_reader.py on a real database."""

import asyncio
import random
from datetime import UTC, datetime

import asyncpg
import pytest

from persistence import comment_reader, comments
from persistence.comments import NewComment
from persistence.database import Database
from protocol.errors import (
    FORBIDDEN,
    MESSAGE_DELETED,
    NONCE_CONFLICT,
    NOT_FOUND,
    ErrorSpec,
    PlazaError,
)
from protocol.ids import Id
from protocol.posts import PostStatus, Visibility
from tests import social
from tests.persistence.thread_model import check_counters, delete

AT = datetime(2027, 1, 1, tzinfo=UTC)


async def write(
    db: asyncpg.Connection,
    author: Id,
    post: Id,
    content: str = "Quite so.",
    *,
    parent: Id | None = None,
    names: tuple[str, ...] = (),
) -> Id:
    id_ = social.new_id()
    async with db.transaction():
        await comments.add(db, NewComment(id_, post, author, parent, content, names))
    return id_


async def refused(spec: ErrorSpec, call) -> str:
    with pytest.raises(PlazaError) as refusal:
        await call
    assert refusal.value.spec is spec
    return refusal.value.message


async def test_what_a_comment_shows(database: Database) -> None:
    async with database.connection() as db:
        ada = await social.person(db, "ada", display_name="Ada L.", verified=True)
        bob = await social.person(db, "bob")
        post = await social.post(db, ada)
        top = await write(db, ada, post, "Well, @bob?", names=("bob", "nobody_here"))
        answer = await write(db, bob, post, "Yes.", parent=top)
        await comments.like(db, bob, top)
        seen = await comment_reader.visible_comment(db, bob, top)
        assert seen.author is not None
        assert (seen.author.display_name, seen.author.verified) == ("Ada L.", True)
        assert (seen.content, [user.id for user in seen.mentions]) == ("Well, @bob?", [bob])
        assert (seen.post, seen.parent, seen.likes, seen.replies, seen.liked) == (
            *(post, None, 1, 1, True),
        )
        assert not (await comment_reader.visible_comment(db, ada, top)).liked
        pushed = await comment_reader.comment_for_all(db, answer)
        assert pushed is not None
        assert (pushed.parent, pushed.content, pushed.liked) == (top, "Yes.", False)
        await check_counters(db)


async def test_threads_are_read_page_by_page_oldest_first(database: Database) -> None:
    async with database.connection() as db:
        ada = await social.person(db)
        post, other = await social.post(db, ada), await social.post(db, ada)
        tops = [await write(db, ada, post) for _ in range(5)]
        below = [await write(db, ada, post, parent=tops[1]) for _ in range(3)]
        deep = await write(db, ada, post, parent=below[0])
        await write(db, ada, other)
        found: list[Id] = []
        while page := await comment_reader.comments_of_post(
            db, ada, post, after=found[-1] if found else 0, limit=2
        ):
            found += [comment.id for comment in page]
        assert found == tops
        answers = await comment_reader.answers(db, ada, post, tops[1], after=0, limit=9)
        assert [comment.id for comment in answers] == below
        answers = await comment_reader.answers(db, ada, post, tops[1], after=below[0], limit=9)
        assert [comment.id for comment in answers] == below[1:]
        answers = await comment_reader.answers(db, ada, post, below[0], after=0, limit=9)
        assert [comment.id for comment in answers] == [deep]
        # A comment is a parent on its own post alone.
        for parent in (Id(17), post):
            await refused(
                NOT_FOUND, comment_reader.answers(db, ada, post, parent, after=0, limit=9)
            )
        await refused(NOT_FOUND, comment_reader.answers(db, ada, other, tops[1], after=0, limit=9))
        await refused(NOT_FOUND, write(db, ada, other, parent=tops[1]))
        await check_counters(db)


async def test_with_answers_it_becomes_a_tombstone(database: Database) -> None:
    async with database.connection() as db:
        ada, bob = await social.person(db), await social.person(db, "bob")
        post = await social.post(db, ada)
        top = await write(db, ada, post, "@bob, ...", names=("bob",))
        middle = await write(db, bob, post, parent=top)
        answer = await write(db, bob, post, parent=middle)
        for comment in (top, middle):
            await comments.like(db, bob, comment)
            await delete(db, comment)
        for comment, parent, replies in ((top, None, 0), (middle, top, 1)):
            left = await comment_reader.visible_comment(db, ada, comment)
            assert (left.deleted, left.author, left.content, left.mentions) == (True, None, "", [])
            assert (left.parent, left.replies, left.likes, left.liked) == (
                *(parent, replies, 0, False),
            )
            for call in (
                comments.like(db, bob, comment),
                comments.unlike(db, bob, comment),
                comments.place_of(db, bob, comment),
                write(db, bob, post, parent=comment),
            ):
                await refused(MESSAGE_DELETED, call)
        page = await comment_reader.comments_of_post(db, ada, post, after=0, limit=9)
        assert [(comment.id, comment.deleted) for comment in page] == [(top, True)]
        assert await comment_reader.comment_for_all(db, top) is None
        # The last answer takes all of them with it.
        await delete(db, answer)
        for comment in (top, middle, answer):
            await refused(NOT_FOUND, comment_reader.visible_comment(db, ada, comment))
        assert await db.fetchval("SELECT count(*) FROM comments") == 0
        await check_counters(db)


async def test_a_tombstone_with_another_answer_stays(database: Database) -> None:
    async with database.connection() as db:
        ada = await social.person(db)
        post = await social.post(db, ada)
        top = await write(db, ada, post)
        one, other = [await write(db, ada, post, parent=top) for _ in range(2)]
        await delete(db, top)
        await delete(db, one)
        assert (await comment_reader.visible_comment(db, ada, top)).replies == 1
        await delete(db, other)
        await refused(NOT_FOUND, comment_reader.visible_comment(db, ada, top))


async def test_a_long_line_of_tombstones_goes_at_once(database: Database) -> None:
    async with database.connection() as db:
        ada = await social.person(db)
        post = await social.post(db, ada)
        line = [await write(db, ada, post)]
        for _ in range(300):
            line.append(await write(db, ada, post, parent=line[-1]))
        for comment in line[:-1]:
            await delete(db, comment)
        assert await db.fetchval("SELECT count(*) FROM comments") == len(line)
        await delete(db, line[-1])
        assert await db.fetchval("SELECT count(*) FROM comments") == 0
        await check_counters(db)


async def test_a_key_writes_once(database: Database) -> None:
    async with database.connection() as db:
        ada, bob = await social.person(db), await social.person(db)
        post = await social.post(db, ada)

        async def claim(author: Id, digest: bytes) -> tuple[Id, Id]:
            id_ = social.new_id()
            return id_, await comments.claim(db, author, "k", id_, digest)

        first, stands = await claim(ada, b"1")
        assert first == stands
        assert (await claim(ada, b"1"))[1] == first
        await refused(NONCE_CONFLICT, claim(ada, b"2"))
        other, stands = await claim(bob, b"2")
        assert other == stands
        await comments.add(db, NewComment(first, post, ada, None, "x", ()))
        assert (await comment_reader.visible_comment(db, ada, first)).content == "x"


async def test_who_does_not_see_the_post_sees_no_comment(database: Database) -> None:
    async with database.connection() as db:
        ada, bob, eve = [await social.person(db) for _ in range(3)]
        await social.befriend(db, ada, bob)
        post = await social.post(db, ada, visibility=Visibility.FRIENDS)
        comment = await write(db, bob, post)
        sentences = set()
        for absent in (comment, Id(17)):
            for call in (
                comment_reader.visible_comment(db, eve, absent),
                comments.like(db, eve, absent),
                comments.unlike(db, eve, absent),
                comments.place_of(db, eve, absent),
            ):
                sentences.add(await refused(NOT_FOUND, call))
        assert len(sentences) == 1
        sentences = set()
        for absent in (post, Id(17)):
            for call in (
                write(db, eve, absent),
                write(db, eve, absent, parent=comment),
                comment_reader.comments_of_post(db, eve, absent, after=0, limit=9),
                comment_reader.answers(db, eve, absent, comment, after=0, limit=9),
            ):
                sentences.add(await refused(NOT_FOUND, call))
        assert len(sentences) == 1
        await check_counters(db)


async def test_comments_across_a_block_are_hidden(database: Database) -> None:
    async with database.connection() as db:
        host, ada, bob, eve = [await social.person(db) for _ in range(4)]
        moderator = await social.person(db, moderator=True)
        post = await social.post(db, host)
        adas, bobs, eves = [await write(db, person, post) for person in (ada, bob, eve)]
        below = await write(db, host, post, parent=bobs)
        await social.block(db, ada, bob)
        await social.block(db, eve, ada)
        await social.block(db, bob, moderator)

        async def tops(viewer: Id) -> list[Id]:
            page = await comment_reader.comments_of_post(db, viewer, post, after=0, limit=9)
            return [comment.id for comment in page]

        async def check() -> None:
            assert await tops(ada) == [adas]
            assert await tops(bob) == [bobs, eves]
            assert await tops(host) == await tops(moderator) == [adas, bobs, eves]
            for absent in (bobs, eves, Id(17)):
                sentences = [
                    await refused(NOT_FOUND, call)
                    for call in (
                        comment_reader.visible_comment(db, ada, absent),
                        comment_reader.answers(db, ada, post, absent, after=0, limit=9),
                        write(db, ada, post, parent=absent),
                        comments.like(db, ada, absent),
                        comments.place_of(db, ada, absent),
                    )
                ]
                assert set(sentences) == {"There is no such comment."}
            [answer] = await comment_reader.answers(db, bob, post, bobs, after=0, limit=9)
            assert answer.id == below

        await check()
        await delete(db, bobs)  # a tombstone is no less hidden
        await check()
        await check_counters(db)


async def test_only_what_is_published_is_commented_on(database: Database) -> None:
    async with database.connection() as db:
        ada = await social.person(db)
        post = await social.post(db, ada)
        comment = await write(db, ada, post)
        await db.execute("UPDATE posts SET status = $1", PostStatus.FLAGGED.value)
        await refused(FORBIDDEN, write(db, ada, post))
        await refused(FORBIDDEN, comments.like(db, ada, comment))
        await comments.unlike(db, ada, comment)
        await delete(db, comment)
        await check_counters(db)


async def test_editing(database: Database) -> None:
    async with database.connection() as db:
        ada, bob = await social.person(db), await social.person(db, "bob")
        post = await social.post(db, ada)
        comment = await write(db, ada, post, "Hello @bob", names=("bob",))
        await comments.edit(db, comment, "Hello @bob", ("bob",), at=AT)
        seen = await comment_reader.visible_comment(db, bob, comment)
        assert seen.edited_at is None
        await comments.edit(db, comment, "Hello", (), at=AT)
        seen = await comment_reader.visible_comment(db, bob, comment)
        assert (seen.content, seen.mentions, seen.edited_at) == (
            *("Hello", [], "2027-01-01T00:00:00.000Z"),
        )
        assert await comments.place_of(db, bob, comment) == (post, ada, ada, False)
        await write(db, bob, post, parent=comment)
        await delete(db, comment)
        await comments.edit(db, comment, "Back again", (), at=AT)
        assert (await comment_reader.visible_comment(db, bob, comment)).content == ""


async def test_counters_are_exact_when_all_come_at_once(database: Database) -> None:
    """Threads are torn down while they grow and are liked; nobody waits for ever."""
    async with database.connection() as db:
        people = [await social.person(db) for _ in range(4)]
        posts = [await social.post(db, people[0]) for _ in range(2)]
    written: list[tuple[Id, Id]] = []
    unforeseen: list[PlazaError] = []

    async def busy(person: Id, seed: int) -> None:
        chance = random.Random(seed)
        async with database.connection() as connection:
            for _ in range(60):
                post, comment = chance.choice(written or [(posts[0], None)])
                try:
                    match chance.randrange(6):
                        case 0 | 1:
                            parent = comment
                            written.append(
                                (post, await write(connection, person, post, parent=parent))
                            )
                        case 2:
                            post = chance.choice(posts)
                            written.append((post, await write(connection, person, post)))
                        case 3 | 4 if comment:
                            await comments.like(connection, person, comment)
                            await comments.unlike(connection, person, comment)
                            await comments.like(connection, person, comment)
                        case 5 if comment:
                            await delete(connection, comment)
                except PlazaError as refusal:
                    if refusal.spec not in (NOT_FOUND, MESSAGE_DELETED):
                        unforeseen.append(refusal)

    await asyncio.gather(*(busy(person, seed) for seed, person in enumerate(people * 2)))
    assert not unforeseen
    async with database.connection() as db:
        assert await db.fetchval("SELECT count(*) FROM comments") > 0
        await check_counters(db)
