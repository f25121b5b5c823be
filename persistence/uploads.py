"""Uploads: their rows, what shows them, and how those go that nothing shows.

An upload stays as long as something uses it. Whoever shows one locks it first (`attachable`), in
the transaction that writes the use; whoever takes one away locks it first too, and then looks for
uses in a statement of its own, which sees those that were committed while it waited.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import NamedTuple

import asyncpg
from msgspec import Struct

from persistence.jobs import enqueue
from persistence.media_rows import MEDIA_JSON, StoredMedia, StoredVariant, media_of
from protocol.codec import dump_json, load_json
from protocol.ids import Id
from protocol.posts import Media, MediaKind
from protocol.uploads import Upload, UploadState

ERASE = "upload.erase"
"""The job that deletes the objects below a key, whose row is gone. Its payload is the key."""

# What an account's uploads count for: what was declared holds the place of what is still to come.
USED = """
SELECT coalesce(sum(greatest(coalesce(length, 0), received)), 0)::bigint
FROM uploads WHERE account_id = $1 AND state <> 'failed'
"""

# Two uploads that begin at once are counted one after the other.
LOCK_ACCOUNT = "SELECT FROM accounts WHERE id = $1 FOR NO KEY UPDATE"

CREATE = """
INSERT INTO uploads (id, account_id, key, name, alt, state, length)
VALUES ($1, $2, $3, $4, $5, 'receiving', $6)
"""

UPLOAD = f"""
SELECT u.id, u.account_id, u.key, u.name, u.alt, u.state, u.length, u.received, u.problem,
    CASE WHEN u.state = 'ready' THEN {MEDIA_JSON}::text END AS media
FROM uploads u
"""

RECEIVED = """
UPDATE uploads SET received = $2, touched_at = now() WHERE id = $1 AND state = 'receiving'
"""

PROCESS = """
UPDATE uploads SET state = 'processing', received = $2, touched_at = now()
WHERE id = $1 AND state = 'receiving'
RETURNING id
"""

READY = """
UPDATE uploads SET state = 'ready', kind = $2, media_type = $3, width = $4, height = $5,
    duration_ms = $6, blurhash = $7, variants = $8::text::jsonb, received = $9, length = NULL,
    touched_at = now()
WHERE id = $1 AND state = 'processing'
RETURNING id
"""

FAIL = """
UPDATE uploads SET state = 'failed', problem = $2, touched_at = now()
WHERE id = $1 AND state IN ('receiving', 'processing')
"""

DESCRIBE = "UPDATE uploads SET name = coalesce($2, name), alt = coalesce($3, alt) WHERE id = $1"

LOCK = "SELECT id FROM uploads WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE"

DELETE = """
DELETE FROM uploads u WHERE id = ANY($1::bigint[])
    AND NOT EXISTS (SELECT FROM upload_uses x WHERE x.upload_id = u.id)
RETURNING id, key
"""

# Passed over when locked: somebody is about to show it.
LOCK_ORPHANS = """
SELECT id FROM uploads u
WHERE touched_at < now() - $1::interval
    AND NOT EXISTS (SELECT FROM upload_uses x WHERE x.upload_id = u.id)
ORDER BY id LIMIT $2
FOR UPDATE SKIP LOCKED
"""

ATTACHABLE = f"""
SELECT u.id, {MEDIA_JSON}::text AS media
FROM uploads u
WHERE u.id = ANY($2::bigint[]) AND u.account_id = $1 AND u.state = 'ready'
ORDER BY u.id
FOR KEY SHARE OF u
"""

USE = """
INSERT INTO upload_uses (upload_id, purpose, used_by)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[])
ON CONFLICT DO NOTHING
"""

# Touched, so that the time that one without uses is kept begins now.
UNUSE = """
WITH gone AS (
    DELETE FROM upload_uses WHERE purpose = $1 AND used_by = ANY($2::bigint[]) RETURNING upload_id
)
UPDATE uploads u SET touched_at = now() FROM gone WHERE u.id = gone.upload_id
"""

# The picture of a page behind a link is in the store like an upload, and has no row of its own.
SERVED = """
SELECT kind, name, variants::text FROM uploads WHERE key = $1 AND state = 'ready'
UNION ALL
SELECT 'image', '', jsonb_build_array(image)::text FROM link_previews WHERE image ->> 'key' = $1
LIMIT 1
"""

OWN = f"{UPLOAD} WHERE u.account_id = $1 AND u.id < $2 ORDER BY u.id DESC LIMIT $3"


class Conversion(Struct, frozen=True, kw_only=True):
    """What an upload has become. `variants`: the best one first."""

    kind: MediaKind
    media_type: str
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    blurhash: str | None = None
    variants: list[StoredVariant]


class UploadRow(NamedTuple):
    """An upload and what only the server knows of it."""

    upload: Upload
    account: Id
    key: str


class Served(NamedTuple):
    """What can be fetched below a key."""

    kind: MediaKind
    name: str
    variants: list[StoredVariant]


class Use(NamedTuple):
    """Something that shows an upload. `purpose`: as the table upload_uses names them."""

    upload: Id
    purpose: str
    used_by: Id


# --- an upload's way ------------------------------------------------------------------------------


async def create(
    connection: asyncpg.Connection,
    *,
    upload: Id,
    account: Id,
    key: str,
    name: str,
    alt: str,
    length: int | None,
) -> None:
    """Begin an upload.

    Args:
        length: bytes, if declared: they count from now on.
    """
    await connection.execute(CREATE, upload, account, key, name, alt, length)


async def used_bytes(connection: asyncpg.Connection, account: Id) -> int:
    """What an account's uploads take; in a transaction: until its end nobody adds one."""
    await connection.execute(LOCK_ACCOUNT, account)
    used: int = await connection.fetchval(USED, account)
    return used


