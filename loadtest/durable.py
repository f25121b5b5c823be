"""How many messages are written, acknowledged and delivered in a second, and how soon?

Senders keep so many messages under way: each acknowledgement lets the next one go. A sender is a
member of its room like the others, and gets its own messages too. That nothing is lost, doubled or
out of order is checked at every member, and against the log: see loadtest/conversation.py.

Server, database and clients share the machine, so their CPU times belong to the answer.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import asyncpg
from hdrh.histogram import HdrHistogram

from loadtest.command import main, on_deployment
from loadtest.conversation import Conversation, Sender
from loadtest.deployment import Clocks, Deployment
from loadtest.figures import Budget, Figure
from loadtest.population import populate
from loadtest.swarm import Swarm

QUESTION = "How many messages are written, acknowledged and delivered in a second?"

# Longer than any of it takes: whoever waits for a message that is lost waits for ever.
PATIENCE_SECONDS = 60

MESSAGES = """
SELECT array_agg(seq ORDER BY seq) FROM room_events WHERE room_id = $1 AND type = 'message'
"""


class Scenario(NamedTuple):
    """Who talks to whom.

    Attributes:
        rooms: how many, with nobody in two of them.
        members: of each room.
        senders: among them.
        in_flight: messages that each sender keeps under way.
        budgets: by the name of the figure.
    """

    name: str
    rooms: int
    members: int
    senders: int
    in_flight: int
    budgets: dict[str, Budget]


class Scale(NamedTuple):
    """How much to measure: each scenario for so many seconds, so many times."""

    scenarios: Sequence[Scenario]
    warm_up: float
    seconds: float
    repetitions: int


PAIRS_50 = {"acknowledged": Budget("at least", 12_000), "latency, p99": Budget("at most", 25)}
PAIRS_500 = {"acknowledged": Budget("at least", 20_000)}
ROOM_OF_50 = {"acknowledged": Budget("at least", 4_000), "delivered": Budget("at least", 200_000)}

FULL = Scale(
    scenarios=[
        Scenario("50 pairs", 50, 2, senders=1, in_flight=2, budgets=PAIRS_50),
        Scenario("500 pairs", 500, 2, senders=1, in_flight=2, budgets=PAIRS_500),
        Scenario("room of 50", 1, 50, senders=5, in_flight=4, budgets=ROOM_OF_50),
    ],
    warm_up=2,
    seconds=8,
    repetitions=5,
)
SMALL = Scale(
    scenarios=[
        Scenario("3 pairs", 3, 2, senders=1, in_flight=2, budgets={}),
        Scenario("room of 6", 1, 6, senders=2, in_flight=3, budgets={}),
    ],
    warm_up=0.1,
    seconds=0.3,
    repetitions=2,
)


async def measure(deployment: Deployment, scale: Scale) -> list[Figure]:
    """All scenarios, in turns."""
    samples: dict[tuple[int, str, str], list[float]] = {}
    for _ in range(scale.repetitions):
        for number, scenario in enumerate(scale.scenarios):
            async with asyncio.timeout(PATIENCE_SECONDS):
                found = await play(deployment, scenario, scale)
            for figure, value in found.items():
                samples.setdefault((number, *figure), []).append(value)
    return [
        Figure(
            name=f"{scale.scenarios[number].name}: {name}",
            unit=unit,
            samples=found,
            budget=scale.scenarios[number].budgets.get(name),
        )
        for (number, name, unit), found in samples.items()
    ]


async def play(
    deployment: Deployment, scenario: Scenario, scale: Scale
) -> dict[tuple[str, str], float]:
    """One scenario, once, with new people: (name, unit) of a figure -> its value."""
    crowd = range(scenario.rooms * scenario.members)
    groups = [crowd[first :: scenario.rooms] for first in range(scenario.rooms)]
    people = await populate(deployment, accounts=len(crowd), rooms=groups)
    async with Swarm(deployment.url) as swarm:
        connections = await swarm.log_in_all(people.tokens, receive=lambda _: None)
        conversations = [Conversation(room, fail=swarm.fail) for room in people.rooms]
        senders = []
        for conversation, members in zip(conversations, groups, strict=True):
            for member in members:
                conversation.join(connections[member])
            senders += [
                Sender(conversation, connections[member], in_flight=scenario.in_flight)
                for member in members[: scenario.senders]
            ]
        for sender in senders:
            sender.start()
        await asyncio.sleep(scale.warm_up)
        for conversation in conversations:
            conversation.latencies.clear()
        before, heard = deployment.clocks(), _delivered(conversations)
        await asyncio.sleep(scale.seconds)
        spent, heard = deployment.clocks().since(before), _delivered(conversations) - heard
        latencies = [latency for talk in conversations for latency in talk.latencies]
        for conversation in conversations:
            await conversation.settled()
    await _compare(deployment, conversations)
    return _figures(spent, latencies, heard)


def _delivered(conversations: Iterable[Conversation]) -> int:
    return sum(conversation.delivered for conversation in conversations)


async def _compare(deployment: Deployment, conversations: Iterable[Conversation]) -> None:
    connection = await asyncpg.connect(deployment.dsn)
    try:
        for conversation in conversations:
            conversation.compare(await connection.fetchval(MESSAGES, conversation.room))
    finally:
        await connection.close()


def _figures(
    spent: Clocks, latencies: Sequence[float], delivered: int
) -> dict[tuple[str, str], float]:
    histogram = HdrHistogram(1, 60_000_000, 3)  # microseconds, three digits
    for latency in latencies:
        histogram.record_value(int(latency * 1e6))
    acknowledged = len(latencies)
    return {
        ("acknowledged", "a second"): acknowledged / spent.wall,
        ("delivered", "a second"): delivered / spent.wall,
        ("latency, p50", "ms"): histogram.get_value_at_percentile(50) / 1e3,
        ("latency, p99", "ms"): histogram.get_value_at_percentile(99) / 1e3,
        ("server", "us CPU a message"): spent.server / acknowledged * 1e6,
        ("Postgres", "us CPU a message"): spent.postgres / acknowledged * 1e6,
        ("clients", "us CPU a message"): spent.clients / acknowledged * 1e6,
    }


if __name__ == "__main__":
    main(QUESTION, on_deployment(measure), full=FULL, small=SMALL)
