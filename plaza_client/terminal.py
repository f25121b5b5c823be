"""`plaza chat`: a conversation in a terminal, or through a pipe.

terminal            here: the chat itself
terminal_login      saved sessions, logging in, signing up
terminal_input      a person's keyboard and screen, or a pipe's ends
terminal_commands   what begins with a slash
terminal_record     what has been shown: names, quotations, positions
terminal_text       events as lines
"""

import asyncio
import sys
from contextlib import suppress

from msgspec import UNSET
from rich.text import Text

from plaza_client.client import Client
from plaza_client.errors import PlazaClientError
from plaza_client.link import State, Status
from plaza_client.rest import Rest
from plaza_client.terminal_commands import COMMANDS, Mistake
from plaza_client.terminal_input import Keyboard, Lines, Pipe, Surface
from plaza_client.terminal_login import NobodyToAsk, sign_in
from plaza_client.terminal_record import Record
from plaza_client.terminal_text import harmless, room_name
from plaza_client.wire import ClientEvent
from protocol.events import Ok, RoomAdded, RoomEvent, RoomGone
from protocol.ids import Id
from protocol.records import Room, User

FAILED = 8
"""Exit status: the server cannot be reached, or does not let one in."""

HISTORY_ON_ENTRY = 10
LINES_AHEAD = 100  # that may wait to be carried out, as while the connection is away
SETTLING_SECONDS = 5.0  # for what was written to come back as an event


async def run(
    url: str, *, username: str | None = None, password: str | None = None, room: str | None = None
) -> int:
    """Talk until /quit, Ctrl+D or the end of standard input.

    Where standard input and output are a terminal, what is missing is asked for. Else lines are
    read and events printed plainly.

    Args:
        url: of the server, such as http://127.0.0.1:8080.
        username: who one is.
        password: of the account; not needed where a session is saved.
        room: the room to enter: its title or id.

    Returns:
        The exit status: 0, or FAILED with a sentence on standard error.
    """
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    surface: Surface = Keyboard(list(COMMANDS)) if interactive else Pipe()
    try:
        rest = await sign_in(url, surface.ask, username=username, password=password)
        async with rest:
            await _converse(url, rest, surface, room)
    except EOFError:
        return 0
    except (PlazaClientError, NobodyToAsk, Mistake, ValueError) as error:
        print(f"Error: {harmless(str(error))}", file=sys.stderr)
        return FAILED
    return 0


async def _converse(url: str, rest: Rest, surface: Surface, room: str | None) -> None:
    connection = ConnectionNotices(surface)
    client = Client(url, token=rest.access_token, refresh=rest.refresh, on_status=connection.tell)
    with surface.screen():
        async with client:
            chat = Chat(client, rest, surface)
            await chat.begin(room)
            await chat.talk()


class ConnectionNotices:
    """Says when the connection is lost, and when it is back."""

    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._interrupted = False

    def tell(self, status: Status) -> None:
        """The connection's state has changed: the client's `on_status`."""
        if status.state is State.WAITING:
            problem = "Still no connection." if self._interrupted else str(status.error)
            self._interrupted = True
            self._show(f"{problem} Reconnecting in {status.delay:.1f} s.")
        elif status.state is State.CONNECTED and self._interrupted:
            self._interrupted = False
            self._show("Connected again.")

    def _show(self, sentence: str) -> None:
        self._surface.show(Text(harmless(sentence), "dim yellow"))


