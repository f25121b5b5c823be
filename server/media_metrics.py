"""What /metrics shows of media: packets, who sends and who watches, where the time goes.

All of it is counted in plain integers where it happens, and read when metrics are asked for.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Protocol

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from media.endpoint import Endpoint
from media.receiving import ReceivingCounts
from media.sending import SendingCounts
from media.traffic import Stages, Traffic
from protocol.streams import TrackHealth
from server.live_session import Role

_BURSTS = (1, 2, 4, 8, 16, 32, 64)


class Live(Protocol):
    """Who publishes, and who watches."""

    @property
    def ended(self) -> Mapping[tuple[Role, str], int]:
        """How many sessions are over, by role and reason."""

    def count(self, role: Role) -> int:
        """How many sessions there are of a role, `whip` or `whep`."""


class MediaState(Collector):
    """Of one endpoint, and all that goes through it.

    Args:
        endpoint: the port.
        live: the sessions.
        received: what came from publishers.
        sent: what went to viewers.
        health: the layers that are published now, as they are.
    """

    def __init__(
        self,
        *,
        endpoint: Endpoint,
        live: Live,
        received: ReceivingCounts,
        sent: SendingCounts,
        health: Callable[[], Iterable[TrackHealth]],
    ) -> None:
        self._endpoint = endpoint
        self._live = live
        self._received = received
        self._sent = sent
        self._health = health

    def collect(self) -> Iterator[Metric]:
        """One family per metric."""
        yield from self._sessions()
        yield from _traffic(self._endpoint.traffic)
        yield _gauge("egress_bits", "Sent in the last second", self._endpoint.egress.bitrate)
        yield from _stages(self._endpoint.stages)
        yield from self._rtp()
        yield from self._quality()

    def _sessions(self) -> Iterator[Metric]:
        live, endpoint = self._live, self._endpoint
        yield _gauge("publishers", "Sessions that publish", live.count("whip"))
        yield _gauge("viewers", "Sessions that watch", live.count("whep"))
        yield _gauge("peers", "Peer connections", len(endpoint.relay))
        yield _gauge("paths", "Addresses that peers are heard from", endpoint.relay.paths)
        yield _gauge("tcp_connections", "ICE-TCP connections", len(endpoint.listener))
        ended = CounterMetricFamily(
            "plaza_media_sessions_ended",
            "Sessions over, by kind and why",
            labels=("kind", "reason"),
        )
        for (role, reason), count in live.ended.items():
            ended.add_metric((_kind_of(role), reason), count)
        yield ended

    def _rtp(self) -> Iterator[Metric]:
        received, sent = self._received, self._sent
        yield _both(
            "rtp_packets", "RTP packets that were forwarded", received.packets, sent.packets
        )
        yield _both("rtp_bytes", "Of RTP packets", received.bytes, sent.bytes)
        # `in` of what peers ask of us, `out` of what we ask of publishers.
        yield _both("nacks", "Packets asked for again", sent.nacks, received.nacks)
        yield _both(
            "keyframe_requests", "PLI and FIR", sent.keyframe_requests, received.keyframe_requests
        )
        yield _both(
            "retransmissions",
            "Packets sent again (RTX, or as they were)",
            received.retransmissions,
            sent.retransmitted,
        )
        yield _counter("recovered_packets", "Lost, and got after a NACK", received.recovered)
        yield _counter("lost_packets", "Of publishers, lost for good", received.lost)
        yield _counter("keyframes", "Of publishers", received.keyframes)
        yield _counter("unanswered_nacks", "Asked for by viewers, and gone", sent.unanswered)
        yield _counter("layer_switches", "Of viewers", sent.switches)
        yield _labelled(
            "discarded_packets",
            "Of publishers, not forwarded",
            "reason",
            {
                "duplicate": received.duplicates,
                "late": received.late,
                "capped": received.capped,
                "foreign": received.foreign,
            },
        )

    def _quality(self) -> Iterator[Metric]:
        tracks = list(self._health())
        loss = [track.loss for track in tracks]
        jitter = [track.jitter / 1_000 for track in tracks]
        yield _spread("publisher_loss_ratio", "Loss of layers that are published", loss)
        yield _spread("publisher_jitter_seconds", "Jitter of layers that are published", jitter)
        bits = sum(track.bitrate for track in tracks)
        yield _gauge("published_bits", "A second, of all that is published", bits)


def _traffic(traffic: Traffic) -> Iterator[Metric]:
    yield _counter("received_packets", "Datagrams, garbage included", traffic.packets_in)
    yield _counter("received_bytes", "In datagrams", traffic.bytes_in)
    yield _counter("sent_packets", "Datagrams", traffic.packets_out)
    yield _counter("sent_bytes", "In datagrams", traffic.bytes_out)
    yield _labelled(
        "dropped_packets", "Datagrams that were dropped, by reason", "reason", traffic.dropped
    )
    yield _histogram_of("burst_packets", "Datagrams in a system call", traffic.bursts)


def _stages(stages: Stages) -> Iterator[Metric]:
    text = f"Of one batch in {Stages.EVERY}"
    yield _labelled("stage_seconds", f"{text}: time, by stage", "stage", stages.seconds)
    yield _labelled("stage_packets", f"{text}: packets, by stage", "stage", stages.packets)


def _histogram_of(name: str, text: str, counts: Sequence[int]) -> Metric:
    """A histogram of small integers, of which each has its count."""
    upto = list(accumulate(counts))
    buckets = [(str(float(edge)), float(upto[edge])) for edge in _BURSTS]
    total = sum(value * count for value, count in enumerate(counts))
    return HistogramMetricFamily(
        f"plaza_media_{name}", text, buckets=[*buckets, ("+Inf", upto[-1])], sum_value=total
    )


def _kind_of(role: Role) -> str:
    return "publisher" if role == "whip" else "viewer"


def _both(name: str, text: str, come: float, gone: float) -> Metric:
    return _labelled(name, text, "direction", {"in": come, "out": gone})


def _spread(name: str, text: str, values: Sequence[float]) -> Metric:
    family = GaugeMetricFamily(f"plaza_media_{name}", text, labels=("of",))
    if values:
        family.add_metric(("mean",), sum(values) / len(values))
        family.add_metric(("worst",), max(values))
    return family


def _labelled(name: str, text: str, label: str, counts: Mapping[str, float]) -> Metric:
    family = CounterMetricFamily(f"plaza_media_{name}", text, labels=(label,))
    for value, count in counts.items():
        family.add_metric((value,), count)
    return family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"plaza_media_{name}", text, value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"plaza_media_{name}", text, value)
