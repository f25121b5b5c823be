"""REST: rooms, and what is in them."""

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from msgspec import Struct

from plaza_client.rest_requests import ListPage, Requests, shaped
from plaza_client.wire import HistoryPage, room_events
from protocol.events import Message
from protocol.ids import Id
from protocol.records import Ban, Fragment, Level, Member, Receipt, Room, RoomKind


class LogPage(Struct):
    """A part of a room's log, as it stands on the wire."""

    items: list[Any]
    more: bool


class Hit(Struct, frozen=True):
    """A message that was found.

    Attributes:
        room: where it is.
        message: as the log shows it now.
        fragments: its text, or pieces of it, in which what was searched for is marked.
    """

    room: Id
    message: Message
    fragments: list[Fragment]


class HitPage(Struct, frozen=True):
    """A part of what was found, best first.

    Attributes:
        items: the messages.
        next_cursor: for the next part; None: that was all.
    """

    items: list[Hit]
    next_cursor: str | None = None


class RoomRequests(Requests):
    """The requests about rooms. Part of Rest."""

    async def create_room(
        self,
        kind: RoomKind | str,
        title: str | None = None,
        members: Iterable[int] = (),
        *,
        key: str | None = None,
    ) -> Room:
        """Create a room; of a dm, or with a `key` used before, the room that exists is returned.

        Args:
            kind: dm, group or channel.
            title: of a group or channel.
            members: account ids besides one's own; of a dm the other one.
            key: the creator's own name for this creation.
        """
        fields: dict[str, Any] = {"kind": RoomKind(kind), "members": [str(one) for one in members]}
        if title is not None:
            fields["title"] = title
        headers = {"Idempotency-Key": key or uuid4().hex}
        return shaped(await self._call("POST", "/rooms", fields, headers=headers), Room)

    async def rooms(self) -> list[Room]:
        """One's own rooms."""
        return shaped(await self._all("/rooms"), list[Room])

    async def channels(self) -> list[Room]:
        """The rooms that anyone may join."""
        return shaped(await self._all("/rooms", scope="public"), list[Room])

    async def members(self, room: int) -> list[Member]:
        """Who is in a room. Raises PlazaRefused not_found."""
        return shaped(await self._all(f"/rooms/{room}/members"), list[Member])

    async def events(
        self,
        room: int,
        *,
        thread: int | None = None,
        before: int | None = None,
        after: int | None = None,
        around: int | None = None,
        limit: int = 50,
    ) -> HistoryPage:
        """A part of a room's log: see `Client.history`."""
        bounds = {"before": before, "after": after, "around": around, "thread": thread}
        params = {name: bound for name, bound in bounds.items() if bound is not None}
        params["limit"] = limit
        answer = await self._call("GET", f"/rooms/{room}/events", params=params)
        page = shaped(answer, LogPage)
        return HistoryPage(room_events(page.items), page.more)

    async def read(self, room: int, seq: int) -> None:
        """Say that everything up to `seq` has been read."""
        await self._call("PUT", f"/rooms/{room}/read", {"seq": seq})

    async def read_all(self) -> None:
        """Say that everything in all of one's rooms has been read."""
        await self._call("POST", "/me/read-all")

    async def receipts(self, room: int) -> list[Receipt]:
        """How far each member of a room has got. Raises PlazaRefused forbidden in large rooms."""
        answer = await self._call("GET", f"/rooms/{room}/receipts")
        return shaped(shaped(answer, ListPage).items, list[Receipt])

    async def notify(self, room: int, level: Level | str) -> Room:
        """Say which messages of a room one wants to be told about."""
        fields = {"notify": Level(level)}
        return shaped(await self._call("PATCH", f"/rooms/{room}/me", fields), Room)

    async def pins(self, room: int) -> list[Message]:
        """The pinned messages of a room, the last one pinned first."""
        return shaped(await self._all(f"/rooms/{room}/pins"), list[Message])

    async def bans(self, room: int) -> list[Ban]:
        """Who is kept out of a room: for its admins."""
        return shaped(await self._all(f"/rooms/{room}/bans"), list[Ban])

    async def search(self, query: str, *, cursor: str | None = None, limit: int = 20) -> HitPage:
        """Search the messages of the rooms that one is in.

        Args:
            query: words, "phrases", -without, from:NAME, in:ROOM, before:DATE, after:DATE.
            cursor: `next_cursor` of the page before.
            limit: how many at most, up to 50.
        """
        params: dict[str, Any] = {"q": query, "limit": limit}
        if cursor is not None:
            params["cursor"] = cursor
        return shaped(await self._call("GET", "/search/messages", params=params), HitPage)
