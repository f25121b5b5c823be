"""Plaza itself, with its whole durable path.

What a member says is checked, written to Postgres, and acknowledged after the commit; then it is
delivered with its place in the room's log. Nobody else here does this. The echo is /ws/echo, which
the gateway serves without a session, as the echoes of the others are without one.

A delivery is DELIVERY bytes, give or take the digits of its seq. Settings are the defaults, but for
the bounds of what one client may say in a second: one member speaks here for all.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.metadata import version

from loadtest.deployment import Deployment, deployed
from loadtest.peers.peer import Dialect, Server
from loadtest.peers.text import DELIVERY, ECHO, Text
from loadtest.population import Population, populate
from loadtest.swarm import PRESENCE
from plaza_client.wire import JSON
from protocol import codec
from protocol.commands import Hello, Send
from protocol.events import Message
from protocol.ids import Id

_SETTINGS = {
    "PLAZA_LIMITS__COMMANDS_PER_CONNECTION_SECOND": "0",
    "PLAZA_LIMITS__COMMANDS_PER_ACCOUNT_SECOND": "0",
}


def room_text(*, room: Id, sender: Id, event_id: Id) -> Text:
    """Bodies with which a message event has DELIVERY bytes, if its ids are as long as these."""
    event = Message(
        room=room,
        sender=sender,
        seq=1000,
        event_id=event_id,
        at="2026-01-01T00:00:00.000Z",
        body="-",
    )
    return Text(DELIVERY - len(codec.JSON.encode(event)) + 1)


class RoomDialect(Dialect):
    """A chat client: hello, ready, send, and an ok for each."""

    welcome = b'{"t":"ready"'
    acknowledgement = b'{"t":"ok"'

    def __init__(self, people: Population) -> None:
        self._tokens = people.tokens
        self._room = room = people.rooms[0]
        # Ids of these years have one length.
        super().__init__("/ws", room_text(room=room, sender=room, event_id=room))

    def opening(self, client: int, /) -> list[bytes]:
        """Hello."""
        return [JSON.encode(Hello(id=1, token=self._tokens[client]))]

    def say(self, _: int, number: int, /) -> bytes:
        """A send."""
        return JSON.encode(Send(id=7, room=self._room, body=self.text.of(number).decode()))

    def reply(self, payload: bytes) -> bytes:
        """Presence comes with a clock of its own, and needs no answer."""
        return b"" if payload.startswith(PRESENCE) else super().reply(payload)


class Plaza:
    """See the module.

    Args:
        deployment: one that runs already; None: one is started, and ended.
    """

    name = "plaza"
    hint = "It is always there."

    def __init__(self, deployment: Deployment | None = None) -> None:
        self._deployment = deployment

    def is_installed(self) -> bool:
        """It is."""
        return True

    def version(self) -> str:
        """Of the package."""
        return version("plaza")

    @asynccontextmanager
    async def launched(self, members: int, /) -> AsyncIterator[Server]:
        """A server with a database of its own, and a room full of people."""
        async with AsyncExitStack() as stack:
            running = self._deployment
            if running is None:
                running = await stack.enter_async_context(deployed(_SETTINGS))
            people = await populate(running, accounts=members, rooms=[range(members)])
            yield Server(
                url=running.url,
                pids=(running.pid,),
                room=RoomDialect(people),
                echo=Dialect("/ws/echo", Text(ECHO)),
                database=partial(_database_seconds, running),
            )


def _database_seconds(deployment: Deployment) -> float:
    return deployment.clocks().postgres
