"""Accounts: who people are.

Usernames are stored folded (protocol.names). E-mail addresses are stored as given and compared
without regard to case.
"""

import re
from collections.abc import Iterable

import asyncpg
from msgspec import Struct

from protocol import errors
from protocol.errors import PlazaError
from protocol.ids import Id
from protocol.names import fold_username
from protocol.records import Time, User
from protocol.times import rfc3339

MAY_BEGIN_A_NAME = re.compile("[a-z0-9_]{1,30}")


class Account(User, frozen=True):
    """An account as its owner sees it."""

    email: str
    created_at: Time


class Credentials(Struct, frozen=True):
    """What a login is checked against."""

    account: Id
    username: str
    password_hash: str


CREATE = """
INSERT INTO accounts (id, username, email, password_hash) VALUES ($1, $2, $3, $4)
"""

TAKEN_BY_CONSTRAINT = {
    "accounts_username_key": errors.USERNAME_TAKEN,
    "accounts_email": errors.EMAIL_TAKEN,
}


async def create_account(
    connection: asyncpg.Connection, *, account: Id, username: str, email: str, password_hash: str
) -> User:
    """Create an account.

    Args:
        account: its id, freshly minted.
        username: folded.
        email: as it was given; must hold no control characters.
        password_hash: in the PHC string format, with algorithm and parameters.

    Raises:
        PlazaError: USERNAME_TAKEN or EMAIL_TAKEN. A transaction around it is lost then.
    """
    try:
        await connection.execute(CREATE, account, username, email, password_hash)
    except asyncpg.UniqueViolationError as error:
        taken = TAKEN_BY_CONSTRAINT.get(error.constraint_name or "")
        if taken is None:
            raise
        raise PlazaError(taken) from error
    return User(id=account, username=username)


CREDENTIALS = "SELECT id, username, password_hash FROM accounts WHERE "
CREDENTIALS_BY_USERNAME = CREDENTIALS + "username = lower($1)"
CREDENTIALS_BY_EMAIL = CREDENTIALS + "lower(email) = lower($1)"
CREDENTIALS_BY_ID = CREDENTIALS + "id = $1"


async def credentials(connection: asyncpg.Connection, login: str) -> Credentials | None:
    """The credentials of the account that `login` names.

    Args:
        login: a username or an e-mail address in any case, with an @ in the latter alone.
    """
    login = login.strip()
    if not login.isprintable():  # a zero byte is an error to Postgres, and in no name
        return None
    query = CREDENTIALS_BY_EMAIL if "@" in login else CREDENTIALS_BY_USERNAME
    return _as_credentials(await connection.fetchrow(query, login))


async def credentials_of(connection: asyncpg.Connection, account: Id) -> Credentials | None:
    """The credentials of an account by its id."""
    return _as_credentials(await connection.fetchrow(CREDENTIALS_BY_ID, account))


USERS_BY_ID = "SELECT id, username FROM accounts WHERE id = ANY($1::bigint[])"


async def account(connection: asyncpg.Connection, account: Id) -> User | None:
    """An account as anyone may see it."""
    return (await accounts_by_id(connection, [account])).get(account)


async def accounts_by_id(connection: asyncpg.Connection, accounts: Iterable[Id]) -> dict[Id, User]:
    """Those of `accounts` that exist, by id."""
    rows = await connection.fetch(USERS_BY_ID, list(accounts))
    users = [User(id=Id(row["id"]), username=row["username"]) for row in rows]
    return {user.id: user for user in users}


USER_BY_USERNAME = "SELECT id, username FROM accounts WHERE username = $1"


async def account_by_username(connection: asyncpg.Connection, name: str) -> User | None:
    """The account with a username, in any case; None also for what can be no username."""
    try:
        folded = fold_username(name)
    except ValueError:
        return None
    row = await connection.fetchrow(USER_BY_USERNAME, folded)
    return None if row is None else User(id=Id(row["id"]), username=row["username"])


IDS_BY_USERNAME = "SELECT id, username FROM accounts WHERE username = ANY($1::text[])"


async def accounts_by_username(
    connection: asyncpg.Connection, names: Iterable[str]
) -> dict[str, Id]:
    """The ids of those of `names`, folded usernames, that exist."""
    rows = await connection.fetch(IDS_BY_USERNAME, list(names))
    return {row["username"]: Id(row["id"]) for row in rows}


# Of text_pattern_ops, as the index is: by code points, whatever the database's locale.
USERS_BY_PREFIX = """
SELECT id, username FROM accounts
WHERE username ~>=~ $1 AND username ~<~ $2 AND username ~>~ $3
ORDER BY username USING ~<~ LIMIT $4
"""


async def accounts_by_prefix(
    connection: asyncpg.Connection, prefix: str, *, after: str, limit: int
) -> list[User]:
    """Accounts whose usernames begin with a prefix and come after `after`, by username.

    Args:
        prefix: not empty, in any case.
    """
    # Only ASCII is folded: see fold_username.
    folded = prefix.lower() if prefix.isascii() else prefix
    if not MAY_BEGIN_A_NAME.fullmatch(folded):
        return []
    beyond = folded[:-1] + chr(ord(folded[-1]) + 1)
    rows = await connection.fetch(USERS_BY_PREFIX, folded, beyond, after, limit)
    return [User(id=Id(row["id"]), username=row["username"]) for row in rows]


OWN_ACCOUNT = "SELECT id, username, email, created_at FROM accounts WHERE id = $1"


async def own_account(connection: asyncpg.Connection, account: Id) -> Account | None:
    """An account as its owner sees it."""
    row = await connection.fetchrow(OWN_ACCOUNT, account)
    if row is None:
        return None
    return Account(
        id=Id(row["id"]),
        username=row["username"],
        email=row["email"],
        created_at=rfc3339(row["created_at"]),
    )


SET_HASH = "UPDATE accounts SET password_hash = $2 WHERE id = $1"


async def set_password_hash(
    connection: asyncpg.Connection, account: Id, password_hash: str
) -> None:
    """Replace the password's hash."""
    await connection.execute(SET_HASH, account, password_hash)


def _as_credentials(row: asyncpg.Record | None) -> Credentials | None:
    if row is None:
        return None
    return Credentials(Id(row["id"]), row["username"], row["password_hash"])
