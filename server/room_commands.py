"""The commands that read rooms, or make one."""

from collections.abc import Mapping

from protocol import commands
from protocol.commands import Command
from protocol.events import Event, Page, RoomAnswer
from server.background import Background
from server.chat import Chat
from server.dispatch import Handler, asking
from server.session import ChatSession


class RoomCommands:
    """Answers `history` and `create`.

    Args:
        chat: knows the answers.
        background: runs the tasks.
    """

    def __init__(self, chat: Chat, background: Background) -> None:
        self._chat = chat
        self.handlers: Mapping[type[Command], Handler] = {
            commands.History: asking(background, self._history),
            commands.CreateRoom: asking(background, self._create),
        }

    async def _history(self, session: ChatSession, command: commands.History) -> Event:
        events, more = await self._chat.page(
            session.account,
            command.room,
            thread=command.thread,
            before=command.before,
            after=command.after,
            around=command.around,
            limit=command.limit,
        )
        return Page(id=command.id, events=events, more=more)

    async def _create(self, session: ChatSession, command: commands.CreateRoom) -> Event:
        room = await self._chat.create_room(
            session.account,
            kind=command.kind,
            title=command.title,
            members=command.members,
            key=command.nonce,
        )
        return RoomAnswer(id=command.id, room=room)
