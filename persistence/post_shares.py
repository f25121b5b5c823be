"""Shares: what may be shared, and shares without a text, one for each account and post."""

import asyncpg

from persistence.seen_post import no_such_post
from persistence.visibility import visible
from protocol.errors import FORBIDDEN, PlazaError
from protocol.ids import Id
from protocol.posts import PostStatus, Visibility

# Whoever shares a share means what it shares.
ORIGINAL = """
SELECT coalesce((SELECT s.shared_id FROM post_shares s WHERE s.post_id = $1), $1::bigint)
"""

# Locked against its deletion, which deletes its shares.
SHARED = f"""
SELECT p.author_id, p.status, p.visibility, pr.visibility AS profile
FROM posts p JOIN profiles pr ON pr.account_id = p.author_id
WHERE p.id = $2 AND {visible("$1")}
FOR KEY SHARE OF p
"""

# Who shares the same post twice at the same time waits here.
LOCK_SHARER = "SELECT FROM profiles WHERE account_id = $1 FOR NO KEY UPDATE"
SHARE = "SELECT post_id FROM post_shares WHERE (author_id, shared_id) = ($1, $2)"
ADD = "INSERT INTO post_shares (author_id, shared_id, post_id) VALUES ($1, $2, $3)"


async def original_of(connection: asyncpg.Connection, post: Id) -> Id:
    """The post that a share without a text shares; of any other post, itself."""
    return Id(await connection.fetchval(ORIGINAL, post))


async def shareable(connection: asyncpg.Connection, sharer: Id, post: Id) -> Id:
    """Lock what an account wants to share, and return it.

    That is `post`, or what it shares, if it is a share without a text.

    Raises:
        PlazaError: not_found; forbidden: not everybody may see it, and it is not the sharer's own,
            or it is not published.
    """
    original = await original_of(connection, post)
    row = await connection.fetchrow(SHARED, sharer, original)
    if row is None:
        raise no_such_post()
    if row["status"] != PostStatus.PUBLISHED:
        raise PlazaError(FORBIDDEN, "This post is not published. Share it when it is.")
    everybody = row["visibility"] == row["profile"] == Visibility.PUBLIC
    if not everybody and row["author_id"] != sharer:
        raise PlazaError(FORBIDDEN, "This post is not for everybody, so only its author shares it.")
    return original


async def share_of(connection: asyncpg.Connection, sharer: Id, post: Id) -> Id | None:
    """The share without a text by which an account shares a post."""
    found: int | None = await connection.fetchval(SHARE, sharer, post)
    return None if found is None else Id(found)


async def lock_share_of(connection: asyncpg.Connection, sharer: Id, post: Id) -> Id | None:
    """The same, for one who is about to share it if there is none: nobody else does meanwhile."""
    await connection.execute(LOCK_SHARER, sharer)
    return await share_of(connection, sharer, post)


async def add(connection: asyncpg.Connection, sharer: Id, post: Id, share: Id) -> None:
    """Note that a post that has just been written is a share without a text."""
    await connection.execute(ADD, sharer, post, share)
