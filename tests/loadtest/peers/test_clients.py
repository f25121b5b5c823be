"""The clients count exactly: what a server does wrong with one delivery to one member is seen."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from loadtest.peers import clients as module
from loadtest.peers.clients import Clients
from loadtest.peers.echo import Echo
from loadtest.peers.fanout import Room
from loadtest.peers.peer import Dialect
from loadtest.swarm import Violation
from tests.loadtest.peers import fakes
from tests.loadtest.peers.fakes import FakePeer

MEMBERS = 5
# The first of the second batch, one in the middle of a batch, and the very last.
PLACES = (16, 23, 63)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What never comes is not waited for as long as usual."""
    monkeypatch.setattr(module, "PATIENCE", 0.3)


@asynccontextmanager
async def full_room(peer: FakePeer) -> AsyncIterator[tuple[Clients, Room]]:
    async with peer.launched(MEMBERS) as server:
        members = Clients(server.url, server.room)
        try:
            await members.join(MEMBERS)
            yield members, Room(server, members)
        finally:
            members.abort()


async def say(peer: FakePeer) -> None:
    """64 messages in batches of 16, and the end."""
    async with full_room(peer) as (members, room):
        await room.said(64, at_once=16)
        await members.settled(room.due)


async def test_what_is_right_is_counted() -> None:
    async with full_room(FakePeer()) as (members, room):
        costs = await room.said(64, at_once=16)
        await room.said(3, at_once=1)
        await room.flat_out(messages=64)
        assert members.count == room.due == MEMBERS * (64 + 3 + 64)
        assert costs.wall > 0
        assert costs.server > 0
        await members.settled(room.due)


@pytest.mark.parametrize("at", PLACES)
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (fakes.loses, "lost|never came"),
        (fakes.doubles, "came again"),
        (fakes.overtakes, "lost, or overtaken"),
        (fakes.changes, "Nobody said this"),
        (fakes.says_something_else, "Nobody said this"),
    ],
)
async def test_what_is_wrong_is_seen(fault: fakes.Fault, words: str, at: int) -> None:
    with pytest.raises(Violation, match=words):
        await say(FakePeer(fault=fault, at=at))


async def test_more_than_was_due() -> None:
    async with full_room(FakePeer()) as (members, room):
        await room.said(16, at_once=16)
        members.members[0].write(members.dialect.frames(0, 16, 1))
        await members.reached(17 * MEMBERS)
        with pytest.raises(Violation, match="85 deliveries came, but 80 were due"):
            await members.settled(room.due)


async def test_an_echo_comes_back_to_who_said_it() -> None:
    async with FakePeer().launched(0) as server:
        assert server.echo is not None
        clients = Clients(server.url, server.echo, own_numbers=True)
        await clients.join(3)
        echo = Echo(server, clients)
        found = await echo.echoed(burst=1, rounds=5)
        await echo.echoed(burst=16, rounds=2)
        assert clients.count == echo.due == 3 * (5 + 32)
        assert found["echoed.rate"] > 0
        await clients.settled(echo.due)


async def test_an_echo_that_comes_to_somebody_else() -> None:
    async with FakePeer(echo_shift=1).launched(0) as server:
        assert server.echo is not None
        clients = Clients(server.url, server.echo, own_numbers=True)
        await clients.join(3)
        try:
            with pytest.raises(Violation, match="came"):
                await Echo(server, clients).echoed(burst=1, rounds=1)
        finally:
            clients.abort()


async def test_a_connection_that_is_lost() -> None:
    peer = FakePeer()
    async with full_room(peer) as (_, room):
        peer.members[2].transport.abort()
        with pytest.raises(Violation, match="was lost"):
            await room.said(1, at_once=1)


async def test_no_handshake() -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        clients = Clients(f"http://127.0.0.1:{port}", fakes.Welcomed("/", fakes.Text(50)))
        with pytest.raises(Violation, match="No handshake"):
            await clients.join(1)
        clients.abort()


async def test_no_welcome() -> None:
    async with FakePeer().launched(0) as server:
        clients = Clients(server.url, Unwelcome("/room", fakes.Text(50)))
        with pytest.raises(Violation, match="Nobody said this"):
            await clients.join(1)
        clients.abort()


class Unwelcome(Dialect):
    """Waits for another word than the server says."""

    welcome = b"hello"
