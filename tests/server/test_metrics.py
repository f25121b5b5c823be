"""What /metrics shows."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from persistence.database import Database
from persistence.objects import Objects
from persistence.room_log import RoomLog
from protocol.events import Message
from protocol.ids import Id, IdMint
from protocol.records import Room, RoomKind
from rooms.fanout import Fanout
from rooms.hub import Hub
from rooms.tail import Tails
from server import metrics as metrics_module
from server.admission import Admission
from server.background import Background
from server.config import Config
from server.conversion.workers import Workers
from server.gateway import Gateway
from server.live_feed import LiveFeed
from server.log_reader import ReadCounts
from server.metrics import FeedState, Metrics, ProcessState, UploadState
from server.outbox import Tick
from server.presence import Presences
from server.session import CommandCounts
from server.spool import Spool
from server.upload_conversion import Conversions
from server.wheel import TimerWheel

# What operators have been told to find there, by its subject.
PROMISED = {
    "connections": "plaza_connections",
    "accepted connections": "plaza_connections_accepted_total",
    "commands by type and result": "plaza_commands_total",
    "events": "plaza_events_published_total",
    "events out": "plaza_events_delivered_total",
    "bytes in": "plaza_received_bytes_total",
    "bytes out": "plaza_sent_bytes_total",
    "messages in": "plaza_received_messages_total",
    "fan-out": "plaza_fanout_seconds_bucket",
    "commits": "plaza_commit_seconds_bucket",
    "batch sizes": "plaza_commit_events_bucket",
    "the log's queue": "plaza_log_queue_events",
    "outboxes": "plaza_outbox_bytes",
    "slow closes": "plaza_connections_slow_total",
    "refused connections by reason": "plaza_connections_refused_total",
    "closed connections by code": "plaza_connections_closed_total",
    "paused connections": "plaza_connections_paused",
    "open database connections": "plaza_pool_open",
    "idle database connections": "plaza_pool_idle",
    "loop lag": "plaza_loop_lag_seconds_bucket",
    "people": "plaza_people",
    "people by state": "plaza_present",
    "presence out": "plaza_presence_events_total",
    "watchers of feeds": "plaza_feed_watchers",
    "events of feeds out": "plaza_feed_events_total",
    "news of feeds that was left out": "plaza_feed_left_out_total",
    "batches of feeds": "plaza_feed_batch_seconds_bucket",
    "sizes of batches of feeds": "plaza_feed_batch_connections_bucket",
    "rooms": "plaza_rooms",
    "conversions under way": "plaza_conversions_running",
    "conversions by kind and result": "plaza_conversions_total",
    "events in memory": "plaza_tail_events",
    "queries for hello": "plaza_hello_queries_total",
    "missed events by source": "plaza_catchup_reads_total",
    "memory": "process_resident_memory_bytes",
    "processor": "process_cpu_seconds_total",
    "garbage": "python_gc_collections_total",
}


class Listener:
    """A receiver that is also its own wire format."""

    @property
    def wire(self) -> "Listener":
        return self

    def frame(self, event: object) -> bytes:
        return b""

    def enqueue(self, chunk: bytes) -> None:
        pass

    def deliver(self, chunk: bytes) -> None:
        self.enqueue(chunk)

    def offer(self, chunk: bytes) -> bool:
        self.enqueue(chunk)
        return True


class Connection:
    waiting = 40
    reading_paused = True


class Process:
    """The parts of a server that are counted, with nothing under way."""

    def __init__(self, database: Database) -> None:
        self.metrics = Metrics()
        self.tick = Tick(asyncio.get_running_loop(), self.metrics)
        self.fanout = Fanout(self.tick.wake)
        tails = Tails(room_events=0, all_events=0)
        self.presences = Presences(
            database=database, background=Background(), config=Config(), clock=lambda: 0
        )
        self.hub = Hub(self.fanout, lambda *event: None, self.presences, tails)
        self.gateway = Gateway(Config(), self.tick, TimerWheel(), {}, Admission(Config()))
        self.counts = CommandCounts()
        self.log = RoomLog(
            database.open_connection,
            mint=IdMint(0),
            publish=self.hub.publish,
            observer=self.metrics,
            capacity=0,
            clock=lambda: 0,
        )
        self.metrics.registry.register(
            ProcessState(
                gateway=self.gateway,
                fanout=self.fanout,
                hub=self.hub,
                presences=self.presences,
                log=self.log,
                database=database,
                commands=self.counts,
                reads=ReadCounts(),
            )
        )
        self.metrics.registry.register(FeedState(LiveFeed(database, limit=0)))
        nowhere = Path("nowhere")
        self.conversions = Conversions(
            settings=Config().uploads,
            database=database,
            objects=Objects.open("", nowhere),
            spool=Spool(nowhere),
            images=Workers(1),
            videos=Workers(1),
        )
        self.metrics.registry.register(UploadState(self.conversions))

    def samples(self) -> dict[str, float]:
        """Every sample, by its name and labels."""
        text, _ = self.metrics.render()
        return {
            sample.name
            + "".join(f" {label}" for label in sorted(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(text.decode())
            for sample in family.samples
        }


@pytest.fixture
async def process(database: Database) -> AsyncIterator[Process]:
    return Process(database)


async def test_everything_promised_is_there(process: Process) -> None:
    process.counts["Send", "ok"] += 1
    process.conversions.counts["image", "made"] += 1
    process.gateway.admission.refused["lag"] += 1
    process.gateway.traffic.closed[4000] += 1
    text, media_type = process.metrics.render()
    assert media_type.startswith("text/plain; version=")
    names = {
        sample.name
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }
    missing = {subject for subject, name in PROMISED.items() if name not in names}
    assert not missing


async def test_every_metric_of_ours_is_explained(process: Process) -> None:
    text, _ = process.metrics.render()
    for family in text_string_to_metric_families(text.decode()):
        assert family.documentation
        assert family.name.startswith(("plaza_", "process_", "python_gc_"))


async def test_what_is_counted_is_shown(process: Process, database: Database) -> None:
    ada, room = Id(1), Id(2)
    person, listener = process.hub.enter(ada), Listener()
    places = process.hub.places([Room(id=room, kind=RoomKind.GROUP, last_seq=0)])
    assert places is not None
    process.hub.settle(person, listener, places)
    for seq in (1, 2, 3):
        process.hub.publish(Message(room=room, sender=ada, seq=seq))
    process.fanout.flush()
    process.presences.flush()
    process.counts["Send", "ok"] += 3
    process.counts["Send", "not_found"] += 1
    traffic = process.gateway.traffic
    traffic.connections, traffic.accepted, traffic.slow = 2, 5, 1
    traffic.bytes_in, traffic.messages_in = 1_000, 10
    traffic.closed[4005] += 2
    process.gateway.admission.refused["queue"] += 3
    process.tick.bytes_out = 2_000
    process.gateway.connections.update([Connection(), Connection()])  # type: ignore[list-item]
    async with database.connection():
        samples = process.samples()
    assert samples["plaza_people"] == 1
    assert samples["plaza_present online"] == 1
    assert samples["plaza_present busy"] == 0
    assert samples["plaza_presence_events_total"] == 1  # to oneself
    assert samples["plaza_rooms"] == 1
    assert samples["plaza_tail_events"] == 3
    assert samples["plaza_catchup_reads_total tail"] == 0
    assert samples["plaza_events_published_total"] == 3
    assert samples["plaza_events_delivered_total"] == 3
    assert samples["plaza_commands_total Send ok"] == 3
    assert samples["plaza_commands_total Send not_found"] == 1
    assert samples["plaza_connections"] == 2
    assert samples["plaza_connections_accepted_total"] == 5
    assert samples["plaza_connections_slow_total"] == 1
    assert samples["plaza_connections_closed_total 4005"] == 2
    assert samples["plaza_connections_refused_total queue"] == 3
    assert samples["plaza_connections_paused"] == 2
    assert samples["plaza_received_bytes_total"] == 1_000
    assert samples["plaza_received_messages_total"] == 10
    assert samples["plaza_sent_bytes_total"] == 2_000
    assert samples["plaza_outbox_bytes"] == 80
    assert samples["plaza_log_queue_events"] == 0
    assert samples["plaza_pool_open"] == 1
    assert samples["plaza_pool_idle"] == 0


async def test_durations_and_sizes_are_histograms(process: Process) -> None:
    process.metrics.committed(5, 0.003)
    process.metrics.committed(300, 9.0)
    process.metrics.flushed(0.0002)
    samples = process.samples()
    assert samples["plaza_commit_events_bucket 4.0"] == 0
    assert samples["plaza_commit_events_bucket 8.0"] == 1
    assert samples["plaza_commit_events_bucket +Inf"] == 2
    assert samples["plaza_commit_events_sum"] == 305
    assert samples["plaza_commit_seconds_bucket 0.005"] == 1
    assert samples["plaza_commit_seconds_count"] == 2
    assert samples["plaza_fanout_seconds_bucket 0.00025"] == 1


async def test_the_loops_lag_is_measured(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_module, "LAG_INTERVAL", 0.001)
    lags: list[float] = []
    watch = asyncio.create_task(process.metrics.watch_loop(lags.append))
    while process.samples()["plaza_loop_lag_seconds_count"] < 2:
        await asyncio.sleep(0)
    watch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watch
    samples = process.samples()
    assert len(lags) == samples["plaza_loop_lag_seconds_count"]
    assert sum(lags) == pytest.approx(samples["plaza_loop_lag_seconds_sum"])
