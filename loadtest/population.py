"""People and rooms by the thousand, written straight into a deployment's database.

A sign-up costs a password hash of 64 MiB: 5,000 of them would take minutes, and none of the
questions here is about them. The tokens are made with the key that the deployment was given.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import asyncpg
from joserfc import jwt
from joserfc.jwk import OctKey

from loadtest.deployment import Deployment
from protocol.codec import dump_json
from protocol.ids import MAX_NODE, Id, IdMint
from protocol.records import Role, RoomKind

_LIFETIME = timedelta(hours=12)

_ACCOUNT = ("id", "username", "email", "password_hash")
_PROFILE = ("account_id",)
_SESSION = ("id", "account_id", "expires_at")
_ROOM = ("id", "kind", "title", "last_seq", "dm_low", "dm_high", "creator_id", "member_count")
_MEMBER = ("room_id", "account_id", "role", "read_seq")
_FOLLOW = ("follower_id", "followee_id", "id", "accepted", "backfilled")
_EVENT = ("room_id", "seq", "event_id", "type", "sender_id", "at", "body", "details")

_COUNT_FOLLOWS = """
UPDATE profiles p SET
    following = (SELECT count(*) FROM follows f WHERE f.follower_id = p.account_id),
    followers = (SELECT count(*) FROM follows f WHERE f.followee_id = p.account_id)
WHERE account_id = ANY($1::bigint[])
"""

# Another node than the server's, so that no id is minted twice.
_mint = IdMint(MAX_NODE)


class Population(NamedTuple):
    """Who there is.

    Attributes:
        tokens: an access token for each account.
        rooms: the ids of the rooms, in the order in which they were asked for.
    """

    tokens: list[str]
    rooms: list[Id]


def three_rooms_each(accounts: int, *, members: int = 50) -> list[list[int]]:
    """Rooms for `populate`, such that everybody is in three, with partly different company.

    Args:
        members: of a room; the last ones may have fewer.
    """
    crowd = list(range(accounts))
    rooms = []
    for shift in (0, members // 3, 2 * members // 3):
        turned = crowd[shift:] + crowd[:shift]
        rooms += [turned[first : first + members] for first in range(0, accounts, members)]
    return rooms


async def populate(
    deployment: Deployment, *, accounts: int, rooms: Sequence[Sequence[int]]
) -> Population:
    """Make accounts, each with a session, and rooms.

    Args:
        accounts: how many.
        rooms: the members of each, as numbers of accounts from 0, the owner first. Two make a dm,
            more a group. Its log has the first entry, `created`, alone.
    """
    connection = await asyncpg.connect(deployment.dsn)
    try:
        async with connection.transaction():
            people = await newcomers(connection, accounts)
            tokens = await admit(connection, deployment, people)
            made = await write_rooms(
                connection, [[people[number] for number in members] for members in rooms]
            )
        # The planner is to know the tables as they are, not as they were when they were empty.
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
    return Population(tokens, made)


async def newcomers(connection: asyncpg.Connection, number: int) -> list[Id]:
    """Make so many accounts, of which nobody has the password."""
    people = [_new_id() for _ in range(number)]
    accounts = [(person, f"p{person}", f"p{person}@example.org", "none") for person in people]
    await _copy(connection, "accounts", _ACCOUNT, accounts)
    await _copy(connection, "profiles", _PROFILE, [(person,) for person in people])
    return people


async def admit(
    connection: asyncpg.Connection, deployment: Deployment, people: Sequence[Id]
) -> list[str]:
    """Give each account a session; return an access token for each."""
    sessions = [_new_id() for _ in people]
    expires_at = datetime.now(UTC) + _LIFETIME
    rows = [(session, person, expires_at) for session, person in zip(sessions, people, strict=True)]
    await _copy(connection, "sessions", _SESSION, rows)
    return _tokens(deployment.signing_key, people, sessions)


async def write_rooms(
    connection: asyncpg.Connection,
    companies: Sequence[Sequence[Id]],
    *,
    kind: RoomKind | None = None,
) -> list[Id]:
    """Make rooms. Their logs have the first entry, `created`, alone.

    Args:
        companies: the members of each, the owner first.
        kind: of all of them; None: a dm of two, a group of more.
    """
    rooms, members, events = [], [], []
    now = datetime.now(UTC)
    for company in companies:
        room, own_kind = _new_id(), kind
        if own_kind is None:
            own_kind = RoomKind.DM if len(company) == 2 else RoomKind.GROUP
        low, high = None, None
        title: str | None = "Load"
        roles = dict.fromkeys(company, Role.MEMBER)
        if own_kind is RoomKind.DM:
            low, high, title = min(company), max(company), None
        else:
            roles[company[0]] = Role.OWNER
        rooms.append((room, own_kind.value, title, 1, low, high, company[0], len(roles)))
        members += [(room, person, role.value, 1) for person, role in roles.items()]
        details = dump_json({"kind": own_kind, "members": roles})
        events.append((room, 1, _new_id(), "created", company[0], now, title, details))
    await _copy(connection, "rooms", _ROOM, rooms)
    await _copy(connection, "room_members", _MEMBER, members)
    await _copy(connection, "room_events", _EVENT, events)
    return [room[0] for room in rooms]


async def write_follows(
    connection: asyncpg.Connection, people: Sequence[Id], followed: Sequence[Sequence[Id]]
) -> None:
    """Let people follow others, and nobody else.

    Args:
        people: who have no posts yet, so that nothing of them is missing in timelines.
        followed: whom each of them follows.
    """
    await connection.execute("DELETE FROM follows WHERE follower_id = ANY($1::bigint[])", people)
    rows = [
        (person, other, _new_id(), True, True)
        for person, others in zip(people, followed, strict=True)
        for other in others
    ]
    await _copy(connection, "follows", _FOLLOW, rows)
    await connection.execute(_COUNT_FOLLOWS, people)


async def _copy(
    connection: asyncpg.Connection,
    table: str,
    columns: tuple[str, ...],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    await connection.copy_records_to_table(table, columns=columns, records=rows)


def _tokens(signing_key: str, people: Sequence[Id], sessions: Sequence[Id]) -> list[str]:
    key = OctKey.import_key(signing_key.encode())
    now = int(time.time())
    claims = {"iss": "plaza", "iat": now, "exp": now + int(_LIFETIME.total_seconds())}
    return [
        jwt.encode({"alg": "HS256"}, {**claims, "sub": str(person), "sid": str(session)}, key)
        for person, session in zip(people, sessions, strict=True)
    ]


def _new_id() -> Id:
    return _mint.mint(time.time_ns() // 1_000_000)
