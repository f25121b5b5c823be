"""Light publishers, one for each stream; a process of its own (see `worker`).

Bursts are due at times that depend on nothing but the pace; several streams take turns. All that is
overdue goes at once, and its latency counts from when it was due.
"""

import asyncio
import time
from random import Random

import httpx

from loadtest.crowd.alarm import Alarm
from loadtest.live.camera import Camera, Unpublished
from loadtest.live.orders import Publish, Rest, Send, Sent, Tell
from loadtest.webrtc.answer import Refusal
from loadtest.webrtc.dtls import Certificate
from loadtest.webrtc.signalling import NotTaken
from loadtest.worker import work

LOOK_SECONDS = 0.005
_BURSTS_A_TURN = 64  # then feedback, and what we are told, is looked at


class Studio:
    """All publishers of the process.

    Args:
        camera: what each of them is.
    """

    def __init__(self, camera: type[Camera] = Camera) -> None:
        self._camera = camera
        self._chance = Random()
        self._certificate = Certificate()
        self._cameras: list[Camera] = []
        self._looking: asyncio.Task[None] | None = None
        self._alarm: Alarm | None = None
        self._pace = Send(0, 0.0)
        self._bursts = 0  # since it was told to send
        self._sent = Sent()
        self._began = 0.0
        self._problems: list[str] = []

    async def do(self, command: Publish | Send | Tell | Rest) -> Sent:
        """Carry out a command."""
        if self._looking is not None and self._looking.done():
            self._looking.result()  # why
        if isinstance(command, Publish):
            await self._publish(command)
        elif isinstance(command, Send):
            self._sent, self._bursts, self._pace = Sent(), 0, command
            self._began = time.monotonic()
            self._alarm = Alarm(self._ring)
            self._alarm.set(self._began)
        elif isinstance(command, Rest):
            self._rest()
        self._sent.seconds = time.monotonic() - self._began
        self._sent.publishing = sum(camera.is_publishing for camera in self._cameras)
        self._sent.cpu = time.process_time()
        self._sent.problems = self._problems
        return self._sent

    async def end(self) -> None:
        """All streams are over."""
        self._rest()
        if self._looking is not None:
            self._looking.cancel()
        for camera in self._cameras:
            await camera.close()

    async def _publish(self, command: Publish) -> None:
        camera = self._camera(command, self._certificate, self._chance)
        try:
            await camera.offer()
            self._cameras.append(camera)
            if self._looking is None:
                self._looking = asyncio.create_task(self._look())
            await camera.connected()
        except (NotTaken, Refusal, Unpublished, httpx.HTTPError) as error:
            self._problems.append(f"{type(error).__name__}: {error}")
            return
        camera.send(1, time.monotonic())  # so that there is something to watch

    async def _look(self) -> None:
        while True:
            now = time.monotonic()
            for camera in self._cameras:
                camera.look(now)
            await asyncio.sleep(LOOK_SECONDS)

    def _ring(self) -> None:
        assert self._alarm is not None
        cameras = self._cameras
        interval = self._pace.burst / self._pace.rate / len(cameras)
        due = int((time.monotonic() - self._began) / interval) + 1
        for number in range(self._bursts, min(due, self._bursts + _BURSTS_A_TURN)):
            camera = cameras[number % len(cameras)]
            self._sent.packets += camera.send(self._pace.burst, self._began + number * interval)
            self._bursts += 1
        self._alarm.set(self._began + self._bursts * interval)

    def _rest(self) -> None:
        if self._alarm is not None:
            self._alarm.close()
            self._alarm = None


if __name__ == "__main__":
    studio = Studio()
    work(Publish | Send | Tell | Rest, studio.do, studio.end)
