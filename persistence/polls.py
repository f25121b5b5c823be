"""Votes in polls.

The database allows one vote for each account and option, and of a single choice one for each
account. A vote that changes is one statement, behind a lock of the poll: so it is all there, or not
at all, and its counters are those of its rows.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg

from persistence.seen_post import SEEN, no_such_post, require_published
from protocol.errors import BAD_REQUEST, POLL_CLOSED, PlazaError
from protocol.ids import Id

LOCK = f"""
WITH {SEEN}, poll AS (
    SELECT q.post_id, q.multiple, q.closes_at FROM seen s JOIN polls q ON q.post_id = s.id
    FOR NO KEY UPDATE OF q
)
SELECT s.status, poll.multiple, poll.closes_at,
    (SELECT count(*) FROM poll_options o WHERE o.post_id = s.id) AS options
FROM seen s LEFT JOIN poll ON true
"""

# What is added waits for what is removed, for the sake of the index of single choices. The former
# votes, in `voted`, are those from before the statement.
CHANGE = """
WITH removed AS (
    DELETE FROM poll_votes WHERE (post_id, account_id) = ($2, $1) AND option <> ALL($3::smallint[])
    RETURNING option
), added AS (
    INSERT INTO poll_votes (post_id, account_id, option, multiple)
    SELECT $2, $1, chosen.option, $4
    FROM (SELECT count(*) FROM removed) done, unnest($3::smallint[]) chosen (option)
    ON CONFLICT (post_id, account_id, option) DO NOTHING
    RETURNING option
), changes AS (
    SELECT option, 1 AS change FROM added UNION ALL SELECT option, -1 FROM removed
), counted AS (
    UPDATE poll_options o SET votes = o.votes + c.change FROM changes c
    WHERE (o.post_id, o.option) = ($2, c.option)
), voters AS (
    UPDATE polls SET voters = voters + (cardinality($3::smallint[]) > 0)::int - voted.before::int
    FROM (
        SELECT EXISTS (SELECT FROM poll_votes WHERE (post_id, account_id) = ($2, $1)) AS before
    ) voted
    WHERE post_id = $2 AND (cardinality($3::smallint[]) > 0) <> voted.before
)
SELECT EXISTS (SELECT FROM changes)
"""


class Question(NamedTuple):
    """What a vote has to fit. `options`: how many."""

    options: int
    multiple: bool


async def open_poll(
    connection: asyncpg.Connection, account: Id, post: Id, *, now: datetime
) -> Question:
    """The poll of a post, locked: nobody else votes until the end of the transaction.

    Raises:
        PlazaError: not_found; forbidden: the post is not published; bad_request: it is no poll;
            poll_closed.
    """
    row = await connection.fetchrow(LOCK, account, post)
    if row is None:
        raise no_such_post()
    require_published(row["status"])
    if row["multiple"] is None:
        raise PlazaError(BAD_REQUEST, "This post is no poll. Vote in one of type poll.")
    if row["closes_at"] is not None and row["closes_at"] <= now:
        raise PlazaError(POLL_CLOSED)
    return Question(row["options"], row["multiple"])


async def set_votes(
    connection: asyncpg.Connection,
    account: Id,
    post: Id,
    options: Sequence[int],
    question: Question,
) -> bool:
    """Replace an account's votes, in the transaction of `open_poll`.

    Args:
        options: positions of the answers, from 0; none: the votes are withdrawn.
        question: what `open_poll` returned.

    Returns:
        Whether anything has changed.
    """
    changed: bool = await connection.fetchval(
        CHANGE, account, post, list(options), question.multiple
    )
    return changed
