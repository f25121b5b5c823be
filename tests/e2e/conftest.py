"""One server a module, in this process; a module that wants it configured overrides `config`."""

from collections.abc import AsyncIterator

import pytest

from persistence.embedded import EmbeddedPostgres
from server.config import Config
from tests.e2e.site import Site, copy_of, serving


@pytest.fixture(scope="module")
def config() -> Config:
    return Config()


@pytest.fixture(scope="module")
async def site(postgres: EmbeddedPostgres, template: str, config: Config) -> AsyncIterator[Site]:
    async with copy_of(template, postgres) as dsn, serving(dsn, config) as served:
        yield served
