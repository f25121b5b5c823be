"""A server that does as it is told: it loses, doubles, reorders, forges, delays and closes.

One room, a log in memory, and `websockets`' own server. What goes wrong is put in by setting one of
the attributes that are functions.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from loadtest.crowd.crowd import Crowd
from loadtest.crowd.orders import Enlist, Halted, Person, Settled, Tick
from loadtest.scenario import Load, Mix, Return, Scenario

ROOM = "7"

Frame = dict[str, Any]


class FakePlaza:
    """The server. Made by `fake_plaza`.

    Attributes:
        url: of it.
        log: entries of the room.
        hellos, commands: what was asked, in the order in which it came.
        members: connections, by account: the token is the account.
        replay: how many missed entries are sent; of more, a gap.
        tell: an entry on its way to a member -> what that one is told.
        answer: a command, and the answer to it -> the answers that are given.
        greet: an account -> the answer to its hello.
        tasks: of tests, which are to end with the server.
        upgrade: the response to an upgrade request; None: it is granted.
    """

    def __init__(self) -> None:
        self.url = ""
        self.log: list[Frame] = [{"t": "created", "room": ROOM, "sender": "1", "seq": 1}]
        self.hellos: list[Frame] = []
        self.commands: list[Frame] = []
        self.members: dict[str, ServerConnection] = {}
        self.replay = 300
        self.tell: Callable[[str, Frame], list[Frame]] = lambda _, event: [event]
        self.answer: Callable[[Frame, Frame], list[Frame]] = lambda _, answer: [answer]
        self.upgrade: Callable[[ServerConnection], Response | None] = lambda _: None
        self.greet: Callable[[str], list[Frame]] = self._ready
        self.tasks: set[asyncio.Future[None]] = set()
        self._changed = asyncio.Event()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for something that depends on what is asked, or on who is here."""
        while not is_so():
            self._changed.clear()
            await self._changed.wait()

    def changed(self) -> None:
        """Have `until` look again."""
        self._changed.set()

    def append(self, entry: Frame) -> Frame:
        """Write to the log, without telling anybody."""
        entry = {**entry, "seq": len(self.log) + 1}
        self.log.append(entry)
        return entry

    def publish(self, entry: Frame) -> Frame:
        """Write to the log, and tell everybody."""
        entry = self.append(entry)
        for account in list(self.members):
            self.say(account, *self.tell(account, entry))
        return entry

    def say(self, account: str, *frames: Frame) -> None:
        """Send frames to a member, each by itself."""
        for frame in frames:
            broadcast([self.members[account]], json.dumps(frame, separators=(",", ":")))

    async def serve(self, connection: ServerConnection) -> None:
        """One connection."""
        try:
            account = self._hello(json.loads(await connection.recv()), connection)
            async for frame in connection:
                self._take(account, json.loads(frame))
        except ConnectionClosed:
            pass
        finally:
            self.members = {a: other for a, other in self.members.items() if other != connection}
            self.changed()

    def _hello(self, hello: Frame, connection: ServerConnection) -> str:
        self.hellos.append(hello)
        account: str = hello["token"]
        self.members[account] = connection
        self.say(account, *self.greet(account))
        cursor = hello["cursors"].get(ROOM, len(self.log))
        missed = self.log[cursor:]
        if len(missed) > self.replay:
            gap = {"t": "gap", "room": ROOM, "from": cursor + 1, "to": len(self.log)}
            self.say(account, gap)
        else:
            self.say(account, *missed)
        self.changed()
        return account

    def _ready(self, _: str) -> list[Frame]:
        room = {"id": ROOM, "kind": "group", "last_seq": len(self.log)}
        return [{"t": "ready", "id": 1, "rooms": [room], "heartbeat": 25}]

    def _take(self, account: str, command: Frame) -> None:
        self.commands.append(command)
        answer: Frame = {"t": "ok", "id": command["id"]}
        if command["t"] == "history":
            after = command["after"]
            answer["events"] = self.log[after : after + command["limit"]]
            answer["more"] = after + command["limit"] < len(self.log)
        elif command["t"] == "send":
            answer["seq"] = self._written(account, command)["seq"]
        if account in self.members:
            self.say(account, *self.answer(command, answer))
        self.changed()

    def _written(self, account: str, command: Frame) -> Frame:
        for entry in self.log:
            if entry.get("nonce") == command["nonce"]:
                return entry
        said = {name: command[name] for name in ("room", "nonce", "body")}
        return self.publish({"t": "message", "sender": account, **said})


