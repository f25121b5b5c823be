"""A virtual user: what it hears, and where it is. What it asks is in crowd/asking.py."""

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from loadtest.crowd import arrival, catching_up
from loadtest.crowd.asking import Answered, Asking
from loadtest.crowd.chunks import Answer, Chunk, Control, Entry, Room
from loadtest.crowd.connection import Connection, Refused
from loadtest.crowd.cursors import Cursors
from loadtest.crowd.orders import Person

if TYPE_CHECKING:
    from loadtest.crowd.crowd import Crowd

_FOR_EVER = 2**53  # more than any seq


class User:
    """One user.

    Args:
        crowd: what all users of the process share.
        person: who it is.
        acts: whether it does what the mix says, and not just listens.
        is_slow: whether it stops reading.

    Attributes:
        acts, is_slow: as given.
        account: its id, as on the wire.
        token: its access token; `crowd.tokens.renew` gets another one.
        rooms: that it is in.
        cursors: what it has of each room.
        seen: `cursors.seen`: of each room, the newest seq that it has heard.
        behind: of rooms, the seq up to which what it hears is old; None: it has caught up.
        was_here: whether it has been connected before, or is.
        meter: crowd.meter.
        is_ready: whether it is connected, and has had `ready`.
        is_wanted: whether it is to be connected, sooner or later.
        has_left: whether it has said goodbye.
        under_way: actions of the mix that are not answered.
        said: its last message that was acknowledged: room and seq.
        paging: where in which room it has paged back to.
        connection: its present one, ready or not.
        arriving: the task that connects it, while there is one.
        welcome: done when the present connection is ready.
        came_at: time.monotonic() at which it began to connect.
        back_since: since when it wants to be back; None: it is, or never was here.
    """

    __slots__ = (
        "_asking",
        "account",
        "acts",
        "arriving",
        "back_since",
        "behind",
        "came_at",
        "connection",
        "crowd",
        "cursors",
        "has_left",
        "is_ready",
        "is_slow",
        "is_wanted",
        "meter",
        "paging",
        "refresh_token",
        "rooms",
        "said",
        "seen",
        "token",
        "under_way",
        "was_here",
        "welcome",
    )

    def __init__(self, crowd: "Crowd", person: Person, *, acts: bool, is_slow: bool) -> None:
        self.crowd = crowd
        self.meter = crowd.meter
        self.account = person.account
        self.token = person.token
        self.refresh_token = person.refresh_token
        self.rooms = [crowd.rooms[room] for room in person.rooms]
        self.acts = acts
        self.is_slow = is_slow
        self.is_ready = False
        self.is_wanted = False
        self.has_left = False
        self.under_way = 0
        self.said: tuple[Room, int] | None = None
        self.paging: tuple[Room, int] | None = None
        self.connection: Connection | None = None
        self.arriving: asyncio.Task[None] | None = None
        self.welcome: asyncio.Future[None] | None = None
        self.came_at = 0.0
        self.back_since: float | None = None
        self.was_here = False
        self._asking = Asking(self)
        self.cursors = Cursors()
        self.behind: dict[Room, int] | None = None
        self.seen = self.cursors.seen

    # --- actions ---------------------------------------------------------------------------------

    def ask(
        self,
        kind: str,
        due: float,
        command: bytes,
        *,
        room: Room | None = None,
        answered: Answered | None = None,
        keeps: bool = True,
    ) -> None:
        """Send a command; its answer is waited for, and if the connection breaks, it is repeated.

        Args:
            kind: of latency that the answer has; empty: none.
            due: when it was due.
            command: its fields but `id`, as JSON without braces: b'"t":"typing","room":"7"'.
            room: to whose log it writes. Then it gets a nonce, and the user has to hear it.
            answered: called with the `ok`, as JSON.
            keeps: whether it waits for a connection where there is none; otherwise it is forgotten.
        """
        self._asking.ask(kind, due, command, room=room, answered=answered, keeps=keeps)

    def begin(self) -> None:
        """An action has begun that is not asked over the connection."""
        self.under_way += 1
        self.meter.count("sent")

    def finish(self, kind: str, due: float) -> None:
        """That is done.

        Args:
            kind: of its latency; empty: none.
            due: when it was due.
        """
        if kind:
            self.meter.latency(kind, monotonic() - due)
        self.ended()

    def fail(self, code: str) -> None:
        """That has failed, with this error."""
        self.meter.error(code)
        self.ended()

    def ended(self) -> None:
        """An action has come to its end, this way or the other."""
        self.under_way = max(0, self.under_way - 1)  # it may have left
        self.crowd.course.go_on(self)

    # --- hearing ---------------------------------------------------------------------------------

    def hear(self, chunk: Chunk, now: int) -> None:
        """Something has come that is the same for everybody.

        Args:
            chunk: that is plain.
            now: nanoseconds.
        """
        room, seen = chunk.room, self.seen
        if self.behind is not None:
            self._hear_items(chunk, now)
            return
        # Nearly always it is of one room, for which half of the time would go to loops.
        if room is not None and seen.get(room) == chunk.before:
            seen[room] = chunk.end
        elif all(seen.get(room) == before for room, before in chunk.begins):
            seen.update(chunk.ends)
        else:
            self._hear_items(chunk, now)
            return
        heard = chunk.heard
        if not heard:
            self.meter.hears(chunk)
        heard.append(now)
        if self.account in chunk.said:
            for entry in chunk.said[self.account]:
                self._asking.heard(entry)
        if chunk.others:
            for listener, payload in chunk.others:
                listener(self, payload, now / 1e9)

    def hear_each(self, connection: Connection, chunk: Chunk, now: int) -> None:
        """Something has come that is this user's alone, at least in part."""
        for item in chunk.items:
            if isinstance(item, Control):
                connection.control(item)
        self._hear_items(chunk, now)

    def _hear_items(self, chunk: Chunk, now: int) -> None:
        self.meter.count("bytes", chunk.size - len(chunk.rest))  # which comes again, as a whole
        for item in chunk.items:
            if isinstance(item, Entry):
                self._hear_entry(item, now)
            elif isinstance(item, Answer):
                self._hear_answer(item, now)
            elif isinstance(item, tuple):
                listener, payload = item
                listener(self, payload, now / 1e9)

    def _hear_entry(self, entry: Entry, now: int) -> None:
        if not self.cursors.hear(entry.room, entry.seq, self.meter.wrong):
            return
        # What is caught up on after a connection was lost has no latency of delivery: how long that
        # takes is "back".
        behind = self.behind
        is_old = behind is not None and entry.seq <= behind.get(entry.room, 0)
        self.take(entry, None if is_old else now)
        if behind is not None:
            catching_up.look(self)

    def take(self, entry: Entry, now: int | None) -> None:
        """An entry has come that is news; `now`: in nanoseconds, if its latency counts."""
        if entry.due:
            self.meter.count("delivered")
            if now is not None:
                self.meter.delivery(entry.due, now)
        if entry.nonce and entry.sender == self.account:
            self._asking.heard(entry)

    def _hear_answer(self, answer: Answer, now: int) -> None:
        event = answer.event
        if event.t == "ok":
            self._asking.ok(event, answer.payload, now)
        elif event.t == "ready":
            catching_up.come_in(self, answer.payload)
        elif event.t == "gap":
            catching_up.hear_gap(self, event)
        elif not self.is_ready and event.id == 1:
            self.meter.error(event.code)
            arrival.refused_hello(self, event.code)
        else:
            self._asking.error(event)

    # --- coming and going ------------------------------------------------------------------------

    @property
    def hello(self) -> bytes:
        """The fields of its first command, and where it has been."""
        cursors = {room.id: seq for room, seq in self.seen.items()}
        fields = {"t": "hello", "id": 1, "token": self.token, "cursors": cursors}
        return msgspec.json.encode(fields)

    def enter(self) -> None:
        """It is connected, and may ask."""
        assert self.connection is not None
        self.is_ready = True
        self.has_left = False
        self.crowd.ready += 1
        self.meter.latency("connect", monotonic() - self.came_at)
        self.meter.count("reconnects" if self.was_here else "connects")
        self.was_here = True
        if repeated := self._asking.repeat():
            self.connection.write(repeated)
        catching_up.look(self)
        if self.welcome is not None and not self.welcome.done():
            self.welcome.set_result(None)
        self.crowd.course.go_on(self)

    def lost(self, connection: Connection, code: int, delay: float | None) -> None:
        """The server has closed the connection, or lost it."""
        if connection is not self.connection:
            return
        was_ready = self.is_ready
        self._away()
        if self.welcome is not None and not self.welcome.done():
            self.welcome.set_exception(Refused(code, delay))
        elif was_ready:
            self.meter.count("dropped")
            arrival.lost(self, code, delay)

    @property
    def is_about(self) -> bool:
        """Whether it would do something now, connected or not: it has not gone by its own will."""
        return self.is_wanted and (self.back_since is None or self.back_since <= monotonic())

    def stop_reading(self) -> None:
        """Read nothing more until `read_on`. How late it then hears what came is its own doing."""
        assert self.connection is not None
        self.connection.pause()
        self.behind = dict.fromkeys(self.rooms, _FOR_EVER)

    def read_on(self) -> None:
        """Read on, and come back if it was closed meanwhile."""
        if self.connection is not None:
            self.connection.resume()

    def drop(self) -> None:
        """Drop the connection without a word."""
        if self.connection is not None:
            connection = self.connection
            self._away()
            connection.abort()

    def leave(self) -> None:
        """Say goodbye, and stay away: nothing is asked any more, and nothing is owed."""
        self.is_wanted = False
        self.has_left = True
        self.under_way = 0
        self._asking.forget()
        if self.arriving is not None:
            self.arriving.cancel()
        if self.connection is not None:
            connection = self.connection
            self._away()
            connection.close()

    def _away(self) -> None:
        self.connection = None
        if self.is_ready:
            self.is_ready = False
            self.crowd.ready -= 1

    # --- the end ---------------------------------------------------------------------------------

    @property
    def unanswered(self) -> int:
        """Commands and other actions for which no answer has come."""
        return max(len(self._asking.pending), self.under_way)

    def missing(self) -> int:
        """How much of what is acknowledged to anybody it should have, and has not."""
        if self.has_left or not self.was_here:
            return 0
        missing = sum(self.cursors.missing(room, room.acknowledged) for room in self.rooms)
        return missing + sum(
            asked.room is not None and self.cursors.has(asked.room, asked.seq)
            for asked in self._asking.unheard()
        )
