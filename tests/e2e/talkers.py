"""Many clients that talk at once, and what has to be true of it afterwards."""

import asyncio
import itertools
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack

from plaza_client import Client, Options, Rest
from plaza_client.link import State, Status
from protocol.events import Message, RoomEvent
from protocol.ids import Id
from tests.e2e.process import ServerProcess
from tests.e2e.witness import Witness

PASSWORD = "correct horse battery"
PATIENT = Options(command_timeout=120, start_timeout=60, backoff_base=0.05, backoff_cap=0.5)


class Tally:
    """What all of them have achieved."""

    def __init__(self) -> None:
        self.acknowledged = 0
        self.connected = 0
        self._moved = asyncio.Event()

    def acknowledge(self) -> None:
        self.acknowledged += 1
        self._moved.set()

    def watch(self, status: Status) -> None:
        if status.state is State.CONNECTED:
            self.connected += 1

    async def reach(self, acknowledged: int) -> None:
        while self.acknowledged < acknowledged:
            self._moved.clear()
            await self._moved.wait()


class Talker:
    """Somebody who sends as fast as the acknowledgements come, and writes down what arrives."""

    def __init__(self, name: str, client: Client, rooms: list[Id], tally: Tally) -> None:
        self.name = name
        self.client = client
        self.rooms = rooms
        self.acknowledged: dict[tuple[Id, str], int] = {}  # (room, nonce) -> seq
        self.heard: dict[Id, list[RoomEvent]] = defaultdict(list)
        self.progress = asyncio.Event()
        self._tally = tally
        self._enough = False

    async def talk(self) -> None:
        for number, room in enumerate(itertools.cycle(self.rooms)):
            if self._enough:
                return
            nonce = f"{self.name}-{number}"
            ok = await self.client.send(room, f"{self.name} says {number}", nonce=nonce)
            self.acknowledged[room, nonce] = ok.seq
            self._tally.acknowledge()

    async def listen(self) -> None:
        async for event in self.client.events():
            if isinstance(event, RoomEvent):
                self.heard[event.room].append(event)
                self.progress.set()

    def stop(self) -> None:
        self._enough = True

    async def heard_up_to(self, room: Id, seq: int) -> None:
        while not self.heard[room] or self.heard[room][-1].seq < seq:
            self.progress.clear()
            await self.progress.wait()


async def log_of(client: Client, room: Id) -> list[RoomEvent]:
    """The whole log of a room, page by page."""
    events: list[RoomEvent] = []
    more = True
    while more:
        page = await client.history(room, after=events[-1].seq if events else 0, limit=200)
        events += page.events
        more = page.more
    return events


async def gather(
    server: ServerProcess, people: int, tally: Tally, stack: AsyncExitStack
) -> list[Talker]:
    """People in rooms of ten, every one in two of them; half of them speak MessagePack."""
    rest = await stack.enter_async_context(Rest(server.url))
    names = [f"talker_{number}" for number in range(people)]
    signed = [await rest.sign_up(name, f"{name}@example.org", PASSWORD) for name in names]
    clients = [
        await stack.enter_async_context(
            Client(
                server.url,
                token=person.access_token,
                encoding="json" if number % 2 else "msgpack",
                on_status=tally.watch,
                options=PATIENT,
            )
        )
        for number, person in enumerate(signed)
    ]
    accounts = [client.user.id for client in clients]
    rooms: dict[Id, list[Id]] = defaultdict(list)
    for start in range(0, people, 5):
        members = [accounts[(start + offset) % people] for offset in range(min(10, people))]
        creator = clients[accounts.index(members[0])]
        room = await creator.create_room("group", f"Room {start}", members[1:])
        for account in members:
            rooms[account].append(room.id)
    return [
        Talker(name, client, rooms[client.user.id], tally)
        for name, client in zip(names, clients, strict=True)
    ]


async def check(
    talkers: list[Talker], server: ServerProcess, witnesses: Sequence[Witness] = ()
) -> int:
    """Compare what was acknowledged and heard with the log; returns the number of messages."""
    logs: dict[Id, list[RoomEvent]] = {}
    for talker in talkers:
        for room in talker.rooms:
            if room not in logs:
                logs[room] = await log_of(talker.client, room)
            log = logs[room]
            await talker.heard_up_to(room, log[-1].seq)
            first = talker.heard[room][0].seq
            assert [event.seq for event in talker.heard[room]] == [
                *range(first, log[-1].seq + 1)
            ], f"{talker.name} heard a hole or a double in {room}"
            # event_id: what was heard is what the log has, not just as many events.
            assert [event.event_id for event in talker.heard[room]] == [
                event.event_id for event in log[first - 1 :]
            ]
    for witness in witnesses:
        for room, first in witness.first.items():
            await witness.heard_up_to(room, logs[room][-1].seq)
            assert witness.heard[room] == [event.event_id for event in logs[room][first - 1 :]]
    for log in logs.values():
        assert [event.seq for event in log] == [*range(1, len(log) + 1)]
    nonces = Counter(
        (room, event.nonce)
        for room, log in logs.items()
        for event in log
        if isinstance(event, Message)
    )
    assert set(nonces.values()) == {1}
    seqs = {(room, event.nonce): event.seq for room, log in logs.items() for event in log}
    for talker in talkers:
        for message, seq in talker.acknowledged.items():
            assert seqs[message] == seq
    assert "Traceback" not in server.errors()
    return len(nonces)
