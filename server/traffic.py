"""What the gateway counts: plain integers, read when metrics are asked for."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Traffic:
    """Since the start, but for `connections`.

    Attributes:
        connections: open now.
        accepted: handshakes.
        slow: connections closed because they read too slowly.
        closed: connections that we closed, by code.
    """

    connections: int = 0
    accepted: int = 0
    bytes_in: int = 0
    messages_in: int = 0
    slow: int = 0
    closed: Counter[int] = field(default_factory=Counter)
