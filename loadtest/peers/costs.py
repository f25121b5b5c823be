"""What a stretch of work costs, and whom."""

import time
from typing import NamedTuple

from loadtest.peers.peer import Server
from loadtest.process import cpu_seconds, resident_bytes


class Costs(NamedTuple):
    """Seconds: on the wall, and of CPU time by whom.

    Attributes:
        server: all processes of the server.
        database: beside it, in steps of 10 ms; 0 where there is none.
        clients: this process.
    """

    wall: float
    server: float
    database: float
    clients: float

    def since(self, earlier: "Costs") -> "Costs":
        """What has passed between two looks."""
        return Costs(*(now - then for now, then in zip(self, earlier, strict=True)))


def look(server: Server) -> Costs:
    """Look at all clocks."""
    return Costs(
        time.perf_counter(),
        sum(cpu_seconds(pid) for pid in server.pids),
        server.database() if server.database else 0.0,
        time.process_time(),
    )


def resident(server: Server) -> int:
    """Bytes of memory of all processes of the server; what they share counts in each."""
    return sum(resident_bytes(pid) for pid in server.pids)
