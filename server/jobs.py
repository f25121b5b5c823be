"""Does the jobs of the queue: those that commits have promised, and those that the clock asks for.

One task and one connection for all of it. The task goes its round whenever there is news: jobs have
come, one has ended, one is due. The jobs are tasks of their own and use the pool.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg
import structlog

from persistence import jobs
from persistence.database import Database, unavailable_when_unreachable
from persistence.jobs import Job, JobQueue, until_next
from protocol.errors import PlazaError
from server.job_results import TRIES, Ended, Failures, Observer, Result, Unobserved

logger = structlog.get_logger(__name__)

# A round is made at least so often: the jobs of processes that have died are found, and ours told
# to be under way.
ROUND_SECONDS = 10.0
RECONNECT_SECONDS = 1.0
# PgQueuer takes what was due before now, so a moment later.
_A_MOMENT = 0.002
LAST_SECONDS = 2.0  # for what has to be written at the end, when the grace time is used up

FORGET = "jobs.forget"
LOG_KEPT = timedelta(days=1)
FAILED_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class _Handler:
    run: Callable[[bytes], Awaitable[None]]
    at_once: int


class Jobs:
    """The jobs of this process.

    Args:
        database: has the queue.
        observer: is told what is done.
    """

    def __init__(self, database: Database, *, observer: Observer | None = None) -> None:
        self._database = database
        self._observer = observer or Unobserved()
        self._worker = uuid.uuid4()
        self._handlers: dict[str, _Handler] = {}
        self._schedules: dict[str, str] = {}
        self._running: dict[int, tuple[Job, asyncio.Task[None]]] = {}
        self._ended: list[Ended] = []  # not written yet
        self._news = asyncio.Event()
        self._deadline: float | None = None  # of the loop's clock: when what runs is cut off
        self._finished: asyncio.Event | None = None
        self._beat_at = 0.0
        self._fire_at = 0.0
        self._failures = Failures()
        self._away = False  # the database, and we have said so
        jobs.prepare()
        self.every(FORGET, "17 4 * * *", self._forget)

    def on(self, name: str, run: Callable[[bytes], Awaitable[None]], *, at_once: int = 4) -> None:
        """Do jobs of this name: at least once each, in about the order in which they came.

        To be called before `run`.

        Args:
            run: gets the payload. When it raises, it is called again later, up to TRIES times in
                all; what is unavailable does not count. It may be cancelled, and called again, by
                whichever process.
            at_once: how many of them this process does at the same time.
        """
        if name in self._handlers:
            raise ValueError(f"there are jobs called {name} already")
        self._handlers[name] = _Handler(run, at_once)

    def every(self, name: str, cron: str, run: Callable[[], Awaitable[None]]) -> None:
        """Do something again and again: once among all processes, and never twice at the same time.

        What fell due while no process ran is made up for, once.

        Args:
            cron: when, in UTC: minute, hour, day, month, day of the week.
            run: is tried again like a job.

        Raises:
            ValueError: `cron` is malformed.
        """
        until_next(cron, datetime.now(UTC))

        async def run_without_payload(_: bytes) -> None:
            await run()

        self.on(name, run_without_payload, at_once=1)
        self._schedules[name] = cron

    def __len__(self) -> int:
        """How many are under way."""
        return len(self._running)

    async def run(self) -> None:
        """Do jobs until `close`, or until cancelled, which leaves those under way at once."""
        self._finished = asyncio.Event()
        try:
            while not self._over():
                try:
                    async with self._connected() as queue:
                        await self._work(queue)
                except Exception as error:  # whatever it is, others go on
                    self._interrupted(error)
                    self._news.clear()
                    await self._pause(RECONNECT_SECONDS)
        finally:
            for _, task in self._running.values():
                task.cancel()
            self._finished.set()

    async def close(self, *, within: float) -> None:
        """Take no more jobs, wait for those under way, and give back what is not done by then.

        Args:
            within: seconds.
        """
        self._deadline = asyncio.get_running_loop().time() + within
        self._news.set()
        if self._finished is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._finished.wait(), within + LAST_SECONDS)

    def _closing(self) -> bool:
        return self._deadline is not None

    def _over(self) -> bool:
        """Whether to end now."""
        if self._deadline is None:
            return False
        waits = self._running or self._ended
        return not waits or asyncio.get_running_loop().time() >= self._deadline

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[JobQueue]:
        connection = await self._database.open_connection()
        try:
            with unavailable_when_unreachable(connection):
                connection.add_termination_listener(lambda _: self._news.set())
                queue = JobQueue(connection, self._worker)
                await queue.listen(self._news.set)
                await queue.plan(self._schedules)
                self._fire_at = self._beat_at = 0.0
                yield queue
        finally:
            await _hang_up(connection)

    async def _work(self, queue: JobQueue) -> None:
        self._away = False
        while not self._over():
            self._news.clear()
            await self._pause(await self._round(queue))
        await self._leave(queue)

    def _interrupted(self, error: Exception) -> None:
        """The queue cannot be reached, or its statements fail."""
        if not self._away:
            unreachable = isinstance(error, PlazaError)
            logger.warning(
                "jobs have to wait for the database",
                error=str(error),
                exc_info=None if unreachable else error,
            )
        self._away = True

    async def _pause(self, seconds: float) -> None:
        if self._deadline is not None:
            left = self._deadline - asyncio.get_running_loop().time()
            seconds = max(0.0, min(seconds, left))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), seconds)

    async def _round(self, queue: JobQueue) -> float:
        """Write what has ended, and take what there is. Returns the seconds until the next one."""
        await self._settle(queue)
        now = asyncio.get_running_loop().time()
        if now >= self._beat_at:
            self._beat_at = now + ROUND_SECONDS
            if self._running:
                await queue.beat(self._running)
            self._observer.waiting(await queue.states())
        if self._closing():
            return ROUND_SECONDS if self._running else 0.0
        if now >= self._fire_at:
            until_due = await queue.fire(self._schedules)
            # Not later than that: somebody else may have planned it by a moment later.
            self._fire_at = now + min(until_due.total_seconds(), ROUND_SECONDS)
        # Asked first: what falls due after this question is waited for, what did before is taken.
        due = await queue.next_due(self._handlers)
        if self._closing():
            return 0.0
        if await self._take(queue):
            return 0.0
        pause = ROUND_SECONDS if due is None else due.total_seconds() + _A_MOMENT
        return max(0.0, min(pause, self._fire_at - now, self._beat_at - now))

    async def _take(self, queue: JobQueue) -> bool:
        """Take jobs for which there is room. Returns whether there may be more of them."""
        more = False
        for room, names in self._rooms().items():
            taken = await queue.take(names, limit=room, keep_key=self._schedules)
            for job in taken:
                self._begin(job)
            more = more or len(taken) == room
        return more

    def _rooms(self) -> dict[int, list[str]]:
        """The names of which more can be done, by how many."""
        busy: dict[str, int] = {}
        for job, _ in self._running.values():
            busy[job.name] = busy.get(job.name, 0) + 1
        rooms: dict[int, list[str]] = {}
        for name, handler in self._handlers.items():
            if room := handler.at_once - busy.get(name, 0):
                rooms.setdefault(room, []).append(name)
        return rooms

    def _begin(self, job: Job) -> None:
        if job.id in self._running:  # it was believed dead, for we were late
            return
        if self._closing():  # the end has come while we asked
            self._ended.append(Ended(job, Result.LEFT))
            return
        if job.tries > TRIES:
            logger.error("a job has failed: the process died each time", job=job.name, id=job.id)
            self._end(Ended(job, Result.FAILED), 0.0)
            return
        self._running[job.id] = job, asyncio.create_task(self._do(job), name=f"job {job.name}")

    async def _do(self, job: Job) -> None:
        started = time.perf_counter()
        ended = Ended(job, Result.DONE)
        try:
            await self._handlers[job.name].run(job.payload)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            by_us = task is not None and task.cancelling()
            ended = Ended(job, Result.LEFT) if by_us else self._failures.judge(job, error)
        except Exception as error:  # of whatever kind: it is the job's alone
            ended = self._failures.judge(job, error)
        finally:
            del self._running[job.id]
            self._end(ended, time.perf_counter() - started)

    def _end(self, ended: Ended, seconds: float) -> None:
        self._ended.append(ended)
        self._news.set()
        self._observer.ran(ended.job.name, ended.result, seconds)

    async def _settle(self, queue: JobQueue) -> None:
        """Write what has ended. What cannot be written now stays for the next time."""
        ended = self._ended[:]
        if not ended:
            return
        done = [end.job.id for end in ended if end.result is Result.DONE]
        failed = [end.job.id for end in ended if end.result is Result.FAILED]
        if done or failed:
            await queue.settle(done=done, failed=failed)
        for end in ended:
            if end.result in (Result.AGAIN, Result.LEFT):
                counts = end.result is Result.AGAIN
                await queue.put_back(end.job.id, after=end.delay, counts=counts)
        del self._ended[: len(ended)]

    async def _leave(self, queue: JobQueue) -> None:
        tasks = [task for _, task in self._running.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            logger.info("jobs are left to be done later", jobs=len(tasks))
            await asyncio.wait(tasks, timeout=LAST_SECONDS / 2)
        await self._settle(queue)

    async def _forget(self) -> None:
        async with self._database.connection() as connection:
            await jobs.forget(connection, log=LOG_KEPT, failed=FAILED_KEPT)


async def _hang_up(connection: asyncpg.Connection) -> None:
    try:
        await connection.close(timeout=LAST_SECONDS)
    except Exception:
        connection.terminate()
