"""What the parts of live streams that people use ask of the parts that carry the media."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from protocol.ids import Id
from protocol.streams import HealthWarning, TrackHealth


class Received(NamedTuple):
    """What comes from a publisher, over the last seconds."""

    tracks: Sequence[TrackHealth]
    warnings: Sequence[HealthWarning]


class Air(Protocol):
    """The streams that this process has on air.

    All of it may be asked of streams that are not on air here, and then has no effect.
    """

    def received(self, stream: Id) -> Received | None:
        """What comes from a stream's publisher; None: there is none here."""

    def end_stream(self, stream: Id, reason: str) -> None:
        """End a stream at once, with all that publish or watch it.

        Args:
            reason: one word, for those who are closed by it.
        """

    async def recheck(self, stream: Id) -> None:
        """Ask again of everybody who watches a stream whether they may; close who may not."""


class NothingOnAir:
    """An Air without media: for a server that has none."""

    def received(self, stream: Id) -> Received | None:  # noqa: ARG002
        """Return None."""
        return None

    def end_stream(self, stream: Id, reason: str) -> None:
        """Do nothing."""

    async def recheck(self, stream: Id) -> None:
        """Do nothing."""
