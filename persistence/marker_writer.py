"""Read and delivered markers, written with group commit.

All marks that wait go in one statement on a connection of the writer's own, while the next ones
gather and are coalesced.

Marks can be repeated without harm. So when the connection breaks, those under way are answered
`unavailable`, and are written once more after reconnecting: if they were on disk, nobody has been
told yet that they moved.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

import asyncpg
import structlog

from persistence import markers
from persistence.database import OUTAGES
from persistence.marker_queue import Done, Entry, MarkerQueue, Sweep
from persistence.markers import Absent, Locked, Mark, Moved
from protocol.errors import INTERNAL, NOT_FOUND, UNAVAILABLE, PlazaError
from protocol.ids import Id

logger = structlog.get_logger(__name__)

MAX_BATCH = 256
MAX_SWEEPS = 8  # accounts at a time all of whose rooms are marked: somebody may have hundreds
RECONNECT_SECONDS = 0.2
LOCKED_SECONDS = 0.005  # until what was locked is tried again, if there is nothing else to do
PATIENCE_SECONDS = 10.0  # with rows that stay locked

NOT_A_MEMBER = "There is no such room, or you are not a member of it."


class MarkerWriter:
    """Writes marks, and tells what moved.

    Args:
        connect: opens a connection that is the writer's own.
        moved: gets what a batch has moved once it is on disk, before the commands are answered.
        capacity: how many marks may wait to be answered; 0: any number.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[asyncpg.Connection]],
        *,
        moved: Callable[[Sequence[Moved]], None],
        capacity: int,
    ) -> None:
        self._connect = connect
        self._moved = moved
        self._queue = MarkerQueue(capacity)
        self._arrived = asyncio.Event()
        self._connection: asyncpg.Connection | None = None
        self._closing = False
        self._writer: asyncio.Task[None] | None = None

    # --- for callers -----------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect and start to write. Raises what `connect` raises."""
        self._use(await self._connect())
        self._writer = asyncio.create_task(self._run(), name="marker writer")

    def append(self, marks: Sequence[Mark], done: Done) -> None:
        """Queue the marks of a command.

        Args:
            done: called once, when each of them is on disk or refused: not_found (the account is
                not a member of the room), unavailable, internal.

        Raises:
            PlazaError: overloaded, or unavailable while the database cannot be reached and from
                `close` on; `done` is not called then.
        """
        self._check_open()
        self._queue.append(marks, done)
        self._arrived.set()

    def append_all(self, account: Id, done: Done) -> None:
        """Queue marks at the ends of all rooms of an account. Raises PlazaError as `append`."""
        self._check_open()
        self._queue.append_all(account, done)
        self._arrived.set()

    async def close(self, *, within: float) -> None:
        """Write what waits, then stop. While the database is away, what waits is refused.

        Args:
            within: seconds; then what still waits is given up.
        """
        self._closing = True
        self._arrived.set()
        if self._writer is not None:
            await asyncio.wait([self._writer], timeout=within)
            if not self._writer.done():
                logger.error("the database does not take the last markers", marks=len(self))
                self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()

    @property
    def is_open(self) -> bool:
        """Whether marks are taken."""
        return self._connection is not None and not self._closing

    def __len__(self) -> int:
        """How many marks wait to be answered."""
        return self._queue.waiting

    def _check_open(self) -> None:
        if not self.is_open:
            raise PlazaError(UNAVAILABLE, retry_after=1.0)

    # --- the writer ------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            if self._connection is None:
                await self._reconnect()
            if self._queue:
                await self._sweep()
                await self._move()
            elif self._closing:
                return
            else:
                self._arrived.clear()
                await self._arrived.wait()

    async def _move(self) -> None:
        batch = self._queue.take(MAX_BATCH)
        if not batch:
            return
        try:
            outcomes = await markers.move(self._connected(), [entry.mark for entry in batch])
        except Exception as error:
            self._fail(batch, error)
            return
        self._tell(outcome for outcome in outcomes if isinstance(outcome, Moved))
        locked = 0
        for entry, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Locked):
                locked += self._put_back(entry)
            elif isinstance(outcome, Absent):
                self._queue.settle(entry, PlazaError(NOT_FOUND, NOT_A_MEMBER))
            else:
                self._queue.settle(entry)
        if locked and locked == self._queue.entries:  # nothing else waits
            await asyncio.sleep(LOCKED_SECONDS)

    def _put_back(self, entry: Entry) -> bool:
        """Let what is locked wait behind the others, unless it has waited for too long."""
        now = asyncio.get_running_loop().time()
        if entry.locked_since is None:
            entry.locked_since = now
        if now - entry.locked_since > PATIENCE_SECONDS:
            self._queue.settle(entry, PlazaError(UNAVAILABLE, retry_after=1.0))
            return False
        self._queue.put_back(entry)
        return True

    async def _sweep(self) -> None:
        batch = self._queue.take_sweeps(MAX_SWEEPS)
        if not batch:
            return
        sweeps = {sweep.account: sweep for sweep in batch}
        anyway = {sweep.account for sweep in batch if sweep.anyway}
        try:
            outcomes = await markers.move_all(self._connected(), list(sweeps), anyway)
        except Exception as error:
            self._fail(batch, error)
            return
        self._tell(outcome for outcome in outcomes if isinstance(outcome, Moved))
        for outcome in outcomes:
            if isinstance(outcome, Locked):
                room, account, last_seq = outcome
                mark = Mark(room, account, last_seq, anyway=account in anyway)
                self._queue.wait_for(mark, sweeps[account].tickets)
        for sweep in batch:
            self._queue.settle(sweep)

    def _tell(self, outcomes: Iterable[Moved]) -> None:
        news = [moved for moved in outcomes if (moved.read, moved.delivered) != (None, None)]
        if news:
            try:
                self._moved(news)
            except Exception:  # a bug of the listener's must not stop the writer
                logger.exception("a listener of the marker writer failed")

    # --- failures --------------------------------------------------------------------------------

    def _fail(self, batch: Sequence[Entry | Sweep], error: Exception) -> None:
        refusal = self._refusal(error)
        for work in batch:
            if refusal.spec is UNAVAILABLE:
                self._queue.repeat(work)
            self._queue.settle(work, refusal)

    def _refusal(self, error: Exception) -> PlazaError:
        """What a batch is answered that failed so; gives up a connection that is of no use.

        A statement that fails for another reason is a bug: no mark can be worse than the others, so
        that none needs to be told from them.
        """
        connection = self._connection
        if connection is None or connection.is_closed() or isinstance(error, OUTAGES):
            if connection is not None:
                reason = str(error) or repr(error)
                logger.warning("the marker writer gives its connection up", error=reason)
                self._connection = None
                connection.terminate()
            return PlazaError(UNAVAILABLE, retry_after=1.0)
        logger.error("markers could not be written", exc_info=error)
        return PlazaError(INTERNAL)

    def _connected(self) -> asyncpg.Connection:
        if self._connection is None:  # it may be lost at any await
            raise ConnectionResetError("the connection was lost")
        return self._connection

    def _use(self, connection: asyncpg.Connection) -> None:
        connection.add_termination_listener(self._on_terminated)
        self._connection = connection

    def _on_terminated(self, connection: object) -> None:
        # Also while nothing is being written: the next mark is to find a working connection.
        if connection is self._connection:
            logger.warning("the marker writer lost its connection")
            self._connection = None
            self._arrived.set()

    async def _reconnect(self) -> None:
        self._queue.refuse(PlazaError(UNAVAILABLE, retry_after=1.0))
        while not self._closing:
            try:
                self._use(await self._connect())
            except (PlazaError, *OUTAGES, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                logger.debug("the marker writer waits for the database", error=str(error))
                await asyncio.sleep(RECONNECT_SECONDS)
                continue
            logger.info("the marker writer is connected again")
            return
        self._queue.clear()
