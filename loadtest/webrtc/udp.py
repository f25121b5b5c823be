"""A peer on a UDP socket of an event loop: the shell around `connection`."""

import asyncio
import time
from typing import cast

from loadtest.webrtc.connection import Connection
from loadtest.webrtc.description import Address


class Disconnected(Exception):
    """The connection was not made, or is over."""


class UdpPeer(asyncio.DatagramProtocol):
    """Carries one connection. Made by `open_peer`.

    Attributes:
        connected: done when ICE and DTLS are through; fails with Disconnected when they cannot.
        ended: done when the connection is over.
    """

    def __init__(self, connection: Connection) -> None:
        self._loop = asyncio.get_running_loop()
        self._connection = connection
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self.connected: asyncio.Future[None] = self._loop.create_future()
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def flush(self) -> None:
        """Send what there is, and see to it that what is due later will be done."""
        assert self._transport is not None
        connection = self._connection
        for datagram, address in connection.take():
            self._transport.sendto(datagram, address)
        if connection.connected_at is not None and not self.connected.done():
            self.connected.set_result(None)
        if connection.ended and not self.ended.done():
            self.ended.set_result(None)
            if not self.connected.done():
                self.connected.set_exception(Disconnected(connection.ended))
        if self._timer is not None:
            self._timer.cancel()
        due = connection.due
        if due != float("inf"):
            delay = max(0.0, due - time.monotonic())
            self._timer = self._loop.call_later(delay, self._run)

    def close(self) -> None:
        """Say goodbye, and close the socket."""
        self._connection.close()
        self.flush()
        if self._timer is not None:
            self._timer.cancel()
        assert self._transport is not None
        self._transport.close()

    async def move(self) -> None:
        """Go on from another port, as a phone does that changes its network."""
        assert self._transport is not None
        former = self._transport
        await _opened(self._loop, self)
        former.close()
        self._connection.agent.address_changed(time.monotonic())
        self.flush()

    # --- from the socket -------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Something has come."""
        self._connection.receive(data, (addr[0], addr[1]), time.monotonic())
        self.flush()

    def _run(self) -> None:
        self._connection.run(time.monotonic())
        self.flush()


async def open_peer(connection: Connection) -> UdpPeer:
    """Open a socket, begin, and wait until the connection is there.

    Raises:
        Disconnected: it could not be made.
    """
    loop = asyncio.get_running_loop()
    peer = UdpPeer(connection)
    await _opened(loop, peer)
    connection.run(time.monotonic())
    peer.flush()
    await peer.connected
    return peer


async def _opened(loop: asyncio.AbstractEventLoop, peer: UdpPeer) -> None:
    await loop.create_datagram_endpoint(lambda: peer, local_addr=("0.0.0.0", 0))
