"""Socket.IO: its server for Node.js, over WebSocket.

`make peers` puts it into build/peers/socketio; loadtest/peers/socketio/server.js is all there is
of ours. Set up as its documentation recommends for production: WebSocket only, the native
`bufferutil`, the upgrade request forgotten, and no compression (its default).

Clients speak Engine.IO 4 and Socket.IO 5 as they are: a packet in a frame, of which the envelope
(`42["message","..."]`) is counted into the length of a delivery.

What it does not do: nothing is written to a disk, acknowledged, or caught up with after a
reconnect; nobody logs in.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import which

from loadtest.peers.peer import Dialect, Server
from loadtest.peers.text import DELIVERY, ECHO, Text
from loadtest.process import launched

_MODULES = Path(__file__).parents[2] / "build/peers/socketio/node_modules"
_PROGRAM = Path(__file__).with_name("socketio") / "server.js"
_CONNECTED = b"40"
_PATH = "/socket.io/?EIO=4&transport=websocket"


class EventDialect(Dialect):
    """Engine.IO packets: 0 is open, 2 ping, 3 pong, 4 a packet of Socket.IO (0 connect, 2 event).

    Args:
        event: name of the event, said and heard.
        size: bytes of a delivery.
    """

    welcome = _CONNECTED

    def __init__(self, event: str, size: int) -> None:
        self._head = b'42["%b","' % event.encode()
        super().__init__(_PATH, Text(size - len(self._head) - 2))

    def opening(self, _: int, /) -> list[bytes]:
        """Connect to the main namespace, once the transport is open."""
        return [_CONNECTED]

    def say(self, _: int, number: int, /) -> bytes:
        """An event."""
        return self._head + self.text.of(number) + b'"]'

    def reply(self, payload: bytes) -> bytes:
        """The server looks after its clients by pings of its own."""
        if payload == b"2":
            return b"3"
        return b"" if payload.startswith(b"0{") else super().reply(payload)


class RoomDialect(EventDialect):
    """The server lets a client into the room when it is asked to, and says so."""

    welcome = b'42["joined"]'

    def reply(self, payload: bytes) -> bytes:
        """Ask, once connected."""
        if payload.startswith(_CONNECTED):
            return b'42["join"]'
        return super().reply(payload)


class SocketIo:
    """See the module."""

    name = "socket.io"
    hint = "`make peers` puts it there; it needs npm (on Debian: `apt-get install npm`)."

    def is_installed(self) -> bool:
        """Whether node and the package are there."""
        return which("node") is not None and (_MODULES / "socket.io").is_dir()

    def version(self) -> str:
        """Of the package."""
        package = json.loads((_MODULES / "socket.io/package.json").read_bytes())
        return f"socket.io {package['version']}"

    @asynccontextmanager
    async def launched(self, _: int, /) -> AsyncIterator[Server]:
        """One process."""
        environment = {"NODE_PATH": str(_MODULES), "NODE_ENV": "production"}
        async with launched([which("node") or "node", str(_PROGRAM)], environment) as (pid, url):
            yield Server(
                url=url,
                pids=(pid,),
                room=RoomDialect("message", DELIVERY),
                echo=EventDialect("echo", ECHO),
            )
