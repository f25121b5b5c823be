"""The port: HTTP by uvicorn, WebSocket connections handed on to the gateway."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from math import ceil
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from server.exits import AddressUnavailable
from server.grace import Grace

LAST_SECONDS = 1.0  # for those who are still here when the grace time is used up
BACKLOG = 2048  # connections that the kernel accepts ahead of us: a reconnect storm


def bind(host: str, port: int) -> socket.socket:
    """Reserve the address to listen on.

    Args:
        port: 0 takes any free one.

    Raises:
        AddressUnavailable: it is taken, not of this machine, or not allowed.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:  # the latter of what can be no host's name
        reason = error.strerror if isinstance(error, OSError) else "no host has such a name"
        raise AddressUnavailable(
            f"The host {host!r} is not known: {reason}. Set server.host to an address of "
            "this machine."
        ) from None
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Connections inherit it. asyncio's own loop sets it only where the socket names its protocol,
    # and uvicorn writes head and body apart: each answer would wait 40 ms for the client's ACK.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        raise AddressUnavailable(_reason(host, port, error)) from None
    bound.setblocking(False)
    return bound


def _reason(host: str, port: int, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return (
                f"Port {port} of {host} is taken by another program. Stop it, or choose another "
                "one with --port (0 takes any free one)."
            )
        case errno.EACCES:
            return f"Port {port} is not allowed to this user. Choose one above 1023 with --port."
        case errno.EADDRNOTAVAIL:
            return f"{host} is no address of this machine. Choose another one with --host."
    return f"{host}, port {port} cannot be listened on: {error.strerror}."


def url_of(bound: socket.socket) -> str:
    """The URL at which a bound socket is reached."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """uvicorn without its own handling of signals: the composition root has it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()


class _Http(HttpToolsProtocol):
    """uvicorn's connection, which is gone when it is over.

    It and its parser have each other: between the connections that stay, memory would be taken by
    those that were upgraded, until garbage is collected (server/garbage.py).
    """

    def handle_websocket_upgrade(self) -> None:
        super().handle_websocket_upgrade()
        del self.parser

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        del self.parser


@asynccontextmanager
async def listening(
    app: Any,
    bound: socket.socket,
    *,
    websocket: Callable[..., asyncio.Protocol] | None = None,
    trusted_proxies: Sequence[str] = (),
    grace: Grace | None = None,
) -> AsyncIterator[None]:
    """Serve on a bound socket.

    On exit no more connections are accepted; those that are open get what is left of `grace`.

    Args:
        app: an ASGI application.
        websocket: makes the protocol of an upgraded connection, as uvicorn's `ws` class does.
        trusted_proxies: addresses whose X-Forwarded-For is believed.
        grace: for the end of the process; None: a second.
    """
    grace = grace or Grace(LAST_SECONDS)
    config = uvicorn.Config(
        _parting(app, grace),
        http=_Http,
        ws=cast(Any, websocket or "none"),  # any callable will do
        loop="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[bound]), name="listener")
    await server.accepting.wait()
    try:
        yield
    finally:
        await _end(server, serving, grace)


def _parting(app: Any, grace: Grace) -> Any:
    """The application; once the end has begun, every answer is the last of its connection.

    A client that kept the connection might send its next request into the port that closes.
    """

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        async def send_last(message: Any) -> None:
            if grace.begun and message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        await app(scope, receive, send_last)

    return serve


async def _end(server: _Server, serving: asyncio.Task[None], grace: Grace) -> None:
    """Close the port, let requests that were begun be answered and close frames be read."""
    seconds = grace.left(at_least=LAST_SECONDS)
    server.config.timeout_graceful_shutdown = ceil(seconds)
    server.should_exit = True
    hurry = asyncio.create_task(grace.hurried.wait())
    await asyncio.wait([serving, hurry], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.wait([serving], timeout=LAST_SECONDS)
    if not serving.done():
        server.force_exit = True
        for connection in tuple(server.server_state.connections):
            connection.transport.abort()
        for task in tuple(server.server_state.tasks):
            task.cancel()
    hurry.cancel()
    await serving
