"""What carries live streams, put together: the media port, the streams on air, their sessions.

The composition root starts it before the streams are kept (server/streaming.py) and ends it after:
what is said while everybody is sent away is not an end that somebody wanted.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from media.addresses import Bound, PortUnavailable, UnknownAddress, announced, bind
from media.broadcasts import Broadcasts
from media.dtls import Certificate
from media.endpoint import Endpoint
from media.ports import Stage
from protocol.streams import TrackHealth
from server.config import Config
from server.exits import AddressUnavailable, ConfigError
from server.live_sessions import LiveSessions, StreamAccess
from server.media_metrics import MediaState
from server.metrics import Metrics
from server.streaming import Streaming

TURN_SECONDS = 1.0  # between two times that sessions look at what is new


@dataclass(frozen=True, slots=True)
class Broadcasting:
    """The parts, running.

    Attributes:
        endpoint: the media port.
        broadcasts: the streams on air.
        live: the sessions of those who publish and watch.
    """

    endpoint: Endpoint
    broadcasts: Broadcasts
    live: LiveSessions


@contextmanager
def media_port(config: Config) -> Iterator[Bound | None]:
    """Reserve the media port, as the settings have it; None: there is to be none.

    Raises:
        AddressUnavailable: it cannot be had. The message says which setting to change.
    """
    settings = config.media
    if not settings.enabled:
        yield None
        return
    try:
        bound = bind(settings.host or config.server.host, settings.port, tcp=settings.tcp)
    except PortUnavailable as error:
        raise AddressUnavailable(str(error)) from None
    with bound:
        yield bound


@asynccontextmanager
async def broadcasting(
    config: Config, bound: Bound | None, streaming: Streaming, metrics: Metrics
) -> AsyncIterator[LiveSessions | None]:
    """Carry what is streamed here, until the block ends.

    Args:
        bound: the media port; None: there is none, and nothing is carried.
        streaming: the streams as people use them.
        metrics: of the process.

    Raises:
        ConfigError: what is to be announced has no address.
    """
    if bound is None:
        yield None
        return
    async with carrying(
        *(config, bound),
        stage=streaming.stage,
        streams=streaming.admission,
        registry=metrics.registry,
    ) as parts:
        streaming.carried_by(parts.live)
        yield parts.live


@asynccontextmanager
async def carrying(
    config: Config,
    bound: Bound,
    *,
    stage: Stage,
    streams: StreamAccess,
    registry: CollectorRegistry,
) -> AsyncIterator[Broadcasting]:
    """Carry media until the block ends; then close who is still here, and tell them.

    Args:
        bound: the media port.
        stage: is told what happens to streams.
        streams: says who may publish and watch.
        registry: of metrics.

    Raises:
        ConfigError: what is to be announced has no address.
    """
    endpoint = await _endpoint(config, bound)
    relay = endpoint.relay
    broadcasts = Broadcasts(
        relay=relay,
        stage=stage,
        timers=relay.timers,
        grace_seconds=config.streams.grace_seconds,
    )
    live = LiveSessions(
        broadcasts=broadcasts,
        relay=relay,
        candidates=endpoint.candidates,
        certificate=Certificate.generate(),
        streams=streams,
        config=config.media,
        egress=lambda: endpoint.egress.bitrate,
        clock=endpoint.now,
    )
    parts = Broadcasting(endpoint, broadcasts, live)
    registry.register(_metrics(parts))
    endpoint.start()
    _turn_each_second(endpoint, live)
    try:
        yield parts
    finally:
        live.close()
        endpoint.close()


async def _endpoint(config: Config, bound: Bound) -> Endpoint:
    settings = config.media
    try:
        addresses = await announced(settings.announced_addresses, bound)
    except UnknownAddress as error:
        raise ConfigError(str(error)) from None
    return Endpoint(
        bound,
        addresses=addresses,
        segmentation=settings.segmentation,
        tcp_connections=settings.tcp_connections,
    )


def _metrics(parts: Broadcasting) -> MediaState:
    return MediaState(
        endpoint=parts.endpoint,
        live=parts.live,
        received=parts.live.counts,
        sent=parts.broadcasts.counts,
        health=lambda: _health(parts.broadcasts, parts.endpoint.now()),
    )


def _turn_each_second(endpoint: Endpoint, live: LiveSessions) -> None:
    def turn(now: float) -> None:
        endpoint.relay.timers.call_at(now + TURN_SECONDS, turn)
        live.turn()

    turn(endpoint.now())


def _health(broadcasts: Broadcasts, now: float) -> Iterator[TrackHealth]:
    for broadcast in broadcasts:
        if broadcast.publisher is not None:
            yield from broadcast.publisher.health(now)
