"""What a user has asked, and what has become of it.

A command is under way until it is answered for good. After a broken connection, and after an error
that says so, it is sent again with the same nonce, as a real client does; its latency goes on. What
it has written must then be heard by the one who wrote it: once, and at the seq that was answered.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from loadtest.crowd.chunks import Entry, Room, Seen
from loadtest.frames import client_frame
from protocol.errors import CATALOGUE, MESSAGE_DELETED, MUTED

if TYPE_CHECKING:
    from loadtest.crowd.user import User

Answered = Callable[["User", bytes], None]

ACK: Final = "ack"  # the kind of latency that messages have
_RETRY_SECONDS = 1.0  # where an error does not say how long


class Asked(Struct, kw_only=True):
    """A command.

    Attributes:
        id: of the command.
        kind, due, answered, keeps: see `User.ask`.
        fields: all but its id, as JSON without braces.
        room: to whose log it writes.
        nonce: in there; empty: it writes nothing to a log.
        seq: at which it was written, as far as is known.
        is_answered: whether that is known from its answer, and not from the room.
        is_action: whether it is one of the mix.
    """

    id: int
    kind: str
    due: float
    fields: bytes
    room: Room | None
    nonce: str
    answered: Answered | None
    keeps: bool
    is_action: bool
    seq: int = 0
    is_answered: bool = False

    @property
    def frame(self) -> bytes:
        """As it is sent."""
        return client_frame(b'{%b,"id":%d}' % (self.fields, self.id))


class Asking:
    """The commands of one user.

    Attributes:
        pending: those that are not answered, by id, in the order in which they fell due.
    """

    __slots__ = ("_next", "_unheard", "_user", "pending")

    def __init__(self, user: "User") -> None:
        self._user = user
        self._next = 2  # 1 is hello
        self._unheard: dict[str, Asked] = {}
        self.pending: dict[int, Asked] = {}

    def ask(
        self,
        kind: str,
        due: float,
        fields: bytes,
        *,
        room: Room | None = None,
        answered: Answered | None = None,
        keeps: bool = True,
    ) -> None:
        """See `User.ask`."""
        user, crowd = self._user, self._user.crowd
        if not (keeps or user.is_ready):
            return
        nonce = ""
        if room is not None:
            nonce = crowd.nonce()
            fields = b'%b,"nonce":"%b"' % (fields, nonce.encode())
        asked = Asked(
            id=self._next,
            kind=kind,
            due=due,
            fields=fields,
            room=room,
            nonce=nonce,
            answered=answered,
            keeps=keeps,
            is_action=crowd.course.is_in_action,
        )
        self._next += 1
        self.pending[asked.id] = asked
        if nonce:
            self._unheard[nonce] = asked
        if asked.is_action:
            user.under_way += 1
            crowd.meter.count("sent")
        if user.is_ready:
            assert user.connection is not None
            user.connection.write(asked.frame)

    def repeat(self) -> bytes:
        """The frames of everything that is not answered: there is a new connection."""
        for asked in [asked for asked in self.pending.values() if not asked.keeps]:
            self._end(self.pending.pop(asked.id))
        return b"".join([asked.frame for asked in self.pending.values()])

    def forget(self) -> None:
        """Wait for nothing any more."""
        self.pending.clear()
        self._unheard.clear()

    def ok(self, event: Seen, payload: bytes, now: int) -> None:
        """A command was carried out.

        Args:
            now: when that was read, in nanoseconds: what it takes us to see what it means is no
                part of its latency.
        """
        user = self._user
        asked = self.pending.pop(event.id or 0, None)
        if asked is None:
            user.meter.wrong("doubled", f"command {event.id} of {user.account} had an answer.")
            return
        if asked.kind:
            user.meter.latency(asked.kind, now / 1e9 - asked.due)
        if asked.room is not None:
            self._written(asked, asked.room, event.seq)
        if asked.answered is not None:
            asked.answered(user, payload)
        self._end(asked)

    def error(self, event: Seen) -> None:
        """A command was refused."""
        user = self._user
        asked = self.pending.get(event.id or 0)
        # Where messages are deleted, somebody will react to one that has just gone.
        if event.code != MESSAGE_DELETED.code or not user.crowd.scenario.mix.delete:
            user.meter.error(event.code)
        if asked is None:
            return
        if asked.keeps and _may_repeat(event):
            delay = _RETRY_SECONDS if event.retry_after is None else event.retry_after
            asyncio.get_running_loop().call_later(delay, self._again, asked)
            return
        del self.pending[asked.id]
        self._unheard.pop(asked.nonce, None)
        self._end(asked)

    def heard(self, entry: Entry) -> None:
        """The user has heard something of its own, for the first time."""
        asked = self._unheard.get(entry.nonce)
        user = self._user
        if asked is None:
            if entry.nonce.startswith(user.crowd.salt):
                user.meter.wrong("doubled", f"{entry.nonce} is at {entry.seq}, too.")
        elif asked.seq not in (0, entry.seq):
            self._is_at_two(asked, entry.seq)
        elif asked.is_answered:
            del self._unheard[entry.nonce]
        else:
            asked.seq = entry.seq

    def unheard(self) -> list[Asked]:
        """What the server has acknowledged, and the user has not heard."""
        return [asked for asked in self._unheard.values() if asked.is_answered]

    def _written(self, asked: Asked, room: Room, seq: int) -> None:
        asked.is_answered = True
        if asked.kind == ACK:
            self._user.meter.count("acknowledged")
        room.acknowledged = max(room.acknowledged, seq)
        if not seq:
            self._unheard.pop(asked.nonce, None)  # it has changed nothing, and is not told
        elif not asked.seq:
            asked.seq = seq
        elif asked.seq == seq:
            self._unheard.pop(asked.nonce, None)
        else:
            self._is_at_two(asked, seq)

    def _is_at_two(self, asked: Asked, seq: int) -> None:
        self._user.meter.wrong("doubled", f"{asked.nonce} is at {asked.seq} and at {seq}.")

    def _again(self, asked: Asked) -> None:
        user = self._user
        if user.is_ready and asked.id in self.pending:
            assert user.connection is not None
            user.connection.write(asked.frame)

    def _end(self, asked: Asked) -> None:
        if asked.is_action:
            self._user.ended()


def _may_repeat(event: Seen) -> bool:
    """Whether the same command can succeed soon: of an unknown error, if it says when."""
    spec = CATALOGUE.get(event.code)
    if spec is None:
        return event.retry_after is not None
    return spec.retry and spec is not MUTED