async def find(connection: asyncpg.Connection, upload: Id) -> UploadRow | None:
    """An upload; None: there is none."""
    row = await connection.fetchrow(f"{UPLOAD} WHERE u.id = $1", upload)
    return None if row is None else _upload_of(row)


async def page(
    connection: asyncpg.Connection, account: Id, *, before: Id, limit: int
) -> list[Upload]:
    """An account's uploads with lower ids, newest first."""
    return [_upload_of(row).upload for row in await connection.fetch(OWN, account, before, limit)]


async def note_received(connection: asyncpg.Connection, upload: Id, received: int) -> None:
    """Note how many bytes have come."""
    await connection.execute(RECEIVED, upload, received)


async def begin_processing(connection: asyncpg.Connection, upload: Id, received: int) -> bool:
    """All bytes have come. Returns False if that was so before, or the upload is gone."""
    return await connection.fetchval(PROCESS, upload, received) is not None


async def finish(
    connection: asyncpg.Connection, upload: Id, done: Conversion, *, kept_bytes: int
) -> bool:
    """The upload can be shown. Returns False if it could before, or it is gone.

    Args:
        kept_bytes: what it takes from now on.
    """
    return (
        await connection.fetchval(
            READY,
            upload,
            done.kind.value,
            done.media_type,
            done.width,
            done.height,
            done.duration_ms,
            done.blurhash,
            dump_json(done.variants),
            kept_bytes,
        )
        is not None
    )


async def fail(connection: asyncpg.Connection, upload: Id, problem: str) -> None:
    """The upload will never be ready."""
    await connection.execute(FAIL, upload, problem)


async def describe(
    connection: asyncpg.Connection, upload: Id, *, name: str | None, alt: str | None
) -> None:
    """Change what is said of an upload; None: it stays."""
    await connection.execute(DESCRIBE, upload, name, alt)


# --- what shows it --------------------------------------------------------------------------------


async def attachable(
    connection: asyncpg.Connection, account: Id, uploads: Collection[Id]
) -> dict[Id, Media]:
    """Those of the uploads that the account may show: its own that are ready.

    They cannot go before the end of the transaction, in which `use` is to be called.
    """
    rows = await connection.fetch(ATTACHABLE, account, list(uploads))
    return {Id(row["id"]): media_of(load_json(row["media"], StoredMedia)) for row in rows}


async def use(connection: asyncpg.Connection, uses: Sequence[Use]) -> None:
    """Write down what shows uploads, which `attachable` has given in this transaction."""
    if uses:
        await connection.execute(USE, *(list(column) for column in zip(*uses, strict=True)))


async def unuse(connection: asyncpg.Connection, purpose: str, *used_by: Id) -> None:
    """These do not show uploads any more. What nothing else shows goes in a while."""
    await connection.execute(UNUSE, purpose, list(used_by))


async def served(connection: asyncpg.Connection, key: str) -> Served | None:
    """What can be fetched below a key; None: nothing."""
    row = await connection.fetchrow(SERVED, key)
    if row is None:
        return None
    variants = load_json(row["variants"], list[StoredVariant])
    return Served(MediaKind(row["kind"]), row["name"], variants)


# --- how it goes ----------------------------------------------------------------------------------


async def delete(connection: asyncpg.Connection, *uploads: Id) -> list[Id]:
    """Delete those of the uploads that nothing shows, in a transaction; their objects go after it.

    Returns:
        Which have been deleted.
    """
    await connection.fetch(LOCK, list(uploads))
    return await _delete_locked(connection, uploads)


async def sweep(connection: asyncpg.Connection, *, older_than: timedelta, limit: int) -> list[Id]:
    """Delete uploads that nothing has shown or touched for so long, in a transaction.

    Returns:
        Which have been deleted: `limit` at most.
    """
    orphans = [row["id"] for row in await connection.fetch(LOCK_ORPHANS, older_than, limit)]
    return await _delete_locked(connection, orphans)


async def _delete_locked(connection: asyncpg.Connection, uploads: Sequence[int]) -> list[Id]:
    rows = await connection.fetch(DELETE, list(uploads))
    for row in rows:
        await enqueue(connection, ERASE, row["key"].encode())
    return [Id(row["id"]) for row in rows]


def _upload_of(row: asyncpg.Record) -> UploadRow:
    upload = Upload(
        id=Id(row["id"]),
        state=UploadState(row["state"]),
        name=row["name"],
        alt=row["alt"],
        length=row["length"],
        received=row["received"],
        problem=row["problem"],
        media=media_of(load_json(row["media"], StoredMedia)) if row["media"] else None,
    )
    return UploadRow(upload, Id(row["account_id"]), row["key"])
