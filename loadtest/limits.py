"""Which of the server's limits a load has met, by its metrics: for a test they may be raised."""

from collections.abc import Mapping

_REFUSED = 'plaza_connections_refused_total{{reason="{}"}}'
_CONNECTIONS = {
    "address's connections": "limits.connections_per_ip",
    "address's connects": "limits.connects_per_ip_minute",
    "account's connections": "limits.connections_per_account",
    "account's connects": "limits.connects_per_account_minute",
}
_RATE_LIMITED = 'result="rate_limited"'
_COMMANDS = (
    "limits.commands_per_connection_second, limits.commands_per_account_second or "
    "limits.commands_per_ip_second"
)


def limits_met(now: Mapping[str, float], earlier: Mapping[str, float]) -> list[str]:
    """A sentence for each limit that has turned somebody away meanwhile.

    Args:
        now: name with labels -> value, as at /metrics.
        earlier: likewise, before the load.
    """
    met = []
    for reason, limit in _CONNECTIONS.items():
        name = _REFUSED.format(reason)
        if times := _since(now, earlier, name):
            met.append(_sentence("connection", times, limit))
    commands = sum(
        _since(now, earlier, name)
        for name in now
        if name.startswith("plaza_commands_total{") and _RATE_LIMITED in name
    )
    if commands:
        met.append(_sentence("command", commands, _COMMANDS))
    return met


def _since(now: Mapping[str, float], earlier: Mapping[str, float], name: str) -> float:
    """What a counter has grown by; from nothing, if the server has been started again."""
    value, before = now.get(name, 0.0), earlier.get(name, 0.0)
    return value - before if value >= before else value


def _sentence(what: str, times: float, limit: str) -> str:
    return (
        f"The server refused {times:,.0f} {what}{'s' if times != 1 else ''}: for the test, raise "
        f"{limit} of it (0: no limit)."
    )
