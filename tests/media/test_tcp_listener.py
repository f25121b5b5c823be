"""ICE-TCP: who may stay connected, and what happens to datagrams that TCP does not take."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aioice import stun

from media import tcp_listener
from media.addresses import bind
from media.endpoint import Endpoint
from media.relay import GUESS_SECONDS, GUESSES
from media.tcp_framing import Deframer, frame
from tests.media.checks import EchoPeer, check

SECONDS = 5  # that anything may take
LIMIT = 8


class Clock:
    """The endpoint's time, which tests move."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def endpoint(clock: Clock) -> AsyncIterator[Endpoint]:
    made = Endpoint(
        bind("127.0.0.1", 0), addresses=["127.0.0.1"], tcp_connections=LIMIT, clock=clock
    )
    made.start()
    yield made
    made.close()


@pytest.fixture
def peer(endpoint: Endpoint) -> EchoPeer:
    peer = EchoPeer()
    endpoint.relay.add(peer.as_peer)
    return peer


class Client:
    """Somebody who has connected."""

    def __init__(self, port: int, *, buffer: int = 0) -> None:
        self.socket = socket.socket()
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setblocking(False)
        self._deframer = Deframer()
        self._frames: list[bytes] = []

    def send(self, *datagrams: bytes) -> None:
        self.socket.send(b"".join(map(frame, datagrams)))

    async def receive(self) -> bytes:
        while not self._frames:
            async with asyncio.timeout(SECONDS):
                data = await asyncio.get_running_loop().sock_recv(self.socket, 65_536)
            assert data, "the connection has ended"
            self._frames += self._deframer.feed(data) or []
        return self._frames.pop(0)

    async def ask(self, datagram: bytes) -> bytes:
        self.send(datagram)
        return await self.receive()

    async def ended(self) -> bool:
        """Wait for the end of the connection."""
        try:
            async with asyncio.timeout(SECONDS):
                return await asyncio.get_running_loop().sock_recv(self.socket, 1) == b""
        except ConnectionResetError:
            return True


@contextmanager
def client(endpoint: Endpoint, **options: Any) -> Iterator[Client]:
    made = Client(endpoint.port, **options)
    with made.socket:
        yield made


class TestPeers:
    async def test_a_check_and_then_media(self, endpoint: Endpoint, peer: EchoPeer) -> None:
        with client(endpoint) as browser:
            answer = stun.parse_message(await browser.ask(peer.check()))
            address = browser.socket.getsockname()
            assert answer.attributes["XOR-MAPPED-ADDRESS"] == address
            assert await browser.ask(b"\x80rtp") == b"\x80\x80rtp"
            assert peer.path
            assert peer.path.remote == f"tcp 127.0.0.1:{address[1]}"
            assert peer.path.address == address
            assert (len(endpoint.listener), endpoint.listener.waiting) == (1, 0)

    async def test_datagrams_in_pieces_and_several_at_once(
        self, endpoint: Endpoint, peer: EchoPeer
    ) -> None:
        with client(endpoint) as browser:
            for byte in frame(peer.check()):
                browser.socket.send(bytes([byte]))
            await browser.receive()
            browser.send(b"\x80one", b"\x80two", b"", b"\x80three")
            assert [await browser.receive() for _ in range(3)] == [
                *(b"\x80\x80one", b"\x80\x80two", b"\x80\x80three")
            ]

    async def test_a_burst_is_framed(self, endpoint: Endpoint, peer: EchoPeer) -> None:
        with client(endpoint) as browser:
            await browser.ask(peer.check())
            assert peer.path
            peer.path.send_burst(memoryview(b"aabbbc"), [2, 3, 1])
            assert [await browser.receive() for _ in range(3)] == [b"aa", b"bbb", b"c"]

    async def test_what_came_over_tcp_is_flushed(self, endpoint: Endpoint, peer: EchoPeer) -> None:
        flushed: list[float] = []
        with client(endpoint) as browser:
            endpoint.relay.flushes.append(flushed.append)
            await browser.ask(peer.check())
        assert len(flushed) == 1

    async def test_the_end_of_the_peer_ends_the_connection(
        self, endpoint: Endpoint, peer: EchoPeer
    ) -> None:
        with client(endpoint) as browser:
            await browser.ask(peer.check())
            path = peer.path
            endpoint.relay.remove(peer.as_peer)
            assert await browser.ended()
        assert path
        path.send(b"late")
        path.close()
        assert endpoint.traffic.dropped["unsendable"] == 1
        assert len(endpoint.listener) == endpoint.relay.paths == 0

    async def test_the_end_of_the_connection_leaves_nothing_behind(
        self, endpoint: Endpoint, peer: EchoPeer
    ) -> None:
        with client(endpoint) as browser:
            await browser.ask(peer.check())
        with client(endpoint) as browser:  # accepted after the other's end was seen
            await browser.ask(peer.check())
            assert len(endpoint.listener) == endpoint.relay.paths == 1

    async def test_a_reset_leaves_nothing_behind(self, endpoint: Endpoint, peer: EchoPeer) -> None:
        with client(endpoint) as browser:
            await browser.ask(peer.check())
            linger = struct.pack("ii", 1, 0)
            browser.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        await until(lambda: len(endpoint.listener) == 0)

    async def test_another_peers_check_does_not_take_the_connection(
        self, endpoint: Endpoint, peer: EchoPeer
    ) -> None:
        other = EchoPeer("othr")
        endpoint.relay.add(other.as_peer)
        with client(endpoint) as browser:
            await browser.ask(peer.check())
            browser.send(other.check())
            browser.send(check("abcd", "wrong" * 5))
            assert await browser.ask(b"\x80mine") == b"\x80\x80mine"
        assert other.path is None
        assert peer.received == [b"\x80mine"]


