"""How long until 5,000 clients that were dropped at once are back?

Everybody is in three rooms, with partly different company. Messages are written in every room; then
all connections are dropped in one moment, before the clients have taken them in: each comes back
with the cursors from before, after a delay with full jitter, and again after a longer one if the
server is too busy. It is over when everybody is `ready` and has every message it missed, once.

What a client costs the database is counted twice: as queries that the server made for hello, and as
transactions that the database has seen meanwhile, whatever they were for.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from random import Random
from statistics import quantiles
from typing import NamedTuple

import asyncpg
import httpx

from loadtest.command import main, on_deployment
from loadtest.deployment import Deployment
from loadtest.figures import Budget, Figure
from loadtest.frames import client_frame
from loadtest.population import Population, populate, three_rooms_each
from loadtest.swarm import Refused, Swarm, Tally, Violation, see
from plaza_client.backoff import FullJitter
from plaza_client.wire import JSON
from protocol.commands import Send
from protocol.ids import Id

QUESTION = "How long until all clients that were dropped at once are back?"
READS = Budget("at most", 2)

SAMPLE_SECONDS = 0.05
# The database's statistics are a second old at most: backends that have become idle report by then.
STATISTICS_SECONDS = 1.5
MIB = 2**20


class Scale(NamedTuple):
    """How much to measure.

    Attributes:
        messages: that each client has missed, in each of its rooms.
        base: bound of a client's first delay, in seconds.
        cap: bound of all its delays.
    """

    clients: int
    messages: int
    base: float
    cap: float
    repetitions: int


FULL = Scale(clients=5000, messages=5, base=2.0, cap=8.0, repetitions=3)
SMALL = Scale(clients=60, messages=3, base=0.2, cap=0.5, repetitions=1)


class Counts(NamedTuple):
    """What is counted elsewhere, since the start."""

    queries: int
    transactions: int
    tail_reads: int
    database_reads: int


class Storm(NamedTuple):
    """One repetition.

    Attributes:
        seconds: until all were back.
        hellos: for each client, the seconds from its connecting to `ready`.
        refusals: tries for which the server was too busy.
        before: bytes that the server had before.
        peak: bytes that it had at most.
        cpu: seconds of the server's.
        counts: what it cost.
    """

    seconds: float
    hellos: list[float]
    refusals: int
    before: int
    peak: int
    cpu: float
    counts: Counts


class Return:
    """One client's way back.

    Args:
        swarm: to connect with.
        token: of the account.
        cursors: what it has of each room.
        scale: how many it has missed of each, and how patient it is.
        chance: its own.

    Attributes:
        hello_seconds: from connecting to `ready`, in the try that succeeded.
        refusals: tries that did not.
    """

    def __init__(
        self, swarm: Swarm, token: str, cursors: dict[Id, int], scale: Scale, chance: Random
    ) -> None:
        self._swarm = swarm
        self._token = token
        self._cursors = cursors
        self._missed = [
            (str(room), seq + number)
            for room, seq in cursors.items()
            for number in range(1, scale.messages + 1)
        ]
        self._backoff = FullJitter(chance.random, base=scale.base, cap=scale.cap)
        self._heard: list[tuple[str, int]] = []
        self._tally = Tally()
        self.hello_seconds = 0.0
        self.refusals = 0

    async def come_back(self) -> None:
        """Connect until it works, and take in what was missed."""
        while True:
            await asyncio.sleep(self._backoff.next())
            began = time.perf_counter()
            try:
                await self._swarm.log_in(
                    self._token, receive=self._hear, cursors=self._cursors, may_end=True
                )
            except (Refused, OSError):
                self.refusals += 1
                continue
            self.hello_seconds = time.perf_counter() - began
            await self._tally.reached(len(self._missed))
            if sorted(self._heard) != sorted(self._missed):
                raise Violation(f"Missed was {self._missed}, and {self._heard} came.")
            return

    def _hear(self, payload: bytes) -> None:
        event = see(payload)
        if event.t == "message":
            self._heard.append((event.room, event.seq))
            self._tally(payload)


async def measure(deployment: Deployment, scale: Scale) -> list[Figure]:
    """Everybody connects; they are dropped, and come back, several times."""
    plan = three_rooms_each(scale.clients)
    people = await populate(deployment, accounts=scale.clients, rooms=plan)
    storms = [
        await _storm(deployment, scale, people, plan, 1 + repetition * scale.messages)
        for repetition in range(scale.repetitions)
    ]
    return _figures(storms, scale)


async def _storm(
    deployment: Deployment,
    scale: Scale,
    people: Population,
    plan: Sequence[Sequence[int]],
    last_seq: int,
) -> Storm:
    cursors: list[dict[Id, int]] = [{} for _ in people.tokens]
    for room, members in zip(people.rooms, plan, strict=True):
        for number in members:
            cursors[number][room] = last_seq
    async with Swarm(deployment.url) as swarm:
        connections = await swarm.log_in_all(people.tokens, receive=_ignore)
        await _write(swarm, people, plan, scale.messages)
        counted, clocks = await _counts(deployment), deployment.clocks()
        memory = Memory(deployment)
        async with memory:
            began = time.perf_counter()
            for connection in connections:
                connection.abort()
            returns = [
                Return(swarm, token, has, scale, Random(f"{last_seq}/{number}"))
                for number, (token, has) in enumerate(zip(people.tokens, cursors, strict=True))
            ]
            await asyncio.gather(*(one.come_back() for one in returns))
            seconds = time.perf_counter() - began
        spent = deployment.clocks().since(clocks)
        after = await _counts(deployment)
    return Storm(
        seconds=seconds,
        hellos=[one.hello_seconds for one in returns],
        refusals=sum(one.refusals for one in returns),
        before=memory.before,
        peak=memory.peak,
        cpu=spent.server,
        counts=Counts(*(now - then for now, then in zip(after, counted, strict=True))),
    )


async def _write(
    swarm: Swarm, people: Population, plan: Sequence[Sequence[int]], messages: int
) -> None:
    """Let the owner of each room say something there."""
    owned: dict[int, list[Id]] = {}
    for room, members in zip(people.rooms, plan, strict=True):
        owned.setdefault(members[0], []).append(room)
    for number, rooms in owned.items():
        answers = Tally()

        def hear(payload: bytes, answers: Tally = answers) -> None:
            if see(payload).t == "ok":
                answers(payload)

        connection = await swarm.log_in(people.tokens[number], receive=hear)
        connection.write(
            b"".join(
                client_frame(JSON.encode(Send(id=2, room=room, body=f"Message {n}.")))
                for room in rooms
                for n in range(messages)
            )
        )
        await answers.reached(len(rooms) * messages)
        connection.abort()


class Memory:
    """Watches the server's memory, as a context manager.

    Attributes:
        before: bytes at the beginning.
        peak: the most that was seen.
    """

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self.before = self.peak = deployment.resident_bytes()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._watch())

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        self._look()

    async def _watch(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(SAMPLE_SECONDS)

    def _look(self) -> None:
        self.peak = max(self.peak, self._deployment.resident_bytes())


async def _counts(deployment: Deployment) -> Counts:
    await asyncio.sleep(STATISTICS_SECONDS)
    connection = await asyncpg.connect(deployment.dsn)
    transactions = await connection.fetchval(
        "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
    )
    await connection.close()
    async with httpx.AsyncClient() as http:
        text = (await http.get(f"{deployment.url}/metrics")).text
    metrics = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[:1] != "#")

    def count(name: str) -> int:
        return int(float(metrics.get(name, 0)))

    return Counts(
        queries=count("plaza_hello_queries_total"),
        transactions=transactions,
        tail_reads=count('plaza_catchup_reads_total{source="tail"}'),
        database_reads=count('plaza_catchup_reads_total{source="database"}'),
    )


def _figures(storms: Sequence[Storm], scale: Scale) -> list[Figure]:
    def figure(
        name: str, unit: str, of: Callable[[Storm], float], budget: Budget | None = None
    ) -> Figure:
        return Figure(name=name, unit=unit, samples=[of(one) for one in storms], budget=budget)

    def hello(percent: int) -> Callable[[Storm], float]:
        return lambda one: quantiles(one.hellos, n=100)[percent - 1] * 1e3

    clients = scale.clients
    return [
        figure("all are back", "s", lambda one: one.seconds),
        figure("hello, p50", "ms", hello(50)),
        figure("hello, p99", "ms", hello(99)),
        figure("refused tries", "a client", lambda one: one.refusals / clients),
        figure("queries for hello", "a client", lambda one: one.counts.queries / clients, READS),
        figure("transactions", "a client", lambda one: one.counts.transactions / clients, READS),
        figure("missed, from memory", "rooms a client", lambda o: o.counts.tail_reads / clients),
        figure("missed, from the database", "rooms a client",
               lambda one: one.counts.database_reads / clients),
        figure("server, before", "MiB", lambda one: one.before / MIB),
        figure("server, at most", "MiB", lambda one: one.peak / MIB),
        figure("server", "s CPU", lambda one: one.cpu),
    ]  # fmt: skip


def _ignore(_: bytes) -> None:
    pass


if __name__ == "__main__":
    main(QUESTION, on_deployment(measure), full=FULL, small=SMALL)
