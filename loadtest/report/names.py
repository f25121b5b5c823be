"""What the names of figures mean: in words, and which way is better.

A name is "delivery.p99", of a variant "50 pairs: delivery.p99"; loadtest/crowd/orders.py says what
is counted.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from loadtest.figures import Figure, short

Better = Literal["less", "more", "none", ""]

# Must be 0. One more of them is worse, whatever the tolerance.
FAULTS = (
    "lost",
    "doubled",
    "disordered",
    "late",
    "forged",
    "errors",
    "unanswered",
    "dropped",
)
PERCENTILES = {"p50": "p50", "p90": "p90", "p99": "p99", "p999": "p99.9", "max": "max"}

# Latencies: title, and between which moments.
LATENCIES = {
    "delivery": ("Delivery", "from when it was due until its receiver had it"),
    "ack": ("Acknowledgement", "from when a message was due until its sender had the answer"),
    "post": ("Post", "from when a post was due until a follower had it"),
    "presence": ("Presence", "from when a change was due until somebody was told"),
    "back": ("Coming back", "from the lost connection until everything missed was there"),
    "connect": ("Connect", "from the first packet of TCP until ready"),
    "timeline": ("Timeline", "from when a read of the home timeline was due until the answer"),
    "history": ("History", "from when a page of history was due until the answer"),
    "echo": ("Echo", "from when a frame was due until it was back"),
}
COUNTS = {
    "due": "Due",
    "sent": "Sent",
    "acknowledged": "Acknowledged",
    "delivered": "Delivered",
    "forwarded": "Forwarded",
    "told": "Presence told",
    "posts": "Posts delivered",
    "connects": "Connects",
    "reconnects": "Reconnects",
    "refused": "Refused for now",
    "dropped": "Dropped",
    "gaps": "Gaps",
    "bytes": "MiB received",
}
MEASURES = {
    "holds.rate": "Held at",
    "holds.users": "Held with users",
    "breaks.rate": "Broke at",
    "breaks.users": "Broke with users",
    "viewers.per_core": "Viewers for a core",
    "call.size": "Largest call",
    "call.streams": "Streams of that call",
    "users.max": "Users",
    "users.wanted": "Users wanted",
    "server.cpu": "Server CPU",
    "server.rss": "Server memory",
    "server.growth": "Memory per user",
    "server.us_per_delivery": "Server CPU per delivery",
    "server.us_per_message": "Server CPU per message",
    "server.us_per_connect": "Server CPU per connect",
    "server.us_per_packet": "Server CPU per packet",
    "server.queries_per_connect": "Database queries per connect",
    "server.kib_per_viewer": "Memory per viewer",
    "postgres.cpu": "Postgres CPU",
    "postgres.us_per_message": "Postgres CPU per message",
    "caught_up.from_memory": "Rooms caught up on, from memory",
    "caught_up.with_others": "Rooms caught up on, read with others",
    "caught_up.from_database": "Rooms caught up on, from the database",
    "clients.cpu": "Busiest client CPU",
    "clients.cpu.all": "CPU of all clients",
    "lost.share": "Share lost",
}
# What is asked for, or follows from it: neither way is better.
_ASKED = {"due", "connects", "reconnects", "bytes"}
_UNWANTED = {*FAULTS, "refused", "gaps"}
_MORE = {
    "users.max",
    "holds.users",
    "breaks.users",
    "viewers.per_core",
    "call.size",
    "call.streams",
}
_SHARES = {"core", "cores", "share", "share of a core"}
_OF_ALL = {*PERCENTILES, "rate", "count"}
_LESS_UNITS = {"us", "µs", "ms", "s", "B", "KiB", "MiB", "GiB"}


class Name(NamedTuple):
    """The parts of a figure's name.

    Attributes:
        variant: empty: there are none.
        subject: "delivery" of "delivery.p99".
        aspect: "p99" of it.
    """

    variant: str
    subject: str
    aspect: str

    @property
    def measure(self) -> str:
        """The name without its variant."""
        return f"{self.subject}.{self.aspect}" if self.aspect else self.subject

    @property
    def is_fault(self) -> bool:
        """Whether it should be 0: `errors`, and `errors.rate_limited` too."""
        return self.measure in FAULTS or (self.subject == "errors" and self.aspect not in _OF_ALL)

    @property
    def is_latency(self) -> bool:
        """Whether it is a percentile of a latency."""
        return self.aspect in PERCENTILES and self.subject != "users"


def parse(name: str) -> Name:
    """Take a figure's name apart."""
    variant, _, measure = name.rpartition(": ")
    subject, _, aspect = measure.partition(".")
    return Name(variant, subject, aspect)


def words(name: Name) -> str:
    """What it is, without its variant, for people."""
    if name.measure in MEASURES:
        return MEASURES[name.measure]
    if name.is_latency:
        return f"{latency(name.subject)} {PERCENTILES[name.aspect]}"
    if name.aspect == "count":
        return f"{latency(name.subject)}, samples"
    if name.aspect in {"rate", ""}:
        return count(name.subject)
    return name.measure


def latency(kind: str) -> str:
    """The title of a kind of latency; of a variant's, "50 pairs: Delivery"."""
    return LATENCIES[kind][0] if kind in LATENCIES else _sentence(kind)


def count(subject: str) -> str:
    """What something that is counted is called."""
    return COUNTS.get(subject, _sentence(subject))


def better(figure: Figure) -> Better:
    """Which way a figure is better.

    Returns:
        "none": it is a fault, which must not be; "": nobody can say.
    """
    name = parse(figure.name)
    if name.is_fault:
        return "none"
    if figure.budget is not None:
        return "less" if figure.budget.bound == "at most" else "more"
    if name.subject in _UNWANTED:
        return "less"
    if name.aspect == "rate":
        return "" if name.subject in _ASKED else "more"
    if name.measure in _MORE:
        return "more"
    if name.is_latency or name.aspect == "cpu" or figure.unit in _LESS_UNITS:
        return "less"
    return "more" if figure.unit.endswith("/s") else ""


def value(figure: Figure) -> float:
    """What a figure comes to: its median; of what must not be at all, its worst repetition."""
    return max(figure.samples) if parse(figure.name).is_fault else figure.median


def amount(value: float, unit: str) -> tuple[str, str]:
    """A value and its unit, as one would say them."""
    if unit in _SHARES:
        return f"{100 * value:.3g}", "% of a core"
    if unit == "us":
        return short(value), "µs"
    return short(value), unit


def number(of: int, noun: str) -> str:
    """So many of something."""
    return f"{of} {noun}" if of == 1 else f"{of} {noun}s"


def in_order(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """Names, the known ones first and in their order."""
    order = {name: place for place, name in enumerate(known)}
    return sorted(names, key=lambda name: (order.get(name, len(order)), name))


def _sentence(word: str) -> str:
    text = word.replace("_", " ")
    return text[:1].upper() + text[1:]
