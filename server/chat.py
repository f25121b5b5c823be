"""What accounts do with rooms, beyond one event: for the socket's commands and for REST alike."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial

import asyncpg

from persistence import moderation, relations, rooms, threads
from persistence.database import Database
from persistence.room_log import Outcome, RoomLog
from protocol.drafts import Draft, Unchanged, Written
from protocol.errors import BAD_REQUEST, NOT_FOUND, PlazaError
from protocol.events import AnyRoomEvent, Created, Message
from protocol.ids import Id, IdMint
from protocol.records import Ban, Member, Role, Room, RoomKind
from protocol.times import from_ms
from rooms import permissions
from rooms.body import clean_title
from rooms.hub import Hub
from server.background import Background
from server.log_reader import LogReader
from server.pages import Place, page_at
from server.session import OpenSessions

ADMISSION_RETRY_SECONDS = 0.5


class Chat:
    """Rooms, as accounts see and use them.

    Args:
        database: is read from.
        log: is written to.
        reader: pages it.
        hub: learns of new rooms and members.
        sessions: the open connections.
        background: runs what nobody waits for.
        mint: makes ids.
        clock: Unix time in milliseconds.
    """

    def __init__(
        self,
        *,
        database: Database,
        log: RoomLog,
        reader: LogReader,
        hub: Hub,
        sessions: OpenSessions,
        background: Background,
        mint: IdMint,
        clock: Callable[[], int],
    ) -> None:
        self._database = database
        self._log = log
        self._reader = reader
        self._hub = hub
        self._sessions = sessions
        self._background = background
        self._mint = mint
        self._clock = clock

    async def create_room(
        self,
        actor: Id,
        *,
        kind: RoomKind,
        title: str | None,
        members: Sequence[Id],
        key: str | None,
    ) -> Room:
        """Create a room, or return the one that is there: of the pair, for a dm, or of the key.

        Args:
            members: without the creator, who becomes the owner; of a dm exactly the other one.
            key: the creator's own name for this creation.

        Raises:
            PlazaError: bad_request, not_found (a member is no account), blocked, unavailable.
        """
        now = self._clock()
        event = Created(
            room=self._mint.mint(now),
            event_id=self._mint.mint(now),
            seq=1,
            sender=actor,
            kind=kind,
            title=_title_for(kind, title),
            members=_first_members(kind, actor, members),
        )
        async with self._database.transaction() as connection:
            room_id = await _create(connection, event, at=from_ms(now), key=key)
            room = await rooms.room(connection, actor, room_id)
        assert room is not None
        await self.admit_first(event, room_id)
        return room

    async def admit_first(self, event: Created, room_id: Id) -> None:
        """Let the members of a room that has just been created listen, if they are online.

        Of a room that is not new as well: if the database went away right after its creation,
        nobody has been told. Who listens to it already is told nothing.

        Args:
            room_id: of the room that the creation made or found.
        """
        for account in event.members:
            self._hub.admit(account, room_id, event.seq)
        # The answer comes when they listen: what the creator says next is live to all of them.
        await asyncio.gather(
            *(self._admit(account, room_id, event.seq) for account in event.members)
        )

    def admit(self, account: Id, room: Id, seq: int) -> None:
        """Let somebody who is online listen to a room that they have just joined: `Hub.joined`."""
        self._background.spawn(self._admit(account, room, seq))

    async def _admit(self, account: Id, room_id: Id, seq: int) -> None:
        record = None
        while record is None and self._hub.is_online(account):
            try:
                async with self._database.connection() as connection:
                    record = await rooms.room(connection, account, room_id)
            except PlazaError:  # the database is away
                await asyncio.sleep(ADMISSION_RETRY_SECONDS)
        if record is not None and record.role is not None:
            self._hub.add_room(account, record, joined_seq=seq)

    async def write(self, draft: Draft) -> Written | None:
        """Write a draft to its room's log; None: there was nothing to do.

        Raises:
            PlazaError: it was refused.
        """
        outcome: Outcome = await self._log.write(draft)
        if isinstance(outcome, PlazaError):
            raise outcome
        return None if isinstance(outcome, Unchanged) else outcome

    async def rooms_of(self, account: Id) -> list[Room]:
        """The rooms that an account is a member of."""
        async with self._database.connection() as connection:
            return await rooms.rooms_of(connection, account)

    async def room(self, account: Id, room_id: Id) -> Room:
        """A room as an account sees it. Raises PlazaError not_found when it may not."""
        async with self._database.connection() as connection:
            return await self._readable(connection, account, room_id)

    async def public_rooms(
        self, account: Id, *, cursor: int, limit: int
    ) -> tuple[list[Room], Id | None]:
        """Channels, in the order of their ids, and where the next page starts, if there is one."""
        async with self._database.connection() as connection:
            found = await rooms.channels(connection, account, after=cursor, limit=limit + 1)
        page = found[:limit]
        return page, page[-1].id if len(found) > limit else None

    async def members(
        self, account: Id, room_id: Id, *, after: int, limit: int
    ) -> tuple[list[Member], Id | None]:
        """A room's members, in the order of their ids, and where the next page starts.

        Raises:
            PlazaError: not_found.
        """
        async with self._database.connection() as connection:
            await self._readable(connection, account, room_id)
            found = await rooms.members(connection, room_id, after=after, limit=limit + 1)
        page = found[:limit]
        return page, page[-1].account if len(found) > limit else None

    async def page(
        self,
        account: Id,
        room_id: Id,
        *,
        thread: int | None = None,
        before: int | None = None,
        after: int | None = None,
        around: int | None = None,
        limit: int,
    ) -> tuple[list[AnyRoomEvent], bool]:
        """Events of a room's log, in ascending order; the newest ones by default.

        Args:
            thread: a message of a thread: the messages of that thread only.

        Returns:
            The events, and whether there are more in the direction asked for: newer ones for
            `after`, older ones otherwise.

        Raises:
            PlazaError: not_found; bad_request when more than one direction is given.
        """
        if sum(bound is not None for bound in (before, after, around)) > 1:
            raise PlazaError(BAD_REQUEST, "Give at most one of before, after and around.")
        async with self._database.connection() as connection:
            room = await self._readable(connection, account, room_id)
            place = Place(room.last_seq + 1 if before is None else before, after, around)
            if thread is not None:
                root = await threads.root_of(connection, room_id, thread)
                if root is None:
                    raise PlazaError(NOT_FOUND, permissions.NO_SUCH_MESSAGE)
                older = partial(threads.events_before, connection, room_id, root)
                newer = partial(threads.events_after, connection, room_id, root)
                return await page_at(place, older, newer, limit)
        older, newer = partial(self._reader.before, room), partial(self._reader.after, room)
        return await page_at(place, older, newer, limit)

    async def bans(
        self, account: Id, room_id: Id, *, after: int, limit: int
    ) -> tuple[list[Ban], Id | None]:
        """Who is banned from a room, in the order of their ids, and where the next page starts.

        Raises:
            PlazaError: not_found, forbidden.
        """
        now = from_ms(self._clock())
        async with self._database.connection() as connection:
            room = await self._readable(connection, account, room_id)
            permissions.may_list_bans(room.kind, room.role)
            found = await moderation.bans(
                connection, room_id, now=now, after=after, limit=limit + 1
            )
        page = found[:limit]
        return page, page[-1].account if len(found) > limit else None

    async def pins(self, account: Id, room_id: Id) -> list[Message]:
        """A room's pinned messages, the last one pinned first. Raises PlazaError not_found."""
        async with self._database.connection() as connection:
            await self._readable(connection, account, room_id)
            return await moderation.pins(connection, room_id)

    def close_sessions(self, revoked: Iterable[Id]) -> None:
        """Close the connections of login sessions that are no longer good."""
        self._sessions.close(revoked)

    async def _readable(self, connection: asyncpg.Connection, account: Id, room_id: Id) -> Room:
        room = await rooms.room(connection, account, room_id)
        if room is None:
            raise PlazaError(NOT_FOUND, permissions.NO_SUCH_ROOM)
        permissions.may_read(room.kind, room.role)
        return room


