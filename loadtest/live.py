"""What does it cost to forward a live stream, and how much can one process?

One publisher, 100 viewers, over WHIP, WHEP, ICE, DTLS and SRTP; the stream is video of packets of
1,100 bytes. Packets come one at a time, or in bursts, as encoders make them: at a rate at which the
server has nothing to fear, for the costs and the latency; and at rates that rise until its core is
full or packets are lost, for what it can do.

A latency is from before the publisher's encryption of a burst to the moment at which the kernel has
a packet of it for a viewer: neither end adds to it. In bursts it includes what the packets in front
take. What the server pays for includes the kernel's delivery to the viewers' sockets, which on a
network would be other machines' work.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from statistics import quantiles
from typing import NamedTuple
from urllib.parse import urljoin

import httpx
import msgspec

from loadtest.command import main
from loadtest.deployment import Deployment, deployed
from loadtest.figures import Budget, Figure
from loadtest.live_publisher import Publish, Send, Sent
from loadtest.live_viewers import Join, Look, Seen
from loadtest.population import populate
from loadtest.process import cpu_seconds
from loadtest.swarm import Violation
from loadtest.worker import Worker, started

QUESTION = "What does it cost to forward a live stream to many, and how much can one process?"

KIB = 1024
FULL_CORE = 0.95
LOSS_MOST = 0.001  # beyond it, the rate was too much
STEP = 1.4
SETTLE_SECONDS = 0.3  # for what is on its way
LATENCY_MOST = 0.1  # seconds, of 99 in a hundred: likewise
# The rates go up to a multiple of what a publisher may send.
ENVIRONMENT = {"PLAZA_MEDIA__PUBLISHER_BITRATE": "0"}


class Pace(NamedTuple):
    """How packets come.

    Attributes:
        burst: packets at once.
        rate: packets a second, at which the costs are taken.
        budget: microseconds for each that is forwarded; None: of another rate.
    """

    burst: int
    rate: float
    budget: float | None


class Scale(NamedTuple):
    """How much to measure.

    Attributes:
        seconds: of each rate.
        repetitions: of the rate at which the costs are taken.
        rises: whether to look for the most, where there is a budget.
    """

    viewers: int
    paces: tuple[Pace, ...]
    seconds: float
    repetitions: int
    rises: bool


# 250 packets a second are a stream of 2.3 Mbit/s, and cost what its viewers' reports cost; the
# others fill about half a core.
PACES = (
    *(Pace(1, 250, None), Pace(8, 240, None)),
    *(Pace(1, 500, 10), Pace(8, 800, 5), Pace(14, 840, 5), Pace(20, 800, 5)),
)
FULL = Scale(viewers=100, paces=PACES, seconds=2, repetitions=5, rises=True)
SMALL = Scale(
    viewers=8, paces=(Pace(1, 100, None), Pace(8, 160, 5)), seconds=0.5, repetitions=2, rises=False
)


class Stream(msgspec.Struct):
    """Of a stream that was made, what is needed here."""

    publish_url: str
    stream_key: str
    play_url: str


class Sample(NamedTuple):
    """Some seconds at one pace.

    Attributes:
        forwarded: packets that were to reach a viewer.
        loss: the share that did not.
        cost: of the server's CPU, microseconds for each.
        server, clients: the share of a core that they used.
        rate: forwarded a second.
        latencies: seconds.
    """

    forwarded: int
    loss: float
    cost: float
    server: float
    clients: float
    rate: float
    latencies: list[float]

    @property
    def kept_up(self) -> bool:
        """Whether all came, and in time."""
        return self.loss <= LOSS_MOST and self.latency(99) <= LATENCY_MOST * 1e3

    def latency(self, percent: int) -> float:
        """A percentile, in milliseconds."""
        return quantiles(self.latencies, n=100)[percent - 1] * 1e3


async def measure(deployment: Deployment, scale: Scale) -> list[Figure]:
    """One stream; all paces, one after the other."""
    async with AsyncExitStack() as stack:
        stream = await _stream(deployment)
        publisher = await stack.enter_async_context(started("loadtest.live_publisher"))
        viewers = await stack.enter_async_context(started("loadtest.live_viewers"))
        await publisher.ask(Publish(stream.publish_url, stream.stream_key), Sent)
        await publisher.ask(Send(1, 50, 0.2), Sent)  # so that there is something to watch
        before = deployment.resident_bytes()
        seen = await viewers.ask(Join(stream.play_url, scale.viewers), Seen)
        if seen.connected != scale.viewers:
            raise Violation(f"{seen.connected} of {scale.viewers} viewers are connected.")
        show = Show(deployment, publisher, viewers, scale)
        await show.sample(scale.paces[0].burst, scale.paces[0].rate)  # to warm up
        memory = (deployment.resident_bytes() - before) / scale.viewers / KIB
        figures = [Figure(name="live, memory", unit="KiB a viewer", samples=[memory])]
        for pace in scale.paces:
            samples = [await show.sample(pace.burst, pace.rate) for _ in range(scale.repetitions)]
            figures += _figures(pace, samples)
            if scale.rises and pace.budget is not None:
                if not all(one.kept_up for one in samples):
                    # Packets that wait make larger bursts, which cost less: no figure to show.
                    raise Violation(f"This machine has no time for {pace.rate} packets a second.")
                figures += await _rise(show, pace, samples[-1])
        return figures


class Show:
    """A stream that is on.

    Args:
        deployment: the server.
        publisher, viewers: the others' processes.
    """

    def __init__(
        self, deployment: Deployment, publisher: Worker, viewers: Worker, scale: Scale
    ) -> None:
        self._server = deployment.pid
        self._publisher = publisher
        self._viewers = viewers
        self._scale = scale

    async def sample(self, burst: int, rate: float) -> Sample:
        """Send at a pace, and see what comes.

        Raises:
            Violation: viewers have gone, or what they got was not what was sent.
        """
        before = await self._viewers.ask(Look(), Seen)
        began = time.perf_counter()
        server, publisher = cpu_seconds(self._server), cpu_seconds(self._publisher.pid)
        sent = await self._publisher.ask(Send(burst, rate, self._scale.seconds), Sent)
        busy = (cpu_seconds(self._server) - server) / sent.seconds
        await asyncio.sleep(SETTLE_SECONDS)
        used = cpu_seconds(self._server) - server
        seen = await self._viewers.ask(Look(), Seen)
        if seen.connected != self._scale.viewers or seen.forged:
            raise Violation(f"{seen.connected} viewers are left, {seen.forged} packets forged.")
        if not seen.latencies:
            raise Violation("Nothing came.")
        # By numbers that were left out, and by what should have come: the last ones leave no gap.
        due = sent.packets * self._scale.viewers
        elapsed = time.perf_counter() - began
        clients = seen.cpu - before.cpu + cpu_seconds(self._publisher.pid) - publisher
        return Sample(
            forwarded=seen.packets,
            loss=max(seen.lost / (seen.packets + seen.lost), 1 - seen.packets / due),
            cost=used / seen.packets * 1e6,
            server=busy,
            clients=clients / elapsed,
            rate=seen.packets / sent.seconds,
            latencies=seen.latencies,
        )


async def _rise(show: Show, pace: Pace, best: Sample) -> list[Figure]:
    """At rising rates, until the server's core is full, or packets are lost or late.

    Args:
        best: what it can do for sure.
    """
    rate = pace.rate
    while True:
        rate *= STEP
        sample = await show.sample(pace.burst, rate)
        if not sample.kept_up:
            break
        best = sample
        if sample.server > FULL_CORE:
            break
    name = f"live, bursts of {pace.burst}, most"
    return [
        Figure(name=name, unit="packets/s", samples=[best.rate]),
        Figure(name=name, unit="us CPU a packet", samples=[best.cost]),
        Figure(name=name, unit="ms, p50", samples=[best.latency(50)]),
        Figure(name=name, unit="ms, p99", samples=[best.latency(99)]),
        Figure(name=name, unit="of a core, server", samples=[best.server]),
        Figure(name=name, unit="of a core, clients", samples=[best.clients]),
    ]


def _figures(pace: Pace, samples: Sequence[Sample]) -> list[Figure]:
    name = f"live, bursts of {pace.burst}, {pace.rate:.0f}/s"
    return [
        Figure(
            name=name,
            unit="us CPU a packet",
            samples=[one.cost for one in samples],
            budget=Budget("at most", pace.budget) if pace.budget is not None else None,
        ),
        Figure(name=name, unit="packets/s", samples=[one.rate for one in samples]),
        Figure(name=name, unit="% lost", samples=[one.loss * 100 for one in samples]),
        Figure(name=name, unit="ms, p50", samples=[one.latency(50) for one in samples]),
        Figure(name=name, unit="ms, p99", samples=[one.latency(99) for one in samples]),
        Figure(name=name, unit="of a core, server", samples=[one.server for one in samples]),
        Figure(name=name, unit="of a core, clients", samples=[one.clients for one in samples]),
    ]


async def _stream(deployment: Deployment) -> Stream:
    people = await populate(deployment, accounts=1, rooms=[])
    async with httpx.AsyncClient() as http:
        response = await http.post(
            f"{deployment.url}/api/v1/streams",
            json={"title": "Live"},
            headers={"Authorization": f"Bearer {people.tokens[0]}"},
        )
    if response.status_code != httpx.codes.CREATED:
        raise Violation(f"No stream was made: {response.status_code} {response.text}")
    stream = msgspec.json.decode(response.content, type=Stream)
    stream.publish_url = urljoin(deployment.url, stream.publish_url)
    stream.play_url = urljoin(deployment.url, stream.play_url)
    return stream


async def _alone(scale: Scale) -> list[Figure]:
    async with deployed(ENVIRONMENT) as deployment:
        return await measure(deployment, scale)


if __name__ == "__main__":
    main(QUESTION, _alone, full=FULL, small=SMALL)
