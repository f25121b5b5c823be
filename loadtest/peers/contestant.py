"""A peer that takes part: it runs, its room is full, and it does what it is asked to."""

from collections.abc import Mapping
from contextlib import AsyncExitStack

from loadtest.peers.clients import Clients
from loadtest.peers.costs import resident
from loadtest.peers.echo import BURSTS, Echo
from loadtest.peers.fanout import AT_ONCE, WRITE, Room
from loadtest.peers.peer import Peer, Server
from loadtest.peers.scale import Scale

# Clients that are there before memory is looked at, so that what a server allocates once is not
# divided among the others.
FIRST = 10
# What is said before anything is measured: so much costs more the first time, in every runtime.
_WARM = 4 * WRITE

MEMORY = ""
FLAT_OUT = "flat out"
FAN_OUT = {f"{at_once} at once": at_once for at_once in AT_ONCE}
ECHO = {f"echo {'one at a time' if n == 1 else f'in bursts of {n}'}": n for n in BURSTS}
# In the order in which it is done.
WORKS = (MEMORY, *FAN_OUT, FLAT_OUT, *ECHO)


class Contestant:
    """A peer that takes part. Made by `enter`.

    Args:
        growth: KiB that its memory grew by with each member of the room.
        echo: None: it offers none.
    """

    def __init__(self, name: str, growth: float, room: Room, echo: Echo | None) -> None:
        self.name = name
        self._growth = growth
        self._room = room
        self._echo = echo

    async def does(self, work: str, scale: Scale) -> Mapping[str, float]:
        """Do a piece of work.

        Returns:
            What was found, by the names of the figures; nothing where the work is not offered.

        Raises:
            Violation: something was lost, or doubled.
        """
        if work == MEMORY:
            return {"server.growth": self._growth}
        if work == FLAT_OUT:
            return await self._room.flat_out(messages=scale.flat_out)
        if work in FAN_OUT:
            return await self._room.fan_out(at_once=FAN_OUT[work], messages=scale.messages)
        if self._echo is None:
            return {}
        burst = ECHO[work]
        return await self._echo.echoed(burst=burst, rounds=scale.echoes // burst)

    async def leaves(self) -> None:
        """Close all connections.

        Raises:
            Violation: something came that was not due.
        """
        await self._room.clients.settled(self._room.due)
        if self._echo is not None:
            await self._echo.clients.settled(self._echo.due)


async def enter(stack: AsyncExitStack, peer: Peer, scale: Scale) -> Contestant:
    """Start a peer, connect all clients, and let it do some of everything.

    Args:
        stack: that will stop it.

    Raises:
        StartFailed: it did not start.
        Violation: it did what it must not.
    """
    server = await stack.enter_async_context(peer.launched(scale.members))
    members = Clients(server.url, server.room)
    stack.callback(members.abort)
    await members.join(FIRST)
    before = resident(server)
    await members.join(scale.members - FIRST)
    growth = (resident(server) - before) / (scale.members - FIRST) / 1024
    room = Room(server, members)
    await room.said(_WARM, at_once=WRITE)
    return Contestant(peer.name, growth, room, await _echo(stack, server, scale))


async def _echo(stack: AsyncExitStack, server: Server, scale: Scale) -> Echo | None:
    if server.echo is None:
        return None
    clients = Clients(server.url, server.echo, own_numbers=True)
    stack.callback(clients.abort)
    await clients.join(scale.echoing)
    echo = Echo(server, clients)
    await echo.echoed(burst=WRITE, rounds=1)
    return echo
