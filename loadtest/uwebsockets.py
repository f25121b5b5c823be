"""The peer that fan-out is compared with: uWebSockets, in C++, publishing by itself.

Started by the benchmarks as `python -m loadtest.uwebsockets`. It needs the package `socketify`,
which binds uWebSockets to Python and is no dependency of Plaza's: `pip install socketify`. Python
runs once for each message that comes in; what goes out is native.
"""

import sys
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from loadtest.process import launched
from protocol.codec import JSON
from protocol.events import Message
from protocol.ids import Id

HINT = "Without the peer, uWebSockets: pip install socketify puts it there."


def is_installed() -> bool:
    """Whether the peer can be had."""
    return find_spec("socketify") is not None


def peer() -> AbstractAsyncContextManager[tuple[int, str]]:
    """Run it; yields its process id and URL."""
    return launched([sys.executable, "-m", "loadtest.uwebsockets"])


def event(body: str) -> bytes:
    """A message event as long as Plaza's with the same body."""
    return JSON.encode(
        Message(
            room=Id(2**60),
            sender=Id(2**60),
            seq=1000,
            event_id=Id(2**60),
            at="2026-01-01T00:00:00.000Z",
            body=body,
        )
    )


def serve() -> None:
    """Send every message that comes to every connection."""
    socketify: Any = import_module("socketify")
    app = socketify.App()

    def publish(_: Any, message: str, opcode: int) -> None:
        app.publish("room", message, opcode)

    behaviour = {
        "compression": socketify.CompressOptions.DISABLED,
        "open": lambda connection: connection.subscribe("room"),
        "message": publish,
    }
    app.ws("/*", behaviour)
    app.listen(
        {"port": 0, "host": "127.0.0.1"},
        lambda bound: print(f"Listening on http://127.0.0.1:{bound.port}", flush=True),
    )
    # Not app.run(), which polls: it takes turns with an asyncio loop, and uses a core for seconds
    # after the last message. This is libuv's own loop, which sleeps.
    app.loop.uv_loop.run()


if __name__ == "__main__":
    serve()
