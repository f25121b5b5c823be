"""The queue itself: what a transaction promises, who takes it, and what becomes of it."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest
from pgqueuer.queries import Queries

from persistence import jobs
from persistence.database import Database
from persistence.jobs import Job, JobQueue, enqueue, until_next

NAMES = ("greet", "wave")


async def opened(database: Database) -> JobQueue:
    return JobQueue(await database.open_connection(), uuid4())


async def taken(queue: JobQueue, limit: int = 10, keep: tuple[str, ...] = ()) -> list[Job]:
    return await queue.take(NAMES, limit=limit, keep_key=keep)


@pytest.fixture
async def queue(database: Database) -> JobQueue:
    return await opened(database)


@pytest.fixture
async def other(database: Database) -> JobQueue:
    return await opened(database)


async def test_the_tables_are_those_that_the_installed_pgqueuer_wants(
    connection: asyncpg.Connection,
) -> None:
    queries = Queries.from_asyncpg_connection(connection)
    queries.qbe.settings = jobs.settings()
    plan = await queries.plan_upgrade()
    assert (plan.statements, plan.notes) == ((), ())


class TestEnqueue:
    async def test_what_is_rolled_back_was_never_promised(
        self, connection: asyncpg.Connection, queue: JobQueue
    ) -> None:
        transaction = connection.transaction()
        await transaction.start()
        await enqueue(connection, "greet")
        await transaction.rollback()
        assert await taken(queue) == []

    async def test_nobody_gets_it_before_the_commit(
        self, connection: asyncpg.Connection, queue: JobQueue
    ) -> None:
        async with connection.transaction():
            await enqueue(connection, "greet", b"ada")
            assert await taken(queue) == []
        (job,) = await taken(queue)
        assert (job.name, job.payload, job.tries) == ("greet", b"ada", 1)

    async def test_the_commit_is_heard_of(
        self, connection: asyncpg.Connection, queue: JobQueue
    ) -> None:
        news = asyncio.Event()
        await queue.listen(news.set)
        await enqueue(connection, "greet")
        await asyncio.wait_for(news.wait(), 5)

    async def test_what_is_for_later_waits(
        self, connection: asyncpg.Connection, queue: JobQueue
    ) -> None:
        await enqueue(connection, "greet", after=timedelta(hours=1))
        assert await taken(queue) == []
        due = await queue.next_due(NAMES)
        assert due is not None
        assert timedelta(minutes=59) < due < timedelta(minutes=61)
        assert await queue.next_due(["wave"]) is None

    async def test_names_that_nobody_knows_stay(
        self, connection: asyncpg.Connection, queue: JobQueue
    ) -> None:
        await enqueue(connection, "sing")
        assert await taken(queue) == []
        assert await queue.states() == [("sing", "queued", 1)]

    async def test_the_environment_does_not_rename_the_tables(
        self, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("QUEUE_TABLE", "elsewhere")
        monkeypatch.setenv("PGQUEUER_PREFIX", "elsewhere")
        jobs.settings.cache_clear()
        jobs._queries_on.cache_clear()
        await enqueue(connection, "greet")


class TestKeys:
    async def test_one_job_of_a_key_waits(
        self, connection: asyncpg.Connection, queue: JobQueue
    ) -> None:
        await enqueue(connection, "greet", b"first", key="ada")
        await enqueue(connection, "greet", b"second", key="ada")
        await enqueue(connection, "greet", b"third", key="bob")
        await enqueue(connection, "wave", b"fourth", key="ada")
        assert [job.payload for job in await taken(queue)] == [b"first", b"third", b"fourth"]

    async def test_one_that_has_begun_does_not_wait(
        self, connection: asyncpg.Connection, queue: JobQueue
    ) -> None:
        await enqueue(connection, "greet", key="ada")
        await taken(queue)
        await enqueue(connection, "greet", key="ada")
        assert len(await taken(queue)) == 1

    async def test_unless_it_keeps_its_key(
        self, connection: asyncpg.Connection, queue: JobQueue
    ) -> None:
        await enqueue(connection, "greet", key="ada")
        (job,) = await taken(queue, keep=("greet",))
        await enqueue(connection, "greet", key="ada")
        assert await taken(queue) == []
        await queue.settle(done=[job.id], failed=[])
        await enqueue(connection, "greet", key="ada")
        assert len(await taken(queue)) == 1

    async def test_a_job_that_somebody_relies_on_is_not_taken_before_they_commit(
        self, connection: asyncpg.Connection, queue: JobQueue
    ) -> None:
        await enqueue(connection, "greet", key="ada")
        async with connection.transaction():
            await enqueue(connection, "greet", key="ada")
            assert await taken(queue) == []  # it would not see what this transaction writes
        assert len(await taken(queue)) == 1


class TestTake:
    async def test_two_workers_never_get_the_same(
        self, connection: asyncpg.Connection, queue: JobQueue, other: JobQueue
    ) -> None:
        for number in range(200):
            await enqueue(connection, "greet", str(number).encode())

        async def take_all(worker: JobQueue) -> list[int]:
            found: list[int] = []
            while batch := await taken(worker, limit=7):
                found += [job.id for job in batch]
            return found

        one, two = await asyncio.gather(take_all(queue), take_all(other))
        assert len(one) + len(two) == len({*one, *two}) == 200

    async def test_the_oldest_come_first(
        self, connection: asyncpg.Connection, queue: JobQueue
    ) -> None:
        for payload in (b"1", b"2", b"3"):
            await enqueue(connection, "greet", payload)
        assert [job.payload for job in await taken(queue, limit=2)] == [b"1", b"2"]

    async def test_those_of_a_process_that_died_are_taken_again(
        self, connection: asyncpg.Connection, queue: JobQueue, other: JobQueue
    ) -> None:
        await enqueue(connection, "greet")
        (job,) = await taken(queue)
        assert await taken(other) == []
        await silence(connection)
        (again,) = await taken(other)
        assert (again.id, again.tries) == (job.id, 2)

    async def test_a_sign_of_life_keeps_them(
        self, connection: asyncpg.Connection, queue: JobQueue, other: JobQueue
    ) -> None:
        await enqueue(connection, "greet")
        (job,) = await taken(queue)
        await silence(connection)
        await queue.beat([job.id])
        assert await taken(other) == []


class TestEnd:
    async def test_what_is_done_is_gone(
        self, connection: asyncpg.Connection, queue: JobQueue
    ) -> None:
        await enqueue(connection, "greet")
        (job,) = await taken(queue)
        await queue.settle(done=[job.id], failed=[])
        assert await queue.states() == []

    async def test_what_failed_is_kept_for_a_while(
        self, connection: asyncpg.Connection, queue: JobQueue
    ) -> None:
        await enqueue(connection, "greet")
        (job,) = await taken(queue)
        await queue.settle(done=[], failed=[job.id])
        await silence(connection)
        assert await taken(queue) == []
        await jobs.forget(connection, log=timedelta(), failed=timedelta(days=1))
        assert await queue.states() == [("greet", "failed", 1)]
        assert await connection.fetchval("SELECT count(*) FROM pgqueuer_log") == 0
        await jobs.forget(connection, log=timedelta(), failed=timedelta())
        assert await queue.states() == []

    @pytest.mark.parametrize("counts", [True, False])
    async def test_what_is_put_back_is_taken_again(
        self, connection: asyncpg.Connection, queue: JobQueue, other: JobQueue, counts: bool
    ) -> None:
        await enqueue(connection, "greet", b"ada")
        (job,) = await taken(queue)
        await queue.put_back(job.id, after=timedelta(), counts=counts)
        (again,) = await taken(other)
        assert again == job._replace(tries=1 + counts)

    async def test_what_somebody_else_has_taken_over_is_not_put_back(
        self, connection: asyncpg.Connection, queue: JobQueue, other: JobQueue
    ) -> None:
        await enqueue(connection, "greet")
        (job,) = await taken(queue)
        await silence(connection)
        await taken(other)
        await queue.put_back(job.id, after=timedelta(), counts=True)
        assert await taken(queue) == []


class TestSchedules:
    DAILY = {"greet": "0 4 * * *"}

    async def test_what_is_due_is_enqueued_once_among_all(
        self, connection: asyncpg.Connection, queue: JobQueue, other: JobQueue
    ) -> None:
        await queue.plan(self.DAILY)
        await other.plan(self.DAILY)
        await connection.execute("UPDATE pgqueuer_schedules SET next_run = now()")
        await asyncio.gather(queue.fire(self.DAILY), other.fire(self.DAILY))
        assert len(await taken(queue)) == 1
        assert await queue.fire(self.DAILY) <= timedelta(days=1)
        assert await taken(queue) == []

    async def test_not_before_its_time(self, queue: JobQueue) -> None:
        await queue.plan(self.DAILY)
        await queue.fire(self.DAILY)
        assert await taken(queue) == []

    async def test_not_while_the_last_one_runs(
        self, connection: asyncpg.Connection, queue: JobQueue
    ) -> None:
        await queue.plan(self.DAILY)
        for found in (1, 0):
            await connection.execute("UPDATE pgqueuer_schedules SET next_run = now()")
            await queue.fire(self.DAILY)
            assert len(await taken(queue, keep=("greet",))) == found

    async def test_the_next_time_is_the_very_moment(
        self, connection: asyncpg.Connection, queue: JobQueue
    ) -> None:
        await queue.plan(self.DAILY)
        await connection.execute("UPDATE pgqueuer_schedules SET next_run = now()")
        await queue.fire(self.DAILY)
        at: datetime = await connection.fetchval("SELECT next_run FROM pgqueuer_schedules")
        assert (at.hour, at.minute, at.second) == (4, 0, 0)

    def test_a_moment_that_is_now_is_over(self) -> None:
        assert until_next("0 4 * * *", datetime(2026, 7, 1, 4, tzinfo=UTC)) == timedelta(days=1)
        assert until_next("*/5 * * * *", datetime(2026, 7, 1, 4, 1, 30, tzinfo=UTC)) == timedelta(
            minutes=3, seconds=30
        )


async def silence(connection: asyncpg.Connection) -> None:
    """Let all who have taken jobs have been silent for long."""
    await connection.execute("UPDATE pgqueuer SET heartbeat = now() - 2 * $1::interval", jobs.STALE)


@pytest.fixture
async def connection(database: Database) -> asyncpg.Connection:
    return await database.open_connection()
