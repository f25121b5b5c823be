"""Does the harness measure what another client measures, and is it never what limits a server?

The same echoes, in turns: by the virtual users of loadtest/crowd, and by echo_client.c, which
shares nothing with them. A latency counts from when a message was due, in both. Messages are due at
even times, so that both load the server in the same way; where they agree, what the harness says of
a latency is the server's, and not its own.

    N/s             at a rate
    N/s, stalls     the same, of a server that is stopped for 0.3 of each 0.5 seconds: half of the
                    echoes take more than 50 ms, and one in a hundred some 295, whatever else there
                    is; whoever leaves out what was due meanwhile ("coordinated omission") sees less
    N in flight     as fast as it goes
    room of N       the harness alone, as fast as it goes with what a chat server is for: one
                    message to many. Its CPU time is less than the server's: it is not the limit

An echo of a server with little to do takes some 70 us. What Python takes from the moment at which
one is due until it is sent is then seen: "apart" says how much that is. The rates are of what one
process of the harness can send; for the server, an echo is less work than for its clients.
"""

import asyncio
import os
import signal
import statistics
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from loadtest.command import main
from loadtest.conductor import program as crowd_program
from loadtest.figures import Budget, Figure
from loadtest.findings import Finding, Run
from loadtest.preparation import prepared
from loadtest.report.model import Moment
from loadtest.scenario import Load, Mix, Rooms, Scenario
from loadtest.target import OwnTarget, opened
from tests.benchmarks import echo_client
from tests.benchmarks.echo_client import Echoes, Scale, Work

QUESTION = "Does the harness measure what an independent client measures? (echo)"
MESSAGE_BYTES = 60
APART = Budget("at most", 10)
# Of the room. With more under way, more messages share a write: that is less work for both.
SPEAKERS = 2
STALL_SECONDS = 0.3
STALL_EACH = 0.5

FULL = Scale(
    connections=50,
    rates=(1_000, 6_000, 14_000),
    stalled=1_000,
    in_flight=4,
    members=500,
    warm_up=2,
    seconds=5,
    rounds=7,
)
SMALL = Scale(
    connections=5,
    rates=(200,),
    stalled=200,
    in_flight=2,
    members=20,
    warm_up=1,
    seconds=1,
    rounds=1,
)


class Unwatched:
    """Nobody looks on."""

    def step(self, text: str, done: int = 0, of: int = 0) -> None:
        """Of loadtest.findings.Watcher, as is the other."""

    def moment(self, moment: Moment, server: dict[str, float]) -> None:
        """A second has passed."""


class Both:
    """The two clients of a server, and what they have found.

    Attributes:
        found: work -> of each round, the harness's and the other's.
        limits: of each round, the figures of the harness at the server's limit.
    """

    def __init__(self, target: OwnTarget) -> None:
        self._target = target
        self.found: dict[Work, list[tuple[Echoes, Echoes]]] = {}
        self.limits: list[dict[str, Finding]] = []

    async def measure(self, work: Work) -> None:
        """One round of a work, the other client first in every second one."""
        rounds = self.found.setdefault(work, [])
        async with self._stalls(work):
            if len(rounds) % 2:
                other = await self._other(work)
                rounds.append((await self._harness(work), other))
            else:
                rounds.append((await self._harness(work), await self._other(work)))

    async def limit(self, scale: Scale) -> None:
        """A round of the harness alone, as fast as it goes, in a large room."""
        load = Load(
            users=scale.members,
            senders=SPEAKERS,
            in_flight=1,
            ramp=scale.warm_up,
            duration=scale.seconds,
            processes=1,
        )
        room = Rooms(members=scale.members)
        self.limits.append(
            await self._run(Scenario(question=QUESTION, load=load, rooms=room, mix=Mix(message=1)))
        )

    async def _harness(self, work: Work) -> Echoes:
        load = Load(
            users=work.connections,
            rate=work.rate,
            in_flight=work.in_flight,
            arrivals="uniform",
            ramp=work.warm_up,
            duration=work.seconds,
            processes=1,
        )
        found = await self._run(
            Scenario(
                question=QUESTION,
                load=load,
                rooms=Rooms(each=0),
                mix=Mix(echo=1),
                message_bytes=work.message_bytes,
            )
        )
        wrong = ("forged", "doubled", "disordered", "errors", "dropped")
        return Echoes(
            measured=int(found["echo.count"].value),
            lost=int(found["lost"].value + found["unanswered"].value),
            wrong=int(sum(found[name].value for name in wrong)),
            p50=found["echo.p50"].value,
            p99=found["echo.p99"].value,
            client=found["clients.cpu"].value,
            server=found["server.cpu"].value,
        )

    async def _run(self, scenario: Scenario) -> dict[str, Finding]:
        watcher = Unwatched()
        run = Run(
            target=self._target,
            preparation=prepared(self._target, accounts_file=None, progress=watcher.step),
            scenario=scenario,
            watcher=watcher,
            ended=asyncio.Event(),
        )
        return (await crowd_program.measure(run)).figures

    async def _other(self, work: Work) -> Echoes:
        port = urlsplit(self._target.url).port
        assert port is not None
        return await echo_client.run(port, self._target.deployment.pid, work)

    @asynccontextmanager
    async def _stalls(self, work: Work) -> AsyncIterator[None]:
        """Stop the server now and then, if the work says so."""
        server = self._target.deployment.pid
        stalling = asyncio.create_task(_stall(server)) if work.stalls else None
        try:
            yield
        finally:
            if stalling is not None:
                stalling.cancel()
                with suppress(asyncio.CancelledError):
                    await stalling


