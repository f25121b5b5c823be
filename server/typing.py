"""Who is writing: passed on to the room's other members, and kept nowhere."""

from collections.abc import Callable, Mapping

from msgspec import UNSET

from protocol import commands
from protocol.commands import Command
from protocol.errors import NOT_FOUND, PlazaError
from protocol.events import Ok, TypingNotice
from rooms.hub import Hub
from rooms.permissions import NO_SUCH_ROOM
from rooms.typing import TypingThrottle
from server.dispatch import Handler
from server.session import ChatSession


class Typings:
    """Answers `typing`.

    Args:
        hub: knows who is a member, and tells the others.
        members: of larger rooms nobody is told; 0: of all rooms they are.
        clock: milliseconds.
    """

    def __init__(self, hub: Hub, *, members: int, clock: Callable[[], int]) -> None:
        self._hub = hub
        self._members = members
        self._clock = clock
        self._throttle = TypingThrottle()
        self.handlers: Mapping[type[Command], Handler] = {commands.Typing: self._typing}

    def _typing(self, session: ChatSession, command: commands.Typing) -> None:
        account, room, thread, active = (
            session.account,
            command.room,
            command.thread,
            command.active,
        )
        if not self._hub.is_member(account, room):
            raise PlazaError(NOT_FOUND, NO_SUCH_ROOM)
        if (not self._members or self._hub.members(room) <= self._members) and (
            self._throttle.may_announce(account, room, thread, active=active, now=self._clock())
        ):
            notice = TypingNotice(
                room=room,
                account=account,
                active=active,
                thread=UNSET if thread is None else thread,
            )
            self._hub.offer(room, notice, but=(account,))
        session.answer(command, Ok(id=command.id))
