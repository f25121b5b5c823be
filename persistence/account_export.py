"""What is kept of an account, as rows of JSON; and the exports that were made of it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import NamedTuple

import asyncpg

from persistence.jobs import enqueue
from protocol.exports import Export, ExportState
from protocol.ids import Id
from protocol.times import rfc3339

MAKE = "export.make"
"""The job that makes an export. Its payload is the id, in decimal."""

ERASE = "export.erase"
"""The job that deletes the object of an export whose row is gone. Its payload is the key."""

KEPT = timedelta(days=7)
AGAIN = timedelta(hours=1)
"""Whoever asks again within this gets the export that is there."""

PATIENCE = timedelta(days=1)
"""One that is under way for longer has come to grief."""

# Everything that an account has written to logs, by the two indexes that have it.
_OWN_EVENTS = """(
    SELECT * FROM room_events WHERE sender_id = $1 AND nonce IS NOT NULL
    UNION ALL SELECT * FROM room_events WHERE sender_id = $1 AND nonce IS NULL
)"""

# Likewise its posts.
_OWN_POSTS = """(
    SELECT * FROM posts WHERE author_id = $1 AND status = 'published'
    UNION ALL SELECT * FROM posts WHERE author_id = $1 AND status IN ('draft', 'scheduled')
    UNION ALL
    SELECT * FROM posts WHERE author_id = $1 AND status IN ('under_review', 'flagged', 'deleted')
)"""

_USERNAME = "(SELECT a.username FROM accounts a WHERE a.id = {}) AS username"

# File -> its rows. Ids as strings, as everywhere else outside.
FILES: dict[str, str] = {
    "account": """
        SELECT id::text, username, email, created_at, busy, hidden, last_seen_at, moderator
        FROM accounts WHERE id = $1""",
    "profile": """
        SELECT display_name, pronouns, bio, location, website, birthday, interests,
            birthday_visibility, interests_visibility, avatar_id::text, banner_id::text, verified,
            visibility, posts, followers, following
        FROM profiles WHERE account_id = $1""",
    "sessions": """
        SELECT id::text, user_agent, address, created_at, refreshed_at, expires_at, revoked_at
        FROM sessions WHERE account_id = $1 ORDER BY id""",
    "rooms": """
        SELECT r.id::text, r.kind, r.title, r.created_at, r.creator_id = $1 AS created_by_me,
            (SELECT p.username FROM accounts p WHERE p.id = CASE WHEN r.dm_low = $1
                THEN r.dm_high ELSE r.dm_low END) AS peer,
            m.role, m.joined_at, m.read_seq, m.delivered_seq, m.notify, m.muted_until
        FROM room_members m JOIN rooms r ON r.id = m.room_id
        WHERE m.account_id = $1 ORDER BY r.id""",
    "room_events": f"""
        SELECT e.room_id::text, e.seq, e.event_id::text, e.type, e.at, e.target, e.thread, e.body,
            e.details, e.edited_at, e.deleted_at,
            e.type = 'react' AND EXISTS (
                SELECT FROM message_reactions x WHERE (x.room_id, x.seq, x.emoji, x.account_id)
                    = (e.room_id, e.target, e.body, $1)
            ) AS stands
        FROM {_OWN_EVENTS} e ORDER BY e.event_id""",
    "room_mutes": "SELECT room_id::text, until FROM room_mutes WHERE account_id = $1",
    "room_bans": "SELECT room_id::text, at, until FROM room_bans WHERE account_id = $1",
    "blocks": f"""
        SELECT other_id::text AS id, {_USERNAME.format("other_id")}, at
        FROM account_blocks WHERE account_id = $1 ORDER BY other_id""",
    "mutes": f"""
        SELECT other_id::text AS id, {_USERNAME.format("other_id")}, at
        FROM account_mutes WHERE account_id = $1 ORDER BY other_id""",
    "following": f"""
        SELECT followee_id::text AS id, {_USERNAME.format("followee_id")}, accepted, close
        FROM follows WHERE follower_id = $1 ORDER BY id""",
    "followers": f"""
        SELECT follower_id::text AS id, {_USERNAME.format("follower_id")}, accepted
        FROM follows WHERE followee_id = $1 ORDER BY id""",
    "posts": f"""
        SELECT p.id::text, p.type, p.status, p.visibility, p.content, p.warning, p.link,
            p.shared_id::text, p.media::text[], p.tags, p.mentions::text[], p.publish_at,
            p.published_at, p.edited_at,
            EXISTS (SELECT FROM post_shares s WHERE s.post_id = p.id) AS is_share,
            (SELECT array_agg(t.tag) FROM post_tags t WHERE t.post_id = p.id) AS listed_under,
            (SELECT to_jsonb(c) - 'post_id' FROM post_counters c WHERE c.post_id = p.id)
                AS counters,
            (SELECT jsonb_build_object('multiple', q.multiple, 'closes_at', q.closes_at,
                'voters', q.voters, 'options', (
                    SELECT jsonb_agg(jsonb_build_object('text', o.text, 'votes', o.votes)
                        ORDER BY o.option)
                    FROM poll_options o WHERE o.post_id = p.id
                )) FROM polls q WHERE q.post_id = p.id) AS poll
        FROM {_OWN_POSTS} p ORDER BY p.id""",
    "post_edits": f"""
        SELECT x.post_id::text, x.version, x.content, x.warning, x.link, x.media::text[], x.at
        FROM {_OWN_POSTS} p JOIN post_edits x ON x.post_id = p.id ORDER BY x.post_id, x.version""",
    "post_likes": "SELECT post_id::text, at FROM post_likes WHERE account_id = $1 ORDER BY post_id",
    "bookmarks": "SELECT post_id::text FROM bookmarks WHERE account_id = $1 ORDER BY id",
    "poll_votes": """
        SELECT v.post_id::text, v.option, o.text
        FROM poll_votes v JOIN poll_options o USING (post_id, option)
        WHERE v.account_id = $1 ORDER BY v.post_id, v.option""",
    "comments": """
        SELECT id::text, post_id::text, parent_id::text, content, mentions::text[], edited_at,
            deleted_at, likes, replies
        FROM comments WHERE author_id = $1 ORDER BY id""",
    "comment_likes": """
        SELECT comment_id::text, at FROM comment_likes WHERE account_id = $1
        ORDER BY comment_id""",
    "streams": """
        SELECT id::text, room_id::text, title, description, category, visibility,
            thumbnail_id::text, created_at, state, started_at, ended_at, peak_viewers,
            total_viewers
        FROM streams WHERE owner_id = $1 ORDER BY id""",
    "uploads": """
        SELECT id::text, name, alt, state, kind, media_type, width, height, duration_ms, received,
            variants
        FROM uploads WHERE account_id = $1 ORDER BY id""",
}

LEFT_OUT = {
    "password": "Kept as a hash alone, which is worth nothing to its owner.",
    "tokens, stream keys": "Kept as hashes alone.",
    "what others wrote": "Messages, comments and posts of others are in their exports.",
    "timelines, search, trends": "Made from what people wrote, and made anew at any time.",
    "idempotency keys": "Chosen by clients, to recognize repeats.",
}
"""What is kept and not exported, and why: for README in the zip."""

_BATCH = 200


class Stored(NamedTuple):
    """An upload's variant: where it is, and what it is called in an export."""

    key: str
    name: str
    file: str
    bytes: int


