"""What the server has counted itself while a crowd was there: what only it can see."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from loadtest.conductor.account import Account, Window
from loadtest.findings import Finding
from loadtest.server_metrics import since
from loadtest.target import Vitals

_HELLO_QUERIES = "plaza_hello_queries_total"
# Where the missed events of a room were had, and by which figure that is told.
_CATCH_UP = {
    'plaza_catchup_reads_total{source="tail"}': "caught_up.from_memory",
    'plaza_catchup_reads_total{source="shared"}': "caught_up.with_others",
    'plaza_catchup_reads_total{source="database"}': "caught_up.from_database",
}
# A look is about as old as this when its window begins.
_APART = 0.5

_Metrics = Mapping[str, float]


def figures(
    account: Account, vitals: Sequence[Vitals], ramp: Window
) -> Iterator[tuple[str, Finding]]:
    """Queries to the database for each connect; and from where rooms were caught up on, if any.

    Args:
        account: of what the virtual users saw.
        vitals: of the server, in the order of their times.
        ramp: in which the users connected.
    """
    window = busiest(account, ramp)
    connects = _connects(account, window)
    looks = [look for look in vitals if _HELLO_QUERIES in look.metrics]
    queries = grown(_HELLO_QUERIES, [look.metrics for look in _around(looks, window, ramp)])
    if connects and queries is not None:
        yield "server.queries_per_connect", Finding(queries / connects, "")
    caught_up = {
        name: grown(metric, [look.metrics for look in looks]) or 0.0
        for metric, name in _CATCH_UP.items()
    }
    if any(caught_up.values()):
        yield from ((name, Finding(rooms, "rooms")) for name, rooms in caught_up.items())


def busiest(account: Account, ramp: Window) -> Window:
    """The time with most connects: the ramp, or after it if then all come back."""
    return max((ramp, account.window), key=lambda window: _connects(account, window))


def grown(metric: str, looks: Sequence[_Metrics]) -> float | None:
    """By how much a counter has grown, over all starts of the server; None: nobody looked twice."""
    if len(looks) < 2:
        return None
    return sum(since(now, earlier, metric) for earlier, now in pairwise(looks))


def _around(looks: Sequence[Vitals], window: Window, ramp: Window) -> Sequence[Vitals]:
    """The last look before a time, and those in it. Who comes back late does so after its end."""
    before = [look for look in looks if look.at <= window.begin + _APART]
    end = ramp.end + _APART if window == ramp else looks[-1].at if looks else 0.0
    return [*before[-1:], *(look for look in looks if window.begin + _APART < look.at <= end)]


def _connects(account: Account, window: Window) -> int:
    counts = account.counts(window)
    return counts["connects"] + counts["reconnects"]
