"""Link previews: what pages say of themselves, by their addresses."""

from datetime import timedelta

import asyncpg
from msgspec import Struct

from persistence.jobs import enqueue
from persistence.uploads import ERASE
from protocol.codec import dump_json
from protocol.ids import Id

FRESH = timedelta(days=7)
FAILED = timedelta(hours=1)
CLAIMED = timedelta(minutes=2)
"""Whoever asks for a page has so long; after that somebody else may."""

_DIGEST = "sha256(convert_to($1, 'UTF8'))"

CLAIM = f"""
INSERT INTO link_previews AS v (digest, url, state, due_at)
VALUES ({_DIGEST}, $1, 'pending', now() + $2::interval)
ON CONFLICT (digest) DO UPDATE SET due_at = now() + $2::interval WHERE v.due_at <= now()
RETURNING url
"""

READY = f"""
UPDATE link_previews v SET state = 'ready', title = $2, description = $3, site = $4,
    image = $5::text::jsonb, due_at = now() + $6::interval
FROM (SELECT digest, image ->> 'key' AS key FROM link_previews WHERE digest = {_DIGEST}) former
WHERE v.digest = former.digest
RETURNING former.key
"""

# What was there stays.
FAIL = f"""
UPDATE link_previews SET state = CASE state WHEN 'ready' THEN 'ready' ELSE 'failed' END,
    due_at = now() + $2::interval
WHERE digest = {_DIGEST}
"""

# By their ids: there is no index on links, and only who has just posted one waits for it.
SHOWN_BY = """
SELECT id FROM posts WHERE id > $2 AND link = $1 AND status = 'published' LIMIT 100
"""


class PreviewImage(Struct, frozen=True, kw_only=True):
    """The picture of a preview: a JSON column. The names are those of uploads' variants."""

    key: str
    name: str
    type: str
    bytes: int
    width: int | None = None
    height: int | None = None
    blurhash: str | None = None


async def claim(connection: asyncpg.Connection, url: str) -> bool:
    """Whether the caller is to fetch a page now: nobody has lately, and nobody else does."""
    return await connection.fetchval(CLAIM, url, CLAIMED) is not None


async def store(
    connection: asyncpg.Connection,
    url: str,
    *,
    title: str,
    description: str,
    site: str,
    image: PreviewImage | None,
) -> None:
    """Keep what a page says, in a transaction. The picture that it had before goes."""
    stored = None if image is None else dump_json(image)
    former = await connection.fetchval(READY, url, title, description, site, stored, FRESH)
    if former is not None:
        await enqueue(connection, ERASE, former.encode())


async def fail(connection: asyncpg.Connection, url: str) -> None:
    """The page cannot be had now."""
    await connection.execute(FAIL, url, FAILED)


async def shown_by(connection: asyncpg.Connection, url: str, *, since: Id) -> list[Id]:
    """Published posts with an id above `since` that link to an address."""
    return [Id(row["id"]) for row in await connection.fetch(SHOWN_BY, url, since)]
