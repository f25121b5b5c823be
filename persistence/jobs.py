"""The queue of jobs: what a commit promises is done soon after it, by whichever process is free.

The tables and most statements are PgQueuer's (migration 0005). Its manager is not used, for reasons
that docs/decisions.md gives, and imported is it late: it takes 0.3 s and 15 MiB, which `plaza
migrate` and the like need not pay.
"""

import functools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import asyncpg

if TYPE_CHECKING:
    from pgqueuer.domain.settings import DBSettings
    from pgqueuer.queries import Queries

CHANNEL = "ch_pgqueuer"

# A job whose process has given no sign of life for so long is taken again.
STALE = timedelta(seconds=30)


class Job(NamedTuple):
    """A job that was taken.

    Attributes:
        tries: how often it was taken, this time included.
    """

    id: int
    name: str
    payload: bytes
    tries: int


class Waiting(NamedTuple):
    """Jobs of one name that are in one state: queued, picked or failed."""

    name: str
    state: str
    jobs: int


@functools.cache
def settings() -> "DBSettings":
    """The names of the tables.

    Made without PgQueuer's constructor, which believes variables of the environment that are called
    no more than CHANNEL or TRIGGER.
    """
    from pgqueuer.domain.settings import DBSettings, Durability  # noqa: PLC0415
    from pgqueuer.domain.types import Channel  # noqa: PLC0415

    return DBSettings.model_construct(
        prefix="",
        db_schema=None,
        channel=Channel(CHANNEL),
        function="fn_pgqueuer_changed",
        statistics_table="pgqueuer_statistics",
        queue_status_type="pgqueuer_status",
        queue_table="pgqueuer",
        queue_table_log="pgqueuer_log",
        trigger="tg_pgqueuer_changed",
        schedules_table="pgqueuer_schedules",
        durability=Durability.balanced,
        widen_id=True,
    )


@functools.cache
def _queries_on() -> Callable[[asyncpg.Connection], "Queries"]:
    from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver  # noqa: PLC0415
    from pgqueuer.adapters.persistence import qb  # noqa: PLC0415
    from pgqueuer.queries import Queries  # noqa: PLC0415

    builders = (
        qb.QueryBuilderEnvironment(settings()),
        qb.QueryQueueBuilder(settings()),
        qb.QuerySchedulerBuilder(settings()),
    )
    return lambda connection: Queries(AsyncpgDriver(connection), *builders)


def prepare() -> None:
    """Import PgQueuer, so that the first job need not wait for that."""
    _queries_on()


async def enqueue(
    connection: asyncpg.Connection,
    name: str,
    payload: bytes = b"",
    *,
    after: timedelta | None = None,
    key: str | None = None,
) -> None:
    """Promise that a job will be done: when the transaction commits, and not if it does not.

    It is done at least once, and may be done again after a crash.

    Args:
        connection: with the transaction that needs it.
        name: whose handler does it (server.jobs.Jobs.on).
        payload: for the handler.
        after: not before so long from now.
        key: while a job of this name and key waits, another one is not added. One that has begun
            does not wait: whatever this transaction writes is seen by a job that begins after its
            commit. Who needs several keys in one transaction asks for them in a fixed order, for
            the key is locked until the commit.
    """
    dedupe_key = None if key is None else f"{name}:{key}"
    await _queries_on()(connection).enqueue(
        name,
        payload,
        execute_after=after,
        dedupe_key=dedupe_key,
        # Changes nothing, but locks the row that waits: it cannot be taken before our commit, and
        # be done without seeing what we write. "skip" would not.
        on_conflict="update_priority",
    )


# Counts the try, when it begins and not when it fails, so that a job that kills its process is not
# tried for ever; and lets a new job of the same key wait while this one runs.
BEGIN = """
UPDATE pgqueuer SET attempts = attempts + 1,
    dedupe_key = CASE WHEN entrypoint = ANY($2::text[]) THEN dedupe_key END
WHERE id = ANY($1::bigint[])
"""

# `queue_manager_id`: whoever was believed dead may have lost it to somebody else.
PUT_BACK = """
UPDATE pgqueuer SET status = 'queued', queue_manager_id = NULL, updated = now(),
    execute_after = now() + $3::interval, attempts = attempts - $4::integer
WHERE id = $1 AND queue_manager_id = $2 AND status = 'picked'
"""

STATES = "SELECT entrypoint, status::text, count(*) FROM pgqueuer GROUP BY 1, 2"

FORGET_LOG = "DELETE FROM pgqueuer_log WHERE created < now() - $1::interval"

FORGET_FAILED = """
DELETE FROM pgqueuer WHERE status = 'failed' AND updated < now() - $1::interval
"""


