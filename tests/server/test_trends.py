"""Trends over a real database, with a clock that is moved."""

import itertools
from collections.abc import Sequence

import asyncpg
import pytest

from persistence.database import Database
from protocol.ids import Id, first_id_at
from protocol.posts import PostStatus, Visibility
from protocol.times import from_ms
from protocol.trends import Span
from server.trends import Trends
from tests import social

START = 1_800_000_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE

_numbers = itertools.count(1)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def trends(database: Database, clock: Clock) -> Trends:
    return Trends(database, clock=clock)


def id_at(milliseconds: int) -> Id:
    return Id(first_id_at(milliseconds) + next(_numbers) % 4096)


async def people(db: asyncpg.Connection, count: int) -> Sequence[Id]:
    return [await social.person(db) for _ in range(count)]


async def tagged(db: asyncpg.Connection, author: Id, tag: str, ago: int, **columns: object) -> Id:
    return await social.post(db, author, id=id_at(START - ago), tags=[tag], **columns)


async def like(db: asyncpg.Connection, post: Id, accounts: Sequence[Id], ago: int) -> None:
    for account in accounts:
        await db.execute(
            "INSERT INTO post_likes (post_id, account_id, at) VALUES ($1, $2, $3)",
            *(post, account, from_ms(START - ago)),
        )


async def comment(db: asyncpg.Connection, post: Id, author: Id, ago: int) -> None:
    await db.execute(
        "INSERT INTO comments (id, post_id, author_id, content) VALUES ($1, $2, $3, 'Well.')",
        *(id_at(START - ago), post, author),
    )


async def refreshed(trends: Trends, span: Span = Span.HOUR) -> list[str]:
    await trends.refresh_hour()
    await trends.refresh_rest()
    return [trend.tag for trend in await trends.tags(span, limit=50)]


async def test_a_burst_beats_steady_volume(database: Database, trends: Trends) -> None:
    async with database.connection() as db:
        some = await people(db, 8)
        for hours in range(25):
            for person in some:
                await tagged(db, person, "weather", hours * HOUR + 10 * MINUTE)
        for person in some[:5]:
            await tagged(db, person, "eclipse", 3 * MINUTE)
    assert await refreshed(trends) == ["eclipse"]
    (eclipse,) = await trends.tags(Span.HOUR, limit=50)
    assert (eclipse.why.accounts, eclipse.why.expected) == (5, 2.0)
    assert eclipse.why.since == "2027-01-15T07:00:00.000Z"


async def test_one_account_does_not_trend_however_much_it_posts(
    database: Database, trends: Trends
) -> None:
    async with database.connection() as db:
        ada, bob, eve = await people(db, 3)
        await db.execute(
            "INSERT INTO posts (id, author_id, position, type, status, visibility, tags) "
            "SELECT i, $1, i, 'text', 'published', 'public', '{spam}' "
            "FROM generate_series($2::bigint, $2::bigint + 999) AS i",
            *(ada, first_id_at(START - 5 * MINUTE)),
        )
        await db.execute(
            "INSERT INTO post_tags (tag, position, post_id, author_id) "
            "SELECT 'spam', position, id, author_id FROM posts WHERE author_id = $1",
            ada,
        )
        assert await refreshed(trends) == []
        await tagged(db, bob, "spam", 4 * MINUTE)
        assert await refreshed(trends) == []
        await tagged(db, eve, "spam", 4 * MINUTE)
    assert await refreshed(trends) == ["spam"]


async def test_trends_decay_and_end(database: Database, trends: Trends, clock: Clock) -> None:
    async with database.connection() as db:
        for person in await people(db, 6):
            await tagged(db, person, "eclipse", 2 * MINUTE)
    scores = []
    for _ in range(4):
        await trends.refresh_hour()
        scores.append((await trends.tags(Span.HOUR, limit=1))[0].score)
        clock.now += 15 * MINUTE
    assert scores == sorted(scores, reverse=True)
    assert scores[2] == pytest.approx(scores[0] / 4, rel=0.01)
    await trends.refresh_hour()
    assert await trends.tags(Span.HOUR, limit=1) == []


