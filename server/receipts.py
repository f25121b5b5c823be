"""Read and delivered markers: taken from clients, written, told. For the socket and for REST alike.

What moved is told at the end of the tick, behind the rooms' events: so the counts that come with a
marker include what came before it, and nothing else.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from persistence import markers
from persistence.database import Database
from persistence.marker_writer import MarkerWriter
from persistence.markers import Mark, Moved
from protocol import commands
from protocol.commands import Command
from protocol.errors import FORBIDDEN, NOT_FOUND, OVERLOADED, UNAVAILABLE, PlazaError
from protocol.events import Event, LevelChanged, Ok, ReadMarker
from protocol.ids import Id
from protocol.records import Level, Receipt
from rooms.hub import Hub
from rooms.permissions import NO_SUCH_ROOM
from rooms.receipts import Announcements, Counts, brought_up
from server.background import Background
from server.dispatch import Handler, asking
from server.session import ChatSession

Refusals = list[PlazaError]

# Turns for which counts wait for the listeners to hear of what is in them. Longer than the log
# takes to publish what it wrote before its connection broke; what another process writes may not
# come at all.
PATIENCE_TURNS = 10


class Receipts:
    """Answers `read`, `read_all`, `delivered` and `notify`.

    Args:
        writer: writes markers; to be made with `moved` of this object.
        database: knows the rest.
        hub: tells.
        background: runs the tasks of `notify`.
        wake: arranges that `flush` is called at the end of this tick.
        members: in larger rooms nobody is told of others' markers; 0: in all rooms they are.
    """

    def __init__(
        self,
        *,
        writer: MarkerWriter,
        database: Database,
        hub: Hub,
        background: Background,
        wake: Callable[[], None],
        members: int,
    ) -> None:
        self._writer = writer
        self._database = database
        self._hub = hub
        self._wake = wake
        self._members = members
        self._announcements = Announcements(self._offer)
        # Read markers to be told, and the turn since when.
        self._moved: dict[tuple[Id, Id], tuple[Moved, int]] = {}
        self._uncounted: set[tuple[Id, Id]] = set()  # to be counted when the writer takes it
        self._turns = 0
        self.handlers: Mapping[type[Command], Handler] = {
            commands.Read: self._on_read,
            commands.ReadAll: self._on_read_all,
            commands.Delivered: self._on_delivered,
            commands.Notify: asking(background, self._on_notify),
        }

    # --- the socket's commands -------------------------------------------------------------------

    def _on_read(self, session: ChatSession, command: commands.Read) -> None:
        mark = Mark(command.room, session.account, read=command.seq)
        self._writer.append([mark], partial(_settle, session, command))

    def _on_read_all(self, session: ChatSession, command: commands.ReadAll) -> None:
        self._writer.append_all(session.account, partial(_settle, session, command))

    def _on_delivered(self, session: ChatSession, command: commands.Delivered) -> None:
        marks = [
            Mark(room, session.account, delivered=seq) for room, seq in command.cursors.items()
        ]
        self._writer.append(marks, partial(_settle_delivered, session, command))

    async def _on_notify(self, session: ChatSession, command: commands.Notify) -> Event:
        await self.set_level(session.account, command.room, command.level)
        return Ok(id=command.id)

    # --- REST ------------------------------------------------------------------------------------

    async def read(self, account: Id, room: Id, seq: int) -> None:
        """Move an account's read marker forward. Raises PlazaError not_found to non-members."""
        outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._writer.append([Mark(room, account, read=seq)], partial(_resolve, outcome))
        await outcome

    async def read_all(self, account: Id) -> None:
        """Move an account's read markers to the ends of all its rooms."""
        outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._writer.append_all(account, partial(_resolve, outcome))
        await outcome

    async def receipts(self, account: Id, room: Id) -> list[Receipt]:
        """How far each member of a room has got.

        Raises:
            PlazaError: not_found to non-members; forbidden, when the room is too large.
        """
        async with self._database.connection() as connection:
            members = await markers.members_of_own(connection, room, account)
            if members is None:
                raise PlazaError(NOT_FOUND, NO_SUCH_ROOM)
            if not self._are_told(members):
                raise PlazaError(
                    FORBIDDEN,
                    f"The room has more than {self._members} members: who has read what is shown "
                    "in smaller rooms only.",
                )
            return await markers.receipts(connection, room)

    async def set_level(self, account: Id, room: Id, level: Level) -> None:
        """Set what a member wants to be told of a room. Raises PlazaError not_found."""
        async with self._database.connection() as connection:
            changed = await markers.set_level(connection, room, account, level)
        if changed is None:
            raise PlazaError(NOT_FOUND, NO_SUCH_ROOM)
        if changed:
            self._hub.tell(account, LevelChanged(room=room, level=level))

    # --- what is written -------------------------------------------------------------------------

    def moved(self, news: Sequence[Moved]) -> None:
        """Markers have moved, and are on disk."""
        for moved in news:
            room, account = moved.room, moved.account
            if moved.delivered is not None and self._are_told(moved.members):
                self._announcements.delivered(room, account, moved.delivered)
            if moved.read is not None:
                self._moved[room, account] = moved, self._turns
        if self._moved:
            self._wake()

    def flush(self) -> None:
        """Tell which read markers have moved. At the end of the tick, behind the rooms' events."""
        if not self._moved:
            return
        news, self._moved = self._moved, {}
        for key, (moved, since) in news.items():
            heard = self._heard(moved)
            if heard < moved.last_seq and self._turns < since + PATIENCE_TURNS:
                # Its counts know more than the listeners do, for now.
                self._moved[key] = moved, since
            else:
                self._tell(moved, heard)

    def turn(self) -> None:
        """Tell what has waited. To be called every second."""
        self._turns += 1
        self._announcements.turn()
        uncounted, self._uncounted = self._uncounted, set()
        for room, account in uncounted:
            self._recount(room, account)
        if self._moved:
            self._wake()

    # --- telling ---------------------------------------------------------------------------------

    def _heard(self, moved: Moved) -> int:
        """The last event of a room that its listeners have been sent."""
        live = self._hub.rooms.get(moved.room)
        # If nobody listens, nobody is told.
        return live.last_seq if live else moved.last_seq

    def _tell(self, moved: Moved, heard: int) -> None:
        room, account = moved.room, moved.account
        since = self._hub.rooms.written(room, moved.last_seq, heard)
        counts = None
        if since is not None:
            counts = Counts(moved.read or 0, moved.unread, moved.mentions)
            counts = brought_up(counts, since, account)
        if counts is None:
            self._recount(room, account)
            return
        read, unread, mentions = counts
        self._hub.tell(
            account,
            ReadMarker(
                room=room,
                account=account,
                seq=read,
                unread=unread,
                mentions=mentions,
                last_seq=max(heard, moved.last_seq),
            ),
        )
        if self._are_told(moved.members):
            self._announcements.read(room, account, read)

    def _recount(self, room: Id, account: Id) -> None:
        """Have a member's counts told as they are then."""
        try:
            self._writer.append(
                [Mark(room, account, anyway=True)], partial(self._recounted, room, account)
            )
        except PlazaError as refusal:
            self._recounted(room, account, [refusal])

    def _recounted(self, room: Id, account: Id, refusals: Refusals) -> None:
        # Who is no member any more needs no counts.
        if any(refusal.spec in (UNAVAILABLE, OVERLOADED) for refusal in refusals):
            self._uncounted.add((room, account))

    def _offer(self, room: Id, sign: Event, account: Id) -> None:
        self._hub.offer(room, sign, but=(account,))

    def _are_told(self, members: int) -> bool:
        return not self._members or members <= self._members


def _settle(session: ChatSession, command: Command, refusals: Refusals) -> None:
    if refusals:
        session.refuse(command, refusals[0])
    else:
        session.answer(command, Ok(id=command.id))


def _settle_delivered(session: ChatSession, command: Command, refusals: Refusals) -> None:
    # A device cannot know that it was removed from one of many rooms a moment ago.
    _settle(session, command, [refusal for refusal in refusals if refusal.spec is not NOT_FOUND])


def _resolve(outcome: asyncio.Future[None], refusals: Refusals) -> None:
    if outcome.done():  # the caller has given up
        return
    if refusals:
        outcome.set_exception(refusals[0])
    else:
        outcome.set_result(None)
