"""persistence/polls.py on a real database, and what the database itself forbids."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from persistence import polls
from persistence.database import Database
from persistence.post_reader import visible_post
from protocol.errors import BAD_REQUEST, FORBIDDEN, NOT_FOUND, POLL_CLOSED, PlazaError
from protocol.ids import Id
from protocol.posts import PostStatus, PostType, Visibility
from tests import social

NOW = datetime(2027, 1, 1, 12, tzinfo=UTC)

WRONG_COUNTERS = """
SELECT 'votes', post_id FROM poll_options o WHERE votes <> (
    SELECT count(*) FROM poll_votes v WHERE (v.post_id, v.option) = (o.post_id, o.option)
)
UNION ALL
SELECT 'voters', post_id FROM polls q WHERE voters <> (
    SELECT count(DISTINCT account_id) FROM poll_votes v WHERE v.post_id = q.post_id
)
"""


async def vote(
    db: asyncpg.Connection, account: Id, post: Id, *options: int, now: datetime = NOW
) -> bool:
    async with db.transaction():
        question = await polls.open_poll(db, account, post, now=now)
        return await polls.set_votes(db, account, post, options, question)


async def votes(db: asyncpg.Connection, viewer: Id, post: Id) -> tuple[list[int], int, list[int]]:
    """Votes for each option, voters, and the viewer's own votes."""
    seen = await visible_post(db, viewer, post)
    assert seen is not None
    assert seen.poll is not None
    assert await db.fetch(WRONG_COUNTERS) == []
    return [option.votes for option in seen.poll.options], seen.poll.voters, seen.poll.chosen


async def refused(call) -> PlazaError:
    with pytest.raises(PlazaError) as refusal:
        await call
    return refusal.value


async def test_a_single_choice(database: Database) -> None:
    async with database.connection() as db:
        ada, bob = await social.person(db), await social.person(db)
        post = await social.poll(db, ada, options=3)
        other = await social.poll(db, ada, options=2)
        assert await vote(db, bob, other, 1)
        assert await vote(db, bob, post, 1)
        assert not await vote(db, bob, post, 1)
        assert await votes(db, bob, post) == ([0, 1, 0], 1, [1])
        assert await vote(db, bob, post, 2)
        assert await votes(db, bob, post) == ([0, 0, 1], 1, [2])
        assert await vote(db, ada, post, 2)
        assert await votes(db, bob, post) == ([0, 0, 2], 2, [2])
        assert await vote(db, bob, post)
        assert not await vote(db, bob, post)
        assert await votes(db, bob, post) == ([0, 0, 1], 1, [])
        assert await votes(db, bob, other) == ([0, 1], 1, [1])


async def test_several_choices(database: Database) -> None:
    async with database.connection() as db:
        ada, bob = await social.person(db), await social.person(db)
        post = await social.poll(db, ada, options=4, multiple=True)
        assert await vote(db, bob, post, 0, 3)
        assert await vote(db, ada, post, 3)
        assert await votes(db, bob, post) == ([1, 0, 0, 2], 2, [0, 3])
        assert await vote(db, bob, post, 1, 3)
        assert await votes(db, bob, post) == ([0, 1, 0, 2], 2, [1, 3])
        assert await vote(db, bob, post)
        assert await votes(db, bob, post) == ([0, 0, 0, 1], 1, [])


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    multiple=st.booleans(),
    ballots=st.lists(st.tuples(st.integers(0, 2), st.sets(st.integers(0, 3))), max_size=12),
)
async def test_any_row_of_ballots(
    database: Database, multiple: bool, ballots: list[tuple[int, set[int]]]
) -> None:
    async with database.connection() as db:
        example = db.transaction()
        await example.start()
        people = [await social.person(db) for _ in range(3)]
        post = await social.poll(db, people[0], options=4, multiple=multiple)
        model: dict[int, set[int]] = {}
        for person, chosen in ballots:
            ballot = chosen if multiple else set(sorted(chosen)[:1])
            changed = await vote(db, people[person], post, *ballot)
            assert changed == (model.get(person, set()) != ballot)
            model[person] = ballot
            expected = [sum(option in one for one in model.values()) for option in range(4)]
            assert await votes(db, people[person], post) == (
                *(expected, sum(map(bool, model.values())), sorted(ballot)),
            )
        await example.rollback()


