"""A WebSocket server that does what a test says, speaking through the server's own codec.

The client decodes with orjson and msgpack, this with msgspec: that they agree is tested all along.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Any, TypeVar

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from plaza_client import Options
from plaza_client.wire import Encoding
from protocol import close
from protocol.codec import CODECS
from protocol.commands import Command, Hello
from protocol.events import Event, Message, Ok, Ready
from protocol.ids import Id
from protocol.records import Role, Room, RoomKind, User

ADA = User(id=Id(11), username="ada")
BOB = User(id=Id(12), username="bob")
LOUNGE = Id(21)
ATTIC = Id(22)
C = TypeVar("C", bound=Command)

AT = "2026-11-22T18:51:07.125Z"


def room(last_seq: int, *, id: Id = LOUNGE, title: str = "Lounge") -> Room:
    return Room(id=id, kind=RoomKind.GROUP, last_seq=last_seq, title=title, role=Role.MEMBER)


def message(seq: int, *, room: Id = LOUNGE, body: str | None = None, **fields: Any) -> Message:
    return Message(
        room=room,
        sender=BOB.id,
        seq=seq,
        event_id=Id(1000 + seq),
        at=AT,
        body=f"message {seq}" if body is None else body,
        **fields,
    )


def messages(first: int, last: int, *, room: Id = LOUNGE) -> list[Message]:
    return [message(seq, room=room) for seq in range(first, last + 1)]


class Peer:
    """The server's end of one connection."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.codec = CODECS[socket.subprotocol or "plaza.v1.json"]

    async def read(self) -> Command:
        payload = await self.socket.recv(decode=False)
        return self.codec.decode(payload)

    async def expect(self, type_: type[C]) -> C:
        command = await self.read()
        assert isinstance(command, type_), command
        return command

    async def say(self, *events: Event) -> None:
        for event in events:
            await self.say_raw(self.codec.encode(event))

    async def say_raw(self, payload: bytes) -> None:
        await self.socket.send(payload, text=self.codec.text)

    async def ok(self, command: Command, seq: int) -> None:
        await self.say(Ok(id=command.id, seq=seq, event_id=Id(1000 + seq), at=AT))

    async def welcome(self, *rooms: Room, heartbeat: int = 25) -> Hello:
        """Answer hello."""
        hello = await self.read()
        assert isinstance(hello, Hello)
        await self.say(
            Ready(id=hello.id, user=ADA, session=Id(5), rooms=list(rooms), heartbeat=heartbeat)
        )
        return hello

    async def close(self, code: close.Close) -> None:
        await self.socket.close(code.code, code.reason)

    def drop(self) -> None:
        """Break the connection without a word."""
        self.socket.transport.abort()


class ScriptedServer:
    """Waits for connections and gives them to the test one by one.

    Attributes:
        refusals: HTTP status and Retry-After for the next handshakes, which are refused.
    """

    def __init__(self) -> None:
        self.refusals: list[tuple[int, str]] = []
        self._peers: asyncio.Queue[Peer] = asyncio.Queue()
        self._server: Server | None = None
        self.url = ""

    async def start(self) -> None:
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            0,
            subprotocols=list(CODECS),  # type: ignore[arg-type]
            ping_interval=None,
            compression=None,
            close_timeout=1,
            process_request=self._refuse,
        )
        host, port = self._server.sockets[0].getsockname()
        self.url = f"http://{host}:{port}"

    def _refuse(self, socket: ServerConnection, _: Request) -> Response | None:
        if not self.refusals:
            return None
        status, retry_after = self.refusals.pop(0)
        response = socket.respond(HTTPStatus(status), "no\n")
        response.headers["Retry-After"] = retry_after
        return response

    async def _serve(self, socket: ServerConnection) -> None:
        self._peers.put_nowait(Peer(socket))
        await socket.wait_closed()

    async def accept(self) -> Peer:
        """The next connection; it has not said hello yet."""
        return await self._peers.get()

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    scripted = ScriptedServer()
    await scripted.start()
    yield scripted
    await scripted.stop()


@pytest.fixture(params=["json", "msgpack"])
def encoding(request: pytest.FixtureRequest) -> Encoding:
    encoding: Encoding = request.param
    return encoding


class Pauses:
    """What a client waited for, without the waiting.

    Attributes:
        seconds: of each pause.
    """

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def options(pauses: Pauses) -> Callable[..., Options]:
    """Options with neither chance nor waiting."""
    plain = Options(random=lambda: 1.0, sleep=pauses.sleep, start_timeout=5.0, close_timeout=1.0)

    def vary(**fields: Any) -> Options:
        return replace(plain, **fields)

    return vary
