"""Bring a database's schema up to date: the numbered SQL files of `persistence.migrations`.

What was applied is recorded with its checksum, so that a file edited afterwards, or a database that
a newer plaza has changed, is noticed instead of guessed at.
"""

import hashlib
import re
from importlib import resources
from typing import NamedTuple

import asyncpg

from persistence.database import DatabaseError

# Of pg_advisory_lock, which keeps other processes out; any number that nobody else uses.
_LOCK_KEY = 0x706C617A61  # "plaza"

# Far above a pool's command_timeout: building an index on a large log takes its time.
_TIMEOUT_SECONDS = 6 * 3600.0

_FILE_NAME = re.compile(r"(\d{4})_\w+\.sql")


class Migration(NamedTuple):
    """One file."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


class MigrationError(DatabaseError):
    """The schema cannot be brought up to date. The message says why and what to do."""


async def migrate(connection: asyncpg.Connection) -> list[str]:
    """Apply what is missing, in order, each file in a transaction of its own.

    Several processes may do this at once: one does the work, the others wait for it.

    Args:
        connection: of a role that may create tables, if anything is missing.

    Returns:
        The names of the files applied now.

    Raises:
        MigrationError: the database was changed by a newer plaza, or an applied file was edited.
        asyncpg.PostgresError: a statement failed; files before it stay applied.
    """
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK_KEY, timeout=_TIMEOUT_SECONDS)
    try:
        missing = await _missing(connection)
        for migration in missing:
            await _apply(connection, migration)
    finally:
        # A connection that broke has let go of the lock already.
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK_KEY)
    return [migration.name for migration in missing]


async def pending(connection: asyncpg.Connection) -> list[str]:
    """The names of the files that `migrate` would apply. Changes nothing.

    Raises:
        MigrationError: as `migrate`.
    """
    return [migration.name for migration in await _missing(connection)]


def migrations() -> list[Migration]:
    """All files, in order."""
    found = []
    for file in resources.files("persistence.migrations").iterdir():
        if match := _FILE_NAME.fullmatch(file.name):
            # Decoding as text makes every line end in \n, whatever the checkout made of them.
            found.append(Migration(int(match[1]), file.name.removesuffix(".sql"), file.read_text()))
    return sorted(found)


HAS_RECORD = "SELECT to_regclass('schema_migrations') IS NOT NULL"

APPLIED = "SELECT version, name, checksum FROM schema_migrations"


async def _missing(connection: asyncpg.Connection) -> list[Migration]:
    # Not CREATE TABLE IF NOT EXISTS: a role that may not create tables can run what is up to date.
    if not await connection.fetchval(HAS_RECORD):
        return migrations()
    applied = {row["version"]: row for row in await connection.fetch(APPLIED)}
    known = {migration.version: migration for migration in migrations()}
    for version, row in applied.items():
        if version not in known:
            raise MigrationError(
                f"The database has been changed by a newer plaza (migration {row['name']}). "
                "Run that version, or restore a backup from before."
            )
        if row["checksum"] != known[version].checksum:
            raise MigrationError(
                f"The migration {row['name']} was edited after it had been applied to this "
                "database. Restore the file, and put the change into a new one."
            )
    return [migration for version, migration in known.items() if version not in applied]


CREATE_RECORD = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""

RECORD = "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)"


async def _apply(connection: asyncpg.Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(CREATE_RECORD)
        await connection.execute(migration.sql, timeout=_TIMEOUT_SECONDS)
        await connection.execute(RECORD, migration.version, migration.name, migration.checksum)
