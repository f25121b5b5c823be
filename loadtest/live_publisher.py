"""A light publisher; a process of its own (see `worker`).

It sends what looks like H.264: a keyframe every other second, each access unit a burst of packets
of equal sizes. The bursts leave by UDP_SEGMENT, so that they arrive as they do from a network card:
together. What is in the packets is random, but for the time at which they were sent.
"""

import asyncio
import socket
import struct
import time
from random import Random

import httpx
from msgspec import Struct

from loadtest.live_viewers import STAMP
from loadtest.webrtc.connection import Connection, new_local
from loadtest.webrtc.description import H264, Address
from loadtest.webrtc.dtls import Certificate
from loadtest.webrtc.offer import publish_offer
from loadtest.webrtc.publisher import Publisher
from loadtest.webrtc.signalling import Resource, delete, post_offer
from loadtest.worker import work

PAYLOAD_BYTES = 1100
KEYFRAME_SECONDS = 2.0
CONNECT_SECONDS = 20
_SSRC = 0x1234
_UDP_SEGMENT = 103
_SEGMENTS_MOST = 44  # of 1,150 bytes, in the 65,507 that a datagram may have
_CLOCK_RATE = 90_000
# An SPS and a PPS of 1280 x 720, baseline, as x264 writes them.
_SPS = bytes.fromhex("6742c01fda014016e840000003004000000f23c60ca8")
_PPS = bytes.fromhex("68ce0fc8")
_FU_A, _IDR, _SLICE = 0x7C, 5, 1


class Publish(Struct, tag=True):
    """Begin.

    Attributes:
        url: of the stream's WHIP endpoint.
        key: of the stream.
    """

    url: str
    key: str


class Send(Struct, tag=True):
    """Send bursts at a pace.

    Attributes:
        burst: packets.
        rate: packets a second.
    """

    burst: int
    rate: float
    seconds: float


class Sent(Struct):
    """What was sent.

    Attributes:
        packets: without parameter sets.
        seconds: how long it took; more than was asked for: this process could not keep the pace.
        cpu: seconds of this process.
    """

    packets: int = 0
    seconds: float = 0.0
    cpu: float = 0.0


class Camera:
    """The publisher and its socket."""

    def __init__(self) -> None:
        self._chance = Random()
        self._filling = self._chance.randbytes(PAYLOAD_BYTES)
        self._certificate = Certificate()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        self._connection: Connection
        self._publisher: Publisher
        self._looking: asyncio.Task[None] | None = None
        self._connected = asyncio.Event()
        self._keyframe_at = 0.0
        self._resource: Resource | None = None
        self._key = ""

    async def do(self, command: Publish | Send) -> Sent:
        """Carry out a command."""
        if isinstance(command, Publish):
            await self._publish(command)
            return Sent(cpu=time.process_time())
        return await self._send(command)

    async def end(self) -> None:
        """The stream is over."""
        if self._looking is not None:
            self._looking.cancel()
        if self._resource is not None:
            async with httpx.AsyncClient() as http:
                await delete(http, self._resource, self._key)

    async def _publish(self, command: Publish) -> None:
        local = new_local(self._chance, self._certificate)
        sources = {"video": (_SSRC, _SSRC + 1)}
        offer = publish_offer(local, [H264], sources={"video": sources["video"]})
        async with httpx.AsyncClient() as http:
            resource = await post_offer(http, command.url, offer, command.key)
        self._resource, self._key = resource, command.key
        self._publisher = Publisher(
            resource.answer,
            {"video": sources["video"]},
            keyframe_wanted=self._keyframe_wanted,
            chance=self._chance,
        )
        self._connection = Connection(
            local, resource.answer, self._certificate, self._publisher, self._chance,
            now=time.monotonic(),
        )  # fmt: skip
        self._publisher.attach(self._connection)
        self._looking = asyncio.create_task(self._look())
        async with asyncio.timeout(CONNECT_SECONDS):
            await self._connected.wait()
        self._frame(1)

    async def _look(self) -> None:
        while True:
            try:
                while True:
                    data, address = self._socket.recvfrom(2048)
                    self._connection.receive(data, address, time.monotonic())
            except BlockingIOError:
                pass
            now = time.monotonic()
            if self._connection.due <= now:
                self._connection.run(now)
            self._flush()
            if self._connection.srtp is not None:
                self._connected.set()
            await asyncio.sleep(0.005)

    async def _send(self, command: Send) -> Sent:
        began = time.perf_counter()
        bursts = max(1, round(command.rate * command.seconds / command.burst))
        for number in range(bursts):
            due = began + number * command.burst / command.rate
            early = due - time.perf_counter()
            await asyncio.sleep(max(0.0, early))
            self._frame(command.burst)
        end = began + bursts * command.burst / command.rate
        await asyncio.sleep(max(0.0, end - time.perf_counter()))
        return Sent(bursts * command.burst, time.perf_counter() - began, time.process_time())

    def _keyframe_wanted(self, _: str, now: float) -> None:
        self._keyframe_at = now

    def _frame(self, burst: int) -> None:
        """Send an access unit; in front of a keyframe its parameter sets."""
        now = time.monotonic()
        timestamp = int(now * _CLOCK_RATE)
        unit = _SLICE
        if now >= self._keyframe_at:
            self._keyframe_at = now + KEYFRAME_SECONDS
            unit = _IDR
            sets = b"".join(struct.pack("!H", len(one)) + one for one in (_SPS, _PPS))
            source = self._publisher.sources["video", ""]
            source.send(b"\x78" + sets, timestamp=timestamp, marker=False, now=now)
            self._flush()
        stamp = time.time_ns()
        payloads = []
        for number in range(burst):
            header = unit | (number == 0) << 7 | (number == burst - 1) << 6
            stamped = bytearray(self._filling)
            STAMP.pack_into(stamped, 0, stamp)
            stamped[0], stamped[1] = _FU_A, header
            payloads.append(bytes(stamped))
        self._publisher.send("video", payloads, timestamp, now)
        self._flush()

    def _flush(self) -> None:
        taken = self._connection.take()
        while taken:
            size, target = len(taken[0][0]), taken[0][1]
            run = 1
            while run < len(taken) and run < _SEGMENTS_MOST and len(taken[run][0]) == size:
                run += 1
            self._transmit([datagram for datagram, _ in taken[:run]], size, target)
            del taken[:run]

    def _transmit(self, datagrams: list[bytes], size: int, target: Address) -> None:
        if len(datagrams) == 1:
            self._socket.sendto(datagrams[0], target)
        else:
            segment = [(socket.IPPROTO_UDP, _UDP_SEGMENT, struct.pack("@H", size))]
            self._socket.sendmsg([b"".join(datagrams)], segment, 0, target)


if __name__ == "__main__":
    camera = Camera()
    work(Publish | Send, camera.do, camera.end)
