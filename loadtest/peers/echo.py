"""The other kind of work: every client hears what it says itself."""

from collections.abc import Iterator, Mapping

from loadtest.peers.client import Client
from loadtest.peers.clients import LANE, Clients
from loadtest.peers.costs import look
from loadtest.peers.peer import Server

# Messages in one write of a client.
BURSTS = (1, 16)


class Echo:
    """Clients that speak to themselves: what has come back lets the next burst go.

    Args:
        server: that they are connected to.
        clients: each with numbers of its own. They have heard nothing yet.
    """

    def __init__(self, server: Server, clients: Clients) -> None:
        self._server = server
        self.clients = clients
        self._said = 0

    @property
    def due(self) -> int:
        """Echoes of everything that was ever said."""
        return self._said * len(self.clients.members)

    async def echoed(self, *, burst: int, rounds: int) -> Mapping[str, float]:
        """What an echo costs, and how many there are in a second, by the names of the figures.

        Args:
            burst: messages of each client in one write.
            rounds: how often each client writes.

        Raises:
            Violation: something was lost, or doubled, or came to somebody else.
        """
        members = self.clients.members
        waiting = [self._bursts(client, burst, rounds) for client in members]
        self._said += burst * rounds
        begin = look(self._server)
        await self._spoken(waiting, burst)
        costs = look(self._server).since(begin)
        echoes = burst * rounds * len(members)
        return {
            "server.us_per_message": costs.server / echoes * 1e6,
            "echoed.rate": echoes / costs.wall,
            "server.cpu": costs.server / costs.wall,
            "clients.cpu": costs.clients / costs.wall,
        }

    def _bursts(self, client: Client, burst: int, rounds: int) -> Iterator[bytes]:
        """Frames of all rounds of a client, made before anything is measured."""
        first = client.number * LANE + self._said
        numbers = range(first, first + burst * rounds, burst)
        frames = self.clients.dialect.frames
        return iter([frames(client.number, number, burst) for number in numbers])

    async def _spoken(self, waiting: list[Iterator[bytes]], burst: int) -> None:
        clients = self.clients
        ends = [client.next for client in clients.members]

        def go_on(client: Client) -> None:
            if client.next == ends[client.number]:
                frames = next(waiting[client.number], None)
                if frames is not None:
                    ends[client.number] += burst
                    client.write(frames)

        clients.heard = go_on
        try:
            for client in clients.members:
                go_on(client)
            await clients.reached(self.due)
        finally:
            clients.heard = None
