"""Some seconds of streams at one pace: what was sent, what came, and what it took."""

from collections import Counter
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from loadtest import latencies
from loadtest.findings import Finding
from loadtest.live.orders import Seen

LOSS_MOST = 0.001  # beyond it, the pace was too much
LATENCY_MOST = 100.0  # milliseconds, of 99 in a hundred: likewise
FULL_CORE = 0.95
KIND = "delivery"
# What a run of virtual users would have, and streams do not.
NEVER = ("unanswered",)


class Sample(Struct, kw_only=True):
    """Some seconds at one pace.

    Attributes:
        begin, end: time.monotonic().
        seconds: in which packets were sent.
        sent: packets of all streams.
        due: packets that were to reach a viewer.
        came: packets that did.
        missing: numbers that were left out.
        disordered, doubled, forged: see `live_orders.Seen`.
        timed: microseconds -> how often.
        cpu: seconds of the server, until all had come; None: not known.
        server: share of a core that it used while packets were sent; likewise.
        clients: share of a core of the busiest process of publishers or viewers.
        all_clients: of all of them together.
        resident: bytes of the server; None: not known.
    """

    begin: float = 0.0
    end: float = 0.0
    seconds: float = 0.0
    sent: int = 0
    due: int = 0
    came: int = 0
    missing: int = 0
    disordered: int = 0
    doubled: int = 0
    forged: int = 0
    timed: Counter[int] = msgspec.field(default_factory=Counter)
    cpu: float | None = None
    server: float | None = None
    clients: float = 0.0
    all_clients: float = 0.0
    resident: int | None = None

    def add(self, seen: Iterable[Seen]) -> int:
        """Count what the processes of viewers have seen; return how many packets that are."""
        came = 0
        for one in seen:
            came += one.packets
            self.disordered += one.disordered
            self.doubled += one.doubled
            self.forged += one.forged
            self.timed.update(one.timed)
        self.came += came
        return came

    @property
    def lost(self) -> int:
        """Packets that have not come.

        By numbers that were left out, and by what should have come: the last ones leave no gap.
        """
        return max(self.missing, self.due - self.came, 0)

    @property
    def loss(self) -> float:
        """The share of what was due."""
        return self.lost / self.due if self.due else 0.0

    @property
    def cost(self) -> float | None:
        """Microseconds of the server's CPU for each packet that came."""
        return self.cpu / self.came * 1e6 if self.cpu is not None and self.came else None

    @property
    def rate(self) -> float:
        """Packets that came, a second."""
        return self.came / self.seconds if self.seconds else 0.0

    @property
    def p99(self) -> float:
        """Of the latencies, in milliseconds; without any it is infinite."""
        if not self.timed:
            return float("inf")
        return float(latencies.histogram(self.timed).get_value_at_percentile(99)) / 1000

    @property
    def fault(self) -> str:
        """Why the pace was too much; empty: all came, and in time."""
        if not self.came:
            return "nothing came"
        if self.loss > LOSS_MOST:
            return f"{self.loss:.1%} lost"
        if self.p99 > LATENCY_MOST:
            return f"p99 {self.p99:.0f} ms"
        return ""

    @property
    def is_full(self) -> bool:
        """Whether the server's core is."""
        return self.server is not None and self.server > FULL_CORE


def shown(sample: Sample) -> dict[str, Finding]:
    """What is said of every sample, whatever it was for."""
    found = {
        "forwarded.rate": Finding(sample.rate, "/s"),
        "lost.share": Finding(sample.loss * 100, "%"),
        "clients.cpu": Finding(sample.clients, "cores"),
        "clients.cpu.all": Finding(sample.all_clients, "cores"),
    }
    if sample.server is not None:
        found["server.cpu"] = Finding(sample.server, "cores")
    if sample.cost is not None:
        found["server.us_per_packet"] = Finding(sample.cost, "us")
    if sample.timed:
        found |= latencies.figures(KIND, sample.timed)
    return found


def whole(sample: Sample, *, late_ms: float) -> dict[str, Finding]:
    """All of a sample that the run was for.

    Args:
        late_ms: what takes longer is late; of the packets that were timed.
    """
    late = sum(times for took, times in sample.timed.items() if took > late_ms * 1000)
    counts = {"forwarded": sample.came, "lost": sample.lost, "late": late}
    found = shown(sample) | {name: Finding(count, "") for name, count in counts.items()}
    if sample.resident is not None:
        found["server.rss"] = Finding(sample.resident / 2**20, "MiB")
    return found
