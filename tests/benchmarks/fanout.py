"""What does a delivery cost the server, from an event to the socket of a member?

As loadtest/fanout.py, but on the server's parts: what one member says goes to the hub at once, so
the messages that are written together are the messages of a tick, and no database takes part. The
peer, uWebSockets, does the same work.

`python` stands for what of it is Plaza's own, in this process and without sockets: hub, fan-out,
encoding and outboxes, up to a transport that takes what it is given.
"""

import asyncio
import time
from contextlib import AsyncExitStack
from typing import Any

from loadtest.command import main
from loadtest.fanout import AT_ONCE, BODY, FULL, SMALL, Room, Scale, compare, figures, peer_rooms
from loadtest.figures import Budget, Figure
from loadtest.frames import client_frame
from loadtest.swarm import Swarm, Tally
from plaza_client.wire import JSON
from protocol import codec
from protocol.commands import Send
from protocol.ids import Id
from rooms.fanout import Fanout
from server.metrics import Metrics
from server.outbox import Outbox, Tick
from server.wire import FramedCodec
from tests.benchmarks.parts import ROOM, LiveLog, new_hub, parts

QUESTION = "What does a delivery in a large room cost the server? (no database)"
# Of what uWebSockets takes for the same.
BUDGETS = {1: Budget("at most", 1.15), 4: Budget("at most", 1.1), 16: Budget("at most", 1.0)}

SAID = Send(id=7, room=ROOM, body=BODY)


async def measure(scale: Scale) -> list[Figure]:
    """The parts and the peer, with 1 to 64 messages at once, in turns."""
    async with AsyncExitStack() as stack:
        rooms = await peer_rooms(stack, scale)
        pid, url = await stack.enter_async_context(parts())
        swarm = await stack.enter_async_context(Swarm(url))
        tally = Tally()
        members = [await swarm.connect("/room", receive=tally) for _ in range(scale.members)]
        rooms["hub"] = Room(pid, members, tally, client_frame(JSON.encode(SAID)))
        return [*figures(await compare(rooms, scale), BUDGETS), *_python(scale)]


class NullTransport:
    """Takes what it is given, and does nothing with it."""

    def write(self, _: bytes) -> None:
        """Not even count."""


def _python(scale: Scale) -> list[Figure]:
    tick = Tick(asyncio.get_running_loop(), Metrics())
    fanout = Fanout(tick.wake)
    tick.before = fanout.flush
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
                hub.publish(room.entry(Id(1), SAID))
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
