"""How much memory does an idle connection take?

Resident memory of the server, with so many clients who are logged in, each in three rooms of 50,
and say nothing. That of a connection is the growth since the first connections, which load code and
open the connections to the database; where it is the same for few and for many, it is nothing
else's. What the kernel keeps for a socket is not the process's and does not show here.
"""

from typing import NamedTuple

from loadtest.command import main, on_deployment
from loadtest.deployment import Deployment
from loadtest.population import populate, three_rooms_each
from loadtest.report import Budget, Figure
from loadtest.swarm import Swarm

QUESTION = "How much memory does an idle connection take?"
BUDGET = Budget("at most", 10)


class Scale(NamedTuple):
    """How many connections: the first ones, which do not count, then some, then many."""

    first: int
    some: int
    many: int


FULL = Scale(first=100, some=1000, many=5000)
SMALL = Scale(first=10, some=50, many=100)


async def measure(deployment: Deployment, scale: Scale) -> list[Figure]:
    """Connect in two steps, and look at the server's memory before, between and after.

    Once alone: memory that was used and freed stays with the process, so that a second time would
    find a place that is made.
    """
    accounts = scale.first + scale.many
    people = await populate(deployment, accounts=accounts, rooms=three_rooms_each(accounts))
    at_start = deployment.resident_bytes()
    async with Swarm(deployment.url) as swarm:
        resident: list[float] = []
        known = 0
        for clients in (scale.first, scale.first + scale.some, accounts):
            await swarm.log_in_all(people.tokens[known:clients], receive=lambda _: None)
            resident.append(deployment.resident_bytes())
            known = clients
    base, some, many = resident

    def each(name: str, growth: float, clients: int) -> Figure:
        size = growth / clients / 1024
        return Figure(name=name, unit="KiB a connection", samples=[size], budget=BUDGET)

    return [
        each(f"{scale.some:,} connections", some - base, scale.some),
        each(f"{scale.many:,} connections", many - base, scale.many),
        Figure(name="process, at the start", unit="MiB", samples=[at_start / 2**20]),
        Figure(name=f"process, {scale.first} connections", unit="MiB", samples=[base / 2**20]),
        Figure(name=f"process, {accounts:,} connections", unit="MiB", samples=[many / 2**20]),
    ]


if __name__ == "__main__":
    main(QUESTION, on_deployment(measure), full=FULL, small=SMALL)
