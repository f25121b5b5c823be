"""What does an inbound message cost the server?

Many connections, each with one message or one burst under way. All write before any writes again,
so a message "one at a time" is one read of the server's, and a burst is one read too.

    refused     a send with an empty body, which needs no database: read, unframed, decoded,
                dispatched, judged by rooms/body.py, and answered with an error
    echo        /ws/echo: read, unframed, sent back; the gateway without a session's work

Both include the answer, and its write: a system call for each read. What comes before it, read to
dispatched, is measured by tests/benchmarks/inbound.py, which can look inside.
"""

from collections.abc import Sequence
from typing import NamedTuple

from loadtest.command import main, on_deployment
from loadtest.deployment import Deployment
from loadtest.figures import Figure
from loadtest.frames import client_frame
from loadtest.population import populate
from loadtest.process import cpu_seconds
from loadtest.swarm import Connection, Swarm, Tally, Violation
from plaza_client.wire import JSON
from protocol.commands import Send

QUESTION = "What does an inbound message cost the server? (its answer included)"
BURST = 16
BODY = "What does an inbound message cost? About as much as its answer."


class Scale(NamedTuple):
    """How much to measure: messages are connections x BURST x rounds, for each sample."""

    connections: int
    rounds: int
    repetitions: int


FULL = Scale(connections=100, rounds=20, repetitions=9)
SMALL = Scale(connections=10, rounds=3, repetitions=2)


class Wave:
    """Connections that all say the same at once.

    Args:
        pid: of the server, whose CPU time is taken.
        connections: of which `tally` counts the answers.
        message: a frame.
    """

    def __init__(
        self, pid: int, connections: Sequence[Connection], tally: Tally, message: bytes
    ) -> None:
        self._pid = pid
        self._connections = connections
        self._tally = tally
        self._message = message

    async def cost(self, *, burst: int, rounds: int, answers: int | None = None) -> float:
        """CPU time of the server in microseconds for each message.

        Args:
            burst: messages of each connection in one write.
            rounds: how often each connection writes.
            answers: to all messages of a round together; by default one to each.
        """
        frames = self._message * burst
        messages = len(self._connections) * burst
        expected = self._tally.count
        before = cpu_seconds(self._pid)
        for _ in range(rounds):
            for connection in self._connections:
                connection.write(frames)
            expected += messages if answers is None else answers
            await self._tally.reached(expected)
        used = cpu_seconds(self._pid) - before
        if self._tally.count != expected:
            raise Violation(f"{self._tally.count} answers, but {expected} were due.")
        return used / (messages * rounds) * 1e6


async def measure(deployment: Deployment, scale: Scale) -> list[Figure]:
    """Both kinds of message, one at a time and in bursts, in turns."""
    everyone = range(scale.connections)
    people = await populate(deployment, accounts=scale.connections, rooms=[everyone])
    refused = client_frame(JSON.encode(Send(id=7, room=people.rooms[0], body="")))
    echoed = client_frame(JSON.encode(Send(id=7, room=people.rooms[0], body=BODY)))
    async with Swarm(deployment.url) as swarm:
        answers, echoes = Tally(), Tally()
        chats = await swarm.log_in_all(people.tokens, receive=answers)
        mirrors = [await swarm.connect("/ws/echo", receive=echoes) for _ in everyone]
        waves = {
            "refused": Wave(deployment.pid, chats, answers, refused),
            "echo": Wave(deployment.pid, mirrors, echoes, echoed),
        }
        samples: dict[tuple[str, int], list[float]] = {}
        for _ in range(scale.repetitions):
            for name, wave in waves.items():
                for burst in (1, BURST):
                    rounds = scale.rounds * BURST // burst
                    cost = await wave.cost(burst=burst, rounds=rounds)
                    samples.setdefault((name, burst), []).append(cost)
    return [
        Figure(
            name=f"{name}, {'one at a time' if burst == 1 else f'bursts of {burst}'}",
            unit="us CPU a message",
            samples=found,
        )
        for (name, burst), found in samples.items()
    ]


if __name__ == "__main__":
    main(QUESTION, on_deployment(measure), full=FULL, small=SMALL)
