"""Light peers on the simulated network."""

from collections.abc import Callable
from random import Random

from loadtest.webrtc.connection import Connection, Media
from loadtest.webrtc.description import Answer, Local
from loadtest.webrtc.dtls import Certificate
from tests.media.simulation.world import Address, Network, Weather, World


class Attached:
    """Carries a connection, as `loadtest.webrtc.udp` does on a socket.

    Attributes:
        address: where it is.
        up, down: its lines.
    """

    def __init__(
        self, world: World, network: Network, address: Address, connection: Connection
    ) -> None:
        self._world = world
        self._network = network
        self._armed = float("inf")
        self.address = address
        self.connection = connection
        self.up, self.down = network.attach(address, self._receive)
        world.after(0, self._run)

    @property
    def is_connected(self) -> bool:
        return self.connection.connected_at is not None

    def flush(self) -> None:
        for datagram, target in self.connection.take():
            self._network.send(datagram, self.address, target)
        due = self.connection.due
        if due < self._armed:
            self._armed = due
            self._world.at(due, self._run)

    def weather(self, weather: Weather) -> None:
        """The same in both directions."""
        self.up.weather = self.down.weather = weather

    def move(self, address: Address) -> None:
        """Go on from another address."""
        self._network.move(self.address, address)
        self.address = address
        self.connection.agent.address_changed(self._world.now)
        self.flush()

    def vanish(self) -> None:
        """As a process that is killed: nothing is said."""
        self._network.detach(self.address)
        self.connection.ended = "killed"

    def _receive(self, datagram: bytes, source: Address, now: float) -> None:
        self.connection.receive(datagram, source, now)
        self.flush()

    def _run(self) -> None:
        self._armed = float("inf")
        if not self.connection.ended:
            self.connection.run(self._world.now)
            self.flush()


def connect(
    world: World,
    network: Network,
    address: Address,
    *,
    local: Local,
    answer: Answer,
    certificate: Certificate,
    media: Media,
    attach: Callable[[Connection], None],
    seed: str,
) -> Attached:
    """Put a peer whose offer was answered on the network."""
    connection = Connection(
        local, answer, certificate, media, Random(seed), now=world.now
    )  # fmt: skip
    attach(connection)
    return Attached(world, network, address, connection)
