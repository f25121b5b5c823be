"""The commands `subscribe` and `unsubscribe`: channels that one listens to without joining them."""

from collections.abc import Mapping, Sequence

from protocol import commands
from protocol.commands import Command
from protocol.errors import BAD_REQUEST, NOT_FOUND, OVERLOADED, PlazaError
from protocol.events import Event, Ok, RoomAnswer
from protocol.records import RoomKind
from rooms import permissions
from rooms.hub import Hub
from server.background import Background
from server.chat import Chat
from server.dispatch import Handler, asking
from server.session import ChatSession, State

# How often a room is read anew because it has moved on since: see Hub.subscribe.
LOOKS = 20


class Subscriptions:
    """Answers both.

    Args:
        chat: knows rooms, and who may read them.
        hub: connections are attached to.
        background: runs the tasks.
        limit: rooms that one connection subscribes to; 0: any number.
    """

    def __init__(self, chat: Chat, hub: Hub, background: Background, *, limit: int) -> None:
        self._chat = chat
        self._hub = hub
        self._limit = limit
        self.handlers: Mapping[type[Command], Handler] = {
            commands.Subscribe: asking(background, self._subscribe),
            commands.Unsubscribe: self._unsubscribe,
        }

    async def _subscribe(
        self, session: ChatSession, command: commands.Subscribe
    ) -> tuple[Event, Sequence[Event]]:
        outbox, person = session.connection.outbox, session.person
        assert person is not None
        for _ in range(LOOKS):
            room = await self._chat.room(session.account, command.room)
            if room.kind is not RoomKind.CHANNEL:
                raise PlazaError(NOT_FOUND, permissions.NO_SUCH_ROOM)
            if session.state is not State.LIVE:
                return RoomAnswer(id=command.id, room=room), ()  # nobody is there to hear it
            if self._limit and self._hub.subscriptions(outbox) >= self._limit:
                raise PlazaError(
                    BAD_REQUEST,
                    f"A connection subscribes to at most {self._limit} channels. Unsubscribe from "
                    "some, or join them.",
                )
            attached = self._hub.subscribe(person, outbox, room)
            if attached is not None:
                return RoomAnswer(id=command.id, room=room), attached.since
        raise PlazaError(OVERLOADED)

    def _unsubscribe(self, session: ChatSession, command: commands.Unsubscribe) -> None:
        self._hub.unsubscribe(session.connection.outbox, command.room)
        session.answer(command, Ok(id=command.id))
