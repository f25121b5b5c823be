"""Messages as they are searched: an index that follows the rooms' logs, and what it finds.

The index is behind the log, never in its way. How far it has got is noted room by room, in the
transaction that writes it, so that nothing is lost or done twice, whoever dies, and that several
processes may do it at the same time.

Besides the words of a message its room (`#ID`) and its sender (`@ID`) are in the index: a search
looks at what one may see, and a word that half the world has said costs as much as one has heard of
it. Words have letters and digits alone, so neither is ever mistaken for one.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg

from persistence.event_rows import COLUMNS, event_of
from protocol.events import Message
from protocol.ids import Id

BATCH = 500  # events in a transaction: some 30 ms
# Ranked are the newest matches alone: of a word that is everywhere, older ones are not worth the
# time. With a word less common this is all of them.
CANDIDATES = 2_000
AGE_DAYS = 30  # after as many a match counts half
# So many rooms are looked for by their names in the index: of half a million messages, somebody
# who is in 10 of 200 rooms has a common word in 24 ms. With 200 names it takes 2 us a match and
# name, so that then the table sorts the rooms out: 120 ms for a word of 300,000 messages.
NAMED_ROOMS = 16

# --- the index -------------------------------------------------------------------------------

BEHIND = """
SELECT r.id FROM rooms r LEFT JOIN message_search_progress p ON p.room_id = r.id
WHERE r.id > $1 AND r.last_seq > coalesce(p.seq, 0) ORDER BY r.id LIMIT $2
"""

# In the order of ids, so that two processes never wait for each other in a circle.
BEGIN = """
INSERT INTO message_search_progress (room_id, seq)
SELECT room_id, 0 FROM unnest($1::bigint[]) AS room_id ORDER BY room_id
ON CONFLICT DO NOTHING
"""
LOCK = """
SELECT FROM message_search_progress WHERE room_id = ANY($1::bigint[]) ORDER BY room_id FOR UPDATE
"""

# Of an edit or deletion: the message that it is about, as it is by now. It may be indexed already,
# or be edited again later: the last one to look sees the last state.
NEWS = """
SELECT n.room_id, n.upto, m.seq, m.event_id, m.sender_id, m.at, m.body, m.deleted_at
FROM (
    SELECT p.room_id, e.seq AS upto,
        CASE e.type WHEN 'message' THEN e.seq WHEN 'edit' THEN e.target WHEN 'delete' THEN e.target
        END AS seq
    FROM message_search_progress p
    CROSS JOIN LATERAL (
        SELECT e.seq, e.type, e.target FROM room_events e
        WHERE e.room_id = p.room_id AND e.seq > p.seq ORDER BY e.seq LIMIT $2
    ) e
    WHERE p.room_id = ANY($1::bigint[])
) n
LEFT JOIN room_events m ON m.room_id = n.room_id AND m.seq = n.seq AND m.type = 'message'
ORDER BY n.room_id, n.upto
"""

STORE = """
INSERT INTO message_search (room_id, seq, event_id, sender_id, at, words)
SELECT room_id, seq, event_id, sender_id, at, words::tsvector
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::text[])
    AS i (room_id, seq, event_id, sender_id, at, words)
