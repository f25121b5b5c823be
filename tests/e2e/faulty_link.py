"""A link between clients and a server that breaks in all the ways in which links break.

What happens to a connection is planned before it begins: after so many bytes from the server, in
the middle of a frame most likely, this or that. A run with the same plans meets the same faults.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from enum import Enum
from urllib.parse import urlsplit

PIECE = 4096


class Fault(Enum):
    """What becomes of a connection."""

    NONE = "none"
    DROPPED = "dropped"  # both ends are told, by a reset
    HALF_OPEN = "half open"  # nothing passes any more, and neither end is told
    OVERTAKEN = "overtaken"  # the client is told and comes back; the server still believes in it


Plan = tuple[Fault, int]
"""The fault, and the bytes from the server before it."""


class FaultyLink:
    """Forwards connections to a server, until a fault.

    Args:
        url: of the server.
        plan: makes the plan of a connection from its number, from 0.

    Attributes:
        happened: how often each fault has happened.
    """

    def __init__(self, url: str, plan: Callable[[int], Plan]) -> None:
        address = urlsplit(url)
        self._far = (address.hostname, address.port)
        self._plan = plan
        self._connections = 0
        self._healed = asyncio.Event()
        self._dead: list[asyncio.StreamWriter] = []
        self.happened: Counter[Fault] = Counter()
        self.url = ""

    def heal(self) -> None:
        """From now on nothing breaks. What hangs is dropped at last."""
        self._healed.set()
        for end in self._dead:
            end.transport.abort()

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        fault, budget = self._plan(self._connections)
        self._connections += 1
        far_reader, far_writer = await asyncio.open_connection(*self._far)
        up = asyncio.create_task(self._pump(reader, far_writer))
        try:
            broke = await self._pump(far_reader, writer, None if fault is Fault.NONE else budget)
        finally:
            up.cancel()
            with suppress(asyncio.CancelledError):
                await up
        if broke and not self._healed.is_set():
            self._break(fault, writer, far_writer)
        else:
            writer.close()
            far_writer.close()

    def _break(self, fault: Fault, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self.happened[fault] += 1
        if fault is not Fault.HALF_OPEN:
            near.transport.abort()
        if fault is Fault.DROPPED:
            far.transport.abort()
        # Kept open, and not read any more: what is sent there fills buffers, and meets nobody.
        self._dead += [near, far]

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        budget: int | None = None,
    ) -> bool:
        """Forward until the end of the stream, or the budget. Returns whether it was the budget."""
        with suppress(ConnectionError):
            while data := await reader.read(PIECE):
                if budget is not None and not self._healed.is_set():
                    data = data[:budget]
                    budget -= len(data)
                writer.write(data)
                await writer.drain()
                if budget == 0 and not self._healed.is_set():
                    return True
            writer.write_eof()
        return False


def by_chance(seed: int, *, bytes_before: tuple[int, int]) -> Callable[[int], Plan]:
    """Plans of all faults alike, each after a number of bytes in a range."""

    def plan(number: int) -> Plan:
        chance = random.Random(f"{seed}/{number}")
        fault = chance.choice([Fault.DROPPED, Fault.HALF_OPEN, Fault.OVERTAKEN])
        return fault, chance.randint(*bytes_before)

    return plan


@asynccontextmanager
async def linked(url: str, plan: Callable[[int], Plan]) -> AsyncIterator[FaultyLink]:
    """A faulty link to a server, for as long as the block runs."""
    link = FaultyLink(url, plan)
    server = await asyncio.start_server(link.forward, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    link.url = f"http://{host}:{port}"
    try:
        yield link
    finally:
        link.heal()
        server.close()
