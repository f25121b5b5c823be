"""One server for all tests of the load generator."""

from collections.abc import AsyncIterator

import pytest

from loadtest.deployment import Deployment, deployed


@pytest.fixture(scope="session")
async def deployment() -> AsyncIterator[Deployment]:
    async with deployed() as running:
        yield running
