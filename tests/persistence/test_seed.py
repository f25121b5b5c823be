"""A made-up town: as many of each as asked for, spread as in life, and every counter exact."""

from collections.abc import Callable
from datetime import UTC, datetime

import asyncpg
import pytest

from persistence import seed
from persistence.database import Database
from server.seeding.people import Person
from server.seeding.town import Settings, Size, build

NOW = int(datetime(2026, 11, 23, 2, tzinfo=UTC).timestamp() * 1000)
SIZE = Size(accounts=150, posts=1500, follows=2500, likes=6000, comments=1500)


class Steps:
    """Hears of the progress."""

    def __init__(self) -> None:
        self.done: dict[str, int] = {}
        self.totals: dict[str, int] = {}

    def __call__(self, name: str, total: int) -> Callable[[int], None]:
        self.totals[name] = total
        self.done[name] = 0

        def more(count: int) -> None:
            self.done[name] += count

        return more


def settings(chance: int = 1, *, until_ms: int = NOW, pull_followers: int = 100) -> Settings:
    return Settings(until_ms, chance, "a hash", pull_followers)


@pytest.fixture(scope="module")
async def steps() -> Steps:
    return Steps()


@pytest.fixture
async def connection(database: Database) -> asyncpg.Connection:
    return await database.open_connection()


@pytest.fixture
async def people(connection: asyncpg.Connection, steps: Steps) -> list[Person]:
    return await build(connection, SIZE, settings(), steps)


async def rows(connection: asyncpg.Connection, query: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await connection.fetch(query)]


# What each counter should be, and what it is where it is not that.
WRONG_COUNTERS = {
    "posts": """
        SELECT account_id FROM profiles WHERE posts <> (
            SELECT count(*) FROM posts WHERE author_id = account_id AND status = 'published')
    """,
    "followers": """
        SELECT account_id FROM profiles WHERE followers <> (
            SELECT count(*) FROM follows WHERE followee_id = account_id AND accepted)
    """,
    "following": """
        SELECT account_id FROM profiles WHERE following <> (
            SELECT count(*) FROM follows WHERE follower_id = account_id AND accepted)
    """,
    "likes": """
        SELECT post_id FROM post_counters c WHERE likes <> (
            SELECT count(*) FROM post_likes l WHERE l.post_id = c.post_id)
    """,
    "comments": """
        SELECT post_id FROM post_counters c WHERE comments <> (
            SELECT count(*) FROM comments m WHERE m.post_id = c.post_id)
    """,
    "shares": """
        SELECT post_id FROM post_counters c WHERE shares <> (
            SELECT count(*) FROM posts p WHERE p.shared_id = c.post_id)
    """,
    "replies": """
        SELECT id FROM comments m WHERE replies <> (
            SELECT count(*) FROM comments a WHERE a.parent_id = m.id)
    """,
}

