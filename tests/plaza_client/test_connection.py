import asyncio
from collections.abc import Callable

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from plaza_client import ConnectionLost, Options, PlazaRefused, Unreachable, WireError
from plaza_client.connection import Connection
from plaza_client.wire import JSON, WIRES, Encoding
from protocol import close, commands
from protocol.events import Error, Ok
from protocol.ids import Id
from tests.plaza_client.conftest import (
    ADA,
    LOUNGE,
    Peer,
    ScriptedServer,
    message,
    messages,
    room,
)

Vary = Callable[..., Options]


async def connected(
    server: ScriptedServer, options: Options, encoding: Encoding = "json", *, heartbeat: int = 25
) -> tuple[Connection, Peer]:
    opening = asyncio.create_task(
        Connection.open(
            server.url, wire=WIRES[encoding], token="t", cursors={LOUNGE: 4}, options=options
        )
    )
    peer = await server.accept()
    hello = await peer.welcome(room(5), heartbeat=heartbeat)
    assert (hello.token, hello.cursors) == ("t", {LOUNGE: 4})
    return await opening, peer


async def test_hello_is_answered_by_ready(
    server: ScriptedServer, options: Vary, encoding: Encoding
) -> None:
    connection, peer = await connected(server, options(), encoding)
    assert peer.socket.subprotocol == f"plaza.v1.{encoding}"
    assert (connection.ready.user, connection.ready.rooms) == (ADA, [room(5)])
    await connection.close()


async def test_answers_find_those_who_wait_whatever_their_order(
    server: ScriptedServer, options: Vary, encoding: Encoding
) -> None:
    connection, peer = await connected(server, options(), encoding)
    requests = [
        asyncio.create_task(connection.request(commands.Join(id=0, room=Id(n)), Ok))
        for n in range(1, 4)
    ]
    joins = [await peer.expect(commands.Join) for _ in requests]
    assert [(join.id, join.room) for join in joins] == [(2, 1), (3, 2), (4, 3)]
    for join in reversed(joins):
        await peer.ok(join, seq=int(join.room))
    await peer.say(Error(id=99, code="forbidden", message="Nobody asked."), message(6))
    assert await connection.receive() == message(6)
    assert [(await request).seq for request in requests] == [1, 2, 3]
    await connection.close()


async def test_a_refusal_is_raised_where_the_command_was_given(
    server: ScriptedServer, options: Vary
) -> None:
    connection, peer = await connected(server, options())
    request = asyncio.create_task(connection.request(commands.Leave(id=0, room=LOUNGE), Ok))
    leave = await peer.expect(commands.Leave)
    await peer.say(
        Error(id=leave.id, code="rate_limited", message="Slowly.", retry_after=1.5), message(6)
    )
    await connection.receive()
    with pytest.raises(PlazaRefused, match="Slowly") as refusal:
        await request
    assert (refusal.value.code, refusal.value.retry_after) == ("rate_limited", 1.5)
    await connection.close()


async def test_a_refused_hello(server: ScriptedServer, options: Vary) -> None:
    opening = asyncio.create_task(
        Connection.open(server.url, wire=JSON, token="t", options=options())
    )
    peer = await server.accept()
    hello = await peer.read()
    await peer.say(Error(id=hello.id, code="token_expired", message="Too old."))
    with pytest.raises(PlazaRefused, match="Too old"):
        await opening


async def test_a_connection_that_is_closed_before_ready(
    server: ScriptedServer, options: Vary
) -> None:
    opening = asyncio.create_task(
        Connection.open(server.url, wire=JSON, token="t", options=options())
    )
    await (await server.accept()).close(close.OVERLOADED)
    with pytest.raises(ConnectionLost) as lost:
        await opening
    assert lost.value.may_retry


async def test_an_answer_to_hello_that_is_none(server: ScriptedServer, options: Vary) -> None:
    opening = asyncio.create_task(
        Connection.open(server.url, wire=JSON, token="t", options=options())
    )
    await (await server.accept()).say(message(1))
    with pytest.raises(WireError, match="hello"):
        await opening


async def test_a_server_that_says_nothing(server: ScriptedServer, options: Vary) -> None:
    with pytest.raises(Unreachable, match=r"within 0\.05 seconds"):
        await Connection.open(server.url, wire=JSON, token="t", options=options(open_timeout=0.05))


async def test_what_came_before_the_end_is_received(server: ScriptedServer, options: Vary) -> None:
    connection, peer = await connected(server, options())
    waiting = asyncio.create_task(connection.request(commands.Join(id=0, room=LOUNGE), Ok))
    join = await peer.expect(commands.Join)
    await peer.say(*messages(6, 7))
    await peer.ok(join, seq=8)
    await peer.close(close.RESTART)
    assert [await connection.receive(), await connection.receive()] == messages(6, 7)
    with pytest.raises(ConnectionLost, match="shutting down") as lost:
        await connection.receive()
    assert (lost.value.code, lost.value.reason) == (4001, "restart")
    assert (await waiting).seq == 8
    assert connection.lost