async def rows_of(
    connection: asyncpg.Connection, account: Id, file: str
) -> AsyncIterator[list[str]]:
    """The rows of one of FILES, each as JSON, some at a time. In a transaction."""
    query = f"SELECT to_jsonb(x)::text AS row FROM ({FILES[file]}) x"
    cursor = await connection.cursor(query, account)
    while rows := await cursor.fetch(_BATCH):
        yield [row["row"] for row in rows]


# One variant of each: the best.
UPLOADS = """
SELECT id::text AS id, key, name, variants -> 0 ->> 'name' AS variant,
    (variants -> 0 ->> 'bytes')::bigint AS bytes
FROM uploads WHERE account_id = $1 AND state = 'ready' ORDER BY id
"""


async def uploads_of(connection: asyncpg.Connection, account: Id) -> list[Stored]:
    """What of an account's uploads is in the object store."""
    return [
        Stored(row["key"], row["variant"], _file_name(row["id"], row["name"]), row["bytes"])
        for row in await connection.fetch(UPLOADS, account)
    ]


def _file_name(upload: str, name: str) -> str:
    """As it was called, as far as any system can take that; unique by the id."""
    plain = "".join(char if char.isalnum() or char in "._- " else "_" for char in name)
    return f"{upload}-{plain.strip('. ')[-100:]}".rstrip("-")


