"""How much memory does an idle connection take?

Resident memory of the server, with so many clients who are logged in, each in three rooms of 50,
and say nothing. That of a connection is the growth since the first connections, which load code and
open the connections to the database; where it is the same for few and for many, it is nothing
else's. What the kernel keeps for a socket is not the process's and does not show here.

Each time with a new server: memory that was used and freed stays with a process, so a second crowd
would find its place made.
"""

from typing import NamedTuple

from loadtest.command import main
from loadtest.deployment import Deployment, deployed
from loadtest.figures import Budget, Figure
from loadtest.population import populate, three_rooms_each
from loadtest.swarm import Swarm

QUESTION = "How much memory does an idle connection take?"
BUDGET = Budget("at most", 10)


class Scale(NamedTuple):
    """How many connections: the first ones, which do not count, then some, then many."""

    first: int
    some: int
    many: int
    repetitions: int


FULL = Scale(first=100, some=1000, many=5000, repetitions=3)
SMALL = Scale(first=10, some=50, many=100, repetitions=1)


class Resident(NamedTuple):
    """The server's resident bytes: at the start, and after each step."""

    start: int
    first: int
    some: int
    many: int


async def measure(scale: Scale) -> list[Figure]:
    """A new server each time."""
    found = []
    for _ in range(scale.repetitions):
        async with deployed() as deployment:
            found.append(await fill(deployment, scale))

    def each(clients: int, grown: list[int]) -> Figure:
        return Figure(
            name=f"{clients:,} connections",
            unit="KiB a connection",
            samples=[growth / clients / 1024 for growth in grown],
            budget=BUDGET,
        )

    def whole(state: str, resident: list[int]) -> Figure:
        samples = [size / 2**20 for size in resident]
        return Figure(name=f"process, {state}", unit="MiB", samples=samples)

    return [
        each(scale.some, [resident.some - resident.first for resident in found]),
        each(scale.many, [resident.many - resident.first for resident in found]),
        whole("at the start", [resident.start for resident in found]),
        whole("after the first connections", [resident.first for resident in found]),
        whole("with all connections", [resident.many for resident in found]),
    ]


async def fill(deployment: Deployment, scale: Scale) -> Resident:
    """Connect in steps, and look at the server's memory after each."""
    clients = scale.first + scale.many
    people = await populate(deployment, accounts=clients, rooms=three_rooms_each(clients))
    resident = [deployment.resident_bytes()]
    async with Swarm(deployment.url) as swarm:
        connected = 0
        for upto in (scale.first, scale.first + scale.some, clients):
            await swarm.log_in_all(people.tokens[connected:upto], receive=lambda _: None)
            resident.append(deployment.resident_bytes())
            connected = upto
    return Resident(*resident)


if __name__ == "__main__":
    main(QUESTION, measure, full=FULL, small=SMALL)