async def test_commands_without_an_answer_fail_with_the_connection(
    server: ScriptedServer, options: Vary
) -> None:
    connection, peer = await connected(server, options())
    waiting = asyncio.create_task(connection.request(commands.Join(id=0, room=LOUNGE), Ok))
    await peer.expect(commands.Join)
    peer.drop()
    with pytest.raises(ConnectionLost) as lost:
        await connection.receive()
    assert (lost.value.code, lost.value.may_retry) == (1006, True)
    with pytest.raises(ConnectionLost):
        await waiting
    with pytest.raises(ConnectionLost):
        await connection.request(commands.Join(id=0, room=LOUNGE), Ok)


async def test_an_answer_that_comes_too_late_is_ignored(
    server: ScriptedServer, options: Vary
) -> None:
    connection, peer = await connected(server, options())
    waiting = asyncio.create_task(connection.request(commands.Join(id=0, room=LOUNGE), Ok))
    join = await peer.expect(commands.Join)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await peer.ok(join, seq=6)
    await peer.say(Error(id=join.id, code="forbidden", message="No."), message(7))
    assert await connection.receive() == message(7)
    await connection.close()


async def test_a_frame_that_cannot_be_read(server: ScriptedServer, options: Vary) -> None:
    connection, peer = await connected(server, options())
    await peer.say_raw(b"{")
    with pytest.raises(WireError):
        await connection.receive()
    await connection.close()


async def test_closing_waits_for_the_handshake_and_for_answers_on_the_way(
    server: ScriptedServer, options: Vary
) -> None:
    connection, peer = await connected(server, options())
    answered = asyncio.create_task(connection.request(commands.Join(id=0, room=LOUNGE), Ok))
    unanswered = asyncio.create_task(connection.request(commands.Leave(id=0, room=LOUNGE), Ok))
    await peer.ok(await peer.expect(commands.Join), seq=6)
    await connection.close()
    assert (await answered).seq == 6
    with pytest.raises(ConnectionLost):
        await unanswered
    assert (peer.socket.close_code, connection.lost) == (1000, True)
    await connection.close()


async def test_closing_does_not_wait_for_ever(server: ScriptedServer, options: Vary) -> None:
    connection, peer = await connected(server, options(close_timeout=0.05))
    peer.socket.transport.pause_reading()  # the close frame is never answered
    await connection.close()
    assert connection.lost
    peer.drop()


class Clock:
    """Stands still, and tells when it is looked at."""

    def __init__(self) -> None:
        self.now = 0.0
        self._read = asyncio.Event()

    def __call__(self) -> float:
        self._read.set()
        return self.now

    async def read(self) -> None:
        self._read.clear()
        await self._read.wait()


async def test_a_connection_that_goes_silent_is_dead(server: ScriptedServer, options: Vary) -> None:
    clock = Clock()
    patient = options(clock=clock, silent_heartbeats=0.04)
    connection, peer = await connected(server, patient, heartbeat=1)
    for _ in range(3):
        clock.now += 0.03
        await (await peer.socket.ping())  # as good a sign of life as any
        await clock.read()
        assert not connection.lost
    clock.now += 0.04
    with pytest.raises(ConnectionLost) as lost:
        await connection.receive()
    assert lost.value.code == 1006


async def test_nobody_listens(options: Vary) -> None:
    with pytest.raises(Unreachable, match=r"Nothing answers at http://127\.0\.0\.1:9"):
        await Connection.open("http://127.0.0.1:9", wire=JSON, token="t", options=options())


@pytest.mark.parametrize(
    ("status", "expected"), [(503, Unreachable), (429, Unreachable), (404, WireError)]
)
async def test_whoever_answers_is_no_plaza(
    options: Vary, status: int, expected: type[Exception]
) -> None:
    def refuse(socket: ServerConnection, request: Request) -> Response:
        return socket.respond(status, "no\n")  # type: ignore[arg-type]

    async def unused(socket: ServerConnection) -> None: ...

    async with serve(unused, "127.0.0.1", 0, process_request=refuse) as refusing:
        host, port = refusing.sockets[0].getsockname()
        with pytest.raises(expected, match=str(status)):
            await Connection.open(f"http://{host}:{port}", wire=JSON, token="t", options=options())


async def test_a_websocket_without_our_protocol(options: Vary) -> None:
    async def unused(socket: ServerConnection) -> None: ...

    async with serve(unused, "127.0.0.1", 0) as other:
        host, port = other.sockets[0].getsockname()
        with pytest.raises(WireError, match="does not speak"):
            await Connection.open(f"http://{host}:{port}", wire=JSON, token="t", options=options())


async def test_a_server_that_hangs_up_before_it_answers(options: Vary) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as hanging:
        host, port = hanging.sockets[0].getsockname()
        with pytest.raises(Unreachable, match="closed the connection"):
            await Connection.open(f"http://{host}:{port}", wire=JSON, token="t", options=options())
