"""A peer in the tests' own process, which can be told to do what must not be."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from websockets.asyncio.server import ServerConnection, serve

from loadtest.peers.peer import Dialect, Server
from loadtest.peers.text import DELIVERY, ECHO, Text

# What a member gets instead of a delivery.
Fault = Callable[[str], list[str]]


def loses(_: str) -> list[str]:
    return []


def doubles(text: str) -> list[str]:
    return [text, text]


def changes(text: str) -> list[str]:
    return [text[:-1] + "!"]


def overtakes(text: str) -> list[str]:
    number = int(text[1:11])
    return [text.replace(f"#{number:010d}", f"#{n:010d}") for n in (number + 1, number)]


def says_something_else(_: str) -> list[str]:
    return ["Something went wrong."]


class FakePeer:
    """A server on `websockets`.

    Args:
        fault: what one member gets instead of one delivery; None: nothing goes wrong.
        at: the number of that delivery.
        member: the number of that member, in the order in which they connect.
        echo_shift: how many clients further an echo goes.
    """

    hint = "It is here."

    def __init__(
        self,
        name: str = "fake",
        fault: Fault | None = None,
        *,
        at: int = 70,
        member: int = 3,
        echo_shift: int = 0,
        installed: bool = True,
    ) -> None:
        self.name = name
        self._fault = fault
        self._at = at
        self._member = member
        self._echo_shift = echo_shift
        self._installed = installed
        self.members: list[ServerConnection] = []
        self._echoing: list[ServerConnection] = []

    def is_installed(self) -> bool:
        return self._installed

    def version(self) -> str:
        return "1.0"

    @asynccontextmanager
    async def launched(self, _: int, /) -> AsyncIterator[Server]:
        self.members, self._echoing = [], []
        async with serve(self._handle, "127.0.0.1", 0, compression=None) as server:
            (listening,) = server.sockets
            yield Server(
                url=f"http://127.0.0.1:{listening.getsockname()[1]}",
                pids=(os.getpid(),),
                room=Welcomed("/room", Text(DELIVERY)),
                echo=Welcomed("/echo", Text(ECHO)),
            )

    async def _handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        here = self._echoing if connection.request.path == "/echo" else self.members
        here.append(connection)
        await connection.send("welcome")
        async for message in connection:
            assert isinstance(message, str)
            if here is self.members:
                await asyncio.gather(
                    *(self._deliver(number, message) for number in range(len(self.members)))
                )
            else:
                place = (here.index(connection) + self._echo_shift) % len(here)
                await here[place].send(message)

    async def _deliver(self, member: int, message: str) -> None:
        goes_wrong = member == self._member and int(message[1:11]) == self._at
        for text in self._fault(message) if self._fault and goes_wrong else [message]:
            await self.members[member].send(text)


class Welcomed(Dialect):
    welcome = b"welcome"
