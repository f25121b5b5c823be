"""Virtual time, and a network whose lines lose, delay and reorder what they carry. All seeded."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from random import Random

Address = tuple[str, int]
Receive = Callable[[bytes, Address, float], None]

# Light peers count their times of day from here; any number will do.
START = 1_000.0


class World:
    """What happens, in the order of its time; at one moment in the order in which it was asked for.

    Attributes:
        now: virtual seconds.
    """

    def __init__(self) -> None:
        self.now = START
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def at(self, when: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._events, (max(when, self.now), next(self._order), call))

    def after(self, delay: float, call: Callable[[], None]) -> None:
        self.at(self.now + delay, call)

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        end = self.now + seconds
        while self._events and self._events[0][0] <= end:
            self.now, _, call = heapq.heappop(self._events)
            call()
        self.now = end

    def run_until(self, condition: Callable[[], bool], *, within: float) -> None:
        """Let time pass until something is so."""
        end = self.now + within
        while not condition():
            assert self._events
            assert self._events[0][0] <= end, f"it is not so after {within} s"
            self.now, _, call = heapq.heappop(self._events)
            call()


@dataclass(slots=True)
class Weather:
    """How a line is at the moment, in one direction.

    Attributes:
        loss: share of datagrams that are lost, each by itself.
        delay: seconds, of each.
        jitter: seconds at most that come on top, evenly; later ones overtake earlier ones by it.
        held: share of datagrams that are held back for `hold` seconds more: reordering for sure.
        rate: bits per second; None: no limit. Beyond it they queue for `queue` seconds at most.
    """

    loss: float = 0.0
    delay: float = 0.02
    jitter: float = 0.0
    held: float = 0.0
    hold: float = 0.03
    rate: float | None = None
    queue: float = 0.2


class Line:
    """One direction.

    Attributes:
        weather: may be changed at any time.
        carried, lost: datagrams.
    """

    def __init__(self, world: World, seed: str) -> None:
        self._world = world
        self._chance = Random(seed)
        self._free_at = 0.0
        self.weather = Weather()
        self.carried = 0
        self.lost = 0

    def carry(self, datagram: bytes, deliver: Callable[[], None]) -> None:
        weather, now = self.weather, self._world.now
        # The draws are the same whatever the weather: one run can be compared with another.
        lost, jitter, held = (self._chance.random() for _ in range(3))
        arrival = now
        if weather.rate is not None:
            arrival = max(now, self._free_at) + len(datagram) * 8 / weather.rate
            if arrival - now > weather.queue:
                self.lost += 1
                return
            self._free_at = arrival
        if lost < weather.loss:
            self.lost += 1
            return
        self.carried += 1
        arrival += weather.delay + jitter * weather.jitter
        if held < weather.held:
            arrival += weather.hold
        self._world.at(arrival, deliver)


class Network:
    """Addresses, each with a line up and a line down; between the two nothing is lost."""

    def __init__(self, world: World, seed: str) -> None:
        self._world = world
        self._seed = seed
        self._receivers: dict[Address, Receive] = {}
        self._up: dict[Address, Line] = {}
        self._down: dict[Address, Line] = {}

    def attach(self, address: Address, receive: Receive) -> tuple[Line, Line]:
        """Have what is sent there received.

        Returns:
            Its lines, up and down.
        """
        self._receivers[address] = receive
        self._up[address] = Line(self._world, f"{self._seed} {address} up")
        self._down[address] = Line(self._world, f"{self._seed} {address} down")
        return self._up[address], self._down[address]

    def move(self, old: Address, new: Address) -> None:
        """Somebody's address becomes another: what is on its way to the old one is lost."""
        self._receivers[new] = self._receivers.pop(old)
        self._up[new], self._down[new] = self._up.pop(old), self._down.pop(old)

    def detach(self, address: Address) -> None:
        """Nobody is there any more."""
        del self._receivers[address]

    def send(self, datagram: bytes, source: Address, target: Address) -> None:
        def arrived() -> None:
            receive = self._receivers.get(target)
            if receive is not None:
                receive(datagram, source, self._world.now)

        def on_its_way() -> None:
            down = self._down.get(target)
            if down is not None:
                down.carry(datagram, arrived)

        self._up[source].carry(datagram, on_its_way)
