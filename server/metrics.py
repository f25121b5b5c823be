"""Prometheus metrics: `GET /metrics`.

The hot paths count in plain integers, which cost nothing worth naming; a collector reads them when
metrics are asked for. Histograms are observed once per batch or tick, not per message.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, GCCollector, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from persistence.database import Database
from persistence.jobs import Waiting
from persistence.room_log import RoomLog
from protocol.records import PresenceState
from rooms.fanout import Fanout
from rooms.hub import Hub
from server.gateway import Gateway
from server.live_feed import LiveFeed
from server.log_reader import ReadCounts
from server.presence import Presences
from server.session import CommandCounts
from server.upload_conversion import Conversions

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
_CONNECTIONS = (1, 4, 16, 64, 256, 512)
_JOB_SECONDS = (0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300)
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
        self.jobs = JobMetrics(self.registry)
        self.pushes = PushMetrics(self.registry)

    def flushed(self, seconds: float) -> None:
        """A tick's writes took so long (server.outbox.TickObserver)."""
        self._flush.observe(seconds)

    def committed(self, events: int, seconds: float) -> None:
        """The log wrote so many events in so long (persistence.room_log.Observer)."""
        self._commit.observe(seconds)
        self._batch.observe(events)

    async def watch_loop(self, lagged: Callable[[float], None]) -> None:
        """Measure by how much the event loop is late, until cancelled.

        Args:
            lagged: gets each measurement, in seconds.
        """
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_INTERVAL
            await asyncio.sleep(LAG_INTERVAL)
            lag = max(0.0, loop.time() - due)
            self._lag.observe(lag)
            lagged(lag)

    def render(self) -> tuple[bytes, str]:
        """The text of /metrics and its media type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"plaza_{name}", text, buckets=buckets, registry=self.registry)


class JobMetrics:
    """Of the queue of jobs (server.jobs.Observer)."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._tries = Histogram(
            "plaza_job_seconds",
            "Jobs of this process, by name and result",
            ("job", "result"),
            buckets=_JOB_SECONDS,
            registry=registry,
        )
        self._states = Gauge(
            "plaza_jobs",
            "Jobs of all processes, by name and state",
            ("job", "state"),
            registry=registry,
        )

    def ran(self, name: str, result: str, seconds: float) -> None:
        """A job has ended, or failed."""
        self._tries.labels(name, result).observe(seconds)

    def waiting(self, states: Iterable[Waiting]) -> None:
        """So many jobs there are of each name and state."""
        self._states.clear()
        for name, state, jobs in states:
            self._states.labels(name, state).set(jobs)


class PushMetrics:
    """Of what is pushed to those who watch feeds (server.live_feed.PushObserver)."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._batches = Histogram(
            "plaza_feed_batch_seconds",
            "Handing events of feeds to a batch of connections",
            buckets=_SECONDS,
            registry=registry,
        )
        self._connections = Histogram(
            "plaza_feed_batch_connections",
            "Connections in such a batch",
            buckets=_CONNECTIONS,
            registry=registry,
        )

    def handed_over(self, connections: int, seconds: float) -> None:
        """A batch of connections has got what is theirs."""
        self._connections.observe(connections)
        self._batches.observe(seconds)


class FeedState(Collector):
    """Who watches feeds, and what they were told."""

    def __init__(self, live_feed: LiveFeed) -> None:
        self._live_feed = live_feed

    def collect(self) -> Iterator[Metric]:
        """One family per metric."""
        feed = self._live_feed
        yield _gauge("feed_watchers", "Connections that watch feeds", feed.watchers)
        yield _counter("feed_events", "Events of feeds, times watchers", feed.sent)
        yield _counter("feed_left_out", "News of feeds that was too much to tell", feed.left_out)


class UploadState(Collector):
    """What becomes of uploads."""

    def __init__(self, conversions: Conversions) -> None:
        self._conversions = conversions

    def collect(self) -> Iterator[Metric]:
        """One family per metric."""
        yield _gauge(
            "conversions_running", "Files that are being converted", self._conversions.busy
        )
        done = CounterMetricFamily(
            "plaza_conversions", "Files converted, by kind and result", labels=("kind", "result")
        )
        for (kind, result), count in self._conversions.counts.items():
            done.add_metric((kind, result), count)
        yield done


class ProcessState(Collector):
    """What is counted elsewhere, read when metrics are asked for."""

    def __init__(
        self,
        *,
        gateway: Gateway,
        fanout: Fanout,
        hub: Hub,
        presences: Presences,
        log: RoomLog,
        database: Database,
        commands: CommandCounts,
        reads: ReadCounts,
    ) -> None:
        self._gateway = gateway
        self._fanout = fanout
        self._hub = hub
        self._presences = presences
        self._log = log
        self._database = database
        self._commands = commands
        self._reads = reads

    def collect(self) -> Iterator[Metric]:
        """One family per metric."""
        traffic, fanout = self._gateway.traffic, self._fanout
        yield _gauge("connections", "Open WebSocket connections", traffic.connections)
        yield _gauge("people", "Accounts that are online", self._hub.people)
        present = GaugeMetricFamily(
            "plaza_present", "Accounts that are here, by state", labels=("state",)
        )
        states = self._presences.states()
        for state in PresenceState:
            if state is not PresenceState.OFFLINE:
                present.add_metric((state.value,), states[state])
        yield present
        yield _counter("presence_events", "Presence, times listeners", self._presences.sent)
        yield _gauge("rooms", "Rooms in memory", len(self._hub.rooms))
        yield _counter("connections_accepted", "WebSocket handshakes", traffic.accepted)
        yield _counter("connections_slow", "Closed for reading too slowly", traffic.slow)
        yield _labelled(
            "connections_refused",
            "Turned away at the handshake or at hello",
            "reason",
            self._gateway.admission.refused,
        )
        yield _labelled(
            "connections_closed", "Closed by the server, by close code", "code", traffic.closed
        )
        yield _gauge(
            "connections_paused",
            "Not read for a while: they send more bytes than they may",
            sum(connection.reading_paused for connection in self._gateway.connections),
        )
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
        yield _gauge("tail_events", "Room events kept in memory", self._hub.rooms.tail_events)
        yield _counter("hello_queries", "To the database, for hello", self._reads.queries)
        spans = CounterMetricFamily(
            "plaza_catchup_reads", "Rooms with missed events, by source", labels=("source",)
        )
        for source, count in self._reads.spans.items():
            spans.add_metric((source,), count)
        yield spans


def _labelled(name: str, text: str, label: str, counts: Mapping[Any, int]) -> Metric:
    family = CounterMetricFamily(f"plaza_{name}", text, labels=(label,))
    for value, count in counts.items():
        family.add_metric((str(value),), count)
    return family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"plaza_{name}", text, value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"plaza_{name}", text, value)