class Chat:
    """One person's conversation.

    Attributes:
        client: connected.
        rest: logged in.
        room: the one that lines are sent to; None: none yet.
        ended: the person wants to leave.
    """

    def __init__(self, client: Client, rest: Rest, surface: Surface) -> None:
        self.client = client
        self.rest = rest
        self.room: Id | None = None
        self.ended = False
        self._surface = surface
        self._typed: Lines = asyncio.Queue(LINES_AHEAD)
        self._record = Record(client, rest)
        self._listed: list[Room] = []

    def show(self, line: Text | str) -> None:
        """Print a line."""
        self._surface.show(line)

    # --- the conversation ------------------------------------------------------------------------

    async def begin(self, room: str | None) -> None:
        """Greet, and enter a room: the given one, or the only one there is."""
        self.show(Text(f"You are {self.client.user.username}. Type /help for help.", "dim"))
        if room is not None:
            await self.enter(await self.find_room(room))
        elif len(self.client.rooms) == 1:
            await self.enter(next(iter(self.client.rooms.values())))
        else:
            await self.list_rooms()

    async def talk(self) -> None:
        """Send what is typed and show what happens, until the person leaves."""
        listening = asyncio.create_task(self._listen())
        acting = asyncio.create_task(self._act())
        feeding = asyncio.create_task(self._surface.feed(self._typed, self._prompt))
        running = {listening, acting, feeding}
        try:
            while not (listening.done() or acting.done()):
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _listen(self) -> None:
        async for event in self.client.events():
            await self._show_event(event)
            if isinstance(event, RoomAdded) and self.room is None:
                await self.enter(event.room)  # so that whoever was called can answer at once

    async def _act(self) -> None:
        """Carry out what was typed."""
        while not self.ended and (line := await self._typed.get()) is not None:
            try:
                await self._carry_out(line.rstrip("\r"))
            except (Mistake, PlazaClientError) as error:
                self.show(Text(harmless(str(error)), "red"))
            # What a line brought about stands above what the next one does.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._record.caught_up(), SETTLING_SECONDS)
        with suppress(PlazaClientError):
            await self._mark_read()

    async def _carry_out(self, line: str) -> None:
        if line.startswith("/") and not line.startswith("//"):
            name, _, rest = line.partition(" ")
            if name not in COMMANDS:
                raise Mistake(f"There is no {name}. Type /help for what there is.")
            await COMMANDS[name].run(self, rest.strip())
        elif line.strip():
            await self.send(line.removeprefix("/"))

    def _prompt(self) -> str:
        return "> " if self.room is None else f"{self._record.title(self.room)}> "

    async def _show_event(self, event: ClientEvent) -> None:
        async with self._record.turn:
            line = await self._record.line(event)
            if isinstance(event, RoomAdded) and event.room.id == self.room:
                line = None  # it has a heading already
            room = event.room if isinstance(event, RoomEvent | RoomGone) else None
            if line is not None and room is not None and room != self.room:
                line = Text.assemble((f"[{self._record.title(room)}] ", "dim"), line)
            if line is not None:
                self.show(line)
            await self._record.shown(event)
        if isinstance(event, RoomGone) and event.room == self.room:
            self.room = None

    # --- what the slash commands use -------------------------------------------------------------

    def here(self) -> Id:
        """The present room."""
        if self.room is None:
            raise Mistake("You are in no room. Type /rooms, then /join ROOM or /new TITLE.")
        return self.room

    async def send(self, body: str, *, reply_to: int | None = None) -> None:
        """Post a message in the present room. It shows when it comes back."""
        room = self.here()
        written = await self.client.send(room, body, reply_to=reply_to)
        assert written.seq is not UNSET
        self._record.sent(room, written.seq)
        self.expect(written)

    def expect(self, written: Ok) -> None:
        """Wait, before the next line, for what was written in the present room to be shown."""
        if written.seq is not UNSET and self.room is not None:
            self._record.expect(self.room, written.seq)

    def latest(self) -> int:
        """The seq of the latest message here."""
        return self._record.latest_message(self.here())

    def latest_own(self) -> int:
        """The seq of one's latest message here."""
        return self._record.latest_message(self.here(), own=True)

    async def enter(self, room: Room) -> None:
        """Make a room the present one, joining it if need be."""
        if room.id not in self.client.rooms:
            await self.client.join(room.id)
        if room.id == self.room:
            return  # a new room was announced, and entered for that, before the command's answer
        self.room = room.id
        self._record.begin(room)
        self.show(Text(f"— {self._record.title(room.id)} —", "bold"))
        await self.show_history(HISTORY_ON_ENTRY)
        await self._mark_read()

    async def show_history(self, count: int, *, numbered: bool = False) -> None:
        """Print the latest events of the present room.

        Args:
            count: how many entries of the log to look at.
            numbered: with the numbers that commands take.
        """
        room = self.here()
        async with self._record.turn:
            for seq, line in await self._record.history(room, count):
                self.show(Text.assemble((f"#{seq} ", "dim"), line) if numbered else line)

    async def show_found(self, query: str) -> None:
        """Print the messages that a search finds."""
        async with self._record.turn:
            lines = await self._record.found(query)
            for line in lines or [Text("Nothing was found.")]:
                self.show(line)

    async def list_rooms(self) -> None:
        """Print one's rooms, and the channels that one may join."""
        own = sorted(self.client.rooms.values(), key=room_name)
        others = [room for room in await self.rest.channels() if room.id not in self.client.rooms]
        self._listed = [*own, *others]
        for number, room in enumerate(self._listed, start=1):
            note = f"  {room.unread} new" if room.unread else ""
            if room.mentions:
                note += f", {room.mentions} for you"
            if room.id not in self.client.rooms:
                note = "  join it with /join"
            self.show(Text.assemble(f"{number:3} {room_name(room)}", (note, "dim")))
        if not self._listed:
            self.show("There are no rooms yet. Type /new TITLE, or /dm NAME.")

    async def find_room(self, text: str) -> Room:
        """The room that somebody means by its number in the list, title or id."""
        if text.isascii() and text.isdigit() and 1 <= int(text) <= len(self._listed):
            return self._listed[int(text) - 1]
        wanted = text.casefold().removeprefix("#")
        for rooms in (self.client.rooms.values(), await self.rest.channels()):
            found = [
                room
                for room in rooms
                if text == str(room.id) or room_name(room).casefold().removeprefix("#") == wanted
            ]
            if len(found) > 1:
                raise Mistake(f"{len(found)} rooms have this title. Take the number in /rooms.")
            if found:
                return found[0]
        raise Mistake(f"There is no room {text} that you can see. Type /rooms for those you can.")

    async def find_account(self, name: str) -> User:
        """The account with a username."""
        account = await self.rest.account_named(name.removeprefix("@"))
        if account is None:
            raise Mistake(f"There is no account {name}.")
        return account

    async def _mark_read(self) -> None:
        room = self.client.rooms.get(self.room) if self.room is not None else None
        if room is not None and room.read_seq < room.last_seq:
            await self.client.read(room.id, self._record.last_shown(room.id))