class TestStrangers:
    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (frame(b"\x80rtp"), "unknown"),
            (frame(b"\x16\xfe\xfd" + bytes(50)), "unknown"),
            (frame(check("nobody", "p" * 22)), "unknown"),
            (frame(check("abcd", "wrong" * 5)), "unauthentic"),
            (b"GET / HTTP/1.1\r\n\r\n", "malformed"),
            (b"\xff\xff", "malformed"),
        ],
        ids=["rtp", "dtls", "nobody's check", "a wrong password", "http", "too long a frame"],
    )
    async def test_the_first_frame_is_a_valid_check_or_the_last(
        self, endpoint: Endpoint, peer: EchoPeer, data: bytes, reason: str
    ) -> None:
        with client(endpoint) as stranger:
            stranger.socket.send(data + frame(peer.check()))
            assert await stranger.ended()
        assert endpoint.traffic.dropped[reason] == 1
        assert len(endpoint.listener) == 0
        assert peer.path is None

    async def test_whoever_guesses_is_turned_away(
        self, endpoint: Endpoint, peer: EchoPeer, clock: Clock
    ) -> None:
        for _ in range(GUESSES + 3):
            with client(endpoint) as stranger:
                stranger.send(check("abcd", "wrong" * 5))
                assert await stranger.ended()
        dropped = endpoint.traffic.dropped
        assert (dropped["unauthentic"], dropped["guessed"]) == (GUESSES, 3)
        clock.now += GUESS_SECONDS
        with client(endpoint) as browser:
            await browser.ask(peer.check())

    async def test_silence_is_borne_for_so_long(
        self, endpoint: Endpoint, peer: EchoPeer, clock: Clock
    ) -> None:
        listener, timers = endpoint.listener, endpoint.relay.timers
        with client(endpoint) as first, client(endpoint) as second, client(endpoint) as third:
            await third.ask(peer.check())
            second.socket.send(b"\x00")  # and what begins and does not go on
            await until(lambda: listener.waiting == 2)
            timers.run(clock.now + tcp_listener.CHECK_SECONDS - 0.1)
            assert listener.waiting == 2
            timers.run(clock.now + tcp_listener.CHECK_SECONDS)
            assert await first.ended()
            assert await second.ended()
            assert (len(listener), listener.waiting) == (1, 0)
            assert await third.ask(b"\x80") == b"\x80\x80"

    async def test_one_that_comes_later_has_its_own_time(
        self, endpoint: Endpoint, clock: Clock
    ) -> None:
        listener, timers = endpoint.listener, endpoint.relay.timers
        begin = clock.now
        with client(endpoint), client(endpoint) as second:
            await until(lambda: listener.waiting == 2)
            clock.now = begin + 5
            with client(endpoint):
                await until(lambda: listener.waiting == 3)
                timers.run(begin + tcp_listener.CHECK_SECONDS)
                assert await second.ended()
                assert listener.waiting == 1
                timers.run(begin + tcp_listener.CHECK_SECONDS + 5)
                assert listener.waiting == 0

    async def test_the_oldest_that_is_silent_makes_room(
        self, endpoint: Endpoint, peer: EchoPeer
    ) -> None:
        silent = [Client(endpoint.port) for _ in range(LIMIT // 2)]
        await until(lambda: endpoint.listener.waiting == len(silent))
        with client(endpoint) as browser:
            await browser.ask(peer.check())
            assert await silent[0].ended()
        assert endpoint.listener.waiting == len(silent) - 1
        for one in silent:
            one.socket.close()

    async def test_there_are_so_many_and_no_more(self, endpoint: Endpoint) -> None:
        peers = [EchoPeer(f"peer{number}") for number in range(LIMIT)]
        browsers = []
        for peer in peers:
            endpoint.relay.add(peer.as_peer)
            browsers.append(Client(endpoint.port))
            await browsers[-1].ask(peer.check())
        with client(endpoint) as late:
            assert await late.ended()
        assert endpoint.traffic.dropped["refused"] == 1
        assert len(endpoint.listener) == LIMIT
        endpoint.relay.remove(peers[0].as_peer)
        with client(endpoint) as next_one:
            await next_one.ask(peers[1].check())
        for browser in browsers:
            browser.socket.close()

    async def test_without_file_descriptors_it_pauses(
        self, endpoint: Endpoint, peer: EchoPeer, clock: Clock
    ) -> None:
        listener = endpoint.listener

        class Exhausted:
            def accept(self) -> Any:
                raise OSError(24, "Too many open files")

        listener._accept(Exhausted())  # type: ignore[arg-type]
        listener._accept(Exhausted())  # type: ignore[arg-type]
        with client(endpoint) as browser:
            browser.send(peer.check())
            await asyncio.sleep(0.01)
            assert len(listener) == 0
            endpoint.relay.timers.run(clock.now + tcp_listener.PAUSE_SECONDS)
            await browser.receive()


class TestSlowReaders:
    async def test_whole_datagrams_are_dropped_and_the_frames_stay_in_step(
        self, endpoint: Endpoint, peer: EchoPeer
    ) -> None:
        with client(endpoint, buffer=4_096) as browser:
            await browser.ask(peer.check())
            traffic = endpoint.traffic
            assert peer.path
            sent = 0
            while not traffic.dropped["overload"]:
                numbers = range(sent, sent + 40)
                burst = b"".join(number.to_bytes(4, "big") * 250 for number in numbers)
                peer.path.send_burst(memoryview(burst), [1_000] * 40)
                sent += 40
            lost = traffic.dropped["overload"]
            assert traffic.packets_out == 1 + sent - lost
            peer.path.send(b"also lost")
            assert traffic.dropped["overload"] == lost + 1
            last = -1
            for _ in range(sent - lost):
                datagram = await browser.receive()
                number = int.from_bytes(datagram[:4], "big")
                assert datagram == datagram[:4] * 250
                assert number > last
                last = number
            # There is room again.
            assert await browser.ask(b"\x80") == b"\x80\x80"

    async def test_a_connection_that_fails_while_sending_is_closed(
        self, endpoint: Endpoint, peer: EchoPeer
    ) -> None:
        with client(endpoint) as browser:
            await browser.ask(peer.check())
            path = peer.path
            assert path
            assert isinstance(path, tcp_listener.TcpPath)
            assert path._socket
            path._socket.shutdown(socket.SHUT_WR)
            path.send(b"1")
            assert await browser.ended()
        assert endpoint.traffic.dropped["unsendable"] == 1
        assert len(endpoint.listener) == 0


async def test_a_bug_ends_with_its_datagram(endpoint: Endpoint, peer: EchoPeer) -> None:
    faults: list[Exception] = []
    endpoint.relay.fault = faults.append
    with client(endpoint) as browser:
        await browser.ask(peer.check())
        peer.fails = True
        browser.send(b"\x80")
        await until(lambda: bool(faults))
        peer.fails = False
        assert await browser.ask(b"\x80") == b"\x80\x80"


async def test_the_end_of_the_endpoint_ends_the_connections() -> None:
    endpoint = Endpoint(bind("127.0.0.1", 0), addresses=["127.0.0.1"])
    endpoint.start()
    with client(endpoint) as browser:
        await until(lambda: endpoint.listener.waiting == 1)
        endpoint.close()
        assert await browser.ended()


async def until(holds: Any) -> None:
    """Let the loop turn until something has happened."""
    async with asyncio.timeout(SECONDS):
        while not holds():
            await asyncio.sleep(0)
