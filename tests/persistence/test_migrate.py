"""Migrations: applied once, in order, and nothing that does not fit is passed over."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from persistence import migrate as migrate_module
from persistence.embedded import EmbeddedPostgres
from persistence.migrate import Migration, MigrationError, migrate, migrations, pending

NAMES = [migration.name for migration in migrations()]


@pytest.fixture
async def empty(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """The address of a database with nothing in it."""
    server = await asyncpg.connect(postgres.dsn)
    await server.execute("CREATE DATABASE empty")
    yield postgres.dsn_of("empty")
    await server.execute("DROP DATABASE empty WITH (FORCE)")
    await server.close()


@pytest.fixture
async def connection(empty: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(empty)
    yield opened
    await opened.close()


def test_versions_are_counted_without_holes() -> None:
    assert [migration.version for migration in migrations()] == list(range(1, len(NAMES) + 1))
    assert NAMES[0] == "0001_accounts_and_sessions"


async def test_each_is_applied_once(connection: asyncpg.Connection) -> None:
    assert await pending(connection) == NAMES
    assert await migrate(connection) == NAMES
    assert await pending(connection) == []
    assert await migrate(connection) == []
    assert await connection.fetchval("SELECT count(*) FROM accounts") == 0


async def test_processes_that_start_together_do_it_once(empty: str) -> None:
    connections = [await asyncpg.connect(empty) for _ in range(3)]
    applied = await asyncio.gather(*map(migrate, connections))
    assert sorted(applied, key=len) == [[], [], NAMES]
    for connection in connections:
        await connection.close()


async def test_one_that_fails_leaves_nothing_and_can_be_tried_again(
    connection: asyncpg.Connection, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = Migration(len(NAMES) + 1, "9999_bad", "CREATE TABLE half (); SELECT 1 / 0")
    monkeypatch.setattr(migrate_module, "migrations", lambda: [*migrations(), bad])
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(connection)
    assert await pending(connection) == ["9999_bad"]
    assert await connection.fetchval("SELECT to_regclass('half')") is None

    monkeypatch.undo()
    another = await asyncpg.connect(empty)  # the failed one holds no lock
    assert await migrate(another) == []
    await another.close()


async def test_an_edited_file_is_noticed(connection: asyncpg.Connection) -> None:
    await migrate(connection)
    await connection.execute("UPDATE schema_migrations SET checksum = 'x' WHERE version = 1")
    for function in (migrate, pending):
        with pytest.raises(MigrationError, match=rf"{NAMES[0]} was edited .*Restore the file"):
            await function(connection)


async def test_a_newer_plazas_database_is_left_alone(connection: asyncpg.Connection) -> None:
    await migrate(connection)
    await connection.execute("INSERT INTO schema_migrations VALUES (4711, '4711_future', '')")
    for function in (migrate, pending):
        with pytest.raises(MigrationError, match=r"newer plaza \(migration 4711_future\)"):
            await function(connection)


async def test_a_role_that_may_not_create_tables_can_run_what_is_up_to_date(
    connection: asyncpg.Connection, empty: str
) -> None:
    await migrate(connection)
    await connection.execute("CREATE ROLE plain LOGIN")
    await connection.execute("GRANT SELECT ON schema_migrations TO plain")
    plain = await asyncpg.connect(empty.replace("//postgres@", "//plain@"))
    assert await migrate(plain) == []
    await plain.close()
    await connection.execute("DROP OWNED BY plain; DROP ROLE plain")