@dataclass(frozen=True, slots=True)
class JobQueue:
    """The queue, as one worker sees it through a connection of its own.

    Attributes:
        worker: whose jobs are taken; a process.
    """

    connection: asyncpg.Connection
    worker: UUID

    async def listen(self, news: Callable[[], None]) -> None:
        """Call `news` whenever jobs have come."""

        def heard(_connection: object, _pid: int, _channel: str, payload: object) -> None:
            # Jobs that have gone are told of, too.
            if '"insert"' in str(payload):
                news()

        # What is lost in a crash is done again: nobody need wait for the disk.
        await self.connection.execute("SET synchronous_commit = off")
        await self.connection.add_listener(CHANNEL, heard)

    async def take(
        self, names: Collection[str], *, limit: int, keep_key: Collection[str]
    ) -> list[Job]:
        """Take jobs that are due, and those that a dead process has left.

        Args:
            names: of the jobs.
            limit: how many at most.
            keep_key: names of jobs of which no other may wait while one of the same key runs.
        """
        from pgqueuer.ports.repository import EntrypointExecutionParameter  # noqa: PLC0415
        from pgqueuer.types import QueueEntrypoint, QueueManagerId  # noqa: PLC0415

        unlimited = EntrypointExecutionParameter(concurrency_limit=0)
        taken = await _queries_on()(self.connection).dequeue(
            batch_size=limit,
            entrypoints={QueueEntrypoint(name): unlimited for name in names},
            queue_manager_id=QueueManagerId(self.worker),
            global_concurrency_limit=None,
            heartbeat_timeout=STALE,
        )
        # A transaction of its own, so that looking in vain is one round trip. Whoever was about to
        # add a job of the same key meanwhile holds the row, and has committed when this returns.
        if taken:
            await self.connection.execute(BEGIN, [job.id for job in taken], list(keep_key))
        return [Job(job.id, job.entrypoint, job.payload or b"", job.attempts + 1) for job in taken]

    async def settle(self, *, done: Collection[int], failed: Collection[int]) -> None:
        """Delete jobs that are done; keep those that have failed for good, for a while."""
        query = _queries_on()(self.connection).qbq.build_log_job_query()
        ids = [*done, *failed]
        states = ["successful"] * len(done) + ["failed"] * len(failed)
        await self.connection.execute(query, ids, states, [None] * len(ids))

    async def put_back(self, job: int, *, after: timedelta, counts: bool) -> None:
        """Let a job wait again.

        Args:
            after: for so long at least.
            counts: the try counts.
        """
        await self.connection.execute(PUT_BACK, job, self.worker, after, int(not counts))

    async def beat(self, jobs: Collection[int]) -> None:
        """Tell that jobs are under way: within each third of STALE."""
        query = _queries_on()(self.connection).qbq.build_update_heartbeat_query()
        await self.connection.execute(query, list(jobs))

    async def next_due(self, names: Collection[str]) -> timedelta | None:
        """How long until the next job is due that is to wait; None: there is none."""
        query = _queries_on()(self.connection).qbq.build_next_deferred_eta_query()
        until: timedelta | None = await self.connection.fetchval(query, list(names))
        return until

    async def plan(self, schedules: Mapping[str, str]) -> None:
        """Make schedules known.

        Args:
            schedules: name of the job -> cron expression.
        """
        query = _queries_on()(self.connection).qbs.build_insert_schedule_query()
        async with self.connection.transaction():
            delays = await self._delays(schedules)
            await self.connection.execute(query, list(schedules.values()), list(schedules), delays)

    async def fire(self, schedules: Mapping[str, str]) -> timedelta:
        """Enqueue the jobs that are due by their schedules, once among all processes.

        A job that still waits or runs is not enqueued again.

        Returns:
            How long until the next one is due.
        """
        build = _queries_on()(self.connection).qbs
        async with self.connection.transaction():
            delays = await self._delays(schedules)
            due = await self.connection.fetch(
                build.build_fetch_schedule_query(),
                list(schedules.values()),
                list(schedules),
                delays,
            )
            for schedule in due:
                await enqueue(self.connection, schedule["entrypoint"], key="")
            if due:
                await self.connection.execute(
                    build.build_set_schedule_queued_query(), [row["id"] for row in due]
                )
        return min(delays)

    async def _delays(self, schedules: Mapping[str, str]) -> list[timedelta]:
        # By the database's clock, which the statements go by: with our own, a moment that ours has
        # yet to reach would come twice.
        now = await self.connection.fetchval("SELECT now()")
        return [until_next(expression, now) for expression in schedules.values()]

    async def states(self) -> list[Waiting]:
        """How many jobs there are."""
        return [Waiting(*row) for row in await self.connection.fetch(STATES)]


async def forget(connection: asyncpg.Connection, *, log: timedelta, failed: timedelta) -> None:
    """Delete what nobody will look at any more.

    Args:
        log: lines of the log that are older.
        failed: jobs that have failed for good longer ago.
    """
    await connection.execute(FORGET_LOG, log)
    await connection.execute(FORGET_FAILED, failed)


def until_next(expression: str, now: datetime) -> timedelta:
    """How long it is from now until a cron expression's next moment.

    Raises:
        ValueError: it is malformed.
    """
    from croniter import croniter  # noqa: PLC0415

    following: datetime = croniter(expression, start_time=now).get_next(datetime)
    return following - now
