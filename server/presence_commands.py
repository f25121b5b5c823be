"""The commands about presence."""

import asyncio
from collections.abc import Mapping

from protocol import commands
from protocol.commands import Command
from protocol.events import Event, Ok
from protocol.ids import Id
from protocol.records import PresenceState
from server.background import Background
from server.dispatch import Handler, asking
from server.presence import Presences
from server.relations import Relations
from server.session import ChatSession, State


class PresenceCommands:
    """Answers `presence`, `watch` and `unwatch`.

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
            commands.Watch: asking(background, self._on_watch),
            commands.Unwatch: self._on_unwatch,
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

    async def _on_watch(self, session: ChatSession, command: commands.Watch) -> Event:
        last_seen = await self._presences.last_seen(session.account, command.accounts)
        if session.state is State.LIVE:
            self._presences.watch(session.account, session.connection.outbox, command.accounts)
            # The answer comes first.
            asyncio.get_running_loop().call_soon(self._show, session, last_seen)
        return Ok(id=command.id)

    def _show(self, session: ChatSession, last_seen: Mapping[Id, int | None]) -> None:
        if session.state is State.LIVE:
            self._presences.show(session.account, session.connection.outbox, last_seen)

    def _on_unwatch(self, session: ChatSession, command: commands.Unwatch) -> None:
        self._presences.unwatch(session.account, session.connection.outbox, command.accounts)
        session.answer(command, Ok(id=command.id))
