"""Accounts: who people are.

Usernames are stored folded (protocol.names). E-mail addresses are stored as given and compared
without regard to case.
"""

from collections.abc import Iterable

import asyncpg
from msgspec import Struct

from protocol import errors
from protocol.errors import PlazaError
from protocol.ids import Id
from protocol.records import Time, User
from protocol.times import rfc3339


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
WITH account AS (
    INSERT INTO accounts (id, username, email, password_hash) VALUES ($1, $2, $3, $4) RETURNING id
)
INSERT INTO profiles (account_id) SELECT id FROM account
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


IDS_BY_USERNAME = "SELECT id, username FROM accounts WHERE username = ANY($1::text[])"


async def accounts_by_username(
    connection: asyncpg.Connection, names: Iterable[str]
) -> dict[str, Id]:
    """The ids of those of `names`, folded usernames, that exist."""
    rows = await connection.fetch(IDS_BY_USERNAME, list(names))
    return {row["username"]: Id(row["id"]) for row in rows}


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
