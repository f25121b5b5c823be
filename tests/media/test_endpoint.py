"""The port: whose a datagram is, what strangers cost, and when things leave."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from media import endpoint as endpoint_module
from media.addresses import PortUnavailable, bind
from media.description import Candidate
from media.endpoint import AT_ONCE, Endpoint
from media.relay import PATHS_OF_A_PEER
from media.traffic import Egress, Stages, Traffic
from media.udp import UdpSocket
from tests.media.checks import EchoPeer, check

SECONDS = 5  # that an answer may take


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    made = Endpoint(bind("127.0.0.1", 0), addresses=["127.0.0.1"])
    made.start()
    yield made
    made.close()


@pytest.fixture
def peer(endpoint: Endpoint) -> EchoPeer:
    return added(endpoint)


def added(endpoint: Endpoint, ufrag: str = "abcd", pwd: str = "p" * 22) -> EchoPeer:
    peer = EchoPeer(ufrag, pwd)
    endpoint.relay.add(peer.as_peer)
    return peer


class Client:
    """A UDP socket of somebody."""

    def __init__(self, endpoint: Endpoint, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind((host, 0))
        self.socket.connect((host, endpoint.port))

    def send(self, data: bytes) -> None:
        self.socket.send(data)

    async def receive(self) -> bytes:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(SECONDS):
            return await loop.sock_recv(self.socket, 2_048)

    async def ask(self, data: bytes) -> bytes:
        self.send(data)
        return await self.receive()


@contextmanager
def client(endpoint: Endpoint, host: str = "127.0.0.1") -> Iterator[Client]:
    made = Client(endpoint, host)
    with made.socket:
        yield made


async def read_all(endpoint: Endpoint, peer: EchoPeer) -> None:
    """Return when all that was sent before has been read: what is sent last is answered last."""
    with client(endpoint) as last:
        await last.ask(peer.check())
    assert peer.path
    peer.path.close()


class TestPeers:
    async def test_a_check_is_answered_and_what_follows_is_the_peers(
        self, endpoint: Endpoint, peer: EchoPeer
    ) -> None:
        with client(endpoint) as browser:
            answer = stun.parse_message(await browser.ask(peer.check()))
            assert answer.message_class is stun.Class.RESPONSE
            assert answer.attributes["XOR-MAPPED-ADDRESS"] == browser.socket.getsockname()
            assert await browser.ask(b"\x80rtp") == b"\x80\x80rtp"
            assert await browser.ask(b"\x16dtls") == b"\x80\x16dtls"
        assert endpoint.paths == endpoint.relay.paths == 1
        traffic = endpoint.traffic
        assert (traffic.packets_in, traffic.packets_out) == (3, 3)
        assert traffic.bytes_in == len(peer.check()) + len(b"\x80rtp\x16dtls")

    async def test_peers_are_told_apart(self, endpoint: Endpoint) -> None:
        peers = [added(endpoint, f"peer{number}", str(number) * 22) for number in range(5)]
        with client(endpoint) as one, client(endpoint) as other:
            await one.ask(peers[1].check())
            await other.ask(peers[4].check())
            await one.ask(b"\x80one")
            await other.ask(b"\x80other")
        assert [peer.received for peer in peers] == [[], [b"\x80one"], [], [], [b"\x80other"]]

    async def test_one_that_changes_its_network_is_heard_from_there(
        self, endpoint: Endpoint, peer: EchoPeer
    ) -> None:
        with client(endpoint) as cable, client(endpoint) as radio:
            await cable.ask(peer.check())
            await radio.ask(peer.check())
            assert peer.path
            assert peer.path.address == radio.socket.getsockname()
            await cable.ask(b"\x80late")  # what was under way is heard, too
            await radio.ask(b"\x80new")
        assert peer.received == [b"\x80late", b"\x80new"]

    async def test_an_address_that_a_nat_gives_to_another_is_the_others(
        self, endpoint: Endpoint, peer: EchoPeer
    ) -> None:
        heir = added(endpoint, "heir", "h" * 22)
        with client(endpoint) as nat:
            await nat.ask(peer.check())
            former = peer.path
            await nat.ask(heir.check())
            await nat.ask(b"\x80heirs")
            assert (peer.received, heir.received) == ([], [b"\x80heirs"])
            # The former peer's end, later on, takes nothing from the heir.
            assert former
            former.close()
            endpoint.relay.remove(peer.as_peer)
            await nat.ask(b"\x80still")
        assert heir.received == [b"\x80heirs", b"\x80still"]
        assert endpoint.paths == endpoint.relay.paths == 1

    async def test_nobody_takes_an_address_over_without_the_password(
        self, endpoint: Endpoint, peer: EchoPeer
    ) -> None:
        added(endpoint, "evil", "e" * 22)
        with client(endpoint) as browser:
            await browser.ask(peer.check())
            browser.send(check("evil", "guess" * 5))
            await browser.ask(b"\x80mine")
        assert peer.received == [b"\x80mine"]
        assert endpoint.traffic.dropped["unauthentic"] == 1

    async def test_the_addresses_of_one_that_is_gone_are_strangers(
        self, endpoint: Endpoint, peer: EchoPeer
    ) -> None:
        other = added(endpoint, "othr")
        with client(endpoint) as browser:
            await browser.ask(peer.check())
            endpoint.relay.remove(peer.as_peer)
            browser.send(b"\x80rtp")
            browser.send(peer.check())
            await read_all(endpoint, other)
        assert peer.received == []
        assert endpoint.paths == 0
        assert endpoint.traffic.dropped["unknown"] == 2

    async def test_over_ipv6(self) -> None:
        endpoint = Endpoint(bind("::1", 0), addresses=["::1"])
        endpoint.start()
        peer = added(endpoint)
        with client(endpoint, "::1") as browser:
            answer = stun.parse_message(await browser.ask(peer.check()))
            address = browser.socket.getsockname()[:2]
            assert answer.attributes["XOR-MAPPED-ADDRESS"] == address
            assert await browser.ask(b"\x80") == b"\x80\x80"
        assert peer.path
        assert peer.path.remote == f"udp [::1]:{address[1]}"
        endpoint.close()


GARBAGE = [
    b"",
    b"\x00",
    b"\x80" + bytes(1_199),
    b"\x16\xfe\xfd" + bytes(100),
    b"\x00\x01\x00\x08\x21\x12\xa4\x42" + bytes(20),
    bytes(2_048),
    b"\xff" * 60_000,
    check("nobody", "p" * 22),
]


class TestStrangers:
    """What comes from anywhere leaves nothing behind."""

    async def test_garbage_from_many_addresses(self, endpoint: Endpoint, peer: EchoPeer) -> None:
        for _ in range(50):
            with client(endpoint) as stranger:
                for data in GARBAGE:
                    stranger.send(data)
            await read_all(endpoint, peer)
        assert endpoint.paths == endpoint.relay.paths == 0
        assert peer.received == []
        dropped = {reason: count for reason, count in endpoint.traffic.dropped.items() if count}
        assert dropped == {"unknown": 50 * len(GARBAGE)}

    async def test_checks_with_a_wrong_password_from_many_addresses(
        self, endpoint: Endpoint, peer: EchoPeer
    ) -> None:
        wrong = check("abcd", "wrong" * 5)
        other = added(endpoint, "othr")
        with client(endpoint) as browser:
            await browser.ask(peer.check())
            for _ in range(50):
                with client(endpoint) as stranger:
                    for _ in range(4):
                        stranger.send(wrong)
                await read_all(endpoint, other)
                assert endpoint.paths == endpoint.relay.paths == 1
            dropped = endpoint.traffic.dropped
            assert dropped["unauthentic"] + dropped["guessed"] == 200
            # Most are not even looked at; the peer goes on as before.
            assert dropped["guessed"] >= 100
            await browser.ask(peer.check())
            assert await browser.ask(b"\x80") == b"\x80\x80"

    async def test_a_peer_that_checks_from_many_addresses(
        self, endpoint: Endpoint, peer: EchoPeer
    ) -> None:
        """Whoever has the password could fill a table, too."""
        for _ in range(4 * PATHS_OF_A_PEER):
            with client(endpoint) as browser:
                await browser.ask(peer.check())
        assert endpoint.paths == endpoint.relay.paths == PATHS_OF_A_PEER

    async def test_any_bytes(self, endpoint: Endpoint, peer: EchoPeer) -> None:
        """Before and after the peer is known, and with bytes changed in what it sends."""
        found: list[bytes] = []
        valid = peer.check()

        @given(st.binary(max_size=100), st.integers(0, len(valid) - 1), st.integers(0, 255))
        def collect(data: bytes, position: int, byte: int) -> None:
            changed = bytearray(valid)
            changed[position] = byte
            found.extend((data, bytes(changed)))

        collect()
        faults: list[Exception] = []
        endpoint.relay.fault = faults.append
        endpoint._fault = faults.append  # type: ignore[method-assign, assignment]
        with client(endpoint) as stranger:
            for data in found:
                stranger.send(data)
                await asyncio.sleep(0)
        await read_all(endpoint, peer)
        assert not faults
        assert endpoint.paths <= 1
        assert endpoint.traffic.packets_in > len(found)


RTP = b"\x80\x60" + bytes(40)
RTCP = b"\x80\xc9" + bytes(40)


class TestQueues:
    """A publisher's datagrams do not wait behind strangers'."""

    async def test_a_publisher_gets_its_own(self, endpoint: Endpoint, peer: EchoPeer) -> None:
        with client(endpoint) as browser:
            await browser.ask(peer.check())
            await browser.ask(RTCP)
            await browser.ask(b"\x16dtls")
            assert endpoint.queues == 0
            await browser.ask(RTP)
            assert endpoint.queues == 1
            for _ in range(10):
                assert await browser.ask(RTP) == b"\x80" + RTP
            await browser.ask(peer.check())
            assert (endpoint.queues, endpoint.paths) == (1, 1)
            assert endpoint.traffic.packets_in == 15

    async def test_a_flood_that_nobody_reads_does_not_push_media_out(
        self, endpoint: Endpoint, peer: EchoPeer
    ) -> None:
        shared = endpoint._sockets[0].bound
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
        with client(endpoint) as browser, client(endpoint) as stranger:
            await browser.ask(peer.check())
            await browser.ask(RTP)
            for _ in range(100):  # without a turn of the loop: the shared queue is full
                stranger.send(b"\xff" * 100)
                browser.send(RTP)
            for _ in range(100):
                assert await browser.receive() == b"\x80" + RTP
        assert endpoint.traffic.dropped["unknown"] < 100

    async def test_it_goes_with_the_path(self, endpoint: Endpoint, peer: EchoPeer) -> None:
        other = added(endpoint, "othr")
        with client(endpoint) as browser:
            await browser.ask(peer.check())
            await browser.ask(RTP)
            endpoint.relay.remove(peer.as_peer)
            assert (endpoint.queues, endpoint.paths) == (0, 0)
            browser.send(RTP)
            await browser.ask(other.check())
            await browser.ask(RTP)
        assert other.received == [RTP]
        assert endpoint.traffic.dropped["unknown"] == 1

    async def test_the_port_is_not_to_be_shared_afterwards(
        self, endpoint: Endpoint, peer: EchoPeer
    ) -> None:
        with client(endpoint) as browser:
            await browser.ask(peer.check())
            await browser.ask(RTP)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
                thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                with pytest.raises(OSError, match="in use"):
                    thief.bind(("127.0.0.1", endpoint.port))
            with pytest.raises(PortUnavailable):
                bind("127.0.0.1", endpoint.port)

    async def test_there_are_so_many(
        self, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(endpoint_module, "QUEUES", 2)
        with ExitStack() as stack:
            for number in range(4):
                peer = added(endpoint, f"peer{number}")
                browser = stack.enter_context(client(endpoint))
                await browser.ask(peer.check())
                assert [await browser.ask(RTP) for _ in range(3)] == [b"\x80" + RTP] * 3
            assert endpoint.queues == 2
            for path in tuple(endpoint._sockets[0].paths.values()):
                path.close()
            assert endpoint.queues == 0

    async def test_a_kernel_that_does_not_let_us(
        self, endpoint: Endpoint, peer: EchoPeer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(UdpSocket, "queue_for", lambda *_: None)
        with client(endpoint) as browser:
            await browser.ask(peer.check())
            assert [await browser.ask(RTP) for _ in range(3)] == [b"\x80" + RTP] * 3
        assert endpoint.queues == 0


class TestBatches:
    async def test_what_arrives_together_is_flushed_together(
        self, endpoint: Endpoint, peer: EchoPeer
    ) -> None:
        flushed: list[int] = []

        def flush(now: float) -> None:
            flushed.append(len(peer.received))
            asyncio.get_running_loop().call_soon(endpoint.relay.flushes.append, flush)

        with client(endpoint) as browser:
            await browser.ask(peer.check())
            for _ in range(AT_ONCE + 10):
                browser.send(b"\x80")
            endpoint.relay.flushes.append(flush)
            while len(peer.received) < AT_ONCE + 10:
                await browser.receive()
        # A readiness has its bound, so that the loop's other work has its turn.
        assert flushed == [AT_ONCE, AT_ONCE + 10]

    async def test_a_bug_costs_its_own_datagram(self, endpoint: Endpoint, peer: EchoPeer) -> None:
        healthy = added(endpoint, "fine", "f" * 22)
        with client(endpoint) as one, client(endpoint) as other:
            await one.ask(peer.check())
            await other.ask(healthy.check())
            peer.fails = True
            for _ in range(20):
                one.send(b"\x80")
            assert await other.ask(b"\x80fine") == b"\x80\x80fine"
        assert healthy.received == [b"\x80fine"]

    async def test_the_stages_of_some_batches_are_measured(
        self, endpoint: Endpoint, peer: EchoPeer
    ) -> None:
        with client(endpoint) as browser:
            await browser.ask(peer.check())

            def flush(now: float) -> None:
                assert peer.path
                peer.path.send_burst(memoryview(b"1" * 20), [10, 10])

            for _ in range(Stages.EVERY):
                endpoint.relay.flushes.append(flush)
                await browser.ask(b"\x80")
                assert [await browser.receive(), await browser.receive()] == [b"1" * 10] * 2
        stages = endpoint.stages
        assert stages.packets == {"receive": 1, "forward": 2, "send": 2}
        assert all(seconds > 0 for seconds in stages.seconds.values())
        assert not endpoint.traffic.timed


class TestCandidates:
    async def test_udp_first_then_tcp(self) -> None:
        bound = bind("127.0.0.1", 0)
        endpoint = Endpoint(bound, addresses=["203.0.113.7", "2001:db8::7"])
        assert endpoint.candidates() == (
            Candidate("203.0.113.7", bound.port, "udp"),
            Candidate("2001:db8::7", bound.port, "udp"),
            Candidate("203.0.113.7", bound.port, "tcp"),
            Candidate("2001:db8::7", bound.port, "tcp"),
        )
        endpoint.close()

    async def test_without_tcp_and_segments(self) -> None:
        endpoint = Endpoint(
            bind("127.0.0.1", 0, tcp=False), addresses=["127.0.0.1"], segmentation=False
        )
        assert [one.protocol for one in endpoint.candidates()] == ["udp"]
        assert not endpoint.segmentation
        endpoint.close()


def test_egress_is_of_the_last_second() -> None:
    traffic = Traffic()
    egress = Egress(traffic, 100.0)
    egress.sample(100.0)
    assert egress.bitrate == 0
    readings = []
    for step in range(1, 31):
        traffic.bytes_out += 1_000 if step <= 15 else 3_000
        egress.sample(100.0 + step / 10)
        readings.append(round(egress.bitrate))
    assert readings[14] == 80_000
    assert readings[29] == 240_000
    assert len(egress._samples) <= 12
