"""The server under load: one that runs somewhere, or one of the harness's own."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol


class Vitals(NamedTuple):
    """What the server uses and says, at a moment.

    Attributes:
        at: time.monotonic().
        cpu: seconds of CPU time of the server's process; None: not known.
        postgres: likewise of its database, all processes of it.
        resident: bytes of the server's process.
        metrics: its own, as at /metrics: name with labels -> value.
    """

    at: float
    cpu: float | None
    postgres: float | None
    resident: int | None
    metrics: dict[str, float]


class Target(Protocol):
    """A server.

    Attributes:
        url: such as http://127.0.0.1:8080.
        is_own: whether the harness started it, and so may kill it.
    """

    url: str
    is_own: bool

    async def vitals(self) -> Vitals:
        """Look at it."""
        ...

    async def about(self) -> dict[str, str]:
        """What it says of itself: version and the like."""
        ...

    async def kill(self) -> None:
        """SIGKILL, and start it again on the same port with the same data."""
        ...


def opened(
    url: str | None,
    *,
    pid: int | None = None,
    metrics_url: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> AbstractAsyncContextManager[Target]:
    """Open a target: the server at `url`, or one of our own."""
    raise NotImplementedError
