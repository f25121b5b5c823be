"""Finding people by what their names are like.

Whoever may not be met is not found. By name also whom one has blocked oneself is found, so that one
can take the block back.
"""

import re
from typing import NamedTuple

import asyncpg

from persistence.people import (
    AUTHOR_COLUMNS,
    MAY_BE_MET,
    NOT_BLOCKED,
    RELATIONSHIP_COLUMNS,
    RELATIONSHIP_JOINS,
    person_of,
)
from protocol.ids import Id
from protocol.names import fold_username
from protocol.posts import Person

MAY_BEGIN_A_NAME = re.compile("[a-z0-9_]{1,30}")

BY_USERNAME = f"""
SELECT {AUTHOR_COLUMNS}, {RELATIONSHIP_COLUMNS}
FROM accounts a JOIN profiles pr ON pr.account_id = a.id {RELATIONSHIP_JOINS}
WHERE a.username = $2 AND {MAY_BE_MET}
"""


async def by_username(connection: asyncpg.Connection, viewer: Id, name: str) -> Person | None:
    """The account with a username, in any case; None also for what can be no username."""
    try:
        folded = fold_username(name)
    except ValueError:
        return None
    row = await connection.fetchrow(BY_USERNAME, viewer, folded)
    return None if row is None else person_of(row, viewer)


# Of text_pattern_ops, as the index is: by code points, whatever the database's locale.
BY_PREFIX = f"""
SELECT {AUTHOR_COLUMNS}, {RELATIONSHIP_COLUMNS}
FROM accounts a JOIN profiles pr ON pr.account_id = a.id {RELATIONSHIP_JOINS}
WHERE a.username ~>=~ $2 AND a.username ~<~ $3 AND a.username ~>~ $4 AND {MAY_BE_MET}
ORDER BY a.username USING ~<~ LIMIT $5
"""


async def by_prefix(
    connection: asyncpg.Connection, viewer: Id, prefix: str, *, after: str, limit: int
) -> list[Person]:
    """Accounts whose usernames begin with a prefix and come after `after`, by username.

    Args:
        prefix: not empty, in any case.
    """
    # Only ASCII is folded: see fold_username.
    folded = prefix.lower() if prefix.isascii() else prefix
    if not MAY_BEGIN_A_NAME.fullmatch(folded):
        return []
    beyond = folded[:-1] + chr(ord(folded[-1]) + 1)
    rows = await connection.fetch(BY_PREFIX, viewer, folded, beyond, after, limit)
    return [person_of(row, viewer) for row in rows]


class Place(NamedTuple):
    """A place among the people found: the best score first, of one score the newest account."""

    score: float
    account: int


CANDIDATES = 2_000
"""So many are ranked, of those whom most follow: others who have the name of half the world are not
worth the time. Whom the viewer follows, and who has the very username, is always among them."""

LEAST_FOR_LIKENESS = 3
"""Letters from which on likeness says something: two are like every name that begins with one."""

# Each arm of `found` has an index of its own. $2 is what is looked for, in lower case; $3 and $4
# the same as LIKE patterns, at the beginning and at that of a later word; $8 whether names that are
# only alike count.
#
# The score: 8 for the username itself, 4 for its beginning, 3 for the beginning of a word of the
# display name, up to 1 for likeness; on top 2 for whom the viewer follows, and half a point for
# every digit in the number of followers: a step that few follows make, so that hardly anybody
# moves while one leafs through.
SEARCH = f"""
WITH found AS (
    SELECT id FROM accounts WHERE username LIKE $3 OR $8 AND username % $2
    UNION
    SELECT account_id FROM profiles
    WHERE lower(display_name) LIKE $3 OR lower(display_name) LIKE $4
        OR $8 AND lower(display_name) %> $2
), candidates AS MATERIALIZED (
    SELECT found.id, lower(pr.display_name) AS display_name, pr.followers,
        f.followee_id IS NOT NULL AS followed
    FROM found JOIN profiles pr ON pr.account_id = found.id
    LEFT JOIN follows f ON (f.follower_id, f.followee_id) = ($1, found.id) AND f.accepted
    ORDER BY found.id IS NOT DISTINCT FROM (SELECT id FROM accounts WHERE username = $2) DESC,
        followed DESC, pr.followers DESC, found.id DESC
    LIMIT {CANDIDATES}
), scored AS (
    SELECT a.id,
        CASE
            WHEN a.username = $2 THEN 8
            WHEN a.username LIKE $3 THEN 4
            WHEN c.display_name LIKE $3 OR c.display_name LIKE $4 THEN 3
            ELSE 0
        END::float8
        + greatest(similarity(a.username, $2), word_similarity($2, c.display_name))::float8
        + CASE WHEN c.followed THEN 2 ELSE 0 END::float8
        + floor(log(c.followers + 1)::float8) / 2 AS score
    FROM candidates c JOIN accounts a ON a.id = c.id
), page AS MATERIALIZED (
    SELECT a.id, a.score FROM scored a
    WHERE (a.score, a.id) < ($5::float8, $6::bigint) AND {NOT_BLOCKED}
    ORDER BY a.score DESC, a.id DESC LIMIT $7
)
SELECT page.score, {AUTHOR_COLUMNS}, {RELATIONSHIP_COLUMNS}
FROM page JOIN accounts a ON a.id = page.id JOIN profiles pr ON pr.account_id = a.id
{RELATIONSHIP_JOINS}
ORDER BY page.score DESC, page.id DESC
"""

# A plan for any text would read all accounts: what an index finds of it depends on the text. At
# 100,000 accounts, a name that nobody has: 2 ms, and 100 ms with such a plan.
PLAN_AFRESH = "SET LOCAL plan_cache_mode = force_custom_plan"
# "lovelcae" is like "lovelace" by 0.55; at Postgres' own 0.6 two letters may not be exchanged.
BE_LENIENT = "SET LOCAL pg_trgm.word_similarity_threshold = 0.5"

_ESCAPED = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


async def search(
    connection: asyncpg.Connection, viewer: Id, text: str, *, after: Place, limit: int
) -> list[tuple[Place, Person]]:
    """People whose username or display name is like a text, or has a word that begins so.

    Args:
        text: NFC, without controls.
        after: only what comes after this place.
    """
    wanted = text.lower()
    pattern = wanted.translate(_ESCAPED) + "%"
    alike = len(wanted) >= LEAST_FOR_LIKENESS
    async with connection.transaction():
        await connection.execute(f"{PLAN_AFRESH}; {BE_LENIENT}")
        rows = await connection.fetch(
            SEARCH, viewer, wanted, pattern, f"% {pattern}", *after, limit, alike
        )
    return [(Place(row["score"], row["author_id"]), person_of(row, viewer)) for row in rows]
