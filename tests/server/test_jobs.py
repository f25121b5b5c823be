"""server/jobs.py: jobs are done, tried again, handed back; through outages and ends."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest
from structlog.testing import capture_logs

from persistence.database import Database
from persistence.jobs import STALE, Waiting, enqueue
from protocol.errors import UNAVAILABLE, PlazaError
from server import job_results
from server import jobs as module
from server.drain import close_jobs
from server.grace import Grace
from server.jobs import Jobs
from server.metrics import Metrics


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits between two tries, of a job or to connect."""
    monkeypatch.setattr(job_results, "FIRST_DELAY", timedelta())
    monkeypatch.setattr(job_results, "DELAY_WHEN_UNAVAILABLE", timedelta())
    monkeypatch.setattr(module, "RECONNECT_SECONDS", 0.01)


@pytest.fixture
async def connection(database: Database) -> asyncpg.Connection:
    return await database.open_connection()


class Told:
    """Hears what is done."""

    def __init__(self) -> None:
        self.results: asyncio.Queue[str] = asyncio.Queue()
        self.states: list[Waiting] = []

    def ran(self, name: str, result: str, seconds: float) -> None:
        self.results.put_nowait(result)

    def waiting(self, states: Iterable[Waiting]) -> None:
        self.states = list(states)

    async def next(self) -> str:
        return await asyncio.wait_for(self.results.get(), 10)


class Gate:
    """A handler that waits until it is let through."""

    def __init__(self) -> None:
        self.entered: asyncio.Queue[bytes] = asyncio.Queue()
        self.open = asyncio.Event()
        self.inside = self.most = 0

    async def __call__(self, payload: bytes) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.entered.put_nowait(payload)
        try:
            await self.open.wait()
        finally:
            self.inside -= 1

    async def next(self) -> bytes:
        return await asyncio.wait_for(self.entered.get(), 10)


@asynccontextmanager
async def at_work(jobs: Jobs, *, within: float = 5) -> AsyncIterator[None]:
    task = asyncio.create_task(jobs.run())
    try:
        yield
    finally:
        await jobs.close(within=within)
        await asyncio.wait_for(task, 10)


def fails(times: int, error: Exception) -> Callable[[bytes], Awaitable[None]]:
    left = times

    async def run(_: bytes) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            raise error

    return run


async def states(connection: asyncpg.Connection) -> list[tuple[str, int]]:
    rows = await connection.fetch("SELECT status::text, attempts FROM pgqueuer ORDER BY id")
    return [tuple(row) for row in rows]


async def until_idle(connection: asyncpg.Connection) -> None:
    """Wait until no job is left that is to be done."""
    while any(state != "failed" for state, _ in await states(connection)):
        pass


async def test_what_comes_is_done(database: Database, connection: asyncpg.Connection) -> None:
    jobs, gate = Jobs(database), Gate()
    jobs.on("greet", gate)
    gate.open.set()
    await enqueue(connection, "greet", b"before")
    async with at_work(jobs):
        assert await gate.next() == b"before"
        await enqueue(connection, "greet", b"after")
        assert await gate.next() == b"after"
        await until_idle(connection)


async def test_what_is_for_later_is_done_then(
    database: Database, connection: asyncpg.Connection
) -> None:
    jobs, gate = Jobs(database), Gate()
    jobs.on("greet", gate)
    gate.open.set()
    async with at_work(jobs):
        await enqueue(connection, "greet", after=timedelta(seconds=0.3))
        async with asyncio.timeout(5):  # long before the next regular round
            await gate.next()


async def test_a_name_belongs_to_one_handler(database: Database) -> None:
    jobs = Jobs(database)
    jobs.on("greet", fails(0, ValueError()))
    with pytest.raises(ValueError, match="greet already"):
        jobs.on("greet", fails(0, ValueError()))


