"""What does a member who stops reading do to the others of the room?

A room in which some talk at a fixed rate and many listen. In every other phase one more member
stops reading; in the others it reads as they do. In both the time from a message's sending to its
arrival is taken at all listeners. The slow one has to be closed, to come back, and to get all that
it has missed, and nobody may see a hole or a double: a run in which it is otherwise fails.
"""

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import httpx
import msgspec
from hdrh.histogram import HdrHistogram

from loadtest.command import main, on_deployment
from loadtest.deployment import Deployment
from loadtest.figures import Budget, Figure
from loadtest.frames import client_frame
from loadtest.population import populate
from loadtest.swarm import Connection, Swarm, Violation
from plaza_client import Client
from protocol.events import Message
from protocol.ids import Id

QUESTION = "What does a member who stops reading do to the others?"
BUDGET = Budget("at most", 1.2)

# So many that the slow one's bounds are reached within a phase, of about 1,000 messages: the kernel
# takes in up to 4 MiB (net.ipv4.tcp_wmem) before anything waits in the server, which has 1 MiB.
MESSAGE_BYTES = 7_000
RECEIVE_BUFFER = 4_096
PATIENCE_SECONDS = 60

_FIRST_SEQ = 2  # seq 1 is the entry that says that the room was created
_CLOSED_AS_SLOW = re.compile(r"^plaza_connections_slow_total (\S+)", re.MULTILINE)


class Scale(NamedTuple):
    """How much to measure.

    Attributes:
        listeners: members whose latencies count.
        senders: members who talk; they are heard by the others and hear each other.
        rate: messages a second, of all senders together.
        seconds: of a phase.
        repetitions: pairs of phases.
    """

    listeners: int
    senders: int
    rate: float
    seconds: float
    repetitions: int


FULL = Scale(listeners=50, senders=5, rate=50, seconds=20, repetitions=5)
SMALL = Scale(listeners=5, senders=2, rate=500, seconds=2, repetitions=1)


class Heard(msgspec.Struct):
    """Of an event, what a listener looks at."""

    t: str
    seq: int = 0
    body: str = ""


hear = msgspec.json.Decoder(Heard).decode


class Room:
    """What is said in a room, and when it is heard.

    Args:
        room: its id; nobody has said anything yet.
        fail: called with a violation.

    Attributes:
        id: of the room.
        latencies: microseconds from the sending of a message to its arrival; may be reset.
        last_seq: of the messages that were said so far.
    """

    def __init__(self, room: Id, *, fail: Callable[[Violation], None]) -> None:
        self.id = room
        self.latencies = HdrHistogram(1, 60_000_000, 3)
        self.last_seq = _FIRST_SEQ - 1
        self._fail = fail
        self._listeners: list[Listener] = []
        self._heard = asyncio.Event()
        self._command = b'{"t":"send","id":%%d,"room":"%d","body":"%%f %b"}' % (
            room,
            b"x" * MESSAGE_BYTES,
        )

    def join(self, connection: Connection, *, counts: bool = True) -> "Listener":
        """Let a connection be heard as a member's.

        Args:
            counts: whether its latencies do, and `everybody` waits for it.
        """
        listener = Listener(self, counts=counts)
        if counts:
            self._listeners.append(listener)
        connection.receive = listener
        return listener

    def say(self, connection: Connection) -> None:
        """Send a message; its body is the time."""
        self.last_seq += 1
        command = self._command % (self.last_seq, time.perf_counter())
        connection.write(client_frame(command))

    async def everybody(self, *others: "Listener") -> None:
        """Wait until all have heard everything that was said.

        Args:
            others: that do not count.
        """
        listeners = (*self._listeners, *others)
        while min(listener.seq for listener in listeners) < self.last_seq:
            self._heard.clear()
            await self._heard.wait()

    def heard(self) -> None:
        """Somebody has heard something."""
        self._heard.set()

    def fail(self, problem: str) -> None:
        """Something was not heard as it should be."""
        self._fail(Violation(problem))


class Listener:
    """A member's ear.

    Attributes:
        seq: of the last message.
    """

    def __init__(self, room: Room, *, counts: bool) -> None:
        self.seq = room.last_seq
        self._room = room
        self._counts = counts

    def __call__(self, payload: bytes) -> None:
        """A payload has come."""
        event = hear(payload)
        if event.t == "error":
            self._room.fail(f"A message was refused: {payload!r}")
        if event.t != "message":
            return
        if event.seq != self.seq + 1:
            self._room.fail(f"Seq {event.seq} came where {self.seq + 1} was due.")
        self.seq = event.seq
        if self._counts:
            self._room.latencies.record_value(_microseconds_since(event.body))
        self._room.heard()