async def _create(
    connection: asyncpg.Connection, event: Created, *, at: datetime, key: str | None
) -> Id:
    """Create a room, or find the one that is there, of which nothing is asked. In a transaction."""
    if event.kind is not RoomKind.DM:
        room, _ = await rooms.create(connection, event, at=at, key=key)
        return room
    pair = min(event.members), max(event.members)
    await relations.lock_pair(connection, *pair)
    room, is_new = await rooms.create(connection, event, at=at, key=key)
    if is_new:
        permissions.may_open_dm(blocked=await relations.is_blocked(connection, *pair))
    return room


def _title_for(kind: RoomKind, title: str | None) -> str | None:
    if kind is not RoomKind.DM:
        return clean_title(title)
    if title is not None:
        raise PlazaError(BAD_REQUEST, "A dm has no title. Leave it out.")
    return None


def _first_members(kind: RoomKind, actor: Id, members: Sequence[Id]) -> dict[Id, Role]:
    if kind is RoomKind.DM:
        if len(members) != 1:
            raise PlazaError(BAD_REQUEST, "A dm has exactly one other member. Give one account.")
        # Neither can remove the other, so neither outranks the other.
        return {actor: Role.MEMBER, members[0]: Role.MEMBER}
    return dict.fromkeys(members, Role.MEMBER) | {actor: Role.OWNER}