async def test_so_many_at_once(database: Database, connection: asyncpg.Connection) -> None:
    jobs, few, many = Jobs(database), Gate(), Gate()
    jobs.on("few", few, at_once=2)
    jobs.on("many", many, at_once=5)
    for _ in range(12):
        await enqueue(connection, "few")
        await enqueue(connection, "many")
    async with at_work(jobs):
        for _ in range(2):
            await few.next()
        for _ in range(5):
            await many.next()
        few.open.set()
        many.open.set()
        await until_idle(connection)
    assert (few.most, many.most) == (2, 5)


async def test_two_processes_never_run_one_job_twice(
    database: Database, connection: asyncpg.Connection
) -> None:
    one, other = Jobs(database), Jobs(database)
    done: list[bytes] = []

    async def note(payload: bytes) -> None:
        done.append(payload)
        await asyncio.sleep(0)

    one.on("greet", note)
    other.on("greet", note)
    async with at_work(one), at_work(other):
        for number in range(100):
            await enqueue(connection, "greet", b"%d" % number)
        await until_idle(connection)
    assert sorted(done) == sorted(b"%d" % number for number in range(100))


class TestFailures:
    async def test_it_is_tried_again(
        self, database: Database, connection: asyncpg.Connection
    ) -> None:
        told = Told()
        jobs = Jobs(database, observer=told)
        jobs.on("greet", fails(2, ValueError("no")))
        await enqueue(connection, "greet")
        with capture_logs() as lines:
            async with at_work(jobs):
                assert [await told.next() for _ in range(3)] == ["again", "again", "done"]
                await until_idle(connection)
        failures = [line for line in lines if line.get("job") == "greet"]
        assert [line["tries"] for line in failures] == [1, 2]
        assert all(line["error"] == "ValueError: no" for line in failures)
        # Where it happened is shown once.
        assert ["exc_info" in line for line in failures] == [True, False]

    async def test_not_for_ever(
        self, database: Database, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(job_results, "TRIES", 3)
        told = Told()
        jobs = Jobs(database, observer=told)
        jobs.on("greet", fails(9, ValueError("no")))
        await enqueue(connection, "greet")
        async with at_work(jobs):
            assert [await told.next() for _ in range(3)] == ["again", "again", "failed"]
            await until_idle(connection)
        assert await states(connection) == [("failed", 3)]

    async def test_each_time_twice_as_long_up_to_a_bound(
        self, database: Database, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(job_results, "FIRST_DELAY", timedelta(minutes=1))
        monkeypatch.setattr(job_results, "LONGEST_DELAY", timedelta(minutes=3))
        told = Told()
        jobs = Jobs(database, observer=told)
        jobs.on("greet", fails(9, ValueError("no")))
        await enqueue(connection, "greet")
        waits = []
        async with at_work(jobs):
            for _ in range(3):
                await told.next()
                while [("queued", len(waits) + 1)] != await states(connection):
                    pass
                waits.append(
                    await connection.fetchval("SELECT execute_after - updated FROM pgqueuer")
                )
                await connection.execute("UPDATE pgqueuer SET execute_after = now()")
                await connection.execute("NOTIFY ch_pgqueuer, '\"insert\"'")
        assert waits == [timedelta(minutes=minutes) for minutes in (1, 2, 3)]

    async def test_what_was_unavailable_is_no_fault_of_the_job(
        self, database: Database, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(job_results, "TRIES", 1)
        told = Told()
        jobs = Jobs(database, observer=told)
        jobs.on("greet", fails(3, PlazaError(UNAVAILABLE)))
        await enqueue(connection, "greet")
        async with at_work(jobs):
            assert [await told.next() for _ in range(4)] == ["left"] * 3 + ["done"]

    async def test_what_kills_the_process_is_not_tried_for_ever(
        self, database: Database, connection: asyncpg.Connection
    ) -> None:
        told = Told()
        jobs, gate = Jobs(database, observer=told), Gate()
        jobs.on("greet", gate)
        await enqueue(connection, "greet")
        await connection.execute("UPDATE pgqueuer SET attempts = $1", job_results.TRIES)
        async with at_work(jobs):
            assert await told.next() == "failed"
        assert gate.entered.empty()

    async def test_a_cancellation_from_within_is_a_failure(
        self, database: Database, connection: asyncpg.Connection
    ) -> None:
        told = Told()
        jobs = Jobs(database, observer=told)

        async def cancelled(_: bytes) -> None:
            raise asyncio.CancelledError

        jobs.on("greet", cancelled)
        await enqueue(connection, "greet")
        async with at_work(jobs):
            assert await told.next() == "again"


class TestOutages:
    async def test_it_goes_on_when_the_database_is_back(
        self, database: Database, connection: asyncpg.Connection
    ) -> None:
        jobs, gate = Jobs(database), Gate()
        jobs.on("greet", gate)
        await enqueue(connection, "greet", b"before")
        with capture_logs() as lines:
            async with at_work(jobs):
                await gate.next()
                await cut_off_others(connection)
                gate.open.set()
                await enqueue(connection, "greet", b"after")
                assert await gate.next() == b"after"
                await until_idle(connection)
        assert [line["event"] for line in lines] == ["jobs have to wait for the database"]

    async def test_what_ends_meanwhile_is_written_later_and_not_done_again(
        self, database: Database, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told = Told()
        jobs, gate = Jobs(database, observer=told), Gate()
        jobs.on("greet", gate)
        away = asyncio.Event()
        connect = database.open_connection

        async def unless_away() -> asyncpg.Connection:
            if away.is_set():
                raise PlazaError(UNAVAILABLE)
            return await connect()

        monkeypatch.setattr(database, "open_connection", unless_away)
        await enqueue(connection, "greet")
        async with at_work(jobs):
            await gate.next()
            away.set()
            await cut_off_others(connection)
            gate.open.set()
            assert await told.next() == "done"
            assert await states(connection) == [("picked", 1)]
            away.clear()
            await until_idle(connection)
        assert gate.entered.empty()

    async def test_what_a_dead_process_had_taken_is_done(
        self, database: Database, connection: asyncpg.Connection
    ) -> None:
        dead, alive, gate = Jobs(database), Jobs(database), Gate()
        dead.on("greet", gate)
        alive.on("greet", gate)
        await enqueue(connection, "greet", b"ada")
        killed = asyncio.create_task(dead.run())
        await gate.next()
        killed.cancel()
        await asyncio.gather(killed, return_exceptions=True)
        await connection.execute("UPDATE pgqueuer SET heartbeat = now() - 2 * $1::interval", STALE)
        async with at_work(alive):
            assert await gate.next() == b"ada"
            gate.open.set()
            await until_idle(connection)

    async def test_what_takes_long_is_not_taken_by_others(
        self, database: Database, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "ROUND_SECONDS", 0.02)
        told = Told()
        jobs, gate = Jobs(database, observer=told), Gate()
        jobs.on("greet", gate)
        await enqueue(connection, "greet")
        beat = "SELECT heartbeat FROM pgqueuer"
        async with at_work(jobs):
            await gate.next()
            first = await connection.fetchval(beat)
            while await connection.fetchval(beat) == first:
                pass
            while told.states != [("greet", "picked", 1)]:
                await connection.execute("SELECT 1")
            gate.open.set()


class TestSchedules:
    async def test_once_among_two_processes(
        self, database: Database, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "ROUND_SECONDS", 0.02)
        runs = 0

        async def run() -> None:
            nonlocal runs
            runs += 1

        async with AsyncExitStack() as stack:
            for _ in range(2):
                jobs = Jobs(database)
                jobs.every("sweep", "0 4 1 1 *", run)
                await stack.enter_async_context(at_work(jobs))
            planned = "SELECT count(*) FROM pgqueuer_schedules WHERE entrypoint = 'sweep'"
            while not await connection.fetchval(planned):
                pass
            for expected in (1, 2):
                await connection.execute(
                    "UPDATE pgqueuer_schedules SET next_run = now() WHERE entrypoint = 'sweep'"
                )
                while runs < expected:
                    await connection.execute("SELECT 1")
                await until_idle(connection)
        assert runs == 2

    async def test_a_malformed_one_is_noticed_at_once(self, database: Database) -> None:
        with pytest.raises(ValueError, match="columns"):
            Jobs(database).every("sweep", "now and then", fails(0, ValueError()))  # type: ignore[arg-type]


class TestClose:
    async def test_it_waits_for_what_is_under_way_and_takes_nothing_more(
        self, database: Database, connection: asyncpg.Connection
    ) -> None:
        jobs, gate = Jobs(database), Gate()
        jobs.on("greet", gate, at_once=1)
        await enqueue(connection, "greet", b"first")
        await enqueue(connection, "greet", b"second")
        task = asyncio.create_task(jobs.run())
        await gate.next()
        closing = asyncio.create_task(jobs.close(within=10))
        await asyncio.sleep(0)
        assert len(jobs) == 1
        gate.open.set()
        await closing
        await task
        assert await states(connection) == [("queued", 0)]
        assert gate.entered.empty()

    async def test_what_takes_longer_is_handed_back_and_does_not_count(
        self, database: Database, connection: asyncpg.Connection
    ) -> None:
        jobs, gate = Jobs(database), Gate()
        jobs.on("greet", gate)
        await enqueue(connection, "greet")
        async with at_work(jobs, within=0):
            await gate.next()
        assert gate.inside == 0
        assert await states(connection) == [("queued", 0)]

    async def test_without_a_database_it_ends_in_time(
        self, database: Database, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        jobs, gate = Jobs(database), Gate()
        jobs.on("greet", gate)

        async def away() -> asyncpg.Connection:
            raise PlazaError(UNAVAILABLE)

        await enqueue(connection, "greet")
        async with at_work(jobs, within=0.2):
            await gate.next()
            monkeypatch.setattr(database, "open_connection", away)
            await cut_off_others(connection)
        assert gate.inside == 0

    async def test_a_second_signal_cuts_it_short(
        self, database: Database, connection: asyncpg.Connection
    ) -> None:
        jobs, gate, grace = Jobs(database), Gate(), Grace(1000)
        jobs.on("greet", gate)
        await enqueue(connection, "greet")
        task = asyncio.create_task(jobs.run())
        await gate.next()
        closing = asyncio.create_task(close_jobs(jobs, grace))
        await connection.execute("SELECT pg_sleep(0.01)")
        assert not closing.done()
        grace.hurried.set()
        async with asyncio.timeout(5):
            await closing
            await task
        assert await states(connection) == [("queued", 0)]

    async def test_some_of_the_time_is_left_to_others(
        self, database: Database, connection: asyncpg.Connection
    ) -> None:
        jobs, gate, grace = Jobs(database), Gate(), Grace(0.4)
        jobs.on("greet", gate)
        await enqueue(connection, "greet")
        task = asyncio.create_task(jobs.run())
        await gate.next()
        grace.begin()
        async with asyncio.timeout(5):
            await close_jobs(jobs, grace)
            await task
        assert await states(connection) == [("queued", 0)]

    async def test_before_it_has_begun(self, database: Database) -> None:
        await Jobs(database).close(within=0)


def test_metrics() -> None:
    metrics = Metrics()
    metrics.jobs.ran("greet", "done", 0.25)
    metrics.jobs.waiting([Waiting("greet", "queued", 3), Waiting("wave", "failed", 1)])
    metrics.jobs.waiting([Waiting("greet", "queued", 2)])
    text = metrics.render()[0].decode()
    assert 'plaza_job_seconds_sum{job="greet",result="done"} 0.25' in text
    assert 'plaza_jobs{job="greet",state="queued"} 2.0' in text
    assert "wave" not in text  # there are none any more


async def cut_off_others(connection: asyncpg.Connection) -> None:
    """End all other connections to this database."""
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
