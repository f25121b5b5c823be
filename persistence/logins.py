"""The moment between checking a password and acting on it."""

import asyncpg

from protocol.ids import Id

_CONFIRM = """
SELECT password_hash = $2 FROM accounts WHERE id = $1 FOR NO KEY UPDATE
"""


async def confirm_password_hash(
    connection: asyncpg.Connection, account: Id, password_hash: str
) -> bool:
    """Whether the account still has this password, and hold it so until the transaction ends.

    Checking a password takes a tenth of a second. Without this, one that is changed meanwhile would
    let its last guesser in after all sessions were revoked, or be overwritten by a rehash.
    """
    confirmed: bool | None = await connection.fetchval(_CONFIRM, account, password_hash)
    return bool(confirmed)
