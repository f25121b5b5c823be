"""Every error code and every close code, provoked on a real server.

The tables say how. A code that is new in the catalogue and missing here fails the test of its name.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
import pytest

from protocol import close, errors
from protocol.close import Close
from protocol.errors import ErrorSpec
from server.config import Config, Limits
from tests.e2e.device import Device, Fields
from tests.e2e.site import Person, Site, serving
from tests.e2e.websocket import Closed, Opcode, frame, text

HEARTBEAT = Config().gateway.heartbeat_seconds
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def config() -> Config:
    return Config(
        limits=Limits(
            message_bytes=4_096,
            fragments=4,
            hello_seconds=5,
            outbox_soft_bytes=16_384,
            outbox_hard_bytes=65_536,
            unanswered_commands=20,
            log_queue=4,
            request_bytes=4_096,
        )
    )


class Refusal(NamedTuple):
    """An error as the client sees it; `status` over REST alone."""

    code: str
    message: str
    retry_after: float | None
    status: int | None = None


def on_socket(answer: Fields) -> Refusal:
    assert answer["t"] == "error", answer
    return Refusal(answer["code"], answer["message"], answer.get("retry_after"))


async def rest(
    site: Site,
    method: str,
    path: str,
    *,
    person: Person | None = None,
    json: Any = None,
    content: bytes | None = None,
) -> httpx.Response:
    headers = {} if person is None else person.bearer
    async with httpx.AsyncClient(base_url=f"{site.url}/api/v1") as http:
        return await http.request(method, path, json=json, content=content, headers=headers)


async def over_rest(site: Site, method: str, path: str, **options: Any) -> Refusal:
    response = await rest(site, method, path, **options)
    error = response.json()["error"]
    return Refusal(error["code"], error["message"], error.get("retry_after"), response.status_code)


class Provocations:
    """Code -> what provokes it."""

    def __init__(self) -> None:
        self.errors: dict[str, Callable[[Site], Awaitable[Refusal]]] = {}
        self.closes: dict[int, Callable[[Site], Awaitable[Closed]]] = {}

    def refused(self, spec: ErrorSpec) -> Callable[[Any], Any]:
        return lambda provoke: self.errors.setdefault(spec.code, provoke)

    def closed(self, entry: Close) -> Callable[[Any], Any]:
        return lambda provoke: self.closes.setdefault(entry.code, provoke)


provoked_by = Provocations()


# --- people and rooms ----------------------------------------------------------------------------


async def somebody(site: Site) -> Device:
    return await site.device(await site.person())


async def room_of(device: Device, *members: Person, kind: str = "group") -> str:
    ids = [member.id for member in members]
    created = await device.do("create", kind=kind, title="Engines", members=ids)
    return str(created["room"]["id"])


async def sign_up(site: Site, username: str, email: str) -> httpx.Response:
    fields = {"username": username, "email": email, "password": PASSWORD}
    return await rest(site, "POST", "/accounts", json=fields)


@asynccontextmanager
async def without(site: Site, table: str) -> AsyncIterator[None]:
    """Let the server meet a database that is not as it should be."""
    await site.fetch(f"ALTER TABLE {table} RENAME TO mislaid")
    try:
        yield
    finally:
        await site.fetch(f"ALTER TABLE mislaid RENAME TO {table}")


@asynccontextmanager
async def another(site: Site) -> AsyncIterator[Site]:
    """A second server on the same database, to be ill-treated."""
    async with serving(site.database.dsn, site.config) as other:
        yield other


# --- errors --------------------------------------------------------------------------------------


@provoked_by.refused(errors.BAD_REQUEST)
async def _(site: Site) -> Refusal:
    return on_socket(await (await somebody(site)).ask("send", room=1, body="an id is a string"))


@provoked_by.refused(errors.UNKNOWN_COMMAND)
async def _(site: Site) -> Refusal:
    return on_socket(await (await somebody(site)).ask("sing"))


@provoked_by.refused(errors.HELLO_REQUIRED)
async def _(site: Site) -> Refusal:
    return on_socket(await (await site.connect()).ask("join", room="1"))


@provoked_by.refused(errors.HELLO_REPEATED)
async def _(site: Site) -> Refusal:
    return on_socket(await (await somebody(site)).hello("again"))


@provoked_by.refused(errors.UNAUTHORIZED)
async def _(site: Site) -> Refusal:
    return on_socket(await (await site.connect()).hello("no token"))


@provoked_by.refused(errors.TOKEN_EXPIRED)
async def _(site: Site) -> Refusal:
    late = await site.person(age=site.config.auth.access_token_seconds)
    return on_socket(await (await site.connect()).hello(late.token))


@provoked_by.refused(errors.INVALID_CREDENTIALS)
async def _(site: Site) -> Refusal:
    wrong = {"login": "nobody", "password": PASSWORD}
    return await over_rest(site, "POST", "/sessions", json=wrong)


@provoked_by.refused(errors.REFRESH_REUSED)
async def _(site: Site) -> Refusal:
    signed_up = await sign_up(site, "reuser", "reuser@example.org")
    used = {"refresh_token": signed_up.json()["refresh_token"]}
    assert (await rest(site, "POST", "/sessions/refresh", json=used)).status_code == 200
    return await over_rest(site, "POST", "/sessions/refresh", json=used)


@provoked_by.refused(errors.FORBIDDEN)
async def _(site: Site) -> Refusal:
    ada, bob = await somebody(site), await site.person("bob")
    room = await room_of(ada, bob)
    await ada.do("send", room=room, body="mine")
    bobs = await site.device(bob)
    return on_socket(await bobs.ask("edit", room=room, seq=2, body="yours"))


@provoked_by.refused(errors.NOT_FOUND)
async def _(site: Site) -> Refusal:
    return on_socket(await (await somebody(site)).ask("history", room="1"))


@provoked_by.refused(errors.METHOD_NOT_ALLOWED)
async def _(site: Site) -> Refusal:
    return await over_rest(site, "DELETE", "/rooms", person=await site.person())


@provoked_by.refused(errors.USERNAME_TAKEN)
async def _(site: Site) -> Refusal:
    fields = {"username": (await site.person()).username.upper(), "email": "a@example.org"}
    return await over_rest(site, "POST", "/accounts", json={**fields, "password": PASSWORD})


@provoked_by.refused(errors.EMAIL_TAKEN)
async def _(site: Site) -> Refusal:
    email = f"{(await site.person()).username}@example.org"
    fields = {"username": "another", "email": email.upper(), "password": PASSWORD}
    return await over_rest(site, "POST", "/accounts", json=fields)


@provoked_by.refused(errors.NONCE_CONFLICT)
async def _(site: Site) -> Refusal:
    ada = await somebody(site)
    room, other = await room_of(ada), await room_of(ada)
    await ada.do("send", room=room, body="here", nonce="n")
    return on_socket(await ada.ask("send", room=other, body="there", nonce="n"))


@provoked_by.refused(errors.LAST_OWNER)
async def _(site: Site) -> Refusal:
    ada = await somebody(site)
    room = await room_of(ada, await site.person("bob"))
    return on_socket(await ada.ask("leave", room=room))


@provoked_by.refused(errors.MESSAGE_DELETED)
async def _(site: Site) -> Refusal:
    ada = await somebody(site)
    room = await room_of(ada)
    await ada.do("send", room=room, body="oops")
    await ada.do("delete", room=room, seq=2)
    return on_socket(await ada.ask("edit", room=room, seq=2, body="better"))


@provoked_by.refused(errors.TOO_LARGE)
async def _(site: Site) -> Refusal:
    content = b'{"username": "' + b"x" * site.config.limits.request_bytes + b'"}'
    return await over_rest(site, "POST", "/accounts", content=content)


@provoked_by.refused(errors.RATE_LIMITED)
async def _(site: Site) -> Refusal:
    ada = await somebody(site)
    room = await room_of(ada)
    last = 100 + site.config.limits.unanswered_commands
    reads = [{"t": "read", "id": number, "room": room, "seq": 1} for number in range(100, last + 1)]
    ada.socket.write(b"".join(map(ada.framed, reads)))  # in one packet: none is answered before
    return on_socket(await ada.answer(last))


@provoked_by.refused(errors.INTERNAL)
async def _(site: Site) -> Refusal:
    ada = await somebody(site)
    room = await room_of(ada)
    async with without(site, "room_events"):
        return on_socket(await ada.ask("history", room=room))


@provoked_by.refused(errors.UNAVAILABLE)
async def _(site: Site) -> Refusal:
    async with another(site) as other:
        ada = await somebody(other)
        await other.database.close()
        return on_socket(await ada.ask("history", room="1"))


@provoked_by.refused(errors.OVERLOADED)
async def _(site: Site) -> Refusal:
    ada = await somebody(site)
    room = await room_of(ada)
    last = 100 + site.config.limits.log_queue
    sends = [
        {"t": "send", "id": number, "room": room, "body": "more"} for number in range(100, last + 1)
    ]
    ada.socket.write(b"".join(map(ada.framed, sends)))  # in one packet: none is written before
    return on_socket(await ada.answer(last))


@pytest.mark.parametrize("code", errors.CATALOGUE)
async def test_an_error(site: Site, code: str) -> None:
    spec = errors.CATALOGUE[code]
    refusal = await provoked_by.errors[code](site)
    assert refusal.code == code
    assert refusal.message.endswith(".")
    assert refusal.status in (None, spec.status)
    assert spec.retry or refusal.retry_after is None


async def test_rest_and_the_socket_refuse_alike(site: Site) -> None:
    ada = await site.person()
    device = await site.device(ada)
    room = await room_of(device)
    for t, fields, (method, path) in (
        ("send", {"body": "a\x00b"}, ("POST", f"/rooms/{room}/messages")),
        ("rename", {"title": " "}, ("PATCH", f"/rooms/{room}")),
        ("invite", {"account": "1"}, ("POST", f"/rooms/{room}/members")),
    ):
        refusal = await over_rest(site, method, path, person=ada, json=fields)
        assert refusal[:3] == on_socket(await device.ask(t, room=room, **fields))[:3]


# --- close codes ---------------------------------------------------------------------------------


async def _closed_after(site: Site, data: bytes) -> Closed:
    device = await site.connect()
    device.socket.write(data)
    return await device.closed()


@provoked_by.closed(close.PROTOCOL_ERROR)
async def _(site: Site) -> Closed:
    return await _closed_after(site, frame(3))


@provoked_by.closed(close.UNSUPPORTED_DATA)
async def _(site: Site) -> Closed:
    return await _closed_after(site, frame(Opcode.BINARY, b"{}"))


@provoked_by.closed(close.INVALID_PAYLOAD)
async def _(site: Site) -> Closed:
    return await _closed_after(site, text("hello?"))


@provoked_by.closed(close.POLICY_VIOLATION)
async def _(site: Site) -> Closed:
    parts = [frame(Opcode.TEXT, b"{", fin=False), *[frame(Opcode.CONT, fin=False)] * 4]
    return await _closed_after(site, b"".join(parts))


@provoked_by.closed(close.MESSAGE_TOO_BIG)
async def _(site: Site) -> Closed:
    return await _closed_after(site, text(" " * (site.config.limits.message_bytes + 1)))


@provoked_by.closed(close.SLOW)
async def _(site: Site) -> Closed:
    device = await site.connect(receive_buffer=4_096)
    for _ in range(10_000):  # each is answered at length, and no answer is read
        device.tell("sing", body="*" * 500)
        device.socket.write(frame(Opcode.PING, b"*" * 125) * 10)
    return await device.closed()


@provoked_by.closed(close.RESTART)
async def _(site: Site) -> Closed:
    async with another(site) as other:
        device = await somebody(other)
        for connection in tuple(other.plaza.gateway.connections):
            connection.shutdown()
        return await device.closed()


@provoked_by.closed(close.HEARTBEAT_TIMEOUT)
async def _(site: Site) -> Closed:
    device = await somebody(site)
    site.turn(2 * HEARTBEAT)
    return await device.closed()


@provoked_by.closed(close.OVERLOADED)
async def _(site: Site) -> Closed:
    person, device = await site.person(), await site.connect()
    async with without(site, "room_members"):
        assert (await device.hello(person.token))["code"] == "internal"
        return await device.closed()


@provoked_by.closed(close.UNAVAILABLE)
async def _(site: Site) -> Closed:
    async with another(site) as other:
        person, device = await other.person(), await other.connect()
        await other.database.close()
        assert (await device.hello(person.token))["code"] == "unavailable"
        return await device.closed()


@provoked_by.closed(close.UNAUTHORIZED)
async def _(site: Site) -> Closed:
    device = await site.connect()
    await device.hello("no token")
    return await device.closed()


@provoked_by.closed(close.HELLO_TIMEOUT)
async def _(site: Site) -> Closed:
    device = await site.connect()
    site.turn(site.config.limits.hello_seconds)
    return await device.closed()


@provoked_by.closed(close.SESSION_REVOKED)
async def _(site: Site) -> Closed:
    ada = await site.person()
    device = await site.device(ada)
    assert (await rest(site, "DELETE", "/sessions/current", person=ada)).status_code == 204
    return await device.closed()


@pytest.mark.parametrize("code", close.CATALOGUE)
async def test_a_close(site: Site, code: int) -> None:
    closed = await provoked_by.closes[code](site)
    assert closed.code == code
    # Of what breaks the protocol itself, websockets says more precisely what it was.
    if code >= 4000:
        assert closed.reason == close.CATALOGUE[code].reason


def test_nothing_is_provoked_that_is_not_in_the_catalogue() -> None:
    assert provoked_by.errors.keys() == errors.CATALOGUE.keys()
    assert provoked_by.closes.keys() == close.CATALOGUE.keys()
