"""What the terminal chat knows of what it has shown: names, quotations, positions in the logs."""

import asyncio
from collections import OrderedDict

from rich.text import Text

from plaza_client.client import Client
from plaza_client.errors import PlazaClientError
from plaza_client.rest import Rest
from plaza_client.terminal_commands import Mistake
from plaza_client.terminal_text import accounts_in, line_of, quotation, room_name
from plaza_client.wire import ClientEvent, log_place
from protocol.events import (
    Deleted,
    Edited,
    Message,
    Reacted,
    RoomAdded,
    RoomEvent,
    Unreacted,
)
from protocol.ids import Id
from protocol.records import Room

QUOTES_KEPT = 500


class Record:
    """Turns events into lines, and remembers them.

    Args:
        client: whose events they are.
        rest: where names are looked up.

    Attributes:
        turn: held while something is printed that must not be interrupted.
    """

    def __init__(self, client: Client, rest: Rest) -> None:
        self._client = client
        self._rest = rest
        self._names: dict[Id, str] = {client.user.id: client.user.username}
        self._titles: dict[Id, str] = {}
        self._quotes: OrderedDict[tuple[Id, int], str] = OrderedDict()
        self._latest: dict[tuple[Id, bool], int] = {}  # (room, whether own) -> seq
        self._last_shown: dict[Id, int] = dict(client.cursors)
        self._expected: dict[Id, int] = {}
        self._progress = asyncio.Condition()
        self.turn = asyncio.Lock()

    def begin(self, room: Room) -> None:
        """Events of this room will follow."""
        self._titles[room.id] = room_name(room)
        self._last_shown.setdefault(room.id, room.last_seq)

    def title(self, room: Id) -> str:
        """What to call a room, even if it is gone."""
        if known := self._client.rooms.get(room):
            self._titles[room] = room_name(known)
        return self._titles.get(room, "a room")

    def last_shown(self, room: Id) -> int:
        """The seq up to which the room has been shown."""
        return self._last_shown[room]

    def latest_message(self, room: Id, *, own: bool = False) -> int:
        """The seq of the latest message, or of one's own latest one."""
        seqs = [self._latest.get((room, mine), 0) for mine in ({True} if own else {True, False})]
        if not any(seqs):
            raise Mistake("There is no message to refer to. Say which: #N, as /history shows.")
        return max(seqs)

    async def line(self, event: ClientEvent) -> Text | None:
        """An event as a line; None for what is not worth one, or of somebody not to be heard."""
        hidden = self._client.blocked | self._client.muted
        if isinstance(event, RoomEvent) and event.sender in hidden:
            return None
        for account in accounts_in(event):
            await self._learn_name(account)
        return line_of(event, self._name_of, self._quote_of)

    async def shown(self, event: ClientEvent) -> None:
        """The event has been shown."""
        self._remember(event)
        if isinstance(event, RoomAdded):
            self.begin(event.room)
        place = log_place(event)
        if place is not None:
            room, self._last_shown[room] = place[0], place[1]
        async with self._progress:
            self._progress.notify_all()

    async def history(self, room: Id, count: int) -> list[tuple[int, Text]]:
        """The latest entries of a room's log that have been shown or passed, as lines with seqs."""
        page = await self._client.history(room, before=self.last_shown(room) + 1, limit=count)
        lines = []
        for event in page.events:
            # Messages stand in the log as they are now; what made them so need not be told.
            if isinstance(event, Edited | Deleted | Reacted | Unreacted):
                continue
            self._remember(event)
            line = await self.line(event)
            if line is not None and event.seq is not None:
                lines.append((event.seq, line))
        return lines

    async def found(self, query: str) -> list[Text]:
        """The best matches of a search, as lines."""
        lines = []
        for hit in (await self._rest.search(query)).items:
            line = await self.line(hit.message)
            if line is not None:
                place = f"[{self.title(hit.room)}] #{hit.message.seq} "
                lines.append(Text.assemble((place, "dim"), line))
        return lines

    def sent(self, room: Id, seq: int) -> None:
        """The server has written a message of ours: what the next command may refer to."""
        self._latest[room, True] = max(seq, self._latest.get((room, True), 0))

    def expect(self, room: Id, seq: int) -> None:
        """An entry of the room's log that will come."""
        self._expected[room] = max(seq, self._expected.get(room, 0))

    async def caught_up(self) -> None:
        """Wait until all that is expected has been shown."""
        async with self._progress:
            await self._progress.wait_for(self._is_caught_up)

    def _is_caught_up(self) -> bool:
        return all(
            self._last_shown.get(room, 0) >= seq or room not in self._client.rooms
            for room, seq in self._expected.items()
        )

    def _remember(self, event: ClientEvent) -> None:
        if isinstance(event, Message):
            key = event.room, event.sender == self._client.user.id
            self._latest[key] = max(event.seq, self._latest.get(key, 0))
            self._quote(event.room, event.seq, event.body)
        elif isinstance(event, Edited) and (event.room, event.target) in self._quotes:
            self._quote(event.room, event.target, event.body)

    def _quote(self, room: Id, seq: int, body: str) -> None:
        self._quotes[room, seq] = quotation(body) if body else f"#{seq}"
        if len(self._quotes) > QUOTES_KEPT:
            self._quotes.popitem(last=False)

    def _quote_of(self, room: Id, seq: int) -> str:
        return self._quotes.get((room, seq), f"#{seq}")

    def _name_of(self, account: Id) -> str:
        return self._names.get(account, f"account {account}")

    async def _learn_name(self, account: Id) -> None:
        if account not in self._names:
            try:
                self._names[account] = (await self._rest.account(account)).username
            except PlazaClientError:
                return  # shown by number; the next event tries again
