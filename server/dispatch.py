"""A command's type -> what carries it out: one table.

Commands that write to a room's log become a draft and an entry in the log's queue: no task, no
await. The others are handled by the part of the server whose business they are.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

import structlog

from persistence.room_log import Outcome, RoomLog
from protocol import commands
from protocol.commands import Command
from protocol.drafts import Draft, Unchanged, Written
from protocol.errors import INTERNAL, PlazaError
from protocol.events import Event, Ok
from protocol.ids import Id
from rooms import conversation
from server.background import Background
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
    commands.Pin: lambda actor, c: conversation.pin(actor, c.room, c.seq, nonce=c.nonce),
    commands.Unpin: lambda actor, c: conversation.unpin(actor, c.room, c.seq, nonce=c.nonce),
    commands.Join: lambda actor, c: conversation.join(actor, c.room),
    commands.Leave: lambda actor, c: conversation.leave(actor, c.room),
    commands.Invite: lambda actor, c: conversation.invite(actor, c.room, c.account),
    commands.Kick: lambda actor, c: conversation.kick(actor, c.room, c.account),
    commands.Promote: lambda actor, c: conversation.promote(actor, c.room, c.account, c.role),
    commands.Rename: lambda actor, c: conversation.rename(actor, c.room, c.title),
    commands.Ban: lambda actor, c: conversation.ban(actor, c.room, c.account, seconds=c.seconds),
    commands.Unban: lambda actor, c: conversation.unban(actor, c.room, c.account),
    commands.Mute: lambda actor, c: conversation.mute(actor, c.room, c.account, seconds=c.seconds),
    commands.Unmute: lambda actor, c: conversation.unmute(actor, c.room, c.account),
    commands.SlowMode: lambda actor, c: conversation.slow_mode(actor, c.room, c.seconds),
}


Answer = Event | tuple[Event, Sequence[Event]]

Handler = Callable[[ChatSession, Any], None]
"""Carries one type of command out, as `Dispatch` promises it."""


class Dispatcher:
    """Carries commands out.

    Args:
        log: takes drafts.
        parts: each with handlers for the commands that are its business.
    """

    def __init__(self, log: RoomLog, *parts: Mapping[type[Command], Handler]) -> None:
        self._log = log
        self._handlers: dict[type[Command], Handler] = dict.fromkeys(DRAFTS, self._write)
        for part in parts:
            self._handlers |= part

    def __call__(self, session: ChatSession, command: Command) -> None:
        """Carry out a command of a session that is live.

        Raises:
            PlazaError: the command is refused.
        """
        self._handlers[type(command)](session, command)

    def _write(self, session: ChatSession, command: Command) -> None:
        draft = DRAFTS[type(command)](session.account, command)
        self._log.append(draft, partial(_settle, session, command))


def asking(
    background: Background, ask: Callable[[ChatSession, Any], Coroutine[Any, Any, Answer]]
) -> Handler:
    """The handler of a command whose answer has to be waited for: a task each.

    Args:
        background: runs the tasks.
        ask: returns the answer, or it and the events that follow it at once; or raises PlazaError.
    """

    def handle(session: ChatSession, command: Command) -> None:
        background.spawn(_answer(session, command, ask(session, command)))

    return handle


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


async def _answer(
    session: ChatSession, command: Command, asked: Coroutine[Any, Any, Answer]
) -> None:
    try:
        answer = await asked
    except PlazaError as error:
        session.refuse(command, error)
    except Exception:
        logger.exception("a command failed", command=type(command).__name__)
        session.refuse(command, PlazaError(INTERNAL))
    else:
        event, following = answer if isinstance(answer, tuple) else (answer, ())
        session.answer(command, event)
        session.tell(following)
