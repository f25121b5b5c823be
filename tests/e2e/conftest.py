"""One server a module, in this process; a module that wants it configured overrides `config`."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from persistence.embedded import EmbeddedPostgres
from server.config import Config
from tests.e2e.process import ServerProcess
from tests.e2e.site import Site, copy_of, serving


@pytest.fixture(scope="module")
def config() -> Config:
    return Config()


@pytest.fixture(scope="module")
async def site(postgres: EmbeddedPostgres, template: str, config: Config) -> AsyncIterator[Site]:
    async with copy_of(template, postgres) as dsn, serving(dsn, config) as served:
        yield served


# Talkers sign up in numbers, and outlive a token of the usual length.
_SETTINGS = {
    "PLAZA_LIMITS__SIGNUPS_PER_IP_HOUR": "0",
    "PLAZA_AUTH__ACCESS_TOKEN_SECONDS": "86400",
    "PLAZA_LOG__FORMAT": "json",
}


@pytest.fixture
async def server() -> AsyncIterator[ServerProcess]:
    """A server of its own process and database, to be killed."""
    # In /tmp itself: the database's user, when we are root, must be able to get there.
    data_dir = Path(tempfile.mkdtemp(prefix="plaza-e2e-", dir="/tmp"))
    process = ServerProcess(data_dir, _SETTINGS)
    try:
        await process.start()
        yield process
    finally:
        await process.end()
        shutil.rmtree(data_dir, ignore_errors=True)
