"""One server for all tests of the load generator."""

from collections.abc import AsyncIterator

import pytest

from loadtest.deployment import Deployment, deployed


@pytest.fixture(scope="session")
async def deployment() -> AsyncIterator[Deployment]:
    async with deployed({"PLAZA_LIMITS__SIGNUPS_PER_IP_HOUR": "0"}) as running:
        yield running
