"""How fast is the feed?

In the town that `plaza seed` makes:

    reading      a page of home timelines that are filled, at growing rates; and as many as go
    pushing      from the request that publishes a post to the last of its author's followers who
                 are online: over how many sockets it is told
    delivering   posts into the timelines of followers who have looked of late
    trends       all lists made anew

Whoever reads does so in a process of its own; the sockets are this one's.
"""

import asyncio
import re
import time
from collections.abc import Sequence
from typing import NamedTuple

import asyncpg
import httpx

from loadtest.command import main, on_deployment
from loadtest.deployment import Clocks, Deployment
from loadtest.figures import Figure
from loadtest.frames import client_frame
from loadtest.swarm import Swarm, Tally, Violation
from loadtest.timeline_reads import Outcome, Task, read
from loadtest.town import Size, Someone, author_of, seeded, until_idle
from plaza_client.wire import JSON
from protocol.commands import Watch
from protocol.ids import first_id_at

QUESTION = "How fast is the feed?"

NEW_POST = b'{"t":"feed.new_post"'
WATCH_HOME = client_frame(JSON.encode(Watch(id=2, feed="home")))
SILENCE_SECONDS = 1.0
PERCENTILES = (50, 95, 99)
AT_ONCE = 16  # requests, when as many are made as are answered


class Scale(NamedTuple):
    """How much to measure.

    Attributes:
        readers: accounts whose timelines are read.
        rates: requests a second, for so many seconds each.
        audiences: followers of the authors whose posts are pushed; posts of the last are delivered.
        posts: of each author.
    """

    size: Size
    readers: int
    rates: tuple[int, ...]
    seconds: float
    audiences: tuple[int, ...]
    posts: int
    repetitions: int


FULL = Scale(
    size=Size(accounts=10_000, posts=200_000, follows=500_000),
    readers=1_000,
    rates=(50, 100, 200, 300),
    seconds=10,
    audiences=(1, 1_000, 10_000),
    posts=10,
    repetitions=3,
)
SMALL = Scale(
    size=Size(accounts=40, posts=400, follows=400),
    readers=10,
    rates=(20,),
    seconds=0.5,
    audiences=(1, 20),
    posts=2,
    repetitions=1,
)


async def measure(deployment: Deployment, scale: Scale) -> list[Figure]:
    """Make the town, and ask all of it."""
    connection = await asyncpg.connect(deployment.dsn)
    try:
        people = await seeded(deployment, connection, scale.size)
        town = _Town(deployment, connection, people, scale)
        return [
            *await town.reading(),
            *[figure for audience in scale.audiences for figure in await town.pushing(audience)],
            *await town.delivering(),
            *await town.trends(),
        ]
    finally:
        await connection.close()


