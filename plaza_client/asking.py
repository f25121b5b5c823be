"""What the methods that are commands rely on."""

import itertools
import secrets
from abc import ABC, abstractmethod

from plaza_client.room_list import RoomList
from plaza_client.wire import A
from protocol.commands import Command
from protocol.events import Ok


class Asking(ABC):
    """Base of the classes whose methods are commands; Client carries them out."""

    def __init__(self) -> None:
        self._room_list = RoomList()
        # (sender, nonce) is unique for as long as the log lives, over all clients of an account.
        self._nonces = map(f"{secrets.token_urlsafe(9)}-{{}}".format, itertools.count(1))

    @abstractmethod
    async def _ask(self, command: Command, answer: type[A]) -> A:
        """Carry a command out, over several connections if need be."""

    @abstractmethod
    async def _mention(self, command: Command) -> None:
        """Carry a command out if that can be done at once; else it is not worth it."""

    async def _do(self, command: Command) -> Ok:
        return await self._ask(command, Ok)