# --- exports ---------------------------------------------------------------------------------

LOCK_ACCOUNT = "SELECT FROM accounts WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE"

PRESENT = """
SELECT id, state, key, bytes, at FROM account_exports
WHERE account_id = $1 AND at > now() - CASE state
    WHEN 'pending' THEN $3::interval WHEN 'ready' THEN $2::interval ELSE '0' END
ORDER BY id DESC LIMIT 1
"""
CREATE = """
INSERT INTO account_exports (id, account_id, state, key) VALUES ($1, $2, 'pending', $3)
RETURNING id, state, key, bytes, at
"""
FIND = "SELECT id, state, key, bytes, at FROM account_exports WHERE (id, account_id) = ($1, $2)"
TO_MAKE = "SELECT account_id, key FROM account_exports WHERE id = $1 AND state = 'pending'"
FINISH = """
UPDATE account_exports SET state = $2, bytes = $3, at = now() WHERE id = $1 AND state = 'pending'
RETURNING id
"""
OPEN = "SELECT account_id, bytes FROM account_exports WHERE key = $1 AND state = 'ready'"
SWEEP = "DELETE FROM account_exports WHERE at < now() - $1::interval RETURNING key"
FORGET = "DELETE FROM account_exports WHERE account_id = $1 RETURNING key"


async def request(connection: asyncpg.Connection, account: Id, *, id: Id, key: str) -> Export:
    """Have an export made, or return the one that is under way or young. In a transaction.

    Args:
        id, key: of a new one.
    """
    await connection.execute(LOCK_ACCOUNT, account)
    row = await connection.fetchrow(PRESENT, account, AGAIN, PATIENCE)
    if row is None:
        row = await connection.fetchrow(CREATE, id, account, key)
        assert row is not None
        await enqueue(connection, MAKE, str(id).encode())
    return _export_of(row)


async def find(connection: asyncpg.Connection, account: Id, export: Id) -> Export | None:
    """An export of an account; None: it has no such one."""
    row = await connection.fetchrow(FIND, export, account)
    return None if row is None else _export_of(row)


async def to_make(connection: asyncpg.Connection, export: Id) -> tuple[Id, str] | None:
    """The account and the key of an export that is to be made; None: it is made, or gone."""
    row = await connection.fetchrow(TO_MAKE, export)
    return None if row is None else (Id(row["account_id"]), row["key"])


async def finish(
    connection: asyncpg.Connection, export: Id, state: ExportState, *, bytes: int | None = None
) -> bool:
    """An export is made, or will not be. Returns False if it is gone."""
    return await connection.fetchval(FINISH, export, state.value, bytes) is not None


async def served(connection: asyncpg.Connection, key: str) -> int | None:
    """The length of the export with a key; None: there is none."""
    row = await connection.fetchrow(OPEN, key)
    return None if row is None else row["bytes"]


async def sweep(connection: asyncpg.Connection) -> int:
    """Delete what is too old, in a transaction; the objects go after it. Returns how many."""
    return await _erase(connection, await connection.fetch(SWEEP, KEPT))


async def forget(connection: asyncpg.Connection, account: Id) -> int:
    """Delete all exports of an account, in the same way."""
    return await _erase(connection, await connection.fetch(FORGET, account))


async def _erase(connection: asyncpg.Connection, rows: list[asyncpg.Record]) -> int:
    for row in rows:
        await enqueue(connection, ERASE, row["key"].encode())
    return len(rows)


def _export_of(row: asyncpg.Record) -> Export:
    ready = row["state"] == ExportState.READY
    return Export(
        id=Id(row["id"]),
        state=ExportState(row["state"]),
        at=rfc3339(row["at"]),
        url=f"/exports/{row['key']}" if ready else None,
        bytes=row["bytes"],
        expires_at=rfc3339(row["at"] + KEPT) if ready else None,
    )
