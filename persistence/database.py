"""The pool of connections to Postgres.

A database that cannot be reached is no bug and no fault of the caller's: whatever asyncpg and the
operating system call it, it leaves here as PlazaError UNAVAILABLE, which clients retry. The pool
needs no care afterwards: a connection that broke is replaced when the next one is asked for.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple, cast

import asyncpg

from protocol import errors
from protocol.errors import PlazaError

OLDEST_SERVER = 14

# What means that the database cannot serve for now, rather than that the statement is bad.
OUTAGES = (
    OSError,  # includes TimeoutError
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # it is shutting down or starting up
    asyncpg.InsufficientResourcesError,  # too many connections, or its disk is full
    asyncpg.ReadOnlySQLTransactionError,  # it has become a standby
    # asyncpg's state between the server's farewell and the end of the connection.
    asyncpg.InternalClientError,
)


class DatabaseError(Exception):
    """The database cannot serve as it is. The message is for the operator: why, and what to do."""


class PoolStatistics(NamedTuple):
    """The pool at this moment, in connections."""

    open: int
    idle: int
    limit: int


@contextmanager
def unavailable_when_unreachable(connection: asyncpg.Connection | None = None) -> Iterator[None]:
    """Turn every failure to reach the database into PlazaError UNAVAILABLE; others pass.

    What was under way then may or may not have been committed.

    Args:
        connection: in use within. asyncpg says the same InterfaceError of a connection that broke
            and of one that is misused; only the former is a failure to reach.
    """
    try:
        yield
    except OUTAGES as error:
        raise PlazaError(errors.UNAVAILABLE, retry_after=1.0) from error
    except asyncpg.InterfaceError as error:
        if connection is None or not _is_lost(connection):
            raise
        raise PlazaError(errors.UNAVAILABLE, retry_after=1.0) from error


def _is_lost(connection: asyncpg.Connection) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:  # the pool took it back, which it does as soon as it breaks
        return True


async def _leave_as_it_is(_: asyncpg.Connection) -> None:
    """Nothing here sets a session's state, so that asyncpg's reset would be a wasted round trip."""


class Database:
    """The pool. Made by `open`, ended by `close`.

    Attributes:
        dsn: where the database is; may contain a password.
    """

    def __init__(self, dsn: str, pool: asyncpg.Pool, settings: dict[str, Any]) -> None:
        self.dsn = dsn
        self._pool = pool
        self._settings = settings
        self._acquire_timeout: float = settings["timeout"]

    @classmethod
    async def open(
        cls,
        dsn: str,
        *,
        pool_size: int = 10,
        connect_timeout: float = 5.0,
        command_timeout: float = 30.0,
    ) -> "Database":
        """Connect.

        Args:
            dsn: postgresql://user:password@host:port/database, or with ?host=/socket/folder.
            pool_size: how many connections at most; they are made when they are needed.
            connect_timeout: seconds to wait for a connection, be it new or from the pool.
            command_timeout: seconds that a statement may take.

        Raises:
            DatabaseError: there is no database there, it does not let us in, or it is too old.
        """
        settings: dict[str, Any] = {
            "timeout": connect_timeout,
            "command_timeout": command_timeout,
            "server_settings": {"application_name": "plaza"},
        }
        try:
            # No lower bound: asyncpg would log a traceback for every attempt to keep it up while
            # the database is away.
            pool = await asyncpg.create_pool(
                dsn, min_size=0, max_size=pool_size, reset=_leave_as_it_is, **settings
            )
            async with pool.acquire(timeout=connect_timeout) as connection:
                major = connection.get_server_version().major
        except (ValueError, OverflowError) as error:
            # Others than asyncpg's may quote a part of the password.
            reason = f": {error}" if isinstance(error, asyncpg.ClientConfigurationError) else ""
            raise DatabaseError(
                f"The database address is malformed{reason}. It looks like "
                "postgresql://user:password@host:5432/database; special characters in the "
                "password are percent-encoded."
            ) from error
        except (*OUTAGES, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            reason = str(error) or "no answer in time"
            raise DatabaseError(
                f"The database cannot be reached: {reason}. Check that it runs, and its address."
            ) from error
        if major < OLDEST_SERVER:
            pool.terminate()
            raise DatabaseError(
                f"The database is PostgreSQL {major}. Plaza needs {OLDEST_SERVER} or newer."
            )
        return cls(dsn, pool, settings)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend a connection, for work with the database alone: any OSError within counts as its.

        Raises:
            PlazaError: UNAVAILABLE, on entry or within: the database cannot be reached, or no
                connection became free in time.
        """
        if self._pool.is_closing():
            raise PlazaError(errors.UNAVAILABLE, retry_after=1.0)
        with unavailable_when_unreachable():
            lent = await self._pool.acquire(timeout=self._acquire_timeout)
            connection = cast(asyncpg.Connection, lent)  # a proxy with the same methods
            try:
                with unavailable_when_unreachable(connection):
                    yield connection
            finally:
                await self._pool.release(lent)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend a connection with a transaction: committed on exit, rolled back on an exception.

        Raises:
            PlazaError: UNAVAILABLE. When it comes from the exit, the commit may have happened.
        """
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def open_connection(self) -> asyncpg.Connection:
        """Make a connection outside the pool, with the same settings; the caller closes it.

        Raises:
            PlazaError: UNAVAILABLE.
        """
        with unavailable_when_unreachable():
            return await asyncpg.connect(self.dsn, **self._settings)

    async def recycle(self) -> None:
        """Replace every connection when it is next lent.

        To be called after migrations: asyncpg keeps prepared statements and what it knows of the
        types, which a changed schema makes stale.
        """
        await self._pool.expire_connections()

    async def ready(self, *, within: float = 1.0) -> bool:
        """Whether the database answers within so many seconds."""
        try:
            async with asyncio.timeout(within), self.connection() as connection:
                await connection.execute("SELECT 1")
        except (PlazaError, TimeoutError):
            return False
        return True

    def statistics(self) -> PoolStatistics:
        return PoolStatistics(
            self._pool.get_size(), self._pool.get_idle_size(), self._pool.get_max_size()
        )

    async def close(self, *, grace: float = 5.0) -> None:
        """Close all connections. Those that are lent get `grace` seconds, then are cut off."""
        try:
            async with asyncio.timeout(grace):
                await self._pool.close()
        except (*OUTAGES, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._pool.terminate()
