"""How many clients can connect in a second?

From the TCP connection to `ready`: the opening handshake, hello with a token, and the answer, for
which the server looks the session and three rooms up. The budget is for a core of the server's:
connects for each second of its CPU time. The rate by the clock is that of this machine, on which
the database and the clients run, too.
"""

from typing import NamedTuple

from loadtest.command import main, on_deployment
from loadtest.deployment import Clocks, Deployment
from loadtest.figures import Budget, Figure
from loadtest.population import populate, three_rooms_each
from loadtest.swarm import Swarm

QUESTION = "How many clients can connect in a second?"
BUDGET = Budget("at least", 1500)


class Scale(NamedTuple):
    """How much to measure.

    Attributes:
        connections: for each sample.
        at_once: how many are under way at a time.
    """

    connections: int
    at_once: int
    repetitions: int


FULL = Scale(connections=2000, at_once=64, repetitions=7)
SMALL = Scale(connections=60, at_once=8, repetitions=2)


async def measure(deployment: Deployment, scale: Scale) -> list[Figure]:
    """All connect; all leave; and again."""
    people = await populate(
        deployment, accounts=scale.connections, rooms=three_rooms_each(scale.connections)
    )
    spent: list[Clocks] = []
    for _ in range(scale.repetitions):
        async with Swarm(deployment.url) as swarm:
            before = deployment.clocks()
            await swarm.log_in_all(people.tokens, receive=lambda _: None, at_once=scale.at_once)
            spent.append(deployment.clocks().since(before))
    count = scale.connections
    return [
        Figure(
            name="connects",
            unit="a second of the server's CPU",
            samples=[count / clocks.server for clocks in spent],
            budget=BUDGET,
        ),
        Figure(name="connects", unit="a second", samples=[count / clocks.wall for clocks in spent]),
        Figure(
            name="server",
            unit="us CPU a connect",
            samples=[clocks.server / count * 1e6 for clocks in spent],
        ),
        Figure(
            name="Postgres",
            unit="us CPU a connect",
            samples=[clocks.postgres / count * 1e6 for clocks in spent],
        ),
    ]


if __name__ == "__main__":
    main(QUESTION, on_deployment(measure), full=FULL, small=SMALL)
