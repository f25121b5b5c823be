"""Light viewers of streams, by the hundred; a process of its own (see `worker`).

They speak WHEP, ICE and DTLS, and send the reports that a browser sends. They look at their sockets
every other millisecond rather than waiting at them: nobody has to be woken for a datagram, as
nobody would be on the server's machine if they were elsewhere. When it came the kernel has noted.
"""

import asyncio
import time
from dataclasses import replace
from random import Random

import httpx

from loadtest.live.orders import Join, Look, Seen, Watch, three_digits
from loadtest.live.viewer import Viewer
from loadtest.webrtc.answer import Refusal
from loadtest.webrtc.batches import Batch
from loadtest.webrtc.connection import Connection, new_local
from loadtest.webrtc.description import H264, OPUS
from loadtest.webrtc.dtls import Certificate
from loadtest.webrtc.offer import watch_offer
from loadtest.webrtc.signalling import NotTaken, post_offer
from loadtest.worker import work

LOOK_SECONDS = 0.002
AT_A_TIME = 8  # joining
JOIN_SECONDS = 20
_PROBLEMS_MOST = 3


class Unconnected(Exception):
    """A viewer could not be connected."""


class Audience:
    """All viewers of the process."""

    def __init__(self) -> None:
        self._batch = Batch()
        self._timed: dict[int, int] = {}
        self._connects: dict[int, int] = {}
        self._viewers: list[Viewer] = []
        self._chance = Random()
        self._certificate = Certificate()
        self._looking: asyncio.Task[None] | None = None
        self._before = Seen()
        self._refused = 0
        self._problems: list[str] = []

    async def do(self, command: Join | Look) -> Seen:
        """Carry out a command."""
        if isinstance(command, Join):
            if self._looking is None:
                self._looking = asyncio.create_task(self._look())
            await self._join(command)
        if self._looking is not None and self._looking.done():
            self._looking.result()  # why
        return self._seen()

    async def end(self) -> None:
        """All leave."""
        if self._looking is not None:
            self._looking.cancel()
        for viewer in self._viewers:
            viewer.close()

    async def _join(self, command: Join) -> None:
        gate = asyncio.Semaphore(AT_A_TIME)
        async with httpx.AsyncClient(timeout=JOIN_SECONDS) as http:

            async def join(watch: Watch) -> None:
                async with gate:
                    try:
                        await self._connect(http, watch, command.sample)
                    except (NotTaken, Refusal, Unconnected, httpx.HTTPError) as error:
                        self._refused += 1
                        if len(self._problems) < _PROBLEMS_MOST:
                            self._problems.append(f"{type(error).__name__}: {error}")

            async with asyncio.TaskGroup() as tasks:
                for watch in command.viewers:
                    tasks.create_task(join(watch))

    async def _connect(self, http: httpx.AsyncClient, watch: Watch, sample: int) -> None:
        began = time.monotonic()
        local = new_local(self._chance, self._certificate)
        offer = watch_offer(local, [OPUS, H264])
        answer = (await post_offer(http, watch.url, offer, watch.token)).answer
        # The sockets are those of IPv4.
        reachable = tuple(one for one in answer.candidates if ":" not in one[0])
        answer = replace(answer, candidates=reachable)
        viewer = Viewer(self._batch, self._timed, answer, number=len(self._viewers), sample=sample)
        viewer.connection = Connection(
            local, answer, self._certificate, viewer, self._chance, now=time.monotonic()
        )
        self._viewers.append(viewer)
        try:
            async with asyncio.timeout(JOIN_SECONDS):
                await viewer.settled.wait()
            if viewer.ended:
                raise Unconnected(f"the connection has {viewer.ended}")
        except (TimeoutError, Unconnected) as error:
            self._viewers.remove(viewer)
            viewer.close()
            raise Unconnected(str(error) or f"no connection after {JOIN_SECONDS} s") from error
        took = three_digits(int((time.monotonic() - began) * 1e6))
        self._connects[took] = self._connects.get(took, 0) + 1

    async def _look(self) -> None:
        while True:
            now = time.monotonic()
            for viewer in self._viewers:
                viewer.look(now)
            await asyncio.sleep(LOOK_SECONDS)

    def _seen(self) -> Seen:
        viewers, before = self._viewers, self._before
        gone = sum(1 for viewer in viewers if viewer.ended)
        now = Seen(
            packets=sum(viewer.packets for viewer in viewers),
            missing=sum(viewer.missing for viewer in viewers),
            disordered=sum(viewer.disordered for viewer in viewers),
            doubled=sum(viewer.doubled for viewer in viewers),
            forged=sum(viewer.forged for viewer in viewers),
            timed=self._timed.copy(),
            connects=self._connects.copy(),
            connected=len(viewers) - gone,
            dropped=gone,
            refused=self._refused,
            problems=self._problems[:],
            cpu=time.process_time(),
        )
        self._before = now
        # The viewers go on counting in the same one.
        self._timed.clear()
        self._connects.clear()
        return Seen(
            packets=now.packets - before.packets,
            missing=now.missing,
            disordered=now.disordered - before.disordered,
            doubled=now.doubled - before.doubled,
            forged=now.forged - before.forged,
            timed=now.timed,
            connects=now.connects,
            connected=now.connected,
            dropped=now.dropped,
            refused=now.refused,
            problems=now.problems,
            cpu=now.cpu,
        )


if __name__ == "__main__":
    audience = Audience()
    work(Join | Look, audience.do, audience.end)