class _Town:
    def __init__(
        self,
        deployment: Deployment,
        connection: asyncpg.Connection,
        people: Sequence[Someone],
        scale: Scale,
    ) -> None:
        self._deployment = deployment
        self._connection = connection
        self._people = people
        self._scale = scale

    async def reading(self) -> list[Figure]:
        # Everybody has looked before, and so has a timeline that is filled.
        tokens = [person.token for person in self._people[: self._scale.readers]]
        await read(Task(self._deployment.url, tokens, len(tokens) / 50, rate=50))
        await until_idle(self._connection)
        await self._connection.execute("VACUUM ANALYZE")
        figures = []
        for rate in self._scale.rates:
            task = Task(self._deployment.url, tokens, self._scale.seconds, rate=rate)
            outcomes = [(await self._read(task))[0] for _ in range(self._scale.repetitions)]
            figures += [
                Figure(
                    name=f"reading, {rate} a second: p{percent}",
                    unit="ms",
                    samples=[_percentile(one.latencies, percent) * 1e3 for one in outcomes],
                )
                for percent in PERCENTILES
            ]
        task = Task(self._deployment.url, tokens, self._scale.seconds, at_once=AT_ONCE)
        found = [await self._read(task) for _ in range(self._scale.repetitions)]
        return figures + _as_many_as_go(found)

    async def _read(self, task: Task) -> tuple[Outcome, Clocks]:
        before = self._deployment.clocks()
        outcome = await read(task)
        if not outcome.posts:
            raise Violation("Nothing was in any timeline.")
        return outcome, self._deployment.clocks().since(before)

    async def pushing(self, audience: int) -> list[Figure]:
        followers = self._people[:audience]
        author = await author_of(self._deployment, self._connection, followers)
        told, ready = Tally(), Tally()

        def hear(payload: bytes) -> None:
            (told if payload.startswith(NEW_POST) else ready)(payload)

        seconds, spent = [], []
        async with (
            Swarm(self._deployment.url) as swarm,
            httpx.AsyncClient(base_url=self._deployment.url) as http,
        ):
            sockets = await swarm.log_in_all([one.token for one in followers], receive=hear)
            for socket in sockets:
                socket.write(WATCH_HOME)
            await ready.reached(audience)
            for number in range(1, self._scale.posts + 1):
                before, began = self._deployment.clocks(), time.perf_counter()
                await _publish(http, author)
                await told.reached(number * audience)
                seconds.append(time.perf_counter() - began)
                spent.append(self._deployment.clocks().since(before))
            await asyncio.sleep(SILENCE_SECONDS)
        if told.count != self._scale.posts * audience:
            raise Violation("Somebody was told of a post twice.")
        name = f"pushing, {audience:,} followers"
        return [
            Figure(
                name=f"{name}: to the last", unit="ms", samples=[each * 1e3 for each in seconds]
            ),
            Figure(
                name=f"{name}: server",
                unit="us CPU each",
                samples=[clocks.server / audience * 1e6 for clocks in spent],
            ),
        ]

    async def delivering(self) -> list[Figure]:
        audience = self._scale.audiences[-1]
        followers = self._people[:audience]
        now = first_id_at(time.time_ns() // 1_000_000)
        await self._connection.execute(LOOK, [one.id for one in followers], now)
        samples, spent = [], []
        async with httpx.AsyncClient(base_url=self._deployment.url) as http:
            for _ in range(self._scale.repetitions):
                author = await author_of(self._deployment, self._connection, followers)
                before = self._deployment.clocks()
                for _ in range(self._scale.posts):
                    await _publish(http, author)
                await until_idle(self._connection)
                spent.append(self._deployment.clocks().since(before))
                entries = await self._connection.fetchval(ENTRIES, author.id)
                if entries != self._scale.posts * audience:
                    raise Violation(f"{entries} entries of {self._scale.posts * audience}.")
                samples.append(entries)
        pairs = list(zip(samples, spent, strict=True))
        return [
            Figure(
                name="delivering",
                unit="entries a second",
                samples=[entries / clocks.wall for entries, clocks in pairs],
            ),
            Figure(
                name="delivering: Postgres",
                unit="us CPU an entry",
                samples=[clocks.postgres / entries * 1e6 for entries, clocks in pairs],
            ),
        ]

    async def trends(self) -> list[Figure]:
        rows = await self._connection.fetch(TRENDS_JOBS)
        names = [row["entrypoint"] for row in rows]
        if not names:
            raise Violation("Nothing refreshes what trends.")
        async with httpx.AsyncClient(base_url=self._deployment.url) as http:
            samples: dict[str, list[float]] = {name: [] for name in names}
            for _ in range(self._scale.repetitions):
                before = await _seconds_of_jobs(http, names)
                await self._connection.execute(FALL_DUE, names)
                after = before
                while any(after[name].jobs == before[name].jobs for name in names):
                    await asyncio.sleep(0.05)
                    after = await _seconds_of_jobs(http, names)
                for name in names:
                    samples[name].append((after[name] - before[name]).mean)
        return [
            Figure(name=f"trends: {name}", unit="ms", samples=[each * 1e3 for each in found])
            for name, found in samples.items()
        ]


# $2: nothing from before is to be in it.
LOOK = """
INSERT INTO timelines (account_id, floor, active_at)
SELECT account, $2, now() FROM unnest($1::bigint[]) AS account
ON CONFLICT (account_id) DO UPDATE SET active_at = now()
"""
ENTRIES = "SELECT count(*) FROM timeline_entries WHERE author_id = $1"

TRENDS_JOBS = (
    "SELECT entrypoint FROM pgqueuer_schedules WHERE entrypoint LIKE 'trends.%' ORDER BY 1"
)
FALL_DUE = """
INSERT INTO pgqueuer (entrypoint, priority, status)
SELECT entrypoint, 0, 'queued' FROM unnest($1::text[]) AS entrypoint
"""


async def _publish(http: httpx.AsyncClient, author: Someone) -> None:
    response = await http.post(
        "/api/v1/posts",
        json={"type": "text", "content": "Good morning."},
        headers={"Authorization": f"Bearer {author.token}"},
    )
    if response.status_code != httpx.codes.CREATED:
        raise Violation(f"Not published: {response.text}")


class _Spent(NamedTuple):
    """Jobs that were done, and how long they took together."""

    jobs: float
    seconds: float

    def __sub__(self, other: "_Spent") -> "_Spent":
        return _Spent(self.jobs - other.jobs, self.seconds - other.seconds)

    @property
    def mean(self) -> float:
        return self.seconds / self.jobs


async def _seconds_of_jobs(http: httpx.AsyncClient, names: Sequence[str]) -> dict[str, _Spent]:
    text = (await http.get("/metrics")).text
    found = {
        (name, kind): float(value)
        for kind, name, value in re.findall(
            r'^plaza_job_seconds_(count|sum)\{job="([^"]+)",result="done"\} (\S+)$',
            text,
            re.MULTILINE,
        )
    }
    return {
        name: _Spent(found.get((name, "count"), 0.0), found.get((name, "sum"), 0.0))
        for name in names
    }


def _as_many_as_go(found: Sequence[tuple[Outcome, Clocks]]) -> list[Figure]:
    name = f"reading, {AT_ONCE} at once"
    return [
        Figure(
            name=name,
            unit="a second",
            samples=[len(outcome.latencies) / outcome.seconds for outcome, _ in found],
        ),
        Figure(
            name=f"{name}: server",
            unit="us CPU each",
            samples=[clocks.server / len(outcome.latencies) * 1e6 for outcome, clocks in found],
        ),
        Figure(
            name=f"{name}: Postgres",
            unit="us CPU each",
            samples=[clocks.postgres / len(outcome.latencies) * 1e6 for outcome, clocks in found],
        ),
    ]


def _percentile(samples: Sequence[float], percent: int) -> float:
    """The least sample that so many per cent of them do not exceed."""
    return sorted(samples)[max(0, -(-len(samples) * percent // 100) - 1)]


if __name__ == "__main__":
    main(QUESTION, on_deployment(measure), full=FULL, small=SMALL)