async def test_each_span_looks_at_its_own_time(database: Database, trends: Trends) -> None:
    async with database.connection() as db:
        some = await people(db, 4)
        for tag, ago in (("now", MINUTE), ("today", 5 * HOUR), ("lately", 3 * 24 * HOUR)):
            for person in some:
                await tagged(db, person, tag, ago)
    assert await refreshed(trends, Span.HOUR) == ["now"]
    assert await refreshed(trends, Span.DAY) == ["now", "today"]
    assert await refreshed(trends, Span.WEEK) == ["now", "today", "lately"]


async def test_only_what_everybody_may_see_counts(database: Database, trends: Trends) -> None:
    async with database.connection() as db:
        some = await people(db, 4)
        for person in some:
            await tagged(db, person, "friends", MINUTE, visibility=Visibility.FRIENDS)
            held = await tagged(db, person, "held", MINUTE)
            await db.execute(
                "UPDATE posts SET status = $2 WHERE id = $1", held, PostStatus.UNDER_REVIEW
            )
        for _ in range(4):
            hidden = await social.person(db, visibility="followers")
            await tagged(db, hidden, "hidden", MINUTE)
    assert await refreshed(trends) == []


async def test_posts_trend_by_whoever_likes_comments_or_shares(
    database: Database, trends: Trends
) -> None:
    async with database.connection() as db:
        ada, bob, eve, kim = await people(db, 4)
        post = await social.post(db, ada, id=id_at(START - 20 * MINUTE))
        # Its author, and the same person again, change nothing.
        await like(db, post, [ada, bob], 5 * MINUTE)
        await comment(db, post, bob, 4 * MINUTE)
        await comment(db, post, eve, 3 * MINUTE)
        await trends.refresh_hour()
        assert await trends.posts(bob, Span.HOUR, limit=9) == []
        await social.post(db, kim, "Look!", id=id_at(START - MINUTE), shared_id=post)
    await trends.refresh_hour()
    (trend,) = await trends.posts(bob, Span.HOUR, limit=9)
    assert trend.post.id == post
    assert trend.post.liked
    assert trend.why.accounts == 3


async def test_a_post_that_is_always_liked_is_no_trend(database: Database, trends: Trends) -> None:
    async with database.connection() as db:
        ada, *some = await people(db, 13)
        old = await social.post(db, ada, id=id_at(START - 4 * HOUR))
        new = await social.post(db, ada, id=id_at(START - 30 * MINUTE))
        for hour in range(4):
            await like(db, old, some[hour * 3 : hour * 3 + 3], hour * HOUR + MINUTE)
        await like(db, new, some[:3], MINUTE)
    await trends.refresh_hour()
    assert [trend.post.id for trend in await trends.posts(ada, Span.HOUR, limit=9)] == [new]


async def test_a_viewer_is_spared_what_it_may_or_will_not_see(
    database: Database, trends: Trends
) -> None:
    async with database.connection() as db:
        ada, bob, eve, kim, viewer, *some = await people(db, 9)
        by_author = {}
        for author in (ada, bob, eve, kim):
            by_author[author] = await social.post(db, author, id=id_at(START - HOUR // 2))
            await like(db, by_author[author], some, MINUTE)
        await trends.refresh_hour()
        assert len(await trends.posts(viewer, Span.HOUR, limit=9)) == 4
        await social.block(db, viewer, ada)
        await social.block(db, bob, viewer)
        await social.mute(db, viewer, eve)
        assert [t.post.id for t in await trends.posts(viewer, Span.HOUR, limit=9)] == [
            by_author[kim]
        ]
        await db.execute("UPDATE posts SET status = 'deleted' WHERE author_id = $1", kim)
    assert await trends.posts(viewer, Span.HOUR, limit=9) == []
