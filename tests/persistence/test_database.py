"""The pool: what it lends, and what its borrowers see when the database goes away."""

import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from persistence import database as database_module
from persistence.database import Database, DatabaseError, PoolStatistics
from persistence.embedded import EmbeddedPostgres
from protocol import errors
from protocol.errors import PlazaError


class Outages:
    """A Postgres of its own that can be away for a while.

    In threads, so that the loop learns of the ends of connections meanwhile.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._server = EmbeddedPostgres.start(data_dir, progress=lambda sentence: None)
        self.dsn = self._server.dsn

    async def begin(self) -> None:
        await asyncio.to_thread(self._server.stop)

    async def end(self) -> None:
        self._server = await asyncio.to_thread(
            EmbeddedPostgres.start, self._data_dir, progress=lambda sentence: None
        )
        assert self._server.dsn == self.dsn

    def close(self) -> None:
        self._server.stop()

    def crash(self) -> None:
        """Kill the first process; the others notice and end."""
        pid = (self._data_dir / "postgres" / "postmaster.pid").read_text().split()[0]
        os.kill(int(pid), signal.SIGKILL)


@pytest.fixture(scope="module")
def outages() -> Iterator[Outages]:
    data_dir = Path(tempfile.mkdtemp(prefix="plaza-", dir="/tmp"))
    outages = Outages(data_dir)
    yield outages
    outages.close()
    shutil.rmtree(data_dir)


@pytest.fixture
async def fragile(outages: Outages) -> AsyncIterator[Database]:
    """A pool on the database that can be away. Tests end with it present."""
    opened = await Database.open(outages.dsn, pool_size=2)
    yield opened
    await opened.close()


async def fetchval(database: Database, query: str) -> object:
    async with database.connection() as connection:
        return await connection.fetchval(query)


def is_unavailable(error: PlazaError) -> bool:
    return error.spec is errors.UNAVAILABLE and error.retry_after == 1.0


unavailable = pytest.raises(PlazaError, check=is_unavailable)


async def test_it_lends_connections_and_takes_them_back(dsn: str) -> None:
    database = await Database.open(dsn, pool_size=3)
    async with database.connection() as one, database.connection() as two:
        assert await one.fetchval("SELECT 1") == 1
        assert await two.fetchval("SHOW application_name") == "plaza"
        assert database.statistics() == PoolStatistics(open=2, idle=0, limit=3)
    assert database.statistics() == PoolStatistics(open=2, idle=2, limit=3)
    await database.close()
    assert database.statistics().open == 0


async def test_a_transaction_is_committed_or_rolled_back(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO secrets VALUES ('kept', '')")

    async def change_ones_mind() -> None:
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO secrets VALUES ('undone', '')")
            raise KeyError

    with pytest.raises(KeyError):
        await change_ones_mind()
    assert await fetchval(database, "SELECT array_agg(name) FROM secrets") == ["kept"]


async def test_an_outage_is_noticed_at_once_and_its_end_too(
    fragile: Database, outages: Outages
) -> None:
    assert await fragile.ready()
    await outages.begin()
    try:
        begin = time.monotonic()
        with unavailable:
            await fetchval(fragile, "SELECT 1")
        with unavailable:
            await fragile.open_connection()
        assert not await fragile.ready()
        assert time.monotonic() - begin < 1
    finally:
        await outages.end()
    assert await fetchval(fragile, "SELECT 1") == 1
    assert await fragile.ready()


async def test_an_outage_in_the_middle_is_unavailable_too(
    fragile: Database, outages: Outages
) -> None:
    await fetchval(fragile, "CREATE TABLE attempts (name text)")
    with unavailable:
        async with fragile.transaction() as connection:
            await connection.execute("INSERT INTO attempts VALUES ('halfway')")
            await outages.begin()
            await outages.end()
    assert await fetchval(fragile, "SELECT count(*) FROM attempts") == 0


async def test_a_statement_under_way_in_a_crash_is_unavailable(
    fragile: Database, outages: Outages
) -> None:
    with unavailable:
        async with fragile.connection() as connection:
            waiting = asyncio.create_task(connection.fetchval("SELECT pg_sleep(60)"))
            await _until_running(fragile, "SELECT pg_sleep(60)")
            outages.crash()
            await waiting
    await outages.begin()  # waits for the last of its processes
    await outages.end()
    assert await fetchval(fragile, "SELECT 1") == 1


async def _until_running(database: Database, query: str) -> None:
    count = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = $1"
    async with database.connection() as connection:
        while await connection.fetchval(count, query) == 0:
            pass


async def test_a_connection_that_an_admin_ends_is_replaced(database: Database) -> None:
    with unavailable:
        async with database.connection() as victim, database.connection() as admin:
            await admin.execute("SELECT pg_terminate_backend($1)", victim.get_server_pid())
            await victim.fetchval("SELECT 1")
    assert await fetchval(database, "SELECT 1") == 1


async def test_too_many_connections_are_unavailable(database: Database, dsn: str) -> None:
    async with database.connection() as connection:
        await connection.execute("CREATE ROLE narrow LOGIN CONNECTION LIMIT 1")
    try:
        narrow = await Database.open(dsn.replace("//postgres@", "//narrow@"), pool_size=2)
        async with narrow.connection():
            with unavailable:
                await fetchval(narrow, "SELECT 1")
        await narrow.close()
    finally:
        async with database.connection() as connection:
            await connection.execute("DROP ROLE narrow")


async def test_nobody_waits_for_ever_for_a_free_connection(dsn: str) -> None:
    database = await Database.open(dsn, pool_size=1, connect_timeout=0.5)
    async with database.connection():
        assert not await database.ready(within=0.01)
        with unavailable:
            await fetchval(database, "SELECT 1")
    assert await database.ready()
    await database.close()


async def test_a_statement_that_takes_too_long_is_cancelled(dsn: str) -> None:
    database = await Database.open(dsn, pool_size=1, command_timeout=0.1)
    with unavailable:
        await fetchval(database, "SELECT pg_sleep(60)")
    assert await fetchval(database, "SELECT 1") == 1
    await database.close()


async def test_other_failures_are_the_callers_own(database: Database) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await fetchval(database, "SELECT * FROM nothing")
    with pytest.raises(asyncpg.DataError):
        async with database.connection() as connection:
            await connection.fetchval("SELECT $1::int", "one")
    with pytest.raises(asyncpg.InterfaceError, match="in progress"):
        async with database.connection() as connection:
            await asyncio.gather(connection.fetchval("SELECT 1"), connection.fetchval("SELECT 2"))


async def test_recycling_replaces_every_connection(database: Database) -> None:
    async with database.connection() as lent:
        before = lent.get_server_pid()
        await database.recycle()
        assert await lent.fetchval("SELECT 1") == 1
    assert await fetchval(database, "SELECT pg_backend_pid()") != before


async def test_closing_cuts_off_who_does_not_return(dsn: str) -> None:
    database = await Database.open(dsn)
    with unavailable:
        async with database.connection() as connection:
            await database.close(grace=0.01)
            await connection.fetchval("SELECT 1")
    with unavailable:
        await fetchval(database, "SELECT 1")


async def test_a_connection_outside_the_pool_is_the_callers(database: Database) -> None:
    connection = await database.open_connection()
    assert await connection.fetchval("SHOW application_name") == "plaza"
    assert database.statistics().open == 1
    await connection.close()


@pytest.mark.parametrize(
    ("dsn", "sentence"),
    [
        ("mysql://localhost/plaza", "malformed: invalid DSN"),
        ("postgresql://plaza:se/cret@localhost/plaza", r"malformed\. .* percent-encoded"),
        ("postgresql://127.0.0.1:99999/plaza", "malformed"),
        ("postgresql://127.0.0.1:1/plaza", "cannot be reached"),
        ("postgresql://plaza@/plaza?host=/nonexistent", "cannot be reached"),
    ],
)
async def test_a_wrong_address_is_explained(dsn: str, sentence: str) -> None:
    with pytest.raises(DatabaseError, match=sentence) as raised:
        await Database.open(dsn)
    assert "'se'" not in str(raised.value)


async def test_a_missing_database_is_explained(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(DatabaseError, match='database "missing" does not exist'):
        await Database.open(postgres.dsn_of("missing"))


async def test_a_server_that_says_nothing_is_given_up() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with silent:
        port = silent.sockets[0].getsockname()[1]
        with pytest.raises(DatabaseError, match="no answer in time"):
            await Database.open(f"postgresql://127.0.0.1:{port}/plaza", connect_timeout=0.1)


async def test_an_old_server_is_refused(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "OLDEST_SERVER", 99)
    with pytest.raises(DatabaseError, match=r"PostgreSQL 18\. Plaza needs 99"):
        await Database.open(dsn)
