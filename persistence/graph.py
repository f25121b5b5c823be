"""Who follows whom, and the counters of it.

A row of follows comes, goes or is accepted only while the profiles of both accounts are locked, in
the order of their ids: so the counters are those of the rows, and nobody waits in a circle.
"""

from collections.abc import Iterable
from typing import NamedTuple

import asyncpg

from persistence import jobs
from protocol.errors import BAD_REQUEST, BLOCKED, NOT_FOUND, PlazaError
from protocol.ids import Id
from protocol.posts import Visibility

# Jobs, with the payload b"FOLLOWER FOLLOWEE": to be done when a follow has begun or ended.
BACKFILL = "timeline.backfill"
PRUNE = "timeline.prune"

NOBODY = "There is no such account."


class Follow(NamedTuple):
    """Who follows, or asks to follow, whom."""

    follower: Id
    followee: Id


# Whoever asks to follow an account holds this gate ajar; whoever opens the account closes it, so
# that no request comes in that was decided on before, and is never answered.
ENTER = "SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))"
CLOSE_GATE = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"

LOCK = """
SELECT account_id, visibility FROM profiles WHERE account_id = ANY($1::bigint[])
ORDER BY account_id FOR NO KEY UPDATE
"""

BLOCKS = (
    "SELECT account_id FROM account_blocks WHERE (account_id, other_id) IN (($1, $2), ($2, $1))"
)

INSERT = """
INSERT INTO follows (follower_id, followee_id, id, accepted) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING true
"""
ACCEPT = """
UPDATE follows SET accepted = true WHERE (follower_id, followee_id) = ($1, $2) AND NOT accepted
RETURNING true
"""
# $3: only requests.
DELETE = """
DELETE FROM follows WHERE (follower_id, followee_id) = ($1, $2) AND NOT ($3 AND accepted)
RETURNING accepted
"""
IS_FOLLOWED = "SELECT accepted FROM follows WHERE (follower_id, followee_id) = ($1, $2)"
SET_CLOSE = """
UPDATE follows SET close = $3 WHERE (follower_id, followee_id) = ($1, $2) AND accepted
RETURNING true
"""

# $3: how many more. Pulled is never taken back.
COUNT = """
UPDATE profiles SET
    following = following + CASE WHEN account_id = $1 THEN $3::int ELSE 0 END,
    followers = followers + CASE WHEN account_id = $2 THEN $3::int ELSE 0 END,
    pulled = pulled OR (account_id = $2 AND $3::int > 0 AND followers + $3::int > $4)
WHERE account_id IN ($1, $2)
"""


async def follow(
    connection: asyncpg.Connection, pair: Follow, *, id: Id, pull_followers: int
) -> None:
    """Let an account follow another one, or ask to where that one wants to be asked.

    In a transaction. A repetition changes nothing.

    Args:
        id: freshly minted: its place in lists.
        pull_followers: beyond so many followers an account's posts are read rather than delivered.

    Raises:
        PlazaError: not_found; blocked, where the follower has blocked the other itself.
    """
    await connection.execute(ENTER, _gate(pair.followee))
    profiles = await _lock(connection, pair)
    if len(profiles) < len(pair):
        raise PlazaError(NOT_FOUND, NOBODY)
    await _refuse_blocked(connection, pair)
    accepted = profiles[pair.followee] == Visibility.PUBLIC
    if await connection.fetchval(INSERT, *pair, id, accepted) and accepted:
        await _begin(connection, pair, pull_followers)


async def accept(connection: asyncpg.Connection, pair: Follow, *, pull_followers: int) -> None:
    """Let in who has asked to follow. In a transaction. A repetition changes nothing.

    Raises:
        PlazaError: not_found: nobody has asked.
    """
    await _lock(connection, pair)
    if await connection.fetchval(ACCEPT, *pair):
        await _begin(connection, pair, pull_followers)
    elif not await connection.fetchval(IS_FOLLOWED, *pair):
        raise PlazaError(NOT_FOUND, "This account does not ask to follow you, or no longer.")


