"""What does it cost the server to deliver a message to a member of a large room?

500 members in one room. One of them says some messages at once, and when everybody has got all of
them, again. Against the peer, uWebSockets, which does the same in C++ without writing anything to
a disk.

This is the whole path: a message is received, committed, acknowledged and delivered, and the cost
of all that is divided by its deliveries. tests/benchmarks/fanout.py leaves the database out.
"""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from types import MappingProxyType
from typing import NamedTuple

from rich.console import Console

from loadtest import uwebsockets
from loadtest.command import main, on_deployment
from loadtest.deployment import Deployment
from loadtest.figures import Budget, Figure
from loadtest.frames import client_frame
from loadtest.population import populate
from loadtest.process import cpu_seconds
from loadtest.swarm import Connection, Swarm, Tally, Violation
from plaza_client.wire import JSON
from protocol.commands import Send

QUESTION = "What does a delivery in a large room cost the server? (database included)"
BODY = "A message as people write them: a line, more or less."
AT_ONCE = (1, 4, 16, 64)
PEER = "uWebSockets"


class Scale(NamedTuple):
    """How much to measure.

    Attributes:
        members: of the room.
        deliveries: to each member, for each sample.
    """

    members: int
    deliveries: int
    repetitions: int


FULL = Scale(members=500, deliveries=320, repetitions=9)
SMALL = Scale(members=20, deliveries=64, repetitions=2)


class Room:
    """A room full of connections, one of which speaks.

    Args:
        pid: of the server, whose CPU time is taken.
        members: all connections; `tally` counts what they get.
        message: a frame, which the first of them sends.
        is_answered: whether the server acknowledges messages.
    """

    def __init__(
        self,
        pid: int,
        members: Sequence[Connection],
        tally: Tally,
        message: bytes,
        *,
        is_answered: bool = False,
    ) -> None:
        self._pid = pid
        self._members = members
        self._tally = tally
        self._message = message
        self._answers = 1 if is_answered else 0

    async def cost(self, *, at_once: int, deliveries: int) -> float:
        """CPU time of the server in microseconds for each delivery.

        Args:
            at_once: messages in one write.
            deliveries: to each member, in all.
        """
        frames = self._message * at_once
        expected = self._tally.count
        before = cpu_seconds(self._pid)
        for _ in range(deliveries // at_once):
            self._members[0].write(frames)
            expected += at_once * (len(self._members) + self._answers)
            await self._tally.reached(expected)
        used = cpu_seconds(self._pid) - before
        if self._tally.count != expected:
            raise Violation(f"{self._tally.count} messages came, but {expected} were due.")
        return used / (len(self._members) * (deliveries // at_once * at_once)) * 1e6


async def measure(deployment: Deployment, scale: Scale) -> list[Figure]:
    """Plaza and the peer, with 1 to 64 messages at once, in turns."""
    people = await populate(deployment, accounts=scale.members, rooms=[range(scale.members)])
    message = client_frame(JSON.encode(Send(id=7, room=people.rooms[0], body=BODY)))
    async with AsyncExitStack() as stack:
        rooms = await peer_rooms(stack, scale)
        swarm = await stack.enter_async_context(Swarm(deployment.url))
        tally = Tally()
        members = await swarm.log_in_all(people.tokens, receive=tally)
        rooms["plaza"] = Room(deployment.pid, members, tally, message, is_answered=True)
        return figures(await compare(rooms, scale))


async def peer_rooms(stack: AsyncExitStack, scale: Scale) -> dict[str, Room]:
    """The peer's room; none, and a word about it, where the peer is not installed."""
    if not uwebsockets.is_installed():
        Console(stderr=True).print(uwebsockets.HINT)
        return {}
    pid, url = await stack.enter_async_context(uwebsockets.peer())
    swarm = await stack.enter_async_context(Swarm(url))
    tally = Tally()
    members = [await swarm.connect("/", receive=tally) for _ in range(scale.members)]
    return {PEER: Room(pid, members, tally, client_frame(uwebsockets.event(BODY)))}


async def compare(rooms: Mapping[str, Room], scale: Scale) -> dict[tuple[str, int], list[float]]:
    """The costs in (room, messages at once), measured in turns."""
    samples: dict[tuple[str, int], list[float]] = {}
    for _ in range(scale.repetitions):
        for at_once in AT_ONCE:
            for name, room in rooms.items():
                cost = await room.cost(at_once=at_once, deliveries=scale.deliveries)
                samples.setdefault((name, at_once), []).append(cost)
    return samples


def figures(
    samples: Mapping[tuple[str, int], list[float]],
    budgets: Mapping[int, Budget] = MappingProxyType({}),
) -> list[Figure]:
    """The costs, and those of Plaza as multiples of the peer's.

    Args:
        samples: what `compare` returns.
        budgets: of the multiples, by messages at once.
    """
    costs = [
        Figure(name=f"{name}, {at_once} at once", unit="us CPU a delivery", samples=found)
        for (name, at_once), found in samples.items()
    ]
    multiples = [
        Figure(
            name=f"{name}, {at_once} at once",
            unit=f"x {PEER}",
            samples=[cost / peer for cost, peer in zip(found, peers, strict=True)],
            budget=budgets.get(at_once),
        )
        for (name, at_once), found in samples.items()
        if name != PEER and (peers := samples.get((PEER, at_once)))
    ]
    return costs + multiples


if __name__ == "__main__":
    main(QUESTION, on_deployment(measure), full=FULL, small=SMALL)
