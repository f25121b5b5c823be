"""A light publisher: it sends what looks like H.264, a keyframe every other second.

Each access unit is a burst of packets of equal sizes. The bursts leave by UDP_SEGMENT, so that they
arrive as they do from a network card: together. What is in the packets is random, but for the time
at which they were due.
"""

import asyncio
import socket
import struct
import time
from contextlib import suppress
from dataclasses import replace
from random import Random

import httpx

from loadtest.live.orders import STAMP, Publish
from loadtest.webrtc.connection import Connection, new_local
from loadtest.webrtc.description import H264, Address
from loadtest.webrtc.dtls import Certificate
from loadtest.webrtc.offer import publish_offer
from loadtest.webrtc.publisher import Publisher
from loadtest.webrtc.signalling import NotTaken, Resource, delete, post_offer

KEYFRAME_SECONDS = 2.0
CONNECT_SECONDS = 20
PAYLOAD_LEAST = 64
PAYLOAD_MOST = 1200  # with what goes around it, it fits into an Ethernet frame
_SSRC = 0x1234
_UDP_SEGMENT = 103
_SEGMENTS_MOST = 44  # of 1,250 bytes, in the 65,507 that a datagram may have
_SOCKET_BYTES = 4 << 20
_CLOCK_RATE = 90_000
# An SPS and a PPS of 1280 x 720, baseline, as x264 writes them.
_SPS = bytes.fromhex("6742c01fda014016e840000003004000000f23c60ca8")
_PPS = bytes.fromhex("68ce0fc8")
_STAP_A = b"\x78"
_FU_A, _IDR, _SLICE = 0x7C, 5, 1


class Unpublished(Exception):
    """A stream could not be published."""


class Camera:
    """One stream's publisher, and its socket."""

    def __init__(self, order: Publish, certificate: Certificate, chance: Random) -> None:
        self._order = order
        self._chance = chance
        self._filling = chance.randbytes(min(max(order.payload, PAYLOAD_LEAST), PAYLOAD_MOST))
        self._certificate = certificate
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("0.0.0.0", 0))
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BYTES)
        self._connection: Connection
        self._publisher: Publisher
        self._keyframe_at = 0.0
        self._resource: Resource | None = None
        self._settled = asyncio.Event()

    @property
    def is_publishing(self) -> bool:
        """Whether it is connected."""
        return self._settled.is_set() and not self._connection.ended

    async def offer(self) -> None:
        """Have the offer answered; then `look` has to be called.

        Raises:
            NotTaken, Refusal, httpx.HTTPError: there was no answer, or none that can be used.
        """
        local = new_local(self._chance, self._certificate)
        sources = (_SSRC, _SSRC + 1)
        text = publish_offer(local, [H264], sources={"video": sources})
        async with httpx.AsyncClient(timeout=CONNECT_SECONDS) as http:
            resource = await post_offer(http, self._order.url, text, self._order.key)
        self._resource = resource
        # The socket is one of IPv4.
        reachable = tuple(one for one in resource.answer.candidates if ":" not in one[0])
        answer = replace(resource.answer, candidates=reachable)
        self._publisher = Publisher(
            answer, {"video": sources}, keyframe_wanted=self._keyframe_wanted, chance=self._chance
        )
        self._connection = Connection(
            local, answer, self._certificate, self._publisher, self._chance, now=time.monotonic()
        )
        self._publisher.attach(self._connection)

    async def connected(self) -> None:
        """Wait for ICE and DTLS.

        Raises:
            Unpublished: they have failed.
        """
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._settled.wait()
        except TimeoutError:
            raise Unpublished(f"no connection after {CONNECT_SECONDS} s") from None
        if self._connection.ended:
            raise Unpublished(f"the connection has {self._connection.ended}")

    def look(self, now: float) -> None:
        """Take what has come, and do what is due."""
        connection = self._connection
        with suppress(OSError):  # there is no more
            while True:
                data, address = self._socket.recvfrom(2048)
                connection.receive(data, address, now)
        if connection.due <= now:
            connection.run(now)
        self._flush()
        if connection.srtp is not None or connection.ended:
            self._settled.set()

    def send(self, burst: int, due: float) -> int:
        """Send an access unit; in front of a keyframe its parameter sets.

        Args:
            burst: packets of it.
            due: time.monotonic() at which it should have been sent.

        Returns:
            How many packets went out.
        """
        if not self.is_publishing:
            return 0
        now = time.monotonic()
        timestamp = int(now * _CLOCK_RATE)
        unit, packets = _SLICE, burst
        if now >= self._keyframe_at:
            self._keyframe_at = now + KEYFRAME_SECONDS
            unit, packets = _IDR, burst + 1
            sets = b"".join(struct.pack("!H", len(one)) + one for one in (_SPS, _PPS))
            source = self._publisher.sources["video", ""]
            source.send(_STAP_A + sets, timestamp=timestamp, marker=False, now=now)
            self._flush()
        payloads = self._payloads(burst, unit, time.time_ns() - int((now - due) * 1e9))
        self._publisher.send("video", payloads, timestamp, now)
        self._flush()
        return packets

    async def close(self) -> None:
        """The stream is over."""
        if self._resource is not None:
            # The server may be gone before us.
            with suppress(NotTaken, httpx.HTTPError):
                async with httpx.AsyncClient() as http:
                    await delete(http, self._resource, self._order.key)
        self._socket.close()

    def _payloads(self, burst: int, unit: int, stamp: int) -> list[bytes]:
        payloads = []
        for number in range(burst):
            stamped = bytearray(self._filling)
            STAMP.pack_into(stamped, 0, stamp)
            stamped[0] = _FU_A
            stamped[1] = unit | (number == 0) << 7 | (number == burst - 1) << 6
            payloads.append(bytes(stamped))
        return payloads

    def _keyframe_wanted(self, _: str, now: float) -> None:
        self._keyframe_at = now

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
        # A candidate that cannot be reached, or a full buffer: as if it had been lost.
        with suppress(OSError):
            if len(datagrams) == 1:
                self._socket.sendto(datagrams[0], target)
            else:
                segment = [(socket.IPPROTO_UDP, _UDP_SEGMENT, struct.pack("@H", size))]
                self._socket.sendmsg([b"".join(datagrams)], segment, 0, target)
