"""The names of the figures that a run with virtual users can have."""

import difflib
from collections.abc import Iterator
from functools import cache

from msgspec.structs import fields

from loadtest.scenario import Mix

# What falls due has the latency of its answer, by its name in the mix; what is not listed here has
# another name for that.
_OTHERWISE = {
    "message": ("ack", "delivery"),
    "presence": ("presence",),
    "post": ("post", "publish"),
}
_COMING = ("connect", "back")
_ASPECTS = ("p50", "p90", "p99", "p999", "max", "count")

_COUNTS = (
    "due", "sent", "acknowledged", "delivered", "told", "posts", "connects", "reconnects",
    "refused", "gaps", "bytes", "dropped",
)  # fmt: skip
_WHOLE = (
    "lost", "doubled", "disordered", "late", "forged", "errors", "unanswered", "dropped",
    "users.max", "users.wanted",
)  # fmt: skip
_RESOURCES = (
    "server.cpu", "server.rss", "server.growth", "server.us_per_delivery",
    "server.us_per_message", "server.us_per_connect", "server.queries_per_connect", "postgres.cpu",
    "postgres.us_per_message", "clients.cpu", "caught_up.from_memory", "caught_up.with_others",
    "caught_up.from_database",
)  # fmt: skip
_OF_A_CODE = "errors."


@cache
def known() -> frozenset[str]:
    """All of them, without those of errors of one code."""
    latencies = {f"{kind}.{aspect}" for kind in _kinds() for aspect in _ASPECTS}
    rates = {f"{name}.rate" for name in _COUNTS}
    return frozenset({*latencies, *_COUNTS, *rates, *_WHOLE, *_RESOURCES})


def is_known(name: str) -> bool:
    """Whether there can be such a figure."""
    return name in known() or name.startswith(_OF_A_CODE)


def nearest(name: str) -> str | None:
    """The one that was probably meant."""
    return next(iter(difflib.get_close_matches(name, sorted(known()), n=1)), None)


def _kinds() -> Iterator[str]:
    for action in fields(Mix):
        yield from _OTHERWISE.get(action.name, (action.name,))
    yield from _COMING
