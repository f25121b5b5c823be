"""A chat client that hides nothing: what comes is handed over as it comes, doubles and all.

It decodes with orjson and msgpack, where the server uses msgspec.
"""

import itertools
from collections import deque
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import msgpack
import orjson

from tests.e2e.websocket import (
    RSV1,
    Closed,
    Opcode,
    WebSocket,
    closed_by,
    frame,
    inflated,
)

Encoding = Literal["json", "msgpack"]
Fields = dict[str, Any]

ANSWERS = {"ready", "ok", "error"}
# They come when they come: most tests are about something else.
PRESENCE = {"presence", "room_presence"}


class Wire(NamedTuple):
    subprotocol: str
    opcode: Opcode
    pack: Any
    unpack: Any


WIRES: dict[Encoding, Wire] = {
    "json": Wire("plaza.v1.json", Opcode.TEXT, orjson.dumps, orjson.loads),
    "msgpack": Wire("plaza.v1.msgpack", Opcode.BINARY, msgpack.packb, msgpack.unpackb),
}


class Device:
    """One connection at /ws. Nothing is read but while somebody waits for something.

    Attributes:
        ready: the answer to hello.
    """

    def __init__(self, socket: WebSocket, encoding: Encoding) -> None:
        self.socket = socket
        self.wire = WIRES[encoding]
        self.ready: Fields = {}
        self._ids = itertools.count(1)
        self._events: deque[Fields] = deque()
        self._presence: deque[Fields] = deque()
        self._answers: dict[int | None, Fields] = {}

    @classmethod
    async def open(
        cls,
        url: str,
        encoding: Encoding = "json",
        *,
        headers: dict[str, str] | None = None,
        receive_buffer: int | None = None,
    ) -> "Device":
        """Connect, without hello."""
        socket = await WebSocket.open(
            url,
            subprotocol=WIRES[encoding].subprotocol,
            headers=headers,
            receive_buffer=receive_buffer,
        )
        return cls(socket, encoding)

    async def hello(
        self, token: str | None = None, cursors: Mapping[str, int] | None = None
    ) -> Fields:
        """Say hello; the answer is ready or an error."""
        fields: Fields = {} if token is None else {"token": token}
        if cursors is not None:
            fields["cursors"] = dict(cursors)
        self.ready = await self.ask("hello", **fields)
        return self.ready

    # --- commands --------------------------------------------------------------------------------

    def tell(self, t: str, **fields: Any) -> int:
        """Send a command without waiting; returns its id."""
        identifier = next(self._ids)
        self.socket.write(self.framed({"t": t, "id": identifier, **fields}))
        return identifier

    def framed(self, fields: Any) -> bytes:
        """Anything as a frame of this connection's encoding."""
        return frame(self.wire.opcode, self.wire.pack(fields))

    async def answer(self, identifier: int | None) -> Fields:
        """The answer to a command; events that come before it are kept."""
        while identifier not in self._answers:
            await self._receive_and_sort()
        return self._answers.pop(identifier)

    async def ask(self, t: str, **fields: Any) -> Fields:
        """Send a command and wait for its answer."""
        return await self.answer(self.tell(t, **fields))

    async def do(self, t: str, **fields: Any) -> Fields:
        """Send a command that succeeds."""
        answer = await self.ask(t, **fields)
        assert answer["t"] == "ok", answer
        return answer

    async def refused(self, t: str, **fields: Any) -> str:
        """Send a command that is refused; returns the error's code."""
        answer = await self.ask(t, **fields)
        assert answer["t"] == "error", answer
        return str(answer["code"])

    # --- events ----------------------------------------------------------------------------------

    async def receive(self) -> Fields:
        """The next event or answer, as it comes; pings are answered on the way."""
        while True:
            received = await self.socket.receive()
            if received.opcode == Opcode.PING:
                self.socket.write(frame(Opcode.PONG, received.payload))
            elif received.opcode == Opcode.CLOSE:
                raise closed_by(received)
            else:
                assert received.opcode == self.wire.opcode, received
                compressed = received.first & RSV1
                payload = inflated(received.payload) if compressed else received.payload
                fields: Fields = self.wire.unpack(payload)
                return fields

    async def event(self) -> Fields:
        """The next event that is no answer, and not about presence."""
        while not self._events:
            await self._receive_and_sort()
        return self._events.popleft()

    async def presence(self) -> Fields:
        """The next event about presence."""
        while not self._presence:
            await self._receive_and_sort()
        return self._presence.popleft()

    async def _receive_and_sort(self) -> None:
        received = await self.receive()
        if received["t"] in ANSWERS:
            self._answers[received.get("id")] = received
        elif received["t"] in PRESENCE:
            self._presence.append(received)
        else:
            self._events.append(received)

    async def events(self, count: int) -> list[Fields]:
        """The next events."""
        return [await self.event() for _ in range(count)]

    async def up_to(self, room: str, seq: int) -> list[Fields]:
        """The events up to and including an entry of a room's log."""
        events = [await self.event()]
        while (events[-1].get("room"), events[-1].get("seq")) != (room, seq):
            events.append(await self.event())
        return events

    async def to_the_end(self) -> tuple[list[Fields], Closed]:
        """The events up to the close, and the close."""
        events = []
        try:
            while True:
                events.append(await self.event())
        except Closed as closed:
            return events, closed

    async def heard(self) -> list[Fields]:
        """The events that the server had sent by now: a command's answer comes behind them."""
        await self.ask("nothing")
        events = list(self._events)
        self._events.clear()
        return events

    async def heard_of_presence(self) -> list[Fields]:
        """The events about presence that the server had sent by now."""
        await self.ask("nothing")
        events = list(self._presence)
        self._presence.clear()
        return events

    # --- end -------------------------------------------------------------------------------------

    async def closed(self) -> Closed:
        """Read up to the close frame, and complete the closing handshake."""
        return await self.socket.closed()

    def abort(self) -> None:
        """Break the connection without a word."""
        self.socket.abort()
