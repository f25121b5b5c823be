"""What does a delivery cost the server, from an event to the socket of a member?

As loadtest/peers/fanout.py, but on the server's parts: what one member says goes to the hub at
once, so the messages that are written together are the messages of a tick, and no database takes
part. The peer, uWebSockets, does the same work.

`python` stands for what of it is Plaza's own, in this process and without sockets: hub, fan-out,
encoding and outboxes, up to a transport that takes what it is given.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple

from rich.console import Console

from loadtest.command import main
from loadtest.figures import Budget, Figure
from loadtest.peers.clients import Clients
from loadtest.peers.fanout import AT_ONCE, Room
from loadtest.peers.peer import Dialect, Server
from loadtest.peers.plaza import room_text
from loadtest.peers.uwebsockets import UWebSockets
from plaza_client.wire import JSON
from protocol import codec
from protocol.commands import Send
from protocol.ids import Id, IdMint
from rooms.fanout import Fanout
from server.metrics import Metrics
from server.outbox import Outbox, Tick
from server.wire import FramedCodec
from tests.benchmarks.parts import ROOM, LiveLog, new_hub, parts

QUESTION = "What does a delivery in a large room cost the server? (no database)"
# Of what uWebSockets takes for the same.
BUDGETS = {1: Budget("at most", 1.15), 4: Budget("at most", 1.1), 16: Budget("at most", 1.0)}
PEER = UWebSockets()
# Of a sender with a short id.
TEXT = room_text(room=ROOM, sender=Id(1), event_id=IdMint(0).mint(time.time_ns() // 1_000_000))


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

# (room, messages at once) -> costs
Samples = dict[tuple[str, int], list[float]]


class HubDialect(Dialect):
    """Sends to a session that publishes them at once."""

    def __init__(self) -> None:
        super().__init__("/room", TEXT)

    def say(self, _: int, number: int, /) -> bytes:
        """A send."""
        return JSON.encode(Send(id=7, room=ROOM, body=self.text.of(number).decode()))


async def measure(scale: Scale) -> list[Figure]:
    """The parts and the peer, with 1 to 64 messages at once, in turns."""
    async with AsyncExitStack() as stack:
        rooms = {}
        if PEER.is_installed():
            peer = await stack.enter_async_context(PEER.launched(scale.members))
            rooms[PEER.name] = await stack.enter_async_context(_room(peer, scale))
        else:
            Console(stderr=True).print(f"Without the peer, {PEER.name}: {PEER.hint}")
        pid, url = await stack.enter_async_context(parts())
        hub = Server(url=url, pids=(pid,), room=HubDialect())
        rooms["hub"] = await stack.enter_async_context(_room(hub, scale))
        samples = await _compare(rooms, scale)
    return [*_costs(samples), *_multiples(samples), *_python(scale)]


@asynccontextmanager
async def _room(server: Server, scale: Scale) -> AsyncIterator[Room]:
    clients = Clients(server.url, server.room)
    try:
        await clients.join(scale.members)
        room = Room(server, clients)
        yield room
        await clients.settled(room.due)
    finally:
        clients.abort()


async def _compare(rooms: Mapping[str, Room], scale: Scale) -> Samples:
    samples: Samples = {}
    for _ in range(scale.repetitions):
        for at_once in AT_ONCE:
            for name, room in rooms.items():
                cost = await room.cost(at_once=at_once, messages=scale.deliveries)
                samples.setdefault((name, at_once), []).append(cost)
    return samples


def _costs(samples: Samples) -> list[Figure]:
    return [
        Figure(name=f"{name}, {at_once} at once", unit="us CPU a delivery", samples=found)
        for (name, at_once), found in samples.items()
    ]


def _multiples(samples: Samples) -> list[Figure]:
    """The hub's costs as multiples of the peer's; none without it."""
    return [
        Figure(
            name=f"hub, {at_once} at once",
            unit=f"x {PEER.name}",
            samples=[ours / theirs for ours, theirs in zip(found, peers, strict=True)],
            budget=BUDGETS.get(at_once),
        )
        for (name, at_once), found in samples.items()
        if name == "hub" and (peers := samples.get((PEER.name, at_once)))
    ]


class NullTransport:
    """Takes what it is given, and does nothing with it."""

    def write(self, _: bytes) -> None:
        """Not even count."""


def _python(scale: Scale) -> list[Figure]:
    tick = Tick(asyncio.get_running_loop(), Metrics())
    fanout = Fanout(tick.wake)
    tick.before = fanout.flush
    said = Send(id=7, room=ROOM, body=TEXT.of(0).decode())
    hub, room, wire = new_hub(fanout), LiveLog(), FramedCodec(codec.JSON)
    transport: Any = NullTransport()
    for number in range(1, scale.members + 1):
        outbox = Outbox(wire, transport, tick, hard=0, overflowed=lambda: None)
        hub.settle(hub.enter(Id(number)), outbox, hub.places([room.record]) or [])

    def cost(at_once: int) -> float:
        ticks = scale.deliveries // at_once
        began = time.thread_time()
        for _ in range(ticks):
            for _ in range(at_once):
                hub.publish(room.entry(Id(1), said))
            tick.flush()
        return (time.thread_time() - began) / (ticks * at_once * scale.members) * 1e6

    return [
        Figure(
            name=f"python, {at_once} at once",
            unit="us CPU a delivery",
            samples=[cost(at_once) for _ in range(scale.repetitions)],
        )
        for at_once in AT_ONCE
    ]


if __name__ == "__main__":
    main(QUESTION, measure, full=FULL, small=SMALL)