async def _stall(server: int) -> None:
    while True:
        await asyncio.sleep(STALL_EACH - STALL_SECONDS)
        os.kill(server, signal.SIGSTOP)
        try:
            await asyncio.sleep(STALL_SECONDS)
        finally:
            os.kill(server, signal.SIGCONT)


async def compare(scale: Scale) -> Both:
    """All works, in turns."""
    async with opened(None) as target:
        assert isinstance(target, OwnTarget)
        both = Both(target)
        for _ in range(scale.rounds):
            for work in echo_client.works(scale, MESSAGE_BYTES):
                await both.measure(work)
            await both.limit(scale)
        return both


async def measure(scale: Scale) -> list[Figure]:
    """What both have found, and how far that is apart; and what the harness takes at the limit."""
    both = await compare(scale)
    made = [figure for work, rounds in both.found.items() for figure in figures(work, rounds)]
    name = f"room of {scale.members}"
    return [
        *made,
        *(
            Figure(
                name=f"{name}: {who}", unit=unit, samples=[one[key].value for one in both.limits]
            )
            for who, key, unit in (
                ("delivered", "delivered.rate", "a second"),
                ("harness itself", "clients.cpu", "of a core"),
                ("server, for the harness", "server.cpu", "of a core"),
                ("database, for the harness", "postgres.cpu", "of a core"),
            )
        ),
    ]


def figures(work: Work, rounds: Sequence[tuple[Echoes, Echoes]]) -> list[Figure]:
    """Of one work."""
    made = []
    for client, echoes in zip(("harness", "C client"), zip(*rounds, strict=True), strict=True):
        parts = [
            *((f"{client}, {part}", "ms", part) for part in ("p50", "p99")),
            (f"{client} itself", "of a core", "client"),
            (f"server, for the {client}", "of a core", "server"),
            (client, "echoes", "measured"),
        ]
        made += [
            Figure(
                name=f"{work.name}: {name}",
                unit=unit,
                samples=[getattr(one, key) for one in echoes],
            )
            for name, unit, key in parts
        ]
    if work.rate:
        made += [figure for part in ("p50", "p99") for figure in _ratios(work.name, part, rounds)]
    return made


def _ratios(name: str, part: str, rounds: Sequence[tuple[Echoes, Echoes]]) -> list[Figure]:
    pairs = [(getattr(harness, part), getattr(other, part)) for harness, other in rounds]
    harness, other = (statistics.median(one) for one in zip(*pairs, strict=True))
    return [
        Figure(
            name=f"{name}: harness / C client, {part}",
            unit="x",
            samples=[one / another for one, another in pairs],
        ),
        Figure(
            name=f"{name}: medians apart, {part}",
            unit="%",
            samples=[abs(harness / other - 1) * 100],
            budget=APART,
        ),
        Figure(name=f"{name}: apart, {part}", unit="ms", samples=[abs(harness - other)]),
    ]


if __name__ == "__main__":
    main(QUESTION, measure, full=FULL, small=SMALL)
