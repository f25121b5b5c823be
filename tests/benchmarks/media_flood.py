"""What does a flood of garbage cost those who watch?

A process with the media port forwards a stream to viewers, as it comes; another one sends it
garbage from many addresses: no STUN, checks that name nobody, and checks of the publisher's own
name with a wrong password. The figures are of one viewer: the time from the publisher's `send` to
the viewer's `recv`, and what is lost, with each kind of flood and without.

The flood is sent by this machine, too: with two cores, its sending is part of the figures.
"""

import asyncio
import multiprocessing
import secrets
import socket
import statistics
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

import uvloop

from loadtest.command import main
from loadtest.figures import Figure
from media.addresses import bind
from media.endpoint import Endpoint
from media.ports import Path
from media.udp import enlarge
from tests.media.checks import EchoPeer, check

QUESTION = "What does a flood of garbage cost those who watch?"
PASSWORD = "p" * 22
PACKET = 1100
BURST = 12  # packets of a picture
PICTURES = 60  # a second
STRANGERS = 64  # addresses that a flood comes from


@dataclass(frozen=True, slots=True)
class Scale:
    """How much to measure.

    Attributes:
        viewers: who get the stream.
        seconds: that each figure takes.
        rates: of floods, datagrams in a second.
        repetitions: of everything.
    """

    viewers: int
    seconds: float
    rates: tuple[int, ...]
    repetitions: int


FULL = Scale(viewers=10, seconds=5.0, rates=(10_000, 50_000, 100_000), repetitions=3)
SMALL = Scale(viewers=3, seconds=0.5, rates=(10_000,), repetitions=1)

FLOODS: dict[str, Callable[[], bytes]] = {
    "no STUN": lambda: b"\x80" + secrets.token_bytes(99),
    "checks that name nobody": lambda: check(secrets.token_hex(8), PASSWORD),
    "checks with a wrong password": lambda: check("send", secrets.token_hex(11)),
}


class Forwarder(EchoPeer):
    """A publisher, whose packets go to all viewers when what has come is read."""

    def __init__(self, endpoint: Endpoint, viewers: list[EchoPeer]) -> None:
        super().__init__("send", PASSWORD)
        self._endpoint = endpoint
        self._viewers = viewers
        self._pending: list[bytes] = []

    def receive(self, data: bytes, path: Path, now: float) -> None:
        """Keep it for the flush."""
        if not self._pending:
            self._endpoint.relay.flushes.append(self._flush)
        self._pending.append(data)

    def _flush(self, now: float) -> None:
        burst = memoryview(b"".join(self._pending))
        sizes = [len(packet) for packet in self._pending]
        self._pending.clear()
        for viewer in self._viewers:
            if viewer.path is not None:
                viewer.path.send_burst(burst, sizes)


def serve(pipe: Connection, viewers: int) -> None:
    """The process with the port: answers a line with its CPU seconds and its table's size."""

    async def run() -> None:
        endpoint = Endpoint(bind("127.0.0.1", 0), addresses=["127.0.0.1"])
        endpoint.start()
        watching = [EchoPeer(f"view{number}", PASSWORD) for number in range(viewers)]
        for peer in (Forwarder(endpoint, watching), *watching):
            endpoint.relay.add(peer.as_peer)
        pipe.send(endpoint.port)
        asked = asyncio.Event()
        asyncio.get_running_loop().add_reader(pipe.fileno(), asked.set)
        while True:
            await asked.wait()
            asked.clear()
            if pipe.recv() == "end":
                return
            dropped = sum(endpoint.traffic.dropped.values())
            pipe.send((time.process_time(), dropped, endpoint.paths))

    uvloop.run(run())


def flood(port: int, kind: str, rate: int, seconds: float) -> None:
    """Send so many a second, from many addresses, and no more than that in all."""
    datagrams = [FLOODS[kind]() for _ in range(STRANGERS)]
    with ExitStack() as stack:
        sockets = []
        for _ in range(STRANGERS):
            one = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            one.setblocking(False)
            one.connect(("127.0.0.1", port))
            sockets.append(one)
        started, sent = time.monotonic(), 0
        while sent < rate * seconds:
            due = int((time.monotonic() - started) * rate)
            while sent < due:
                sockets[sent % STRANGERS].send(datagrams[sent % STRANGERS])
                sent += 1
            time.sleep(0.001)