# What the rest of the server never writes.
IMPOSSIBLE = {
    "a post without counters": """
        SELECT id FROM posts WHERE id NOT IN (SELECT post_id FROM post_counters)
    """,
    "an account without a profile": """
        SELECT id FROM accounts WHERE id NOT IN (SELECT account_id FROM profiles)
    """,
    "a request to an open account": """
        SELECT 1 FROM follows JOIN profiles ON account_id = followee_id
        WHERE NOT accepted AND visibility = 'public'
    """,
    "a pulled account in timelines": """
        SELECT 1 FROM follows JOIN profiles ON account_id = followee_id
        WHERE backfilled AND (pulled OR NOT accepted)
    """,
    "pulled, or not": "SELECT 1 FROM profiles WHERE pulled <> (followers > 100)",
    "tags that are not listed": """
        SELECT id FROM posts WHERE visibility <> 'private' AND tags <> ARRAY(
            SELECT tag FROM post_tags WHERE post_id = id ORDER BY array_position(tags, tag))
    """,
    "tags that are not in the text": """
        SELECT id FROM posts, unnest(tags) AS tag WHERE position('#' || tag in content) = 0
    """,
    "a private post that is listed": """
        SELECT 1 FROM posts WHERE visibility = 'private' AND (
            id IN (SELECT post_id FROM post_tags) OR id IN (SELECT post_id FROM post_mentions))
    """,
    "a mention that is not listed": """
        SELECT id FROM posts WHERE visibility <> 'private' AND mentions <> ARRAY(
            SELECT account_id FROM post_mentions WHERE post_id = id)
    """,
    "a share of what is not for everybody": """
        SELECT p.id FROM posts p JOIN posts s ON s.id = p.shared_id
        JOIN profiles pr ON pr.account_id = s.author_id
        WHERE s.visibility <> 'public' OR pr.visibility <> 'public'
    """,
    "a share of a share": """
        SELECT 1 FROM post_shares WHERE shared_id IN (SELECT post_id FROM post_shares)
    """,
    "a share without a text that is not listed": """
        SELECT id FROM posts WHERE content = '' AND id NOT IN (SELECT post_id FROM post_shares)
    """,
    "a like by who cannot see the post": """
        SELECT 1 FROM post_likes l JOIN posts p ON p.id = l.post_id
        JOIN profiles pr ON pr.account_id = p.author_id
        WHERE l.account_id <> p.author_id AND (p.visibility, pr.visibility) <> ('public', 'public')
            AND NOT EXISTS (SELECT FROM follows f WHERE f.accepted
                AND (f.follower_id, f.followee_id) = (l.account_id, p.author_id))
    """,
    "an answer to another post's comment": """
        SELECT 1 FROM comments a JOIN comments m ON m.id = a.parent_id WHERE a.post_id <> m.post_id
    """,
    "something of the time to come": f"""
        SELECT 1 FROM posts WHERE published_at > to_timestamp({NOW} / 1000.0)
        UNION ALL SELECT 1 FROM post_likes WHERE at > to_timestamp({NOW} / 1000.0)
    """,
}  # fmt: skip


async def test_a_town_as_the_server_would_have_made_it(
    connection: asyncpg.Connection, people: list[Person], steps: Steps
) -> None:
    for name, query in {**WRONG_COUNTERS, **IMPOSSIBLE}.items():
        assert await rows(connection, query) == [], name
    counts = {
        table: await connection.fetchval(f"SELECT count(*) FROM {table}")
        for table in ("accounts", "posts", "follows", "post_likes", "comments")
    }
    assert (counts["accounts"], counts["posts"], counts["follows"]) == (150, 1500, 2500)
    assert 0.7 * SIZE.likes <= counts["post_likes"] <= 1.1 * SIZE.likes
    assert 0.9 * SIZE.comments <= counts["comments"] <= SIZE.comments
    assert await rows(connection, "SELECT 1 FROM posts_rest") == []
    # All kinds of things come up.
    for query in (
        "SELECT 1 FROM profiles WHERE visibility = 'followers'",
        "SELECT 1 FROM follows WHERE NOT accepted",
        "SELECT 1 FROM follows WHERE close",
        "SELECT 1 FROM post_shares",
        "SELECT 1 FROM posts WHERE shared_id IS NOT NULL AND content <> ''",
        "SELECT 1 FROM post_mentions",
        "SELECT 1 FROM comments WHERE parent_id IS NOT NULL",
    ):
        assert await rows(connection, query), query
    # Likes are announced before they are made, so there are a few less.
    del steps.done["likes"]
    assert steps.done == {name: steps.totals[name] for name in steps.done} | {"statistics": 0}


REFERENCES = """
SELECT conrelid::regclass::text AS here, confrelid::regclass::text AS there,
    (SELECT string_agg(quote_ident(attname), ', ' ORDER BY n)
     FROM unnest(conkey) WITH ORDINALITY AS k (number, n)
     JOIN pg_attribute ON attrelid = conrelid AND attnum = number) AS columns,
    (SELECT string_agg(quote_ident(attname), ', ' ORDER BY n)
     FROM unnest(confkey) WITH ORDINALITY AS k (number, n)
     JOIN pg_attribute ON attrelid = confrelid AND attnum = number) AS keys
FROM pg_constraint WHERE contype = 'f' AND conparentid = 0
"""


