"""The server is killed while many talk: what was acknowledged is there, once, for everybody."""

import asyncio
import itertools
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from plaza_client import Client, Options, Rest
from plaza_client.link import State, Status
from protocol.events import Message, RoomEvent
from protocol.ids import Id
from tests.e2e.process import ServerProcess

SETTINGS = {
    "PLAZA_LIMITS__SIGNUPS_PER_IP_HOUR": "0",
    "PLAZA_AUTH__ACCESS_TOKEN_SECONDS": "86400",
    "PLAZA_LOG__FORMAT": "json",
}
PATIENT = Options(command_timeout=120, start_timeout=60, backoff_base=0.05, backoff_cap=0.5)


@pytest.fixture
async def server() -> AsyncIterator[ServerProcess]:
    # In /tmp itself: the database's user, when we are root, must be able to get there.
    data_dir = Path(tempfile.mkdtemp(prefix="plaza-kill9-", dir="/tmp"))
    process = ServerProcess(data_dir, SETTINGS)
    try:
        await process.start()
        yield process
    finally:
        # A server that was killed leaves its Postgres; the next one takes it over, and stops it.
        if (data_dir / "postgres" / "postmaster.pid").exists():
            await process.kill()
            await process.start()
        await process.stop()
        shutil.rmtree(data_dir)


class Talker:
    """Somebody who sends as fast as the acknowledgements come, and writes down what arrives."""

    def __init__(self, name: str, client: Client, rooms: list[Id], counts: Counter[str]) -> None:
        self.name = name
        self.client = client
        self.rooms = rooms
        self.acknowledged: dict[tuple[Id, str], int] = {}  # (room, nonce) -> seq
        self.heard: dict[Id, list[RoomEvent]] = defaultdict(list)
        self.progress = asyncio.Event()
        self._counts = counts
        self._enough = False

    async def talk(self) -> None:
        for number, room in enumerate(itertools.cycle(self.rooms)):
            if self._enough:
                return
            nonce = f"{self.name}-{number}"
            ok = await self.client.send(room, f"{self.name} says {number}", nonce=nonce)
            self.acknowledged[room, nonce] = ok.seq
            self._counts["acknowledged"] += 1

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


async def gather(server: ServerProcess, people: int, stack: AsyncExitStack) -> list[Talker]:
    """People in rooms of ten, every one in two of them; half of them speak MessagePack."""
    counts: Counter[str] = Counter()

    def count(status: Status) -> None:
        if status.state is State.CONNECTED:
            counts["connected"] += 1

    rest = await stack.enter_async_context(Rest(server.url))
    names = [f"talker_{number}" for number in range(people)]
    signed = [
        await rest.sign_up(name, f"{name}@example.org", "correct horse battery") for name in names
    ]
    clients = [
        await stack.enter_async_context(
            Client(
                server.url,
                token=person.access_token,
                encoding="json" if number % 2 else "msgpack",
                on_status=count,
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
        Talker(name, client, rooms[client.user.id], counts)
        for name, client in zip(names, clients, strict=True)
    ]


async def until_acknowledged(talkers: list[Talker], total: int) -> None:
    while sum(len(talker.acknowledged) for talker in talkers) < total:
        await asyncio.sleep(0.01)  # a poll, not a guess: the tests' own timeout ends it


async def check(talkers: list[Talker], server: ServerProcess) -> int:
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


async def rounds(server: ServerProcess, *, people: int, kills: int, messages: int) -> None:
    """Kill the server again and again while `people` talk, `messages` a round."""
    async with AsyncExitStack() as stack:
        talkers = await gather(server, people, stack)
        tasks = asyncio.TaskGroup()
        async with asyncio.timeout(60 + 30 * kills), tasks:
            listening = [tasks.create_task(talker.listen()) for talker in talkers]
            talking = [tasks.create_task(talker.talk()) for talker in talkers]
            for kill in range(1, kills + 1):
                await until_acknowledged(talkers, kill * messages)
                # The last round as a power cut would: the database goes down with the server.
                await (server.cut_power() if kill == kills else server.kill())
                await server.start()
            await until_acknowledged(talkers, (kills + 1) * messages)
            for talker in talkers:
                talker.stop()
            await asyncio.wait(talking)
            written = await check(talkers, server)
            for task in listening:
                task.cancel()
        counts = talkers[0]._counts
        print(
            f"\n{kills} kills: {counts['acknowledged']} messages acknowledged, {written} in the "
            f"logs, {counts['connected'] - people} reconnects of {people} clients"
        )


async def test_kill_9_loses_nothing(server: ServerProcess) -> None:
    await rounds(server, people=10, kills=2, messages=200)


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_kill_9_under_load_ten_rounds(server: ServerProcess) -> None:
    await rounds(server, people=50, kills=10, messages=2_000)
