"""What does an inbound command cost the server, from the read to its dispatch?

As loadtest/inbound.py, but on the server's parts, so that nothing is answered and no database is
asked:

    received    read, unframed, decoded, admitted, and handed to a dispatch that counts
    queued      and on: through the table of commands, rooms/body.py and rooms/conversation.py, to
                the queue of a log that counts
"""

from loadtest.command import main
from loadtest.figures import Budget, Figure
from loadtest.frames import client_frame
from loadtest.inbound import BODY, BURST, FULL, SMALL, Scale, Wave
from loadtest.swarm import Swarm, Tally
from plaza_client.wire import JSON
from protocol.commands import Send
from tests.benchmarks.parts import ROOM, parts

QUESTION = "What does an inbound command cost the server? (no answer)"
BUDGETS = {("received", 1): Budget("at most", 12), ("received", BURST): Budget("at most", 7)}


def command(due: int) -> bytes:
    """A send; one in `due` of them is answered."""
    return client_frame(JSON.encode(Send(id=7, room=ROOM, body=BODY, nonce=str(due))))


async def measure(scale: Scale) -> list[Figure]:
    """To the dispatch and to the log, one at a time and in bursts, in turns."""
    samples: dict[tuple[str, int], list[float]] = {}
    async with parts() as (pid, url), Swarm(url) as swarm:
        waves = {}
        for name in ("received", "queued"):
            tally = Tally()
            connections = [
                await swarm.connect(f"/{name}", receive=tally) for _ in range(scale.connections)
            ]
            for burst in (1, BURST):
                message = command(scale.connections * burst)
                waves[name, burst] = Wave(pid, connections, tally, message)
        for _ in range(scale.repetitions):
            for (name, burst), wave in waves.items():
                rounds = scale.rounds * BURST // burst
                cost = await wave.cost(burst=burst, rounds=rounds, answers=1)
                samples.setdefault((name, burst), []).append(cost)
    return [
        Figure(
            name=f"{name}, {'one at a time' if burst == 1 else f'bursts of {burst}'}",
            unit="us CPU a command",
            samples=found,
            budget=BUDGETS.get((name, burst)),
        )
        for (name, burst), found in samples.items()
    ]


if __name__ == "__main__":
    main(QUESTION, measure, full=FULL, small=SMALL)
