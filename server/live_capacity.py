"""How many may publish and watch, and how much may be sent to them."""

from collections.abc import Callable, Iterable

from media.broadcast import Broadcast
from protocol.errors import MEDIA_FULL, PlazaError
from server.live_session import LiveSession
from server.sections import Media

# When those may try again for whom there is no room.
FULL_SECONDS = 10.0
# Whoever was let in so lately is not in the measured egress yet.
METER_SECONDS = 1.0


class Capacity:
    """The limits of a process; 0 is none.

    Args:
        config: the limits.
        egress: bits per second that leave now.
    """

    def __init__(self, config: Media, egress: Callable[[], float]) -> None:
        self._config = config
        self._egress = egress

    def judge_publisher(self, *, publishing: int) -> None:
        """Whether one more stream may be published. Raises PlazaError media_full.

        Args:
            publishing: how many are.
        """
        if _exceeds(publishing, self._config.publishers):
            raise _full("as many streams as it can")

    def judge_viewer(
        self,
        broadcast: Broadcast,
        *,
        watching: int,
        here: int,
        sessions: Iterable[LiveSession],
        now: float,
    ) -> None:
        """Whether one more viewer may come. Raises PlazaError media_full.

        Args:
            broadcast: what they want to watch.
            watching: how many do, in all.
            here: how many watch this one.
            sessions: all there are.
            now: of the clock of media.
        """
        if _exceeds(watching, self._config.viewers):
            raise _full("as many viewers as it can")
        if _exceeds(here, self._config.viewers_per_stream):
            raise _full("as many viewers of this stream as it may")
        most = self._config.egress_bitrate
        if not most:
            return
        arriving = [
            session.broadcast
            for session in sessions
            if session.role == "whep"
            and (session.since is None or now - session.since < METER_SECONDS)
        ]
        coming = sum(bitrate_of(each, now) for each in (broadcast, *arriving))
        if self._egress() + coming > most:
            raise _full("as much as its line takes")


def bitrate_of(broadcast: Broadcast, now: float) -> int:
    """Bits per second that a viewer of it takes at most."""
    tracks = broadcast.tracks.values()
    return sum(max((layer.bitrate(now) for layer in track.layers), default=0) for track in tracks)


def _exceeds(count: int, limit: int) -> bool:
    return bool(limit) and count >= limit


def _full(what: str) -> PlazaError:
    return PlazaError(
        MEDIA_FULL, f"The server carries {what}. Try again later.", retry_after=FULL_SECONDS
    )
