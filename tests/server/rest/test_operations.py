"""server/rest/operations.py."""

import pytest

from server.config import Config
from server.rest.operations import operations
from server.sections import Server


@pytest.fixture
def root(site):
    return site.url.removesuffix("/api/v1")


async def test_healthz(site, root):
    answer = await site.anyone.get(f"{root}/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_readyz(site, root, monkeypatch):
    answer = await site.anyone.get(f"{root}/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "checks": {"database": "ok"}}

    async def away():
        return False

    monkeypatch.setattr(site.database, "ready", away)
    answer = await site.anyone.get(f"{root}/readyz")
    assert answer.code == "unavailable"
    assert answer.json()["error"]["details"] == {"database": "It cannot be reached."}


async def test_metrics(site, root):
    answer = await site.anyone.get(f"{root}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert "# HELP" in answer.text


@pytest.mark.parametrize(("address", "served"), [("", True), ("127.0.0.1:9100", False)])
def test_metrics_are_not_served_twice(address, served):
    class Services:
        config = Config(server=Server(metrics_address=address))
        metrics = None

    paths = {path for route in operations(Services()) for path in route.paths}
    assert ("/metrics" in paths) == served
