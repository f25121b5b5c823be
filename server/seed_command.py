"""`plaza seed`: fill a database with a town of accounts, posts and what there is between them."""

import secrets
import time
from collections.abc import Callable

import asyncpg
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from persistence.database import Database
from persistence.seed import has_accounts
from server.exits import SeedRefused
from server.passwords import Passwords, check_password
from server.seeding.people import Person
from server.seeding.town import Settings, Size, build

SHOWN = 5  # accounts to log in with


async def seed(
    database: Database,
    size: Size,
    *,
    chance: int,
    password: str | None,
    yes: bool,
    pull_followers: int,
    console: Console,
) -> str:
    """Fill the database, and show how far it is.

    Args:
        size: how much of everything.
        chance: the same number makes the same town.
        password: of all accounts; None: a random one.
        yes: even if there are accounts.
        pull_followers: the setting of this name.
        console: gets the progress.

    Returns:
        What to tell: some of the accounts, and how to log in.

    Raises:
        SeedRefused: there are accounts.
        PlazaError: the password is not fit to be one.
    """
    password = password or secrets.token_urlsafe(9)
    check_password(password, username="", email="")
    connection = await database.open_connection()
    try:
        if not yes and await has_accounts(connection):
            raise SeedRefused(
                "There are accounts in this database, and seeding is for empty ones. With --yes "
                "it adds to what is there."
            )
        settings = Settings(
            time.time_ns() // 1_000_000, chance, await _hash(password), pull_followers
        )
        people = await _build(connection, size, settings, console)
    finally:
        await connection.close()
    return _summary(people, password)


async def _build(
    connection: asyncpg.Connection, size: Size, settings: Settings, console: Console
) -> list[Person]:
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:

        def step(name: str, total: int) -> Callable[[int], object]:
            for task in progress.tasks:
                progress.update(task.id, completed=task.total)
            current = progress.add_task(name, total=total)
            return lambda more: progress.advance(current, more)

        people = await build(connection, size, settings, step)
        step("done", 1)(1)
    return people


async def _hash(password: str) -> str:
    passwords = Passwords(workers=1)
    try:
        return await passwords.hash(password)
    finally:
        passwords.close()


def _summary(people: list[Person], password: str) -> str:
    most, last = people[: SHOWN - 1], people[SHOWN - 1 :][-1:]
    names = ", ".join(person.username for person in (*most, *last))
    return f"Log in as one of {names}. The password of all is {password}"
