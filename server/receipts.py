"""Read and delivered markers: taken from clients, written, told."""

from collections.abc import Mapping

from protocol import commands
from protocol.commands import Command
from protocol.events import Event, Ok
from server.background import Background
from server.chat import Chat
from server.dispatch import Handler, asking
from server.session import ChatSession


class Receipts:
    """Answers `read`."""

    def __init__(self, chat: Chat, background: Background) -> None:
        self._chat = chat
        self.handlers: Mapping[type[Command], Handler] = {
            commands.Read: asking(background, self._read)
        }

    async def _read(self, session: ChatSession, command: commands.Read) -> Event:
        await self._chat.mark_read(session.account, command.room, command.seq)
        return Ok(id=command.id)
