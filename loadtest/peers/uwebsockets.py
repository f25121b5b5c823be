"""uWebSockets: C++, publishing to the subscribers of a topic by itself.

It needs the package `socketify`, which binds it to Python; the server does without. Python
runs once for each message that comes in; what goes out to a room is native. It collects what is
published in a turn of its loop and writes it once for each subscriber, as Plaza does. No
compression.

Its resident memory does not grow with the first thousands of connections.

What it does not do: nothing is written to a disk, acknowledged, put in an order that holds beyond
this process, or caught up with after a reconnect; nobody logs in.

Run as `python -m loadtest.peers.uwebsockets`, this is the server.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import Any

from loadtest.peers.peer import Dialect, Server
from loadtest.peers.text import DELIVERY, ECHO, Text
from loadtest.process import launched

_JOINED = "joined"


class RoomDialect(Dialect):
    """The server says when it has subscribed a client."""

    welcome = _JOINED.encode()


class UWebSockets:
    """See the module."""

    name = "uWebSockets"
    hint = "`pip install socketify` puts it there."

    def is_installed(self) -> bool:
        """Whether Python finds the package."""
        return find_spec("socketify") is not None

    def version(self) -> str:
        """Of the package."""
        return f"socketify {metadata.version('socketify')}"

    @asynccontextmanager
    async def launched(self, _: int, /) -> AsyncIterator[Server]:
        """One process."""
        async with launched([sys.executable, "-m", "loadtest.peers.uwebsockets"]) as (pid, url):
            yield Server(
                url=url,
                pids=(pid,),
                room=RoomDialect("/room", Text(DELIVERY)),
                echo=Dialect("/echo", Text(ECHO)),
            )


def serve() -> None:
    """Send what comes at /room to all who are there, and at /echo back."""
    socketify: Any = import_module("socketify")
    app = socketify.App()
    plain = {"compression": socketify.CompressOptions.DISABLED}

    def subscribe(connection: Any) -> None:
        connection.subscribe("room")
        connection.send(_JOINED, socketify.OpCode.TEXT)

    def publish(_: Any, message: str, opcode: int) -> None:
        app.publish("room", message, opcode)

    def send_back(connection: Any, message: str, opcode: int) -> None:
        connection.send(message, opcode)

    app.ws("/room", {**plain, "open": subscribe, "message": publish})
    app.ws("/echo", {**plain, "message": send_back})
    app.listen(
        {"port": 0, "host": "127.0.0.1"},
        lambda bound: print(f"Listening on http://127.0.0.1:{bound.port}", flush=True),
    )
    # Not app.run(), which polls: it takes turns with an asyncio loop, and uses a core for seconds
    # after the last message. This is libuv's own loop, which sleeps.
    app.loop.uv_loop.run()


if __name__ == "__main__":
    serve()