async def unfollow(connection: asyncpg.Connection, pair: Follow) -> None:
    """Let an account follow another one no longer, nor ask to. In a transaction."""
    await _lock(connection, pair)
    await _delete(connection, pair)


async def refuse(connection: asyncpg.Connection, pair: Follow) -> None:
    """Refuse a request, if there is one. In a transaction."""
    await _lock(connection, pair)
    await connection.execute(DELETE, *pair, True)


async def sever(connection: asyncpg.Connection, one: Id, other: Id) -> None:
    """Let neither of two accounts follow the other, nor ask to. In a transaction."""
    pairs = Follow(one, other), Follow(other, one)
    await _lock(connection, pairs[0])
    for pair in pairs:
        await _delete(connection, pair)


async def set_close(connection: asyncpg.Connection, pair: Follow, *, close: bool) -> None:
    """Note whether the follower wants to hear of the followee first.

    Raises:
        PlazaError: bad_request: it does not follow.
    """
    if not await connection.fetchval(SET_CLOSE, *pair, close) and close:
        raise PlazaError(BAD_REQUEST, "You do not follow this account. Follow it first.")


REQUESTS = "SELECT follower_id FROM follows WHERE followee_id = $1 AND NOT accepted"
ACCEPT_ALL = """
UPDATE follows SET accepted = true WHERE followee_id = $1 AND NOT accepted RETURNING follower_id
"""
COUNT_ALL = """
UPDATE profiles SET
    following = following + (account_id <> $1)::int,
    followers = followers + CASE WHEN account_id = $1 THEN cardinality($2::bigint[]) ELSE 0 END,
    pulled = pulled OR (account_id = $1 AND followers + cardinality($2::bigint[]) > $3)
WHERE account_id = $1 OR account_id = ANY($2::bigint[])
"""


async def accept_all(connection: asyncpg.Connection, account: Id, *, pull_followers: int) -> None:
    """Let in all who have asked to follow an account, and lock its profile. In a transaction.

    Until the transaction ends nobody else asks.
    """
    await connection.execute(CLOSE_GATE, _gate(account))
    asking = await connection.fetch(REQUESTS, account)
    await _lock(connection, [account, *(Id(row["follower_id"]) for row in asking)])
    rows = await connection.fetch(ACCEPT_ALL, account)
    followers = [Id(row["follower_id"]) for row in rows]
    await connection.execute(COUNT_ALL, account, followers, pull_followers)
    for follower in followers:
        await _enqueue(connection, BACKFILL, Follow(follower, account))


def payload_of(pair: Follow) -> bytes:
    """A pair as the payload of a job."""
    return f"{pair.follower} {pair.followee}".encode()


def pair_of(payload: bytes) -> Follow:
    """The pair in the payload of a job."""
    follower, followee = payload.split()
    return Follow(Id(follower), Id(followee))


def _gate(account: Id) -> str:
    return f"requests {account}"


async def _lock(connection: asyncpg.Connection, accounts: Iterable[Id]) -> dict[Id, str]:
    """Lock profiles; return those that exist, with their visibility."""
    rows = await connection.fetch(LOCK, list(accounts))
    return {Id(row["account_id"]): row["visibility"] for row in rows}


async def _refuse_blocked(connection: asyncpg.Connection, pair: Follow) -> None:
    rows = await connection.fetch(BLOCKS, *pair)
    blockers = {row["account_id"] for row in rows}
    if pair.follower in blockers:
        raise PlazaError(BLOCKED, "You have blocked this account. Unblock it first.")
    if blockers:
        raise PlazaError(NOT_FOUND, NOBODY)


async def _begin(connection: asyncpg.Connection, pair: Follow, pull_followers: int) -> None:
    await connection.execute(COUNT, *pair, 1, pull_followers)
    await _enqueue(connection, BACKFILL, pair)


async def _delete(connection: asyncpg.Connection, pair: Follow) -> None:
    if await connection.fetchval(DELETE, *pair, False):
        await connection.execute(COUNT, *pair, -1, 0)
        await _enqueue(connection, PRUNE, pair)


async def _enqueue(connection: asyncpg.Connection, job: str, pair: Follow) -> None:
    await jobs.enqueue(connection, job, payload_of(pair))