async def test_until_the_deadline(database: Database) -> None:
    async with database.connection() as db:
        ada, bob = await social.person(db), await social.person(db)
        post = await social.poll(db, ada, closes_at=NOW)
        last = NOW - timedelta(microseconds=1)
        await vote(db, bob, post, 0, now=last)
        await vote(db, bob, post, 1, now=last)
        for late in (NOW, NOW + timedelta(days=1)):
            for options in ((0,), (1,), ()):
                refusal = await refused(vote(db, bob, post, *options, now=late))
                assert refusal.spec is POLL_CLOSED
        assert await votes(db, bob, post) == ([0, 1], 1, [1])


async def test_what_is_no_poll_or_not_to_be_seen(database: Database) -> None:
    async with database.connection() as db:
        ada, bob, eve = [await social.person(db) for _ in range(3)]
        await social.block(db, ada, eve)
        post = await social.poll(db, ada, closes_at=NOW - timedelta(days=1))
        hidden = await social.poll(db, ada, visibility=Visibility.FRIENDS)
        text = await social.post(db, ada)
        draft = await social.poll(db, ada, status=PostStatus.DRAFT)
        assert (await refused(vote(db, bob, text, 0))).spec is BAD_REQUEST
        assert (await refused(vote(db, ada, draft, 0))).spec is FORBIDDEN
        refusals = [
            await refused(vote(db, viewer, absent, 0))
            for viewer, absent in (
                *((eve, post), (eve, text), (bob, hidden), (bob, draft), (bob, Id(17))),
            )
        ]
        assert {(refusal.spec, refusal.message) for refusal in refusals} == {
            (NOT_FOUND, "There is no such post.")
        }


INSERT = "INSERT INTO poll_votes (post_id, account_id, option, multiple) VALUES ($1, $2, $3, $4)"


@pytest.mark.parametrize("multiple", [False, True])
async def test_the_database_itself_refuses(database: Database, multiple: bool) -> None:
    async with database.connection() as db:
        ada = await social.person(db)
        post = await social.poll(db, ada, options=2, multiple=multiple)
        text = await social.post(db, ada, type=PostType.TEXT)
        await db.execute(INSERT, post, ada, 0, multiple)
        with pytest.raises(asyncpg.UniqueViolationError):  # twice for one option
            await db.execute(INSERT, post, ada, 0, multiple)
        if not multiple:
            with pytest.raises(asyncpg.UniqueViolationError):  # for another one
                await db.execute(INSERT, post, ada, 1, False)
            with pytest.raises(asyncpg.UniqueViolationError):
                await db.execute(INSERT + ", ($1, $2, $3 + 1, $4)", post, ada, 0, False)
        with pytest.raises(asyncpg.ForeignKeyViolationError):  # as if it were another poll
            await db.execute(INSERT, post, ada, 1, not multiple)
        with pytest.raises(asyncpg.ForeignKeyViolationError):  # for what is not to be chosen
            await db.execute(INSERT, post, await social.person(db), 2, multiple)
        with pytest.raises(asyncpg.ForeignKeyViolationError):  # in what is no poll
            await db.execute(INSERT, text, ada, 0, multiple)
        with pytest.raises(asyncpg.ForeignKeyViolationError):  # and the poll stays what it is
            await db.execute("UPDATE polls SET multiple = NOT multiple")
        with pytest.raises(asyncpg.ForeignKeyViolationError):  # for nobody
            await db.execute(INSERT, post, 17, 1, multiple)
        await db.execute("DELETE FROM posts")
        assert await db.fetchval("SELECT count(*) FROM poll_votes") == 0


@pytest.mark.parametrize("multiple", [False, True])
async def test_counters_are_exact_when_all_vote_at_once(database: Database, multiple: bool) -> None:
    async with database.connection() as db:
        people = [await social.person(db) for _ in range(6)]
        post = await social.poll(db, people[0], options=3, multiple=multiple)

    async def undecided(number: int, person: Id) -> None:
        async with database.connection() as connection:
            for turn in range(6):
                await vote(connection, person, post, (number + turn) % 3)
                if multiple:
                    await vote(connection, person, post, 0, 1, 2)
                await vote(connection, person, post)
            await vote(connection, person, post, number % 3)

    # Each account twice, as from two devices.
    await asyncio.gather(*(undecided(number, one) for number, one in enumerate(people * 2)))
    async with database.connection() as db:
        counted, voters, _ = await votes(db, people[0], post)
        assert (sum(counted), voters) == (6, 6)
