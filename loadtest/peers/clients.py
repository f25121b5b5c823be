"""Client connections that count what they hear, exactly.

What a client hears has numbers, each one more than the one before: a number that comes again, or
that is left out, is a Violation. As all members of a room get the same bytes, most of the time
these are compared with what the one before got and not taken apart again: a client that costs more
than the server would measure itself.
"""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from urllib.parse import urlsplit

from websockets.client import ClientProtocol
from websockets.uri import WebSocketURI

from loadtest.peers.client import Chunk, Client
from loadtest.peers.peer import Dialect
from loadtest.swarm import Violation

# So long nothing may come while something is due.
PATIENCE = 20.0
# Numbers of a client that has numbers of its own.
LANE = 1_000_000
_CLOSE_SECONDS = 10.0


class Clients:
    """All connections to one server that do one kind of work.

    Args:
        url: of the server.
        dialect: how to speak with it.
        own_numbers: whether each client has numbers of its own, from LANE times its number on.
            Otherwise they are the same for all, from 0 on.

    Attributes:
        count: of all deliveries, and acknowledgements.
        heard: is told of a client after each piece that it has received.
    """

    def __init__(self, url: str, dialect: Dialect, *, own_numbers: bool = False) -> None:
        address = urlsplit(url)
        assert address.hostname is not None
        assert address.port is not None
        self._host, self._port = address.hostname, address.port
        self._lane = LANE if own_numbers else 0
        self._violation: Violation | None = None
        self._opened: list[Client] = []
        self._target = 0
        self._reached: asyncio.Future[None] | None = None
        self.dialect = dialect
        self.members: list[Client] = []
        self.count = 0
        self.chunk = Chunk()
        self.heard: Callable[[Client], object] | None = None

    async def join(self, number: int, *, at_once: int = 16) -> None:
        """Open so many more connections.

        Args:
            number: how many.
            at_once: how many of them are under way at a time.

        Raises:
            OSError: there is no connection to be had.
            Violation: the server did not take one.
        """
        first = len(self.members)
        joined: dict[int, Client] = {}

        async def work(waiting: Iterator[int]) -> None:
            for which in waiting:
                joined[which] = await self._connect(which)

        waiting = iter(range(first, first + number))
        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(at_once):
                    tasks.create_task(work(waiting))
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
        self.members += [joined[which] for which in range(first, first + number)]

    async def _connect(self, which: int) -> Client:
        path = self.dialect.path(which)
        uri = WebSocketURI(False, self._host, self._port, path, "")
        make = partial(Client, self, which, which * self._lane, ClientProtocol(uri))
        loop = asyncio.get_running_loop()
        _, client = await loop.create_connection(make, self._host, self._port)
        self._opened.append(client)
        try:
            async with asyncio.timeout(PATIENCE):
                await client.joined
        except TimeoutError:
            raise Violation(f"No welcome within {PATIENCE:.0f} s.") from None
        return client

    def hear(self, client: Client, count: int) -> None:
        """A client has received something."""
        self.count += count
        waiting = self._reached
        if waiting is not None and self.count >= self._target and not waiting.done():
            waiting.set_result(None)
        if self.heard is not None:
            self.heard(client)

    def fail(self, violation: Violation) -> None:
        """What must not be has happened: whoever waits hears of it."""
        self._violation = self._violation or violation
        if self._reached is not None and not self._reached.done():
            self._reached.set_exception(self._violation)

    def check(self) -> None:
        """Raise what must not be, if it has happened."""
        if self._violation is not None:
            raise self._violation

    async def reached(self, target: int) -> None:
        """Wait until so much has come in all.

        Raises:
            Violation: it does not come, or something came that must not.
        """
        self.check()
        while self.count < target:
            before = self.count
            self._target = target
            self._reached = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._reached
            except TimeoutError:
                if self.count == before:
                    missing = target - before
                    raise Violation(f"{missing} of {target} deliveries never came.") from None
            finally:
                self._reached = None

    async def settled(self, total: int) -> None:
        """Close all connections, and check what came until then: no more than was due.

        A server sends all that it has for a client before it answers that client's close frame.

        Args:
            total: all deliveries and acknowledgements that were ever due.
        """
        for client in self.members:
            client.leave()
        _, open_still = await asyncio.wait(
            [client.gone for client in self.members], timeout=_CLOSE_SECONDS
        )
        if open_still:
            self.abort()
        self.check()
        if self.count != total:
            raise Violation(f"{self.count} deliveries came, but {total} were due.")

    def abort(self) -> None:
        """End all connections without a word."""
        for client in self._opened:
            client.abort()
