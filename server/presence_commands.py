"""The command about presence; server/watch_commands.py has those about watching it."""

from collections.abc import Mapping

from protocol import commands
from protocol.commands import Command
from protocol.events import Event, Ok
from protocol.records import PresenceState
from server.background import Background
from server.dispatch import Handler, asking
from server.presence import Presences
from server.relations import Relations
from server.session import ChatSession


class PresenceCommands:
    """Answers `presence`.

    Args:
        presences: knows who is here.
        relations: keeps the settings.
        background: runs the tasks.
    """

    def __init__(self, presences: Presences, relations: Relations, background: Background) -> None:
        self._presences = presences
        self._relations = relations
        self._set = asking(background, self._on_settings)
        self.handlers: Mapping[type[Command], Handler] = {
            commands.Presence: self._on_presence,
        }

    def _on_presence(self, session: ChatSession, command: commands.Presence) -> None:
        if command.state is not None:
            state = PresenceState(command.state)
            self._presences.use(session.account, session.connection.outbox, state)
        if command.busy is None and command.hidden is None:
            session.answer(command, Ok(id=command.id))
        else:
            self._set(session, command)

    async def _on_settings(self, session: ChatSession, command: commands.Presence) -> Event:
        await self._relations.change_settings(
            session.account, busy=command.busy, hidden=command.hidden
        )
        return Ok(id=command.id)
