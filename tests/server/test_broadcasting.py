"""What carries live streams: its port, its metrics, its end."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from media.addresses import Bound
from media.peer import Peer, PeerState
from protocol.ids import Id
from protocol.streams import TrackHealth
from server import exits
from server.broadcasting import Broadcasting, broadcasting, carrying, media_port
from server.config import Config
from server.exits import AddressUnavailable, ConfigError
from server.media_metrics import MediaState
from server.metrics import Metrics
from server.sections import Media, Server
from tests.media.checks import EchoPeer, check

OFFER = (Path(__file__).parents[1] / "media/captures/ffmpeg.sdp").read_text()

OWN = Config(server=Server(host="127.0.0.1"), media=Media(port=0))

# What operators have been told to find in /metrics, by its subject.
PROMISED = {
    "packets in": "plaza_media_received_packets_total",
    "packets out": "plaza_media_sent_packets_total",
    "bytes in": "plaza_media_received_bytes_total",
    "bytes out": "plaza_media_sent_bytes_total",
    "dropped by reason": "plaza_media_dropped_packets_total",
    "NACK": "plaza_media_nacks_total",
    "PLI": "plaza_media_keyframe_requests_total",
    "RTX": "plaza_media_retransmissions_total",
    "loss": "plaza_media_lost_packets_total",
    "loss of publishers": "plaza_media_publisher_loss_ratio",
    "jitter of publishers": "plaza_media_publisher_jitter_seconds",
    "viewers": "plaza_media_viewers",
    "publishers": "plaza_media_publishers",
    "GSO batch sizes": "plaza_media_burst_packets_bucket",
    "time by stage": "plaza_media_stage_seconds_total",
    "packets by stage": "plaza_media_stage_packets_total",
    "egress": "plaza_media_egress_bits",
    "not forwarded, by reason": "plaza_media_discarded_packets_total",
}


class Ending:
    """Looks whether a peer can still say good-bye when it is closed."""

    def __init__(self, parts: Broadcasting, told: list[str]) -> None:
        self._parts = parts
        self._told = told

    def restarted(self, peer: Peer) -> None:
        pass

    def remove(self, peer: Peer) -> None:
        opened = all(one.fileno() >= 0 for one in self._parts.endpoint._bound.udp)
        self._told.append(f"removed while the port is {'open' if opened else 'closed'}")
        self._parts.endpoint.relay.remove(peer)


class Everybody:
    """Streams that everybody may publish and watch, and what is said of them."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def may_publish(self, stream: Id, key: str) -> None:
        pass

    async def may_watch(self, stream: Id, viewer: Id | None) -> None:
        pass

    def live(self, stream: int) -> None:
        self.told.append("live")

    def interrupted(self, stream: int) -> None:
        self.told.append("interrupted")

    def ended(self, stream: int, reason: str) -> None:
        self.told.append(f"ended: {reason}")

    def viewers(self, stream: int, watching: int, joined: int) -> None:
        self.told.append(f"{watching} watch")


@asynccontextmanager
async def carried(
    config: Config = OWN, registry: CollectorRegistry | None = None
) -> AsyncIterator[Broadcasting]:
    everybody = Everybody()
    with media_port(config) as bound:
        assert bound
        async with carrying(
            config,
            bound,
            stage=everybody,
            streams=everybody,
            registry=registry or CollectorRegistry(),
        ) as parts:
            yield parts


def with_media(**settings: object) -> Config:
    return msgspec.structs.replace(OWN, media=msgspec.structs.replace(OWN.media, **settings))


class TestPort:
    def test_it_is_had_while_it_is_wanted(self) -> None:
        with media_port(OWN) as bound:
            assert isinstance(bound, Bound)
            assert bound.addresses == ("127.0.0.1",)
            assert bound.tcp
            with (
                pytest.raises(AddressUnavailable, match=r"media\.port"),
                media_port(with_media(port=bound.port)),
            ):
                pass
        with media_port(with_media(port=bound.port)) as again:
            assert again

    def test_two_servers_with_defaults_get_a_sentence_and_an_exit_code(self) -> None:
        with media_port(OWN) as first:
            assert first
            with (
                pytest.raises(AddressUnavailable) as caught,
                media_port(with_media(port=first.port)),
            ):
                pass
        assert exits.exit_of(caught.value) is exits.ADDRESS
        assert "another plaza" in str(caught.value)

    def test_its_own_host_goes_first(self) -> None:
        with (
            pytest.raises(AddressUnavailable, match=r"192\.0\.2\.1 .* media\.host"),
            media_port(with_media(host="192.0.2.1")),
        ):
            pass

    def test_there_need_be_no_tcp(self) -> None:
        with media_port(with_media(tcp=False)) as bound:
            assert bound
            assert bound.tcp == ()

    async def test_there_need_be_none(self) -> None:
        with media_port(with_media(enabled=False)) as bound:
            assert bound is None
        async with broadcasting(OWN, None, None, Metrics()) as live:  # type: ignore[arg-type]
            assert live is None


