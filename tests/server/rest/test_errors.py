"""server/rest/errors.py and wire.py: that every error has the one shape is checked by the client
of conftest.py, for every answer of every test.
"""

import asyncio

import httpx
import pytest
from structlog.testing import capture_logs

from persistence import accounts
from protocol.errors import CATALOGUE, OVERLOADED, PlazaError
from server.passwords import Passwords


async def test_no_such_route(site):
    for path in ("/nothing", "/rooms/1/nothing", "/schema/nothing", "/../../nothing"):
        assert (await site.anyone.get(path)).code == "not_found"
        assert (await site.anyone.post(path)).code in ("not_found", "method_not_allowed")


async def test_no_such_method(site):
    answer = await site.anyone.delete("/accounts")
    assert answer.code == "method_not_allowed"
    assert {"GET", "POST"} <= set(answer.headers["allow"].split(", "))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b"\xff",
        b'{"login": "\\ud800", "password": "x"}',
        b'{"login": 5, "password": "x"}',
        b"[" * 100_000,
        b'{"a":' * 10_000,
        b"login=alice&password=x",
    ],
)
@pytest.mark.parametrize("media_type", ["application/json", "text/plain", None])
async def test_malformed_bodies(site, content, media_type):
    headers = {"Content-Type": media_type} if media_type else {}
    answer = await site.anyone.post("/sessions", content=content, headers=headers)
    assert answer.code == "bad_request"


async def test_unknown_fields_are_ignored(site, alice):
    answer = await site.anyone.post(
        "/sessions", json={"login": "alice", "password": "correct horse battery", "colour": "red"}
    )
    assert answer.status_code == 201


async def test_a_body_that_is_too_large(serve):
    site = await serve(request_bytes=1_000)
    body = {"login": "x", "password": "x" * 1_000}
    assert (await site.anyone.post("/sessions", json=body)).code == "too_large"

    async def chunks():
        for _ in range(100):
            yield b" " * 100

    assert (await site.anyone.post("/sessions", content=chunks())).code == "too_large"


async def test_a_client_that_goes_away_in_the_middle_is_no_bug(site):
    url = httpx.URL(site.url)
    with capture_logs() as logs:
        _, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        # Answered after the other one has been dealt with.
        assert (await site.anyone.get("/me")).code == "unauthorized"
    assert logs == []


async def test_a_bug_is_logged_and_not_shown(site, alice, monkeypatch):
    async def fail(connection, account):
        raise RuntimeError("the secret is 42")

    monkeypatch.setattr(accounts, "own_account", fail)
    with capture_logs() as logs:
        answer = await alice.get("/me")
    assert answer.code == "internal"
    assert answer.json()["error"]["message"] == CATALOGUE["internal"].text
    assert "42" not in answer.text
    assert [entry["event"] for entry in logs] == ["request failed"]
    assert logs[0]["log_level"] == "error"
    assert logs[0]["route"] == "/api/v1/me"
    assert isinstance(logs[0]["exc_info"], RuntimeError)


async def test_too_many_passwords_to_hash(site, monkeypatch):
    async def full(self, password):
        raise PlazaError(OVERLOADED, retry_after=1.0)

    monkeypatch.setattr(Passwords, "hash", full)
    body = {"username": "ada", "email": "ada@example.org", "password": "correct horse battery"}
    answer = await site.anyone.post("/accounts", json=body)
    assert answer.code == "overloaded"
    assert answer.headers["retry-after"] == "1"


async def test_the_database_is_away(site, alice, monkeypatch):
    async def lose(connection, account):
        raise ConnectionResetError

    monkeypatch.setattr(accounts, "own_account", lose)
    with capture_logs() as logs:
        answer = await alice.get("/me")
    assert answer.code == "unavailable"
    assert answer.headers["retry-after"] == "1"
    assert logs == []


async def test_headers_of_every_answer(site, alice):
    for answer in (await alice.get("/me"), await site.anyone.get("/nothing")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