def _microseconds_since(body: str) -> int:
    return int((time.perf_counter() - float(body.partition(" ")[0])) * 1e6)


async def measure(deployment: Deployment, scale: Scale) -> list[Figure]:
    """Phases with a slow reader and without, in turns."""
    size = scale.senders + scale.listeners + 1
    people = await populate(deployment, accounts=size, rooms=[range(size)])
    *regular, guest = people.tokens
    samples: dict[bool, list[float]] = {False: [], True: []}
    async with Swarm(deployment.url) as swarm:
        connections = await swarm.log_in_all(regular, receive=lambda _: None)
        room = Room(people.rooms[0], fail=swarm.fail)
        for connection in connections:
            room.join(connection)
        phase = Phase(deployment, swarm, room, connections[: scale.senders], scale)
        await phase.without(guest)  # to warm up
        for repetition in range(scale.repetitions):
            # Not always the same one first: what drifts in a run must not look like an effect.
            for slow in (False, True) if repetition % 2 else (True, False):
                room.latencies.reset()
                async with asyncio.timeout(scale.seconds + PATIENCE_SECONDS):
                    await (phase.with_slow_reader if slow else phase.without)(guest)
                samples[slow].append(room.latencies.get_value_at_percentile(99) / 1e3)
    return _figures(without=samples[False], slow=samples[True])


class Phase:
    """Some seconds of talk, with a guest who may be slow.

    Args:
        deployment: the server.
        swarm: of connections to it.
        room: in which they talk.
        speakers: connections that do.
        scale: how much.
    """

    def __init__(
        self,
        deployment: Deployment,
        swarm: Swarm,
        room: Room,
        speakers: Sequence[Connection],
        scale: Scale,
    ) -> None:
        self._deployment = deployment
        self._swarm = swarm
        self._room = room
        self._speakers = speakers
        self._scale = scale

    async def without(self, token: str) -> None:
        """The guest reads like everybody else."""
        connection, guest = await self._guest(token)
        await self._talk()
        await self._room.everybody(guest)
        await connection.close()

    async def with_slow_reader(self, token: str) -> None:
        """The guest stops reading, is closed for it, and comes back."""
        connection, guest = await self._guest(token)
        closed_before = await self._closed_as_slow()
        connection.may_end = True
        connection.pause()
        await self._talk()
        await self._room.everybody()
        if await self._closed_as_slow() != closed_before + 1:
            raise Violation("The slow reader was not closed.")
        connection.resume()
        await connection.closed
        await self._catch_up(token, guest.seq)

    async def _guest(self, token: str) -> tuple[Connection, "Listener"]:
        connection = await self._swarm.log_in(
            token, receive=lambda _: None, receive_buffer=RECEIVE_BUFFER
        )
        return connection, self._room.join(connection, counts=False)

    async def _talk(self) -> None:
        """Send at the rate, whether answers come or not."""
        interval = 1 / self._scale.rate
        due = time.perf_counter()
        for number in range(round(self._scale.seconds * self._scale.rate)):
            self._room.say(self._speakers[number % len(self._speakers)])
            due += interval
            await asyncio.sleep(max(0.0, due - time.perf_counter()))

    async def _catch_up(self, token: str, seq: int) -> None:
        """Come back with the cursor, and hear all that was missed."""
        room, last_seq = self._room.id, self._room.last_seq
        async with Client(self._deployment.url, token=token, cursors={room: seq}) as client:
            async for event in client.events():
                if isinstance(event, Message):
                    if event.seq != seq + 1:
                        raise Violation(f"Seq {event.seq} came back where {seq + 1} was due.")
                    seq = event.seq
                    if seq == last_seq:
                        return

    async def _closed_as_slow(self) -> int:
        async with httpx.AsyncClient() as http:
            metrics = (await http.get(f"{self._deployment.url}/metrics")).text
        found = _CLOSED_AS_SLOW.search(metrics)
        assert found is not None
        return int(float(found[1]))


def _figures(*, without: list[float], slow: list[float]) -> list[Figure]:
    ratios = [one / other for one, other in zip(slow, without, strict=True)]
    return [
        Figure(name="others' delivery, p99: all read", unit="ms", samples=without),
        Figure(name="others' delivery, p99: one does not read", unit="ms", samples=slow),
        Figure(name="p99 with a slow reader, by without", unit="", samples=ratios, budget=BUDGET),
    ]


if __name__ == "__main__":
    main(QUESTION, on_deployment(measure), full=FULL, small=SMALL)
