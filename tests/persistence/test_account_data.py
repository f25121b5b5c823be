"""Every column of the schema that has accounts is covered: exported, and deleted."""

import re

import asyncpg
import pytest

from persistence.account_data import OTHER_COLUMNS, PLACES, Fate
from persistence.account_export import FILES, rows_of
from persistence.database import Database
from tests import social

# What can have an id: 64 bits, lists of these, and JSON.
COLUMNS = """
SELECT c.table_name || '.' || c.column_name AS place, c.column_name AS name
FROM information_schema.columns c
JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
    AND c.udt_name IN ('int8', '_int8', 'json', 'jsonb', 'numeric')
    AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = (quote_ident(c.table_name))::regclass)
"""

REFERENCES = """
SELECT k.conrelid::regclass || '.' || a.attname AS place
FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY(k.conkey)
WHERE k.contype = 'f' AND k.confrelid = 'accounts'::regclass AND k.conparentid = 0
"""


async def places_in(db: asyncpg.Connection) -> set[str]:
    """Of the schema, what may have accounts: all that is not known to have none."""
    found = {row["place"]: row["name"] for row in await db.fetch(COLUMNS)}
    suspects = {
        place
        for place, name in found.items()
        if name not in OTHER_COLUMNS and not place.startswith("pgqueuer")
    }
    references = {row["place"] for row in await db.fetch(REFERENCES)}
    return suspects | references | {"accounts.id"}


async def test_every_place_is_covered(database: Database) -> None:
    async with database.connection() as db:
        assert await places_in(db) == PLACES.keys()


@pytest.mark.parametrize(
    "addition",
    [
        "CREATE TABLE gifts (id bigint PRIMARY KEY, giver_id bigint)",
        "CREATE TABLE gifts (id bigint PRIMARY KEY, room_id bigint REFERENCES accounts)",
        "CREATE TABLE gifts (id bigint PRIMARY KEY, guests bigint[])",
        "ALTER TABLE rooms ADD settings jsonb",
        "ALTER TABLE posts ADD reviewer_id bigint",
    ],
)
async def test_a_new_place_is_noticed(database: Database, addition: str) -> None:
    async with database.connection() as db:
        await db.execute(addition)
        assert await places_in(db) != PLACES.keys()


def test_what_is_not_exported_has_a_reason() -> None:
    for place, covered in PLACES.items():
        assert (covered.file is None) == bool(covered.why and covered.file is None), place
        assert covered.file is None or covered.file in FILES, place
        assert covered.file is not None or covered.why, place


def test_every_file_reads_the_tables_that_it_is_said_to_have() -> None:
    for place, covered in PLACES.items():
        table, _, column = place.partition(".")
        if covered.file is None or column in ("dm_low", "dm_high"):
            continue
        query = FILES[covered.file]
        # A pin or a ban by the account is an event of its own in the room's log.
        assert re.search(rf"\b{table}\b", query) or covered.file == "room_events", place
    assert {covered.file for covered in PLACES.values()} - {None} | {"post_edits"} == FILES.keys()


async def test_every_file_can_be_read(database: Database) -> None:
    async with database.connection() as db, db.transaction():
        ada = await social.person(db, "ada")
        for file in FILES:
            rows = [row async for some in rows_of(db, ada, file) for row in some]
            assert len(rows) == (file in ("account", "profile")), file


def test_generic_fates_have_what_they_need() -> None:
    for place, covered in PLACES.items():
        if covered.fate is Fate.CLEARED:
            assert covered.empty in ("NULL", "0"), place
