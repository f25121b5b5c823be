"""What a client does by itself on every connection.

It says again what holds for one connection only: the presence of the device, the accounts, feeds
and channels that it listens to. And, with `Options.delivered`, it tells about once a second what
has reached it.
"""

import logging
from collections.abc import Iterator
from itertools import islice
from typing import Literal

from plaza_client.connection import Connection
from plaza_client.errors import PlazaClientError, PlazaRefused
from plaza_client.inbox import Inbox
from plaza_client.intake import Intake
from plaza_client.options import Options
from plaza_client.watched import Watched
from protocol.commands import Command, Delivered, Presence, Subscribe
from protocol.events import Ok, RoomAnswer
from protocol.ids import Id

_log = logging.getLogger(__name__)

DELIVERED_SECONDS = 1.0
# What the server takes in one command: protocol/commands.py.
ROOMS_AT_ONCE = 500


class Upkeep:
    """Keeps up what the server knows of this client.

    Args:
        inbox: knows what has come.
        intake: learns where subscriptions begin.
        options: whether delivered markers are wanted, and how to wait.

    Attributes:
        state: of this device, as set last; None: never.
        watched: the accounts and feeds to be told about.
        subscribed: the channels to listen to without being a member.
    """

    def __init__(self, inbox: Inbox, intake: Intake, options: Options) -> None:
        self._inbox = inbox
        self._intake = intake
        self._options = options
        self.state: Literal["online", "away"] | None = None
        self.watched = Watched()
        self.subscribed: set[Id] = set()

    async def run(self, connection: Connection) -> None:
        """Do it until the connection is lost."""
        try:
            for command in self._what_holds():
                await self._say(connection, command)
            for room in sorted(self.subscribed):
                await self._subscribe(connection, room)
            if self._options.delivered:
                await self._tell_delivered(connection)
        except PlazaClientError as error:  # who reads from the connection sees to it
            _log.debug("no upkeep any more: %s", error)

    def _what_holds(self) -> Iterator[Command]:
        if self.state is not None:
            yield Presence(id=0, state=self.state)
        yield from self.watched.commands()

    async def _subscribe(self, connection: Connection, room: Id) -> None:
        try:
            answer = await connection.request(Subscribe(id=0, room=room), RoomAnswer)
        except PlazaRefused as refusal:
            _log.info("the subscription to %s was refused: %s", room, refusal)
        else:
            self._intake.subscribe(answer.room)

    async def _tell_delivered(self, connection: Connection) -> None:
        while True:
            await self._inbox.advance()
            await self._options.sleep(DELIVERED_SECONDS)
            rooms = list(islice(self._inbox.advanced, ROOMS_AT_ONCE))
            self._inbox.advanced.difference_update(rooms)
            cursors = {room: self._inbox.seen[room] for room in rooms if room in self._inbox.seen}
            if not cursors:
                continue
            told = False
            try:
                told = await self._say(connection, Delivered(id=0, cursors=cursors))
            finally:
                if not told:
                    self._inbox.advanced.update(rooms)

    async def _say(self, connection: Connection, command: Command) -> bool:
        """Whether it was said for good: carried out, or refused in a way that will not change."""
        try:
            await connection.request(command, Ok)
        except PlazaRefused as refusal:
            _log.info("%s was refused: %s", type(command).__name__, refusal)
            return not refusal.may_retry
        return True
