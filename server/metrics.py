"""Prometheus metrics: `GET /metrics`.

The hot paths count in plain integers, which cost nothing worth naming; a collector reads them when
metrics are asked for. Histograms are observed once per batch or tick, not per message.
"""

import asyncio
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, GCCollector, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from persistence.database import Database
from persistence.room_log import RoomLog
from rooms.fanout import Fanout
from rooms.hub import Hub
from server.gateway import Gateway
from server.session import CommandCounts

_SECONDS = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    2.5,
)
_EVENTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)

# How often the event loop's lag is measured.
LAG_INTERVAL = 0.5


class Metrics:
    """The histograms, and the registry that everything is rendered from."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._flush = self._histogram("fanout_seconds", "Writes at the end of a tick", _SECONDS)
        self._commit = self._histogram("commit_seconds", "Commits of the room log", _SECONDS)
        self._batch = self._histogram("commit_events", "Events in a commit", _EVENTS)
        self._lag = self._histogram("loop_lag_seconds", "A timer's delay", _SECONDS)

    def flushed(self, seconds: float) -> None:
        """A tick's writes took so long (server.outbox.TickObserver)."""
        self._flush.observe(seconds)

    def committed(self, events: int, seconds: float) -> None:
        """The log wrote so many events in so long (persistence.room_log.Observer)."""
        self._commit.observe(seconds)
        self._batch.observe(events)

    async def watch_loop(self) -> None:
        """Measure by how much the event loop is late, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_INTERVAL
            await asyncio.sleep(LAG_INTERVAL)
            self._lag.observe(max(0.0, loop.time() - due))

    def render(self) -> tuple[bytes, str]:
        """The text of /metrics and its media type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"plaza_{name}", text, buckets=buckets, registry=self.registry)


class ProcessState(Collector):
    """What is counted elsewhere, read when metrics are asked for."""

    def __init__(
        self,
        *,
        gateway: Gateway,
        fanout: Fanout,
        hub: Hub,
        log: RoomLog,
        database: Database,
        commands: CommandCounts,
    ) -> None:
        self._gateway = gateway
        self._fanout = fanout
        self._hub = hub
        self._log = log
        self._database = database
        self._commands = commands

    def collect(self) -> Iterator[Metric]:
        """One family per metric."""
        traffic, fanout = self._gateway.traffic, self._fanout
        yield _gauge("connections", "Open WebSocket connections", traffic.connections)
        yield _gauge("people", "Accounts that are online", self._hub.people)
        yield _gauge("rooms", "Rooms in memory", self._hub.rooms)
        yield _counter("connections_accepted", "WebSocket handshakes", traffic.accepted)
        yield _counter("connections_slow", "Closed for reading too slowly", traffic.slow)
        yield _counter("received_bytes", "From WebSocket connections", traffic.bytes_in)
        yield _counter("sent_bytes", "To WebSocket connections", self._gateway.tick.bytes_out)
        yield _counter("received_messages", "From WebSocket connections", traffic.messages_in)
        yield _counter("events_published", "Room events with a listener", fanout.published)
        yield _counter("events_delivered", "Room events times listeners", fanout.delivered)
        yield _gauge("log_queue_events", "Drafts that wait for a commit", len(self._log))
        yield _gauge(
            "outbox_bytes",
            "Waiting to be written to connections",
            sum(connection.waiting for connection in self._gateway.connections),
        )
        pool = self._database.statistics()
        yield _gauge("pool_open", "Connections to the database", pool.open)
        yield _gauge("pool_idle", "Connections to the database without work", pool.idle)
        commands = CounterMetricFamily(
            "plaza_commands", "Commands answered, by type and result", labels=("type", "result")
        )
        for (command, result), count in self._commands.items():
            commands.add_metric((command, result), count)
        yield commands


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"plaza_{name}", text, value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"plaza_{name}", text, value)
