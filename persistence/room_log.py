"""The rooms' logs, written with group commit.

All drafts that wait are written in one statement with one fsync; while that is under way, the next
ones gather. So the log is as fast as the disk allows at any load, without a delay at a low one.
Nothing is a task of its own: a draft is an entry in a queue, its answer a callback.

A lost connection leaves the drafts under way in doubt: they may be on disk or not. They are
answered with `unavailable` (try again with the same nonce) at once; after reconnecting, those that
are on disk are published before anything else is written, so that nobody who listens sees a hole.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

import asyncpg
import structlog

from persistence.database import OUTAGES
from persistence.event_rows import COLUMNS, event_of
from persistence.room_facts import lock_rooms
from persistence.round import Refusal, Unsure, is_plain, split_round, write_round
from protocol.drafts import Draft, Written
from protocol.errors import (
    INTERNAL,
    NONCE_CONFLICT,
    OVERLOADED,
    UNAVAILABLE,
    PlazaError,
)
from protocol.events import RoomEvent
from protocol.ids import Id, IdMint
from protocol.times import from_ms

logger = structlog.get_logger(__name__)

T = TypeVar("T")
Outcome = Written | Refusal
Done = Callable[[Outcome], None]

MAX_BATCH = 256  # above, a batch's duration grows faster than its throughput
RECONNECT_SECONDS = 0.2
IN_DOUBT_DEPTH = 10_000  # events per room; see RoomLog._publish_found

REPEATED = f"""
SELECT {COLUMNS}
FROM unnest($1::bigint[], $2::text[]) AS i (sender_id, nonce)
JOIN room_events e ON e.sender_id = i.sender_id AND e.nonce = i.nonce
"""

FOUND = f"""
SELECT {COLUMNS}
FROM rooms r
JOIN room_events e ON e.room_id = r.id AND e.seq > r.last_seq - $3
WHERE r.id = ANY($1::bigint[]) AND e.event_id = ANY($2::bigint[])
ORDER BY e.room_id, e.seq
"""


class Observer(Protocol):
    """Is told of each round."""

    def committed(self, events: int, seconds: float) -> None:
        """So many events were written in one transaction that took so long."""


class _Entry:
    __slots__ = ("done", "draft", "key")

    def __init__(self, draft: Draft, done: Done) -> None:
        self.draft = draft
        self.done = [done]
        event = draft.event
        self.key = (event.sender, event.nonce) if event.nonce is not None else None


class RoomLog:
    """Writes drafts, in the order in which they come, and publishes what is written.

    Args:
        connect: opens a connection that is the log's own.
        mint: makes event ids.
        publish: gets each event once it is on disk, in the order of each room's seq, before the
            draft's own callback.
        observer: is told of each round.
        capacity: how many drafts may wait; 0: any number.
        clock: Unix time in milliseconds.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[asyncpg.Connection]],
        *,
        mint: IdMint,
        publish: Callable[[RoomEvent], None],
        observer: Observer,
        capacity: int,
        clock: Callable[[], int],
    ) -> None:
        self._connect = connect
        self._mint = mint
        self._publish = publish
        self._observer = observer
        self._capacity = capacity
        self._clock = clock
        self._queue: deque[_Entry] = deque()
        self._keys: dict[tuple[Id, str], _Entry] = {}  # nonces in the queue and under way
        self._arrived = asyncio.Event()
        self._connection: asyncpg.Connection | None = None
        self._in_doubt: list[RoomEvent] = []
        self._closing = False
        self._writer: asyncio.Task[None] | None = None

    # --- for callers -----------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect and start to write. Raises what `connect` raises."""
        self._use(await self._connect())
        self._writer = asyncio.create_task(self._run(), name="room log")

    def append(self, draft: Draft, done: Done) -> None:
        """Queue a draft.

        Args:
            done: called once: with Written after the commit, Unchanged if there was nothing to do,
                or the PlazaError that says why it was refused.

        Raises:
            PlazaError: overloaded, or unavailable while the database cannot be reached and from
                `close` on; `done` is not called then.
        """
        if not self.is_open:
            raise PlazaError(UNAVAILABLE, retry_after=1.0)
        if self._capacity and len(self._queue) >= self._capacity:
            raise PlazaError(OVERLOADED, retry_after=1.0)
        entry = _Entry(draft, done)
        if entry.key is not None:
            first = self._keys.setdefault(entry.key, entry)
            if first is not entry:
                first.done.append(_as_repeat(entry.draft, done))
                return
        self._queue.append(entry)
        self._arrived.set()

    async def write(self, draft: Draft) -> Outcome:
        """Append a draft and wait for its outcome. Raises PlazaError as `append` does."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.append(draft, partial(_resolve, future))
        return await future

    async def close(self) -> None:
        """Write what waits, then stop. While the database is away, what waits is refused."""
        self._closing = True
        self._arrived.set()
        if self._writer is not None:
            await self._writer
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()

    @property
    def is_open(self) -> bool:
        """Whether drafts are taken."""
        return self._connection is not None and not self._closing

    def __len__(self) -> int:
        """How many drafts wait."""
        return len(self._queue)

    # --- the writer ------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            if self._connection is None:
                await self._reconnect()
            if self._queue:
                size = min(len(self._queue), MAX_BATCH)
                await self._write_batch([self._queue.popleft() for _ in range(size)])
            elif self._closing:
                return
            else:
                self._arrived.clear()
                await self._arrived.wait()

    async def _write_batch(self, batch: list[_Entry]) -> None:
        now = self._clock()
        for entry in batch:
            entry.draft.event.event_id = self._mint.mint(now)
        # A guard would judge a repeated draft by the state that its first writing brought about.
        if any(entry.key is not None and not is_plain(entry.draft) for entry in batch):
            batch = await self._answer_repeated(batch)
        while batch and self._connection is not None:
            count = split_round([entry.draft for entry in batch])
            batch, rest = batch[:count], batch[count:]
            await self._write_entries(batch, now)
            batch = rest
        for entry in batch:
            self._answer(entry, PlazaError(UNAVAILABLE, retry_after=1.0))

    async def _write_entries(self, entries: Sequence[_Entry], now: int) -> None:
        started = time.perf_counter()
        try:
            refusals = await write_round(
                self._connected(), [entry.draft for entry in entries], at=from_ms(now)
            )
        except Exception as error:
            if _is_repeat(error):
                if rest := await self._answer_repeated(entries):
                    await self._write_entries(rest, now)
            else:
                for half in self._halves(entries, error):
                    await self._write_entries(half, now)
            return
        self._observer.committed(len(entries), time.perf_counter() - started)
        unsure = []
        for entry, refusal in zip(entries, refusals, strict=True):
            if isinstance(refusal, Unsure):
                unsure.append(entry)
                continue
            if refusal is None:
                _tell(self._publish, entry.draft.event)
            self._answer(entry, refusal or Written(entry.draft.event))
        if unsure:
            await self._write_unsure(unsure, now)

    async def _write_unsure(self, entries: Sequence[_Entry], now: int) -> None:
        """Ask the guards of what could not be written as plain.

        After the others are published: it is given higher seqs than theirs.
        """
        for entry in entries:
            entry.draft.quick = False
        if any(entry.key is not None for entry in entries):
            entries = await self._answer_repeated(entries)
        if entries:
            await self._write_entries(entries, now)

    async def _answer_repeated(self, entries: Sequence[_Entry]) -> list[_Entry]:
        """Answer the entries whose nonce is in the log; return the others."""
        keys = [entry.key for entry in entries if entry.key is not None]
        try:
            rows = await self._connected().fetch(
                REPEATED, [sender for sender, _ in keys], [nonce for _, nonce in keys]
            )
        except Exception as error:
            halves = self._halves(entries, error)
            return [entry for half in halves for entry in await self._answer_repeated(half)]
        firsts = {(event.sender, event.nonce): event for event in map(event_of, rows)}
        rest = []
        for entry in entries:
            first = firsts.get(entry.key) if entry.key is not None else None
            if first is None:
                rest.append(entry)
            else:
                self._answer(entry, _repeat(entry.draft.event, first))
        return rest

    def _halves(self, entries: Sequence[_Entry], error: Exception) -> list[Sequence[_Entry]]:
        """What to try again after a statement for these entries has failed.

        It may be the fault of one of them: it is to be found, and the others are to be written.
        """
        if self._connection is None or self._connection.is_closed() or isinstance(error, OUTAGES):
            self._lose(entries, error)
            return []
        if len(entries) == 1:
            logger.error("a draft could not be written", exc_info=error)
            self._answer(entries[0], PlazaError(INTERNAL))
            return []
        middle = len(entries) // 2
        return [entries[:middle], entries[middle:]]

    def _answer(self, entry: _Entry, outcome: Outcome) -> None:
        if entry.key is not None:
            self._keys.pop(entry.key, None)
        for done in entry.done:
            _tell(done, outcome)

    # --- without a connection --------------------------------------------------------------------

    def _connected(self) -> asyncpg.Connection:
        if self._connection is None:  # it may be lost at any await
            raise ConnectionResetError("the connection was lost")
        return self._connection

    def _use(self, connection: asyncpg.Connection) -> None:
        connection.add_termination_listener(self._on_terminated)
        self._connection = connection

    def _on_terminated(self, connection: object) -> None:
        # Also while nothing is being written: the next draft is to find a working connection.
        if connection is self._connection:
            logger.warning("the room log lost its connection")
            self._connection = None
            self._arrived.set()

    def _lose(self, entries: Sequence[_Entry], error: Exception) -> None:
        if self._connection is not None:
            logger.warning("the room log gives its connection up", error=str(error) or repr(error))
            connection, self._connection = self._connection, None
            connection.terminate()
        self._in_doubt += [entry.draft.event for entry in entries]
        for entry in entries:
            self._answer(entry, PlazaError(UNAVAILABLE, retry_after=1.0))

    async def _reconnect(self) -> None:
        for entry in self._queue:
            self._answer(entry, PlazaError(UNAVAILABLE, retry_after=1.0))
        self._queue.clear()
        while not self._closing:
            try:
                self._use(await self._reconnected())
            except (PlazaError, *OUTAGES, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                logger.debug("the room log waits for the database", error=str(error))
                await asyncio.sleep(RECONNECT_SECONDS)
                continue
            logger.info("the room log is connected again")
            return

    async def _reconnected(self) -> asyncpg.Connection:
        """A new connection, when the events in doubt are in doubt no more."""
        connection = await self._connect()
        try:
            await self._publish_found(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _publish_found(self, connection: asyncpg.Connection) -> None:
        """Publish the events in doubt that were written after all."""
        rooms = {event.room for event in self._in_doubt}
        # The server may still be writing them, as it has yet to notice that nobody waits for it:
        # then it has the rooms, or stands in line for them before us.
        await lock_rooms(connection, rooms)
        # Their seqs are unknown, and there is no index on event_id, which nothing else needs: they
        # are looked for among the last events of their rooms.
        event_ids = [event.event_id for event in self._in_doubt]
        rows = await connection.fetch(FOUND, list(rooms), event_ids, IN_DOUBT_DEPTH)
        self._in_doubt.clear()
        for row in rows:
            _tell(self._publish, event_of(row))


def _is_repeat(error: Exception) -> bool:
    """Whether a round failed because a nonce is in the log already."""
    return (
        isinstance(error, asyncpg.UniqueViolationError)
        and error.constraint_name == "room_events_nonce"
    )


def _tell(listener: Callable[[T], None], news: T) -> None:
    try:
        listener(news)
    except Exception:  # a bug of the listener's must not stop the log
        logger.exception("a listener of the room log failed")


def _repeat(event: RoomEvent, first: RoomEvent) -> Outcome:
    if type(first) is type(event) and first.room == event.room:
        return Written(first, repeated=True)
    return PlazaError(NONCE_CONFLICT)


def _as_repeat(draft: Draft, done: Done) -> Done:
    """The callback of a draft whose nonce is under way already."""

    def answer(outcome: Outcome) -> None:
        done(_repeat(draft.event, outcome.event) if isinstance(outcome, Written) else outcome)

    return answer


def _resolve(future: asyncio.Future[Outcome], outcome: Outcome) -> None:
    if not future.done():  # the caller may have given up
        future.set_result(outcome)
