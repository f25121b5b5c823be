"""Sessions: the logins that an account holds, and the refresh tokens that keep them alive.

A refresh token is good for one use, which yields the next. One that is shown again was stolen, or
its thief was faster; either way the session ends (RFC 9700, section 4.14.2). Only hashes are
stored. The row of the session is the lock under which its tokens change.
"""

from datetime import datetime

import asyncpg
from msgspec import Struct

from protocol import errors
from protocol.errors import PlazaError
from protocol.ids import Id
from protocol.records import Record, Time, User
from protocol.times import rfc3339


class Session(Record, frozen=True):
    """A login as the account's owner sees it."""

    id: Id
    user_agent: str
    address: str
    created_at: Time
    refreshed_at: Time


class Refreshed(Struct, frozen=True):
    """The token was good: the session goes on with the new one."""

    session: Id
    user: User


class Reused(Struct, frozen=True):
    """The token had been used before: the session is revoked now.

    The caller closes the session's connections and answers REFRESH_REUSED.
    """

    session: Id
    account: Id


# Both rows or none, with or without a transaction around them.
OPEN = """
WITH session AS (
    INSERT INTO sessions (id, account_id, user_agent, address, expires_at)
    VALUES ($1, $2, $3, $4, $5)
)
INSERT INTO refresh_tokens (token_hash, session_id) VALUES ($6, $1)
"""


async def open_session(
    connection: asyncpg.Connection,
    *,
    session: Id,
    account: Id,
    refresh_hash: bytes,
    user_agent: str,
    address: str,
    expires_at: datetime,
) -> None:
    """Record a login.

    Args:
        session: its id, freshly minted.
        refresh_hash: SHA-256 of the refresh token.
        user_agent: what the client calls itself, for the owner's list; no control characters.
        address: the client's, for the same list.
        expires_at: when the session ends unless it is refreshed.
    """
    await connection.execute(OPEN, session, account, user_agent, address, expires_at, refresh_hash)


LOCK = """
SELECT s.id, s.account_id, a.username
FROM sessions s JOIN accounts a ON a.id = s.account_id
WHERE s.id = (SELECT session_id FROM refresh_tokens WHERE token_hash = $1)
  AND s.revoked_at IS NULL AND s.expires_at > $2
FOR UPDATE OF s
"""

USE = "UPDATE refresh_tokens SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL"

REVOKE_REUSED = "UPDATE sessions SET revoked_at = $2 WHERE id = $1"

RENEW = """
WITH token AS (INSERT INTO refresh_tokens (token_hash, session_id) VALUES ($2, $1))
UPDATE sessions SET refreshed_at = $3, expires_at = $4 WHERE id = $1
"""


async def rotate(
    connection: asyncpg.Connection,
    *,
    refresh_hash: bytes,
    new_hash: bytes,
    now: datetime,
    expires_at: datetime,
) -> Refreshed | Reused:
    """Use a refresh token. Of two at once with the same token, one wins and the other is `Reused`.

    Reuse is a result and no exception, so that a transaction around it commits the revocation.

    Args:
        refresh_hash: SHA-256 of the token shown.
        new_hash: SHA-256 of the token that replaces it.
        expires_at: when the session ends unless it is refreshed again.

    Raises:
        PlazaError: UNAUTHORIZED: the token is unknown, or its session expired or was revoked.
    """
    async with connection.transaction():
        row = await connection.fetchrow(LOCK, refresh_hash, now)
        if row is None:
            raise PlazaError(
                errors.UNAUTHORIZED, "The refresh token is not valid any more. Log in again."
            )
        session, user = Id(row["id"]), User(id=Id(row["account_id"]), username=row["username"])
        # A statement of its own, after the lock: it sees what the one before us committed.
        if await connection.execute(USE, refresh_hash, now) == "UPDATE 0":
            await connection.execute(REVOKE_REUSED, session, now)
            return Reused(session, user.id)
        await connection.execute(RENEW, session, new_hash, now, expires_at)
        return Refreshed(session, user)


OWNER = """
SELECT a.id, a.username
FROM sessions s JOIN accounts a ON a.id = s.account_id
WHERE s.id = $1 AND s.revoked_at IS NULL AND s.expires_at > now()
"""


async def session_owner(connection: asyncpg.Connection, session: Id) -> User | None:
    """Whose session it is; None when it is unknown, expired or revoked."""
    row = await connection.fetchrow(OWNER, session)
    return None if row is None else User(id=Id(row["id"]), username=row["username"])


OF_ACCOUNT = """
SELECT id, user_agent, address, created_at, refreshed_at
FROM sessions
WHERE account_id = $1 AND revoked_at IS NULL AND expires_at > now()
ORDER BY refreshed_at DESC, id DESC
"""


async def sessions_of(connection: asyncpg.Connection, account: Id) -> list[Session]:
    """The live sessions of an account, the one refreshed last first."""
    return [
        Session(
            id=Id(row["id"]),
            user_agent=row["user_agent"],
            address=row["address"],
            created_at=rfc3339(row["created_at"]),
            refreshed_at=rfc3339(row["refreshed_at"]),
        )
        for row in await connection.fetch(OF_ACCOUNT, account)
    ]


REVOKE = """
UPDATE sessions SET revoked_at = now()
WHERE account_id = $1 AND revoked_at IS NULL AND id = $2
"""


async def revoke(connection: asyncpg.Connection, *, account: Id, session: Id) -> bool:
    """End a session of the account. False: the account has no such session, or it has ended."""
    return await connection.execute(REVOKE, account, session) == "UPDATE 1"


REVOKE_ALL = """
UPDATE sessions SET revoked_at = now()
WHERE account_id = $1 AND revoked_at IS NULL AND id IS DISTINCT FROM $2
RETURNING id
"""


async def revoke_all(
    connection: asyncpg.Connection, account: Id, *, keep: Id | None = None
) -> list[Id]:
    """End the sessions of an account, all but `keep`. Returns those that ended now."""
    return [Id(row["id"]) for row in await connection.fetch(REVOKE_ALL, account, keep)]


DELETE_EXPIRED = "DELETE FROM sessions WHERE expires_at <= $1 OR revoked_at IS NOT NULL"

# A session that goes on for ever collects a token per refresh. One that old, shown again, is
# refused like any unknown one; it only does not take the session down any more.
FORGET_USED = "DELETE FROM refresh_tokens WHERE used_at < $1::timestamptz - interval '90 days'"


async def delete_expired(connection: asyncpg.Connection, now: datetime) -> int:
    """Delete what cannot be used any more. Returns how many sessions; to be called now and then."""
    await connection.execute(FORGET_USED, now)
    status = await connection.execute(DELETE_EXPIRED, now)
    return int(status.removeprefix("DELETE "))
