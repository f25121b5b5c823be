"""What the server's own metrics say of a second, in a few numbers for people."""

from collections.abc import Mapping

# Of a second: what was observed, divided by how often.
_MEANS = {
    "loop lag ms": ("plaza_loop_lag_seconds", 1000.0),
    "events a commit": ("plaza_commit_events", 1.0),
    "commit ms": ("plaza_commit_seconds", 1000.0),
    "writes of a tick ms": ("plaza_fanout_seconds", 1000.0),
}
_NOW = {
    "connections": ("plaza_connections", 1.0),
    "log queue": ("plaza_log_queue_events", 1.0),
    "outbox KiB": ("plaza_outbox_bytes", 1 / 1024),
    "paused": ("plaza_connections_paused", 1.0),
}
_TOTALS = {
    "too slow": "plaza_connections_slow_total",
    "refused": "plaza_connections_refused_total",
    "closed": "plaza_connections_closed_total",
}


def of_a_second(now: Mapping[str, float], earlier: Mapping[str, float]) -> dict[str, float]:
    """What says something, by a name for people; what the server does not tell is left out.

    Args:
        now: name with labels -> value, as at /metrics.
        earlier: likewise, a second ago or so.
    """
    found: dict[str, float] = {}
    for name, (metric, factor) in _NOW.items():
        if metric in now:
            found[name] = now[metric] * factor
    for name, (metric, factor) in _MEANS.items():
        times = since(now, earlier, f"{metric}_count")
        if times:
            found[name] = since(now, earlier, f"{metric}_sum") / times * factor
    for name, metric in _TOTALS.items():
        if total := _total(now, metric):
            found[name] = total
    return found


def since(now: Mapping[str, float], earlier: Mapping[str, float], metric: str) -> float:
    """What a counter has grown by; from nothing, if the server has been started again.

    Args:
        now, earlier: as for `of_a_second`.
        metric: its name with labels.
    """
    value, before = now.get(metric, 0.0), earlier.get(metric, 0.0)
    return value - before if value >= before else value


def _total(now: Mapping[str, float], metric: str) -> float:
    """Of all its labels."""
    return sum(value for name, value in now.items() if name.partition("{")[0] == metric)
