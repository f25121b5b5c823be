"""What does it cost that thousands of people come and go, and others are told?

Everybody is in three rooms, with partly different company. What one change is told to without any
coalescing is its audience: the company, and one's own connection. The server collects changes for a
second, and tells the latest; when there is more to tell than it does in a flush, it tells it later,
and by then there may be less to tell.

    a storm          everybody changes once, in one moment
    flapping         everybody changes four times a second, each at moments of their own
    off              half of the people close their connections, and the grace passes
    on               they come back, and are greeted with everybody who is here
    within the grace they close their connections and come back at once: nobody is told

It is over when nothing has come for longer than two flushes, and so every event is counted: a storm
has to be told to each of its audience once, no less and no more. How soon changes are seen under a
load that goes on is the question how-fast-does-presence-spread.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import NamedTuple

from loadtest.command import main
from loadtest.deployment import Deployment, deployed
from loadtest.figures import Budget, Figure
from loadtest.frames import client_frame
from loadtest.population import populate, three_rooms_each
from loadtest.swarm import PRESENCE, Connection, Swarm, Violation
from plaza_client.wire import JSON
from protocol.commands import Presence

QUESTION = "What does it cost to tell who comes and goes?"
ONCE = Budget("at most", 1)  # nobody is told a change twice

GRACE_SECONDS = 4
SILENCE_SECONDS = 2.5

AWAY, ONLINE = (
    client_frame(JSON.encode(Presence(id=2, state="away"))),
    client_frame(JSON.encode(Presence(id=3, state="online"))),
)


class Scale(NamedTuple):
    """How much to measure.

    Attributes:
        members: of each room.
        flaps: changes of everybody, when they flap.
        flap_seconds: between two of them.
    """

    accounts: int
    members: int
    flaps: int
    flap_seconds: float
    repetitions: int


FULL = Scale(accounts=5000, members=30, flaps=40, flap_seconds=0.25, repetitions=3)
SMALL = Scale(accounts=60, members=12, flaps=8, flap_seconds=0.25, repetitions=1)


class Ear:
    """Counts what all connections are told about presence.

    Attributes:
        at: when the last of it came.
    """

    def __init__(self) -> None:
        self.count = 0
        self.at = time.perf_counter()

    def __call__(self, payload: bytes) -> None:
        """A payload has come."""
        if payload.startswith(PRESENCE):
            self.count += 1
            self.at = time.perf_counter()

    async def silence(self, *, after: float = 0.0) -> None:
        """Wait until nothing has come for a while.

        Args:
            after: seconds in which nothing is due.
        """
        await asyncio.sleep(after)
        count = None
        while count != self.count:
            count = self.count
            await asyncio.sleep(SILENCE_SECONDS)


class Told(NamedTuple):
    """What came of a number of changes."""

    changes: int
    events: int
    cpu: float
    seconds: float


class Crowd:
    """All people, their connections, and what they hear."""

    def __init__(self, deployment: Deployment, swarm: Swarm, tokens: Sequence[str]) -> None:
        self._deployment = deployment
        self._swarm = swarm
        self._tokens = tokens
        self._ear = Ear()
        self._connections: list[Connection] = []

    async def arrive(self) -> None:
        """Everybody connects."""
        self._connections = await self._swarm.log_in_all(self._tokens, receive=self._ear)
        await self._ear.silence()

    async def told(
        self, changes: int, change: Callable[[], Awaitable[None]], *, after: float = 0.0
    ) -> Told:
        """Let so many changes happen, and see what they lead to.

        Args:
            after: seconds that pass until it is told.
        """
        before, count, began = self._deployment.clocks(), self._ear.count, time.perf_counter()
        await change()
        await self._ear.silence(after=after)
        spent = self._deployment.clocks().since(before)
        seconds = max(0.0, self._ear.at - began)
        return Told(changes, self._ear.count - count, spent.server, seconds)

    async def all_change(self, frame: bytes) -> None:
        """Everybody says the same."""
        for connection in self._connections:
            connection.write(frame)

    async def flap(self, scale: Scale) -> None:
        """Everybody changes again and again, half of them at a time, and not the same half."""
        chance = Random(7)
        away = [False] * len(self._connections)
        for _ in range(2 * scale.flaps):
            numbers = chance.sample(range(len(away)), len(away) // 2)
            for number in numbers:
                away[number] = not away[number]
                self._connections[number].write(AWAY if away[number] else ONLINE)
            await asyncio.sleep(scale.flap_seconds / 2)
        await self.all_change(ONLINE)

    async def half_leave(self) -> None:
        """Every second one goes."""
        await asyncio.gather(*(connection.close() for connection in self._connections[::2]))

    async def half_return(self) -> None:
        """They come back."""
        self._connections[::2] = await self._swarm.log_in_all(self._tokens[::2], receive=self._ear)


async def measure(scale: Scale) -> list[Figure]:
    """A server with a short grace; all scenarios, again and again."""
    rooms = three_rooms_each(scale.accounts, members=scale.members)
    async with deployed({"PLAZA_PRESENCE__GRACE_SECONDS": str(GRACE_SECONDS)}) as deployment:
        people = await populate(deployment, accounts=scale.accounts, rooms=rooms)
        async with Swarm(deployment.url, hears_presence=True) as swarm:
            crowd = Crowd(deployment, swarm, people.tokens)
            await crowd.arrive()
            found = [await _round(crowd, scale) for _ in range(scale.repetitions)]
    audiences = _audiences(scale.accounts, rooms)
    audience = sum(audiences) / scale.accounts
    _check(found, sum(audiences))
    figures = [Figure(name="audience of a change", unit="connections", samples=[audience])]
    for name in found[0]:
        figures += _figures(name, [told[name] for told in found], audience)
    return figures


async def _round(crowd: Crowd, scale: Scale) -> dict[str, Told]:
    accounts, half = scale.accounts, len(range(0, scale.accounts, 2))

    async def leave_and_return() -> None:
        await crowd.half_leave()
        await crowd.half_return()

    return {
        "a storm": await crowd.told(accounts, lambda: crowd.all_change(AWAY)),
        "back again": await crowd.told(accounts, lambda: crowd.all_change(ONLINE)),
        "flapping": await crowd.told(accounts * scale.flaps, lambda: crowd.flap(scale)),
        "off": await crowd.told(half, crowd.half_leave, after=GRACE_SECONDS),
        "on": await crowd.told(half, crowd.half_return),
        "within the grace": await crowd.told(2 * half, leave_and_return),
    }


def _audiences(accounts: int, rooms: Sequence[Sequence[int]]) -> list[int]:
    """Of each account: how many share a room with it, itself included."""
    company: list[set[int]] = [set() for _ in range(accounts)]
    for members in rooms:
        for member in members:
            company[member].update(members)
    return [len(others) for others in company]


def _check(found: Sequence[dict[str, Told]], everybody: int) -> None:
    """A storm is told to each of its audience once: no less, and no more."""
    for told in found:
        for name in ("a storm", "back again"):
            if told[name].events != everybody:
                raise Violation(f"{name}: {told[name].events} events, {everybody} were due.")


def _figures(name: str, told: Sequence[Told], audience: float) -> list[Figure]:
    is_greeted = name in ("on", "within the grace")
    figures = [
        Figure(
            name=f"{name}: told",
            unit="events a change",
            samples=[each.events / each.changes for each in told],
        ),
        Figure(
            name=f"{name}: told",
            unit="x audience",
            samples=[each.events / each.changes / audience for each in told],
            budget=None if is_greeted else ONCE,
        ),
        Figure(
            name=f"{name}: server",
            unit="us CPU a change",
            samples=[each.cpu / each.changes * 1e6 for each in told],
        ),
        Figure(name=f"{name}: until the last", unit="s", samples=[each.seconds for each in told]),
    ]
    return figures


if __name__ == "__main__":
    main(QUESTION, measure, full=FULL, small=SMALL)
