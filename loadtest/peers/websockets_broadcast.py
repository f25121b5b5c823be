"""The library `websockets`: its own asyncio server, and its `broadcast`.

Plaza's gateway stands on the same library's Sans-I/O half, so it is always there. It runs on
uvloop, and without compression. A message that comes is broadcast at once: a write for each
connection and message.

What it does not do: nothing is written to a disk, acknowledged, or caught up with after a
reconnect; nobody logs in.

Run as `python -m loadtest.peers.websockets_broadcast`, this is the server.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast
from websockets.asyncio.server import serve as served

from loadtest.peers.peer import Dialect, Server
from loadtest.peers.text import DELIVERY, ECHO, Text
from loadtest.process import launched

_JOINED = "joined"


class RoomDialect(Dialect):
    """The server says when it has a client in its set."""

    welcome = _JOINED.encode()


class WebsocketsBroadcast:
    """See the module."""

    name = "websockets"
    hint = "It comes with Plaza."

    def is_installed(self) -> bool:
        """It is."""
        return True

    def version(self) -> str:
        """Of the package."""
        return version("websockets")

    @asynccontextmanager
    async def launched(self, _: int, /) -> AsyncIterator[Server]:
        """One process."""
        command = [sys.executable, "-m", "loadtest.peers.websockets_broadcast"]
        async with launched(command) as (pid, url):
            yield Server(
                url=url,
                pids=(pid,),
                room=RoomDialect("/room", Text(DELIVERY)),
                echo=Dialect("/echo", Text(ECHO)),
            )


async def serve() -> None:
    """Send what comes at /room to all who are there, and at /echo back."""
    members: set[ServerConnection] = set()

    async def handle(connection: ServerConnection) -> None:
        assert connection.request is not None
        if connection.request.path == "/echo":
            async for message in connection:
                await connection.send(message)
            return
        members.add(connection)
        try:
            await connection.send(_JOINED)
            async for message in connection:
                broadcast(members, message)
        finally:
            members.discard(connection)

    async with served(handle, "127.0.0.1", 0, compression=None) as server:
        (listening,) = server.sockets
        print(f"Listening on http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
        await ended.wait()


if __name__ == "__main__":
    uvloop.run(serve())
