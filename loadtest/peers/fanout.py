"""The first kind of work: one member of a room speaks, and all of them hear it."""

from collections.abc import Mapping

from loadtest.peers.clients import Clients
from loadtest.peers.costs import Costs, look
from loadtest.peers.peer import Server

# Messages that are written at once; then all members hear them before any more are said.
AT_ONCE = (1, 4, 16, 64)
# Flat out: so many are under way at most, in writes of so many.
WINDOW = 240
WRITE = 16


class Room:
    """A room full of clients, the first of whom speaks.

    Args:
        server: that it is on.
        clients: its members. They have heard nothing yet.
    """

    def __init__(self, server: Server, clients: Clients) -> None:
        self._server = server
        self.clients = clients
        self._answers = 1 if clients.dialect.acknowledgement else 0
        self._said = 0

    @property
    def due(self) -> int:
        """Deliveries and acknowledgements of everything that was ever said."""
        return self._due_of(self._said)

    async def said(self, messages: int, *, at_once: int, window: int = 0) -> Costs:
        """Say something, until everybody has heard all of it.

        Args:
            messages: how many; a multiple of `at_once`.
            at_once: how many in one write.
            window: so many messages may be under way, beside those of the write; with 0 each write
                is heard by everybody before the next one.

        Returns:
            What it cost.

        Raises:
            Violation: something was lost, or doubled.
        """
        clients, speaker = self.clients, self.clients.members[0]
        begin = look(self._server)
        for _ in range(messages // at_once):
            speaker.write(clients.dialect.frames(0, self._said, at_once))
            self._said += at_once
            await clients.reached(self._due_of(self._said - window))
        await clients.reached(self.due)
        return look(self._server).since(begin)

    async def cost(self, *, at_once: int, messages: int) -> float:
        """CPU time of the server in microseconds for each delivery. See `said`."""
        return self._each(messages, (await self.said(messages, at_once=at_once)).server)

    async def fan_out(self, *, at_once: int, messages: int) -> Mapping[str, float]:
        """What `said` costs, by the names of the figures."""
        costs = await self.said(messages, at_once=at_once)
        return self._per_delivery(messages, costs)

    async def flat_out(self, *, messages: int) -> Mapping[str, float]:
        """How many deliveries a second there can be, and who is busy with them."""
        costs = await self.said(messages, at_once=WRITE, window=WINDOW - WRITE)
        return {
            "delivered.rate": messages * len(self.clients.members) / costs.wall,
            **self._per_delivery(messages, costs),
            "server.cpu": costs.server / costs.wall,
            "clients.cpu": costs.clients / costs.wall,
        }

    def _per_delivery(self, messages: int, costs: Costs) -> dict[str, float]:
        found = {"server.us_per_delivery": self._each(messages, costs.server)}
        if self._server.database is not None:
            found["postgres.us_per_delivery"] = self._each(messages, costs.database)
        return found

    def _each(self, messages: int, seconds: float) -> float:
        return seconds / (messages * len(self.clients.members)) * 1e6

    def _due_of(self, messages: int) -> int:
        return max(messages, 0) * (len(self.clients.members) + self._answers)
