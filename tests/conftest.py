"""A real Postgres for the whole run, and a database of its own for every test that asks."""

import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from hypothesis import settings

from persistence.database import Database
from persistence.embedded import EmbeddedPostgres
from persistence.migrate import migrate

_numbers = itertools.count(1)

# Servers that tests start as processes of their own: several of them run at the same time.
os.environ.setdefault("PLAZA_MEDIA__PORT", "0")

# The same examples in every run: a failure is one of the change, not of the day.
settings.register_profile("plaza", derandomize=True, deadline=None)
settings.load_profile("plaza")


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    # In /tmp itself: the server's user, when we are root, must be able to get there.
    data_dir = Path(tempfile.mkdtemp(prefix="plaza-tests-", dir="/tmp"))
    server = EmbeddedPostgres.start(data_dir, progress=lambda sentence: None)
    yield server
    server.stop()
    shutil.rmtree(data_dir)


@pytest.fixture(scope="session")
async def template(postgres: EmbeddedPostgres) -> str:
    """The name of a migrated, empty database, to be copied."""
    await _execute(postgres.dsn, "CREATE DATABASE template_plaza")
    connection = await asyncpg.connect(postgres.dsn_of("template_plaza"))
    await migrate(connection)
    await connection.close()
    return "template_plaza"


@pytest.fixture
async def dsn(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[str]:
    """The address of a fresh, migrated database."""
    name = f"test_{next(_numbers)}"
    await _execute(postgres.dsn, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield postgres.dsn_of(name)
    await _execute(postgres.dsn, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    """A pool of connections to a fresh, migrated database."""
    opened = await Database.open(dsn, pool_size=4)
    yield opened
    await opened.close()


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(statement)
    await connection.close()
