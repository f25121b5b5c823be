"""A command's type -> what carries it out: one table.

Commands that write to a room's log become a draft and an entry in the log's queue: no task, no
await. The others read from the database, and are tasks.
"""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import structlog

from persistence.room_log import Outcome, RoomLog
from protocol import commands
from protocol.commands import Command
from protocol.drafts import Draft, Unchanged, Written
from protocol.errors import INTERNAL, PlazaError
from protocol.events import Event, Ok, Page, RoomCreated
from protocol.ids import Id
from rooms import conversation
from server.background import Background
from server.chat import Chat
from server.session import ChatSession

logger = structlog.get_logger(__name__)

# command -> draft, for the account that sent it
DRAFTS: dict[type[Command], Callable[[Id, Any], Draft]] = {
    commands.Send: lambda actor, c: conversation.message(
        actor, c.room, c.body, nonce=c.nonce, reply_to=c.reply_to, attachments=c.attachments
    ),
    commands.Edit: lambda actor, c: conversation.edit(actor, c.room, c.seq, c.body, nonce=c.nonce),
    commands.Delete: lambda actor, c: conversation.delete(actor, c.room, c.seq, nonce=c.nonce),
    commands.React: lambda actor, c: conversation.react(
        actor, c.room, c.seq, c.emoji, nonce=c.nonce
    ),
    commands.Unreact: lambda actor, c: conversation.unreact(
        actor, c.room, c.seq, c.emoji, nonce=c.nonce
    ),
    commands.Join: lambda actor, c: conversation.join(actor, c.room),
    commands.Leave: lambda actor, c: conversation.leave(actor, c.room),
    commands.Invite: lambda actor, c: conversation.invite(actor, c.room, c.account),
    commands.Kick: lambda actor, c: conversation.kick(actor, c.room, c.account),
    commands.Promote: lambda actor, c: conversation.promote(actor, c.room, c.account, c.role),
    commands.Rename: lambda actor, c: conversation.rename(actor, c.room, c.title),
}


class Dispatcher:
    """Carries commands out.

    Args:
        log: takes drafts.
        chat: answers what is read.
        background: runs the tasks.
    """

    def __init__(self, log: RoomLog, chat: Chat, background: Background) -> None:
        self._log = log
        self._chat = chat
        self._background = background
        # command -> what it takes to answer it
        self._reads: dict[type[Command], Callable[[Id, Any], Coroutine[Any, Any, Event]]] = {
            commands.History: self._history,
            commands.Read: self._read,
            commands.CreateRoom: self._create,
        }

    def __call__(self, session: ChatSession, command: Command) -> None:
        """Carry out a command of a session that is live.

        Raises:
            PlazaError: the command is refused.
        """
        make_draft = DRAFTS.get(type(command))
        if make_draft is not None:
            draft = make_draft(session.account, command)
            self._log.append(draft, partial(_settle, session, command))
        else:
            read = self._reads[type(command)]
            self._background.spawn(_ask(session, command, read(session.account, command)))

    async def _history(self, account: Id, command: commands.History) -> Event:
        events, more = await self._chat.page(
            account,
            command.room,
            before=command.before,
            after=command.after,
            around=command.around,
            limit=command.limit,
        )
        return Page(id=command.id, events=events, more=more)

    async def _read(self, account: Id, command: commands.Read) -> Event:
        await self._chat.mark_read(account, command.room, command.seq)
        return Ok(id=command.id)

    async def _create(self, account: Id, command: commands.CreateRoom) -> Event:
        room = await self._chat.create_room(
            account,
            kind=command.kind,
            title=command.title,
            members=command.members,
            key=command.nonce,
        )
        return RoomCreated(id=command.id, room=room)


def _settle(session: ChatSession, command: Command, outcome: Outcome) -> None:
    """The log's answer is the command's answer."""
    if isinstance(outcome, Written):
        event = outcome.event
        session.answer(
            command, Ok(id=command.id, seq=event.seq, event_id=event.event_id, at=event.at)
        )
    elif isinstance(outcome, Unchanged):
        session.answer(command, Ok(id=command.id))
    else:
        session.refuse(command, outcome)


async def _ask(session: ChatSession, command: Command, read: Coroutine[Any, Any, Event]) -> None:
    try:
        event = await read
    except PlazaError as error:
        session.refuse(command, error)
    except Exception:
        logger.exception("a command failed", command=type(command).__name__)
        session.refuse(command, PlazaError(INTERNAL))
    else:
        session.answer(command, event)
