"""Every close code, provoked on a real server.

A code that is new in the catalogue and missing here fails the test of its name.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from protocol import close
from protocol.close import Close
from server.config import Config
from server.sections import Limits
from tests.e2e.site import Site, serving
from tests.e2e.websocket import Closed, Opcode, frame, text

HEARTBEAT = Config().gateway.heartbeat_seconds


@pytest.fixture(scope="module")
def config() -> Config:
    return Config(
        limits=Limits(
            message_bytes=4_096,
            fragments=4,
            hello_seconds=5,
            outbox_soft_bytes=16_384,
            outbox_hard_bytes=65_536,
        )
    )


# Code -> what provokes it.
PROVOCATIONS: dict[int, Callable[[Site], Awaitable[Closed]]] = {}


def provoked_by(entry: Close) -> Callable[[Any], Any]:
    return lambda provoke: PROVOCATIONS.setdefault(entry.code, provoke)


async def _closed_after(site: Site, data: bytes) -> Closed:
    device = await site.connect()
    device.socket.write(data)
    return await device.closed()


@provoked_by(close.PROTOCOL_ERROR)
async def _(site: Site) -> Closed:
    return await _closed_after(site, frame(3))


@provoked_by(close.UNSUPPORTED_DATA)
async def _(site: Site) -> Closed:
    return await _closed_after(site, frame(Opcode.BINARY, b"{}"))


@provoked_by(close.INVALID_PAYLOAD)
async def _(site: Site) -> Closed:
    return await _closed_after(site, text("hello?"))


@provoked_by(close.POLICY_VIOLATION)
async def _(site: Site) -> Closed:
    parts = [frame(Opcode.TEXT, b"{", fin=False), *[frame(Opcode.CONT, fin=False)] * 4]
    return await _closed_after(site, b"".join(parts))


@provoked_by(close.MESSAGE_TOO_BIG)
async def _(site: Site) -> Closed:
    return await _closed_after(site, text(" " * (site.config.limits.message_bytes + 1)))


@provoked_by(close.SLOW)
async def _(site: Site) -> Closed:
    device = await site.connect(receive_buffer=4_096)
    for _ in range(10_000):  # each is answered at length, and no answer is read
        device.tell("sing", body="*" * 500)
        device.socket.write(frame(Opcode.PING, b"*" * 125) * 10)
    return await device.closed()


@provoked_by(close.RESTART)
async def _(site: Site) -> Closed:
    async with site.another() as other:
        device = await other.device(await other.person())
        for connection in tuple(other.plaza.gateway.connections):
            connection.shutdown()
        return await device.closed()


@provoked_by(close.HEARTBEAT_TIMEOUT)
async def _(site: Site) -> Closed:
    device = await site.device(await site.person())
    site.turn(2 * HEARTBEAT)
    return await device.closed()


@provoked_by(close.OVERLOADED)
async def _(site: Site) -> Closed:
    person, device = await site.person(), await site.connect()
    async with site.without("room_members"):
        assert (await device.hello(person.token))["code"] == "internal"
        return await device.closed()


@provoked_by(close.UNAVAILABLE)
async def _(site: Site) -> Closed:
    async with site.another() as other:
        person, device = await other.person(), await other.connect()
        await other.database.close()
        assert (await device.hello(person.token))["code"] == "unavailable"
        return await device.closed()


@provoked_by(close.RATE_LIMITED)
async def _(site: Site) -> Closed:
    limits = Limits(commands_per_connection_second=1)
    async with serving(site.database.dsn, Config(limits=limits)) as strict:
        device = await strict.connect()
        device.socket.write(device.framed({"t": "sing", "id": 1}) * 300)
        return await device.closed()


@provoked_by(close.TOO_MANY_CONNECTIONS)
async def _(site: Site) -> Closed:
    limits = Limits(connections_per_account=1)
    async with serving(site.database.dsn, Config(limits=limits)) as strict:
        ada = await strict.person()
        await strict.device(ada)
        second = await strict.connect()
        await second.hello(ada.token)
        return await second.closed()


@provoked_by(close.UNAUTHORIZED)
async def _(site: Site) -> Closed:
    device = await site.connect()
    await device.hello("no token")
    return await device.closed()


@provoked_by(close.HELLO_TIMEOUT)
async def _(site: Site) -> Closed:
    device = await site.connect()
    site.turn(site.config.limits.hello_seconds)
    return await device.closed()


@provoked_by(close.SESSION_REVOKED)
async def _(site: Site) -> Closed:
    ada = await site.person()
    device = await site.device(ada)
    async with httpx.AsyncClient() as http:
        await http.delete(f"{site.url}/api/v1/sessions/current", headers=ada.bearer)
    return await device.closed()


@pytest.mark.parametrize("code", close.CATALOGUE)
async def test_a_close(site: Site, code: int) -> None:
    closed = await PROVOCATIONS[code](site)
    assert closed.code == code
    # Of what breaks the protocol itself, websockets says more precisely what it was.
    if code >= 4000:
        assert closed.reason.partition(";")[0] == close.CATALOGUE[code].reason


def test_nothing_is_provoked_that_is_not_in_the_catalogue() -> None:
    assert PROVOCATIONS.keys() == close.CATALOGUE.keys()
