"""Accounts as one account sees them: rows of profiles and of the graph to records.

The columns are for statements that read accounts `a` with their profiles `pr`; the viewer is $1.
"""

from collections.abc import Iterable

import asyncpg
from msgspec.structs import asdict

from persistence.post_reader import author_of
from persistence.visibility import not_blocked
from protocol.ids import Id
from protocol.posts import Person, Relationship

AUTHOR_COLUMNS = """
    a.id AS author_id, a.username, pr.display_name, pr.verified,
    CASE WHEN pr.avatar_id IS NOT NULL THEN (
        SELECT u.key FROM uploads u WHERE u.id = pr.avatar_id AND u.state = 'ready'
    ) END AS avatar
"""

RELATIONSHIP_COLUMNS = """
    mine.accepted AS mine, coalesce(mine.close, false) AS close, theirs.accepted AS theirs,
    EXISTS (
        SELECT FROM account_blocks x WHERE (x.account_id, x.other_id) = ($1, a.id)
    ) AS blocked,
    EXISTS (
        SELECT FROM account_mutes x WHERE (x.account_id, x.other_id) = ($1, a.id)
    ) AS muted
"""
# Looked up for each account: LIMIT keeps the planner from joining, for which it would read all of
# follows, no index having both whom the viewer has let in and who only asks to be.
RELATIONSHIP_JOINS = """
    LEFT JOIN LATERAL (
        SELECT accepted, close FROM follows WHERE (follower_id, followee_id) = ($1, a.id) LIMIT 1
    ) mine ON true
    LEFT JOIN LATERAL (
        SELECT accepted FROM follows WHERE (follower_id, followee_id) = (a.id, $1) LIMIT 1
    ) theirs ON true
"""

NOT_BLOCKED = not_blocked(viewer="$1", author="a.id")

MAY_BE_MET = """(
    EXISTS (SELECT FROM account_blocks x WHERE (x.account_id, x.other_id) = ($1, a.id))
    OR NOT EXISTS (SELECT FROM account_blocks x WHERE (x.account_id, x.other_id) = (a.id, $1))
    OR (SELECT moderator FROM accounts WHERE id = $1)
)"""
"""Whether the viewer may know that an account is there.

Not one that has blocked it; unless it has blocked that one itself, and so must be able to see whom
it may unblock. Otherwise it would also learn that the block is mutual.
"""


def person_of(row: asyncpg.Record, viewer: Id) -> Person:
    """The account of a row with AUTHOR_COLUMNS and RELATIONSHIP_COLUMNS."""
    return Person(**asdict(author_of(row)), relationship=relationship_of(row, viewer))


def relationship_of(row: asyncpg.Record, viewer: Id) -> Relationship | None:
    """The relationship of a row with `author_id` and RELATIONSHIP_COLUMNS; None to oneself."""
    if row["author_id"] == viewer:
        return None
    mine, theirs = row["mine"], row["theirs"]
    return Relationship(
        account=Id(row["author_id"]),
        following=mine is True,
        requested=mine is False,
        followed_by=theirs is True,
        requested_by=theirs is False,
        friend=mine is theirs is True,
        close=row["close"],
        blocked=row["blocked"],
        muted=row["muted"],
    )


RELATIONSHIPS = f"""
SELECT a.id AS author_id, {RELATIONSHIP_COLUMNS} FROM accounts a {RELATIONSHIP_JOINS}
WHERE a.id = ANY($2::bigint[]) AND a.id <> $1 AND {MAY_BE_MET}
"""


async def relationships(
    connection: asyncpg.Connection, viewer: Id, accounts: Iterable[Id]
) -> dict[Id, Relationship]:
    """How an account stands to others, by their ids.

    Left out are accounts that do not exist, that may not be met, and its own.
    """
    rows = await connection.fetch(RELATIONSHIPS, viewer, list(accounts))
    found = {Id(row["author_id"]): relationship_of(row, viewer) for row in rows}
    return {account: standing for account, standing in found.items() if standing is not None}