async def test_whatever_is_referred_to_is_there(
    connection: asyncpg.Connection, people: list[Person]
) -> None:
    references = await connection.fetch(REFERENCES)
    assert len(references) > 30
    for here, there, columns, keys in references:
        dangling = f"""
            SELECT 1 FROM {here} AS x WHERE ({columns}) IS NOT NULL AND NOT EXISTS (
                SELECT FROM {there} AS y
                WHERE ({", ".join(f"y.{key}" for key in keys.split(", "))})
                    = ({", ".join(f"x.{column}" for column in columns.split(", "))}))
        """
        assert await rows(connection, dangling) == [], (here, columns)


async def test_a_role_that_must_have_references_checked(connection: asyncpg.Connection) -> None:
    await connection.execute("CREATE ROLE seeder NOSUPERUSER; SET ROLE seeder")
    async with connection.transaction():
        await seed.trust(connection)
        assert await connection.fetchval("SHOW session_replication_role") == "origin"
    await connection.execute("RESET ROLE; DROP ROLE seeder")


async def test_few_have_most(connection: asyncpg.Connection, people: list[Person]) -> None:
    followers = [
        row[0] for row in await rows(connection, "SELECT followers FROM profiles ORDER BY 1")
    ]
    assert followers[-1] > 100  # all, or all but those whom a closed account has not let in
    tenth = len(followers) // 10
    assert sum(followers[-tenth:]) > 0.3 * sum(followers)
    tags = [row[0] for row in await rows(connection, "SELECT count(*) FROM post_tags GROUP BY tag")]
    assert max(tags) > 5 * sorted(tags)[len(tags) // 2]


async def test_the_most_followed_come_first(
    connection: asyncpg.Connection, people: list[Person]
) -> None:
    most = await connection.fetchval(
        "SELECT followers FROM profiles WHERE account_id = $1", people[0].id
    )
    assert most == await connection.fetchval("SELECT max(followers) FROM profiles")


SMALL = Size(accounts=30, posts=200, follows=200, likes=300, comments=100)


async def made(connection: asyncpg.Connection, chance: int) -> dict[str, list[str]]:
    """A small town's rows, and none of it left behind."""
    transaction = connection.transaction()
    await transaction.start()
    await build(connection, SMALL, settings(chance), Steps())
    tables = ("accounts", "profiles", "follows", "posts", "post_likes", "comments", "post_counters")
    found = {
        table: [
            row[0] for row in await rows(connection, f"SELECT t::text FROM {table} t ORDER BY 1")
        ]
        for table in tables
    }
    await transaction.rollback()
    return found


async def test_the_same_number_makes_the_same_town(connection: asyncpg.Connection) -> None:
    town = await made(connection, 1)
    assert await made(connection, 1) == town
    assert await made(connection, 2) != town


async def test_it_adds_to_what_is_there(connection: asyncpg.Connection) -> None:
    assert not await seed.has_accounts(connection)
    await build(connection, SMALL, settings(), Steps())
    assert await seed.has_accounts(connection)
    await build(connection, SMALL, settings(until_ms=NOW + 60_000), Steps())
    assert await connection.fetchval("SELECT count(*) FROM accounts") == 60
    for name, query in WRONG_COUNTERS.items():
        assert await rows(connection, query) == [], name


async def test_an_end_in_the_middle_leaves_nothing(
    connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seed, "COUNTERS", seed.Table("nowhere", ("post_id",)))
    with pytest.raises(asyncpg.UndefinedTableError):
        await build(connection, SMALL, settings(), Steps())
    assert not await seed.has_accounts(connection)


@pytest.mark.parametrize(
    "size", [Size(1, 0, 0, 0, 0), Size(1, 5, 10, 20, 20), Size(2, 0, 5, 5, 5), Size(3, 1, 0, 0, 9)]
)
async def test_of_whatever_size(connection: asyncpg.Connection, size: Size) -> None:
    people = await build(connection, size, settings(), Steps())
    assert len(people) == size.accounts
    for name, query in WRONG_COUNTERS.items():
        assert await rows(connection, query) == [], name


async def test_when_time_has_just_begun(connection: asyncpg.Connection) -> None:
    await build(connection, SMALL, settings(until_ms=0), Steps())
    assert await connection.fetchval("SELECT min(id) > 0 FROM posts")