ON CONFLICT (room_id, seq) DO UPDATE SET words = excluded.words
"""

REMOVE = """
DELETE FROM message_search s USING unnest($1::bigint[], $2::bigint[]) AS i (room_id, seq)
WHERE (s.room_id, s.seq) = (i.room_id, i.seq)
"""

ADVANCE = """
UPDATE message_search_progress p SET seq = i.seq
FROM unnest($1::bigint[], $2::bigint[]) AS i (room_id, seq)
WHERE p.room_id = i.room_id
"""


async def behind(connection: asyncpg.Connection, *, after: int, limit: int) -> list[Id]:
    """The rooms with an id above `after` whose log has more than the index knows, by id."""
    return [Id(row["id"]) for row in await connection.fetch(BEHIND, after, limit)]


async def index(
    connection: asyncpg.Connection,
    rooms: Collection[Id],
    *,
    words_of: Callable[[str], Sequence[str]],
    limit: int = BATCH,
) -> set[Id]:
    """Index what is new in the rooms, in a transaction.

    Args:
        words_of: the words of a body, in order: of letters, digits, marks and symbols alone.
        limit: how many events, shared among the rooms: a loud one does not keep others waiting.

    Returns:
        The rooms that may have more.
    """
    wanted = sorted(rooms)
    share = max(1, limit // max(1, len(wanted)))
    async with connection.transaction():
        await connection.execute(BEGIN, wanted)
        await connection.fetch(LOCK, wanted)
        rows = await connection.fetch(NEWS, wanted, share)
        messages = {(row["room_id"], row["seq"]): row for row in rows if row["event_id"]}
        standing = [row for row in messages.values() if row["deleted_at"] is None]
        if standing:
            await connection.execute(
                STORE,
                *([row[column] for row in standing] for column in ("room_id", "seq", "event_id")),
                *([row[column] for row in standing] for column in ("sender_id", "at")),
                [_vector(row, words_of(row["body"] or "")) for row in standing],
            )
        if deleted := [key for key, row in messages.items() if row["deleted_at"] is not None]:
            await connection.execute(REMOVE, *_columns(deleted))
        if rows:
            upto = {row["room_id"]: row["upto"] for row in rows}
            await connection.execute(ADVANCE, list(upto), list(upto.values()))
    seen = Counter(row["room_id"] for row in rows)
    return {Id(room) for room, events in seen.items() if events == share}


def _vector(row: asyncpg.Record, words: Sequence[str]) -> str:
    """The text of a tsvector. Postgres itself bounds what positions there may be."""
    places: dict[str, list[str]] = {}
    for place, word in enumerate(words, 1):
        places.setdefault(word, []).append(str(place))
    lexemes = [f"'{word}':{','.join(at)}" for word, at in places.items()]
    return " ".join([f"'#{row['room_id']}'", f"'@{row['sender_id']}'", *lexemes])


def _columns(rows: Sequence[tuple[int, int]]) -> list[list[int]]:
    return [list(column) for column in zip(*rows, strict=True)]


# --- what it finds ---------------------------------------------------------------------------


class Place(NamedTuple):
    """A room that somebody is in.

    Attributes:
        peer: username of the other one, of a dm.
        is_behind: its log has more than the index knows.
    """

    id: Id
    title: str | None
    peer: str | None
    is_behind: bool


class Phrase(NamedTuple):
    """Words in a row.

    Attributes:
        is_prefix: the last one may be the beginning of a longer one.
        negated: messages that have it are not meant.
    """

    words: Sequence[str]
    is_prefix: bool
    negated: bool


class Wanted(NamedTuple):
    """What is searched for; all of it has to hold.

    Attributes:
        rooms: not empty; the message is in one of them.
        senders: it is by one of these, unless there are none.
        but_senders: it is by none of these.
        before: it is older.
        after: it is not older.
    """

    rooms: Sequence[Id]
    phrases: Sequence[Phrase] = ()
    senders: Sequence[Id] = ()
    but_senders: Sequence[Id] = ()
    before: datetime | None = None
    after: datetime | None = None


class Position(NamedTuple):
    """A place in the list of what was found.

    Attributes:
        newest: of the matches when the list began: those that came later are not in it.
        score: of the match at this place, and its event_id.
    """

    newest: int
    score: float
    event_id: int


PLACES = """
SELECT r.id, r.title, p.username AS peer, r.last_seq > coalesce(s.seq, 0) AS is_behind
FROM room_members m
JOIN rooms r ON r.id = m.room_id
LEFT JOIN message_search_progress s ON s.room_id = r.id
LEFT JOIN accounts p ON p.id = CASE WHEN r.dm_low = $1 THEN r.dm_high ELSE r.dm_low END
WHERE m.account_id = $1
ORDER BY r.id
"""

# The score: how many of the words there are and how close together; whole ones count twice; a
# message a month older than the newest match counts half. The age is that of the id, of which 22
# bits are below the millisecond.
FIND = f"""
WITH candidates AS (
    SELECT s.room_id, s.seq, s.event_id, s.words FROM message_search s
    WHERE s.words @@ $3::text::tsquery AND s.room_id = ANY($2::bigint[])
        AND ($4::timestamptz IS NULL OR s.at < $4) AND ($5::timestamptz IS NULL OR s.at >= $5)
        AND ($8::bigint IS NULL OR s.event_id <= $8)
    ORDER BY s.event_id DESC LIMIT {CANDIDATES}
), newest AS (
    SELECT coalesce($8, max(event_id)) AS event_id FROM candidates
), scored AS (
    SELECT c.room_id, c.seq, c.event_id, n.event_id AS newest,
        (ts_rank_cd(c.words, $6::text::tsquery, 1) + ts_rank_cd(c.words, $7::text::tsquery, 1))
        / (1 + ((n.event_id - c.event_id) >> 22) / {AGE_DAYS * 86_400_000}.0::float8) AS score
    FROM candidates c, newest n
), page AS (
    SELECT s.* FROM scored s
    JOIN room_members m ON m.room_id = s.room_id AND m.account_id = $1
    WHERE $9::float8 IS NULL OR (s.score, s.event_id) < ($9, $10)
    ORDER BY s.score DESC, s.event_id DESC LIMIT $11
)
SELECT p.newest, p.score, {COLUMNS}
FROM page p JOIN room_events e ON e.room_id = p.room_id AND e.seq = p.seq
ORDER BY p.score DESC, p.event_id DESC
"""


async def places(connection: asyncpg.Connection, account: Id) -> list[Place]:
    """The rooms that an account is a member of."""
    return [
        Place(Id(row["id"]), row["title"], row["peer"], row["is_behind"])
        for row in await connection.fetch(PLACES, account)
    ]


async def find(
    connection: asyncpg.Connection,
    account: Id,
    wanted: Wanted,
    *,
    after: Position | None,
    limit: int,
) -> list[tuple[Message, Position]]:
    """Messages of the rooms that an account is in, best first; as they are now, be it deleted.

    Args:
        after: where to go on; None: at the beginning.
    """
    positive = [phrase for phrase in wanted.phrases if not phrase.negated]
    rows = await connection.fetch(
        FIND,
        account,
        wanted.rooms,
        _query(wanted),
        wanted.before,
        wanted.after,
        " & ".join(_row(phrase, is_prefix=phrase.is_prefix) for phrase in positive),
        " & ".join(_row(phrase, is_prefix=False) for phrase in positive),
        *((None, None, None) if after is None else after),
        limit,
    )
    found = []
    for row in rows:
        message = event_of(row)
        assert isinstance(message, Message)
        found.append((message, Position(row["newest"], row["score"], row["event_id"])))
    return found


def _query(wanted: Wanted) -> str:
    """The text of a tsquery."""
    parts = []
    if len(wanted.rooms) <= NAMED_ROOMS:
        parts.append(_any(f"#{room}" for room in wanted.rooms))
    if wanted.senders:
        parts.append(_any(f"@{sender}" for sender in wanted.senders))
    parts += [f"!'@{sender}'" for sender in wanted.but_senders]
    for phrase in wanted.phrases:
        row = _row(phrase, is_prefix=phrase.is_prefix)
        parts.append(f"!{row}" if phrase.negated else row)
    return " & ".join(parts)


def _any(lexemes: Iterable[str]) -> str:
    return f"({' | '.join(map(_quoted, lexemes))})"


def _row(phrase: Phrase, *, is_prefix: bool) -> str:
    row = " <-> ".join(map(_quoted, phrase.words))
    return f"({row}:*)" if is_prefix else f"({row})"


def _quoted(lexeme: str) -> str:
    return f"'{lexeme}'"
