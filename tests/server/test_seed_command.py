"""`plaza seed`: what it makes can be logged in to, and it touches nothing that is in use."""

import io
import re

import pytest
from rich.console import Console

from persistence.accounts import credentials
from persistence.database import Database
from protocol.errors import PlazaError
from server.exits import SeedRefused
from server.passwords import Passwords
from server.seed_command import seed
from server.seeding.town import Size

SMALL = Size(accounts=20, posts=60, follows=80, likes=100, comments=40)


async def seeded(
    database: Database, *, password: str | None = None, yes: bool = False, chance: int = 1
) -> tuple[str, str]:
    """What it tells, and what it shows meanwhile."""
    shown = io.StringIO()
    told = await seed(
        database,
        SMALL,
        chance=chance,
        password=password,
        yes=yes,
        pull_followers=10,
        console=Console(file=shown, force_terminal=True),
    )
    return told, shown.getvalue()


async def test_one_can_log_in_as_one_of_them(database: Database) -> None:
    told, shown = await seeded(database)
    match = re.fullmatch(r"Log in as one of (.+)\. The password of all is (.+)", told)
    assert match
    names, password = match[1].split(", "), match[2]
    assert len(names) == 5
    passwords = Passwords(workers=1)
    async with database.connection() as connection:
        for name in names:
            account = await credentials(connection, name)
            assert account is not None
            assert await passwords.verify(account.password_hash, password)
    passwords.close()
    for step in ("accounts", "follows", "posts", "likes", "comments", "20/20", "60/60"):
        assert step in shown


async def test_a_password_of_one_s_own(database: Database) -> None:
    told, _ = await seeded(database, password="open sesame")
    assert told.endswith("is open sesame")


async def test_one_that_is_too_short_is_refused_before_anything_is_written(
    database: Database,
) -> None:
    with pytest.raises(PlazaError, match="8 to 200"):
        await seeded(database, password="short")
    await seeded(database)


async def test_what_is_in_use_is_left_alone(database: Database) -> None:
    await seeded(database)
    with pytest.raises(SeedRefused, match="--yes"):
        await seeded(database)
    await seeded(database, yes=True, chance=2)
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM accounts") == 40