@asynccontextmanager
async def fake_plaza() -> AsyncIterator[FakePlaza]:
    """Start one."""
    plaza = FakePlaza()

    def upgrade(connection: ServerConnection, _: Request) -> Response | None:
        return plaza.upgrade(connection)

    async def talk(connection: ServerConnection) -> None:
        await plaza.serve(connection)

    server: Server = await serve(
        talk,
        "127.0.0.1",
        0,
        process_request=upgrade,
        compression=None,
    )
    port = server.sockets[0].getsockname()[1]
    plaza.url = f"http://127.0.0.1:{port}"
    try:
        yield plaza
    finally:
        server.close()
        await asyncio.gather(*plaza.tasks)
        await server.wait_closed()


def enlist(url: str, *, users: int = 3, senders: int = 1, slow: int = 0, **scenario: Any) -> Enlist:
    """Users of the fake's room: one of them talks, one message after the other."""
    wanted = Scenario(
        question="?",
        load=scenario.pop("load", Load(users=users, ramp=0.0, duration=60.0, in_flight=1)),
        mix=scenario.pop("mix", Mix(message=1)),
        returning=Return(base=0.01, cap=0.02),
        late_ms=scenario.pop("late_ms", 60_000.0),
        patience=scenario.pop("patience", 0.2),
        **scenario,
    )
    people = [
        Person(account=f"{account}", token=f"{account}", rooms=[ROOM], seqs=[1])
        for account in range(1, users + 1)
    ]
    return Enlist(
        url=url,
        scenario=wanted,
        people=people,
        everybody=users,
        process=0,
        processes=1,
        senders=senders,
        slow=slow,
    )


class Seen:
    """What a crowd has seen.

    Attributes:
        counts, errors, wrong, violations: of all its ticks.
        kinds: of latencies.
        lost, unanswered: as it said.
    """

    def __init__(self, ticks: list[Tick], halted: Halted, settled: Settled) -> None:
        ticks = [*ticks, halted.last, settled.last]
        self.counts = _sum([tick.counts for tick in ticks])
        self.errors = _sum([tick.errors for tick in ticks])
        self.wrong = _sum([tick.wrong for tick in ticks])
        self.violations = [words for tick in ticks for words in tick.violations]
        self.latencies: dict[str, dict[int, int]] = {}
        for tick in ticks:
            for kind, found in tick.latencies.items():
                self.latencies[kind] = _sum([self.latencies.get(kind, {}), found])
        self.lost = settled.lost
        self.unanswered = halted.unanswered


def _sum(counts: list[Any]) -> dict[Any, int]:
    names = {name for found in counts for name in found}
    return {name: sum(found.get(name, 0) for found in counts) for name in names}


class Run:
    """A crowd that is under way, as an async context manager.

    Args:
        order: who it is.

    Attributes:
        crowd: itself.
    """

    def __init__(self, order: Enlist) -> None:
        self.crowd = Crowd(order)

    async def __aenter__(self) -> "Run":
        await self.crowd.prepare()
        self.crowd.begin(asyncio.get_running_loop().time())
        return self

    async def end(self) -> Seen:
        """Halt, settle, and say what was seen."""
        ticks = [self.crowd.tick()]
        halted = await self.crowd.halt()
        settled = await self.crowd.settle(halted.acknowledged)
        return Seen(ticks, halted, settled)

    async def __aexit__(self, *_: object) -> None:
        await self.crowd.close()
