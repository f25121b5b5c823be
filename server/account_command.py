"""`plaza account`: what an account may, shown and changed by whoever runs the server."""

from collections.abc import Callable

from persistence import profiles
from server.config import Config
from server.exits import NoSuchAccount
from server.storage import visit_database


async def change_account(
    config: Config,
    username: str,
    *,
    verified: bool | None,
    moderator: bool | None,
    progress: Callable[[str], None],
) -> str:
    """Change what an account may; it holds at once, also in servers that run.

    Args:
        config: says where the database is.
        username: in any case.
        verified, moderator: None: as it is.
        progress: see `open_database`.

    Returns:
        What it may now, as a sentence.

    Raises:
        NoSuchAccount: there is none.
    """
    async with (
        visit_database(config, progress=progress) as database,
        database.transaction() as connection,
    ):
        marks = await profiles.mark(connection, username, verified=verified, moderator=moderator)
    if marks is None:
        raise NoSuchAccount(f"There is no account {username!r}. Check the name.")
    words = [
        "verified" if marks.verified else "not verified",
        "a moderator" if marks.moderator else "no moderator",
    ]
    return f"{marks.username} (account {marks.account}) is {' and '.join(words)}."