class TestSettings:
    async def test_announced_addresses_are_told(self) -> None:
        config = with_media(announced_addresses=["203.0.113.7", "localhost"])
        async with carried(config) as parts:
            told = [candidate.address for candidate in parts.endpoint.candidates()]
        assert told == ["203.0.113.7", "127.0.0.1"] * 2

    async def test_one_that_nobody_has_is_a_mistake_in_the_configuration(self) -> None:
        with pytest.raises(ConfigError, match=r"media\.announced_addresses: 'no\.such"):
            async with carried(with_media(announced_addresses=["no.such.host.invalid"])):
                pass

    async def test_bursts_can_be_sent_plainly(self) -> None:
        async with carried(with_media(segmentation=False)) as parts:
            assert not parts.endpoint.segmentation

    async def test_tcp_connections_are_limited(self) -> None:
        async with carried(with_media(tcp_connections=2)) as parts:
            first, second = (
                socket.create_connection(("127.0.0.1", parts.endpoint.port)) for _ in range(2)
            )
            async with asyncio.timeout(5):
                while parts.endpoint.traffic.dropped["refused"] < 1:
                    await asyncio.sleep(0)
            first.close()
            second.close()


class TestMetrics:
    async def test_what_is_promised_is_there(self) -> None:
        registry = CollectorRegistry()
        async with carried(registry=registry):
            text = generate_latest(registry).decode()
        names = {
            sample.name
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        # Without a publisher there is nothing to say of publishers.
        absent = {"plaza_media_publisher_loss_ratio", "plaza_media_publisher_jitter_seconds"}
        assert set(PROMISED.values()) - names == absent

    async def test_they_are_what_was_counted(self) -> None:
        async with carried() as parts:
            endpoint = parts.endpoint
            endpoint.traffic.packets_in = 7
            endpoint.traffic.dropped["unknown"] = 3
            endpoint.traffic.bursts[1] = 5
            endpoint.traffic.bursts[20] = 2
            endpoint.stages.add(receive=0.25, forward=0.5, send=1.0, came=10, left=20)
            parts.live.counts.nacks = 11
            parts.broadcasts.counts.nacks = 12
            parts.live.ended["whep", "timeout"] += 1
            tracks = [
                TrackHealth(kind="video", codec="H264", loss=0.1, jitter=20.0, bitrate=1_000),
                TrackHealth(kind="audio", codec="opus", loss=0.0, jitter=4.0, bitrate=500),
            ]
            registry = CollectorRegistry()
            registry.register(
                MediaState(
                    endpoint=endpoint,
                    live=parts.live,
                    received=parts.live.counts,
                    sent=parts.broadcasts.counts,
                    health=lambda: tracks,
                )
            )
            value = registry.get_sample_value
            assert value("plaza_media_received_packets_total") == 7
            assert value("plaza_media_dropped_packets_total", {"reason": "unknown"}) == 3
            assert value("plaza_media_burst_packets_bucket", {"le": "1.0"}) == 5
            assert value("plaza_media_burst_packets_bucket", {"le": "16.0"}) == 5
            assert value("plaza_media_burst_packets_bucket", {"le": "32.0"}) == 7
            assert value("plaza_media_burst_packets_count") == 7
            assert value("plaza_media_burst_packets_sum") == 45
            assert value("plaza_media_stage_seconds_total", {"stage": "forward"}) == 0.5
            assert value("plaza_media_stage_packets_total", {"stage": "send"}) == 20
            assert value("plaza_media_nacks_total", {"direction": "in"}) == 12
            assert value("plaza_media_nacks_total", {"direction": "out"}) == 11
            ended = {"kind": "viewer", "reason": "timeout"}
            assert value("plaza_media_sessions_ended_total", ended) == 1
            assert value("plaza_media_publisher_loss_ratio", {"of": "worst"}) == 0.1
            assert value("plaza_media_publisher_jitter_seconds", {"of": "mean"}) == 0.012
            assert value("plaza_media_published_bits") == 1_500


class TestRunning:
    async def test_checks_are_answered_and_strangers_are_not(self) -> None:
        loop = asyncio.get_running_loop()
        peer = EchoPeer()
        async with carried() as parts:
            parts.endpoint.relay.add(peer.as_peer)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.setblocking(False)
                client.connect(("127.0.0.1", parts.endpoint.port))
                client.send(check("nobody", "p" * 22))
                client.send(peer.check())
                async with asyncio.timeout(5):
                    assert (await loop.sock_recv(client, 2_048))[:2] == b"\x01\x01"
            assert parts.endpoint.traffic.dropped["unknown"] == 1

    async def test_the_end_closes_the_sessions(self) -> None:
        told: list[str] = []
        async with carried() as parts:
            session = await parts.live.publish(Id(1), "key", OFFER)
            answer = session.answer.sdp
            assert f"127.0.0.1 {parts.endpoint.port} typ host" in answer
            assert parts.live.count("whip") == len(parts.endpoint.relay) == 1
            session.peer.registry = Ending(parts, told)
        assert told == ["removed while the port is open"]
        assert parts.live.count("whip") == len(parts.endpoint.relay) == 0
        assert parts.live.ended == {("whip", "ended"): 1}
        assert session.peer.state is PeerState.CLOSED

    async def test_the_end_closes_the_port(self) -> None:
        async with carried() as parts:
            port = parts.endpoint.port
        with media_port(with_media(port=port)) as bound:
            assert bound
