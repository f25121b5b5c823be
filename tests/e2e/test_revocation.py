"""A session that has ended takes its sockets with it, within a second."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from protocol import close
from tests.e2e.device import Device
from tests.e2e.site import Site

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
async def http(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"{site.url}/api/v1", timeout=30) as client:
        yield client


async def sign_up(http: httpx.AsyncClient, username: str) -> dict[str, Any]:
    fields = {"username": username, "email": f"{username}@example.org", "password": PASSWORD}
    response = await http.post("/accounts", json=fields)
    assert response.status_code == 201, response.text
    signed_in: dict[str, Any] = response.json()
    return signed_in


async def log_in(http: httpx.AsyncClient, username: str) -> dict[str, Any]:
    response = await http.post("/sessions", json={"login": username, "password": PASSWORD})
    assert response.status_code == 201, response.text
    signed_in: dict[str, Any] = response.json()
    return signed_in


async def connect(site: Site, signed_in: dict[str, Any]) -> Device:
    device = await site.connect()
    ready = await device.hello(signed_in["access_token"])
    assert ready["t"] == "ready", ready
    return device


def bearer(signed_in: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {signed_in['access_token']}"}


async def revoked(*devices: Device) -> None:
    """All of them are closed, and in time."""
    async with asyncio.timeout(1):
        closes = await asyncio.gather(*(device.closed() for device in devices))
    assert {closed.code for closed in closes} == {close.SESSION_REVOKED.code}


async def test_logging_out(site: Site, http: httpx.AsyncClient) -> None:
    here, there = await sign_up(http, "ada_out"), await log_in(http, "ada_out")
    first, second, other = [await connect(site, login) for login in (here, here, there)]
    assert (await http.delete("/sessions/current", headers=bearer(here))).status_code == 204
    await revoked(first, second)
    assert await other.refused("nothing") == "unknown_command"  # the other login goes on
    late = await site.connect()
    assert (await late.hello(here["access_token"]))["code"] == "unauthorized"
    assert (await http.get("/me", headers=bearer(here))).status_code == 401


async def test_revoking_a_session_from_another(site: Site, http: httpx.AsyncClient) -> None:
    here, there = await sign_up(http, "ada_other"), await log_in(http, "ada_other")
    lost, kept = await connect(site, here), await connect(site, there)
    session = lost.ready["session"]
    response = await http.delete(f"/sessions/{session}", headers=bearer(there))
    assert response.status_code == 204
    await revoked(lost)
    assert await kept.refused("nothing") == "unknown_command"


async def test_changing_the_password(site: Site, http: httpx.AsyncClient) -> None:
    here, there = await sign_up(http, "ada_change"), await log_in(http, "ada_change")
    devices = [await connect(site, login) for login in (here, there)]
    passwords = {"current_password": PASSWORD, "new_password": "staple of battery"}
    response = await http.put("/me/password", json=passwords, headers=bearer(here))
    assert response.status_code == 200, response.text
    await revoked(*devices)
    again = await connect(site, response.json())
    assert again.ready["user"]["username"] == "ada_change"


async def test_showing_a_refresh_token_twice(site: Site, http: httpx.AsyncClient) -> None:
    login = await sign_up(http, "ada_stolen")
    device = await connect(site, login)
    used = {"refresh_token": login["refresh_token"]}
    assert (await http.post("/sessions/refresh", json=used)).status_code == 200
    assert await device.refused("nothing") == "unknown_command"
    response = await http.post("/sessions/refresh", json=used)
    assert response.json()["error"]["code"] == "refresh_reused"
    await revoked(device)


async def test_a_session_that_ends_during_hello(site: Site, http: httpx.AsyncClient) -> None:
    """Whichever comes first, the connection does not outlive its session."""
    for _ in range(5):
        person = await site.person()
        device = await site.connect()
        device.tell("hello", token=person.token)
        await http.delete("/sessions/current", headers=person.bearer)
        async with asyncio.timeout(1):
            closed = await device.closed()
        assert closed.code in (close.SESSION_REVOKED.code, close.UNAUTHORIZED.code)
