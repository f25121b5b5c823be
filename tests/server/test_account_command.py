"""plaza account: with a database of one's own, and beside a server that has the embedded one."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import msgspec
import pytest

from persistence.database import Database
from persistence.embedded import EmbeddedPostgres
from persistence.migrate import migrate
from persistence.profiles import is_moderator
from server import exits
from server.account_command import change_account
from server.config import Config
from server.exits import NoSuchAccount, exit_of
from server.sections import Database as DatabaseSection
from server.sections import Server
from tests import social
from tests.server.test_cli import process


def config_of(*, url: str = "", data_dir: str = "./nowhere") -> Config:
    return msgspec.structs.replace(
        Config(), database=DatabaseSection(url=url), server=Server(data_dir=data_dir)
    )


async def mark(config: Config, name: str, **marks: bool) -> str:
    given = {"verified": None, "moderator": None} | marks
    return await change_account(config, name, **given, progress=lambda step: None)


async def test_changes_what_is_given(database: Database, dsn: str) -> None:
    async with database.connection() as connection:
        ada = await social.person(connection, "ada")
        bob = await social.person(connection, "bob")
    config = config_of(url=dsn)
    whose = f"ada (account {ada}) is"
    assert await mark(config, "ada") == f"{whose} not verified and no moderator."
    assert await mark(config, "ADA", verified=True) == f"{whose} verified and no moderator."
    assert await mark(config, "ada", moderator=True) == f"{whose} verified and a moderator."
    assert await mark(config, "ada", verified=False) == f"{whose} not verified and a moderator."
    async with database.connection() as connection:
        assert await is_moderator(connection, ada)
        assert not await is_moderator(connection, bob)


@pytest.mark.parametrize("name", ["nobody", "no name", "\0", ""])
async def test_of_nobody(database: Database, dsn: str, name: str) -> None:
    with pytest.raises(NoSuchAccount) as failure:
        await mark(config_of(url=dsn), name, moderator=True)
    assert exit_of(failure.value) is exits.ACCOUNT


@pytest.fixture
def embedded() -> Iterator[tuple[EmbeddedPostgres, Path]]:
    """A database as a server has it, and its data directory."""
    # In /tmp itself: the database's user, when we are root, must be able to get there.
    data_dir = Path(tempfile.mkdtemp(prefix="plaza-tests-", dir="/tmp"))
    server = EmbeddedPostgres.start(data_dir, progress=lambda step: None)
    yield server, data_dir
    server.stop()
    shutil.rmtree(data_dir)


async def test_beside_a_server(embedded: tuple[EmbeddedPostgres, Path]) -> None:
    server, data_dir = embedded
    connection = await asyncpg.connect(server.dsn)
    await migrate(connection)
    await social.person(connection, "ada")
    await connection.close()
    ended = await process("account", "ada", "--moderator", "--data-dir", str(data_dir))
    assert (ended.code, ended.error) == (0, "")
    assert ended.out.endswith("is not verified and a moderator.\n")
    ended = await process("account", "eve", "--no-verified", "--data-dir", str(data_dir))
    assert ended.code == exits.ACCOUNT.code
    assert ended.error == "Error: There is no account 'eve'. Check the name.\n"
    assert not server.revive(progress=lambda step: None)  # it was left running