class Audience:
    """The publisher and the viewers, of whom one is looked at."""

    def __init__(self, port: int, viewers: int, stack: ExitStack) -> None:
        self.latencies: list[float] = []
        self._sockets = []
        for name in ("send", *(f"view{number}" for number in range(viewers))):
            one = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            enlarge(one)
            one.connect(("127.0.0.1", port))
            one.settimeout(5)
            one.send(check(name, PASSWORD))
            one.recv(2_048)
            one.setblocking(False)
            self._sockets.append(one)

    async def watch(self, seconds: float) -> tuple[list[float], float]:
        """Publish for so long. Returns seconds of delay of each packet, and the share lost."""
        loop = asyncio.get_running_loop()
        self.latencies = []
        for one in self._sockets[1:]:
            loop.add_reader(one, self._read, one, one is self._sockets[1])
        sent = 0
        started = loop.time()
        while (elapsed := loop.time() - started) < seconds:
            while sent < elapsed * PICTURES * BURST:
                for _ in range(BURST):
                    header = struct.pack("!BBQ", 0x80, 96, time.monotonic_ns())
                    self._sockets[0].send(header.ljust(PACKET, b"\0"))
                sent += BURST
            await asyncio.sleep(0.002)
        await asyncio.sleep(0.3)
        for one in self._sockets[1:]:
            loop.remove_reader(one)
        return self.latencies, 1 - len(self.latencies) / sent

    def _read(self, one: socket.socket, looked_at: bool) -> None:
        while True:
            try:
                data = one.recv(2_048)
            except BlockingIOError:
                return
            if looked_at:
                then = struct.unpack_from("!Q", data, 2)[0]
                self.latencies.append((time.monotonic_ns() - then) / 1e9)


@contextmanager
def process(target: Callable[..., None], *arguments: object) -> Iterator[None]:
    """Run something in a process of its own."""
    started = multiprocessing.get_context("spawn").Process(target=target, args=arguments)
    started.start()
    try:
        yield
    finally:
        started.join(10)
        if started.is_alive():
            started.terminate()


async def measure(scale: Scale) -> list[Figure]:
    """Each flood at each rate, and none, as often as they are to be repeated."""
    samples: dict[tuple[str, str], list[float]] = {}
    ours, theirs = multiprocessing.Pipe()
    with process(serve, theirs, scale.viewers), ExitStack() as stack:
        port = ours.recv()
        audience = Audience(port, scale.viewers, stack)
        for _ in range(scale.repetitions):
            await _once("without a flood", None, audience, ours, scale, samples)
            for kind in FLOODS:
                for rate in scale.rates:
                    name = f"{kind}, {rate:,} a second"
                    with process(flood, port, kind, rate, scale.seconds + 1.5):
                        await asyncio.sleep(1.0)  # the process starts
                        await _once(name, rate, audience, ours, scale, samples)
        ours.send("end")
    return [
        Figure(name=f"{name}: {what}", unit=unit, samples=values)
        for (name, measured), values in samples.items()
        for what, _, unit in (measured.rpartition(", "),)
    ]


async def _once(
    name: str,
    rate: int | None,
    audience: Audience,
    server: Connection,
    scale: Scale,
    samples: dict[tuple[str, str], list[float]],
) -> None:
    server.send("tell")
    cpu, dropped, _ = server.recv()
    latencies, lost = await audience.watch(scale.seconds)
    server.send("tell")
    cpu_then, dropped_then, paths = server.recv()
    assert paths == scale.viewers + 1, "a stranger has left something behind"
    found = {
        "p50, ms": statistics.median(latencies) * 1e3,
        "p99, ms": statistics.quantiles(latencies, n=100)[98] * 1e3,
        "lost, %": lost * 100,
        "CPU of the server, %": (cpu_then - cpu) / (scale.seconds + 0.3) * 100,
    }
    if rate is not None:
        found["garbage read, of what was sent, %"] = (
            (dropped_then - dropped) / (rate * (scale.seconds + 0.3)) * 100
        )
    for what, value in found.items():
        samples.setdefault((name, what), []).append(value)


if __name__ == "__main__":
    main(QUESTION, measure, full=FULL, small=SMALL)
