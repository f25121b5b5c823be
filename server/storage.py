"""The database of this process: embedded or external, connected, its schema up to date."""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import structlog

from persistence.database import Database, DatabaseError
from persistence.embedded import EmbeddedPostgres, EmbeddedPostgresError, running_dsn
from persistence.migrate import MigrationError, migrate
from protocol.errors import PlazaError
from server.config import Config
from server.post_parts import make_first

logger = structlog.get_logger(__name__)

REVIVAL_SECONDS = 1.0


@asynccontextmanager
async def open_database(
    config: Config, *, progress: Callable[[str], None]
) -> AsyncIterator[Database]:
    """Start the embedded Postgres unless there is a `database.url`, connect, and migrate.

    To be entered before anything else runs on the loop: starting the embedded one blocks.

    Args:
        config: the sections `server` and `database` are used.
        progress: gets a sentence at each step that may take a while.

    Raises:
        EmbeddedPostgresError: the embedded Postgres cannot run.
        DatabaseError: the database cannot be reached or used.
        MigrationError: its schema cannot be brought up to date.
        KeyboardInterrupt: SIGINT or SIGTERM came while the embedded Postgres started.
    """
    async with AsyncExitStack() as open_:
        url = config.database.url
        if not url:
            # Not in a thread: Ctrl+C would abandon it, and the server that it has just started.
            with _interruptible():
                embedded = EmbeddedPostgres.start(Path(config.server.data_dir), progress=progress)
            open_.callback(embedded.stop)
            await open_.enter_async_context(_kept_alive(embedded))
            url = embedded.dsn
        database = await Database.open(url, pool_size=config.database.pool_size)
        open_.push_async_callback(database.close)
        await _bring_up_to_date(database, progress=progress)
        yield database


@asynccontextmanager
async def visit_database(
    config: Config, *, progress: Callable[[str], None]
) -> AsyncIterator[Database]:
    """As `open_database`; but where a server runs on the embedded one, share it with that.

    Such a database is taken as it is: its schema is that server's business.
    """
    data_dir = Path(config.server.data_dir)
    try:
        shared = None if config.database.url else running_dsn(data_dir)
    except PermissionError as error:
        raise DatabaseError(
            f"The data directory {data_dir} cannot be read: {error.strerror}. Run this as the user "
            "that the server runs as, or as root."
        ) from error
    if shared is None:
        async with open_database(config, progress=progress) as database:
            yield database
        return
    database = await Database.open(shared, pool_size=2)
    try:
        yield database
    finally:
        await database.close()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let signals end what blocks the loop, whose own handlers wait for it until then."""
    handlers = {
        number: signal.signal(number, signal.default_int_handler)
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@asynccontextmanager
async def _kept_alive(embedded: EmbeddedPostgres) -> AsyncIterator[None]:
    """Start the embedded server again when it was killed."""
    leaving = asyncio.Event()

    async def watch() -> None:
        while not leaving.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(leaving.wait(), REVIVAL_SECONDS)
                return
            try:
                # Not to be cancelled: the thread would go on, and start what is being stopped.
                if await asyncio.to_thread(embedded.revive, progress=logger.warning):
                    logger.warning("the embedded Postgres was gone, and has been started again")
            except EmbeddedPostgresError as error:
                logger.error("the embedded Postgres does not start", error=str(error))

    watcher = asyncio.create_task(watch(), name="embedded Postgres")
    try:
        yield
    finally:
        leaving.set()
        await watcher


async def _bring_up_to_date(database: Database, *, progress: Callable[[str], None]) -> None:
    try:
        connection = await database.open_connection()
        try:
            applied = await migrate(connection)
            await make_first(connection, time.time_ns() // 1_000_000)
        finally:
            await connection.close()
    except asyncpg.PostgresError as error:
        raise MigrationError(
            f"The schema could not be brought up to date: {error}. Correct that and start again; "
            "the migration that failed has left nothing behind."
        ) from error
    except PlazaError as error:
        raise DatabaseError("The database went away while Plaza started. Start again.") from error
    if applied:
        progress(f"Brought the schema up to date: {', '.join(applied)}")
        await database.recycle()
