"""One stream: its publisher, and those who watch."""

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from media.burst import Burst
from media.description import Codec, Kind
from media.packet import Packet
from media.ports import Stage
from media.presentation import Line
from media.sending import SendingCounts
from media.timers import Timer, Timers

if TYPE_CHECKING:
    from media.layer import Layer
    from media.publisher import Publisher
    from media.track import Track
    from media.viewer import Viewer

# For the first publisher to connect, from when the broadcast was made; its handshake has less.
WAITING_SECONDS = 60.0
# How often the layers are looked at: one that has stopped (simulcast) is left for another.
LAYERS_SECONDS = 0.25


class Flushes(Protocol):
    """What a broadcast needs of `media.relay.Relay`."""

    flushes: list[Callable[[float], None]]


class State(StrEnum):
    """Where a broadcast is in its life. It begins anew as another broadcast."""

    WAITING = "waiting"  # nothing has come yet
    LIVE = "live"
    INTERRUPTED = "interrupted"  # the publisher is gone, and has the grace time to come back
    ENDED = "ended"


class Broadcast:
    """One stream, from its first publisher to its end. Made by `Broadcasts.open`.

    A publisher that comes while there is one takes over: it is the same streamer, whose former
    connection is not known to be dead yet. Viewers stay through both, and through the grace time.

    Attributes:
        stream: its id.
        state: where it is in its life.
        publisher: who sends; None: nobody does now.
        tracks: of the publisher, or of the last one.
        line: its wall clock.
        viewers: those who are connected.
        joined: how many viewers have connected in all.
        peak: the most there were at once.
        counts: of packets sent, for metrics; those of the process.
    """

    __slots__ = (
        "_burst",
        "_ended",
        "_grace",
        "_known",
        "_looked",
        "_pending",
        "_relay",
        "_stage",
        "_timer",
        "_timers",
        "counts",
        "joined",
        "line",
        "peak",
        "publisher",
        "state",
        "stream",
        "tracks",
        "viewers",
    )

    def __init__(
        self,
        stream: int,
        *,
        relay: Flushes,
        stage: Stage,
        timers: Timers,
        grace_seconds: float,
        now: float,
        burst: Burst | None = None,
        ended: Callable[["Broadcast"], None] = lambda _: None,
    ) -> None:
        self.stream = stream
        self.state = State.WAITING
        self.publisher: Publisher | None = None
        self.tracks: dict[Kind, Track] = {}
        self.line = Line()
        self.viewers: tuple[Viewer, ...] = ()
        self.joined = self.peak = 0
        self._relay, self._stage, self._timers = relay, stage, timers
        self._grace, self._ended = grace_seconds, ended
        self._burst = burst or Burst(SendingCounts())
        self.counts = self._burst.counts
        self._pending: list[Packet] = []
        self._known: frozenset[Layer] = frozenset()  # those that are active
        self._looked = now
        self._timer: Timer | None = timers.call_at(now + WAITING_SECONDS, self._given_up)

    @property
    def burst(self) -> Burst:
        """In which its viewers write."""
        return self._burst

    @property
    def codecs(self) -> dict[Kind, tuple[Codec, ...]]:
        """What is sent, or was by the last publisher: the codec of now first."""
        return {
            kind: (track.codec, *(codec for codec in track.codecs if codec != track.codec))
            for kind, track in self.tracks.items()
        }

    # The publisher's side

    def publish(self, publisher: "Publisher", now: float) -> None:
        """It sends from now on: called by the publisher when it is connected.

        Not before: an offer that never gets through must not replace a publisher that works. The
        former one is closed, `replaced`.
        """
        if self.state is State.ENDED:
            publisher.close("ended", now)
            return
        self.flush(now)
        former, self.publisher = self.publisher, publisher
        self._cancel()
        if former is not None and former is not publisher:
            former.close("replaced", now)
        self.tracks = publisher.tracks
        self.line = Line()
        self._known = frozenset()

    def forward(self, packet: Packet) -> None:
        """Have a packet of the publisher, which is in its layer's store, sent at the next flush."""
        if not self._pending:
            self._relay.flushes.append(self.flush)
        self._pending.append(packet)

    def flush(self, now: float) -> None:
        """Send what has come since the last time: to each viewer all of it in one burst."""
        batch = self._pending
        if not batch:
            return
        self._pending = []
        if self.state is not State.LIVE:
            self._went_live(now)
        known = self._known
        for packet in batch:
            if packet.layer not in known:
                self._look(now)
                break
        else:
            if now - self._looked >= LAYERS_SECONDS:
                self._look(now)
        layers: dict[Layer, list[Packet]] = {}
        for packet in batch:
            layers.setdefault(packet.layer, []).append(packet)
        together = tuple(layers.items())
        for viewer in self.viewers:
            viewer.forward(together, now)

    def publisher_gone(self, publisher: "Publisher", reason: str, now: float) -> None:
        """Called by each publisher that was made for this broadcast when its peer is closed.

        Args:
            reason: `left` (DELETE) ends the broadcast; anything else begins the grace time. Of a
                publisher that is not the present one it does neither.
        """
        if publisher is not self.publisher:
            return
        self.flush(now)
        self.publisher = None
        if reason == "left" or self.state is State.WAITING:
            self.end(reason, now)
            return
        if self.state is State.LIVE:
            self.state = State.INTERRUPTED
            self._stage.interrupted(self.stream)
        self._cancel()
        self._timer = self._timers.call_at(now + self._grace, self._given_up)

    def end(self, reason: str, now: float) -> None:
        """Over: whoever is here is sent away. Has no effect on one that has ended."""
        if self.state is State.ENDED:
            return
        self.flush(now)
        was, self.state = self.state, State.ENDED
        self._cancel()
        publisher, self.publisher = self.publisher, None
        viewers, self.viewers = self.viewers, ()
        if publisher is not None:
            publisher.close(reason, now)
        for viewer in viewers:
            viewer.close("ended", now)
        for track in self.tracks.values():
            for layer in track.layers:
                layer.store.clear()
        if viewers:
            self._stage.viewers(self.stream, 0, self.joined)
        if was is not State.WAITING:
            self._stage.ended(self.stream, reason)
        self._ended(self)

    # The viewers' side

    def add(self, viewer: "Viewer", now: float) -> None:
        """It is connected: called by the viewer. One that comes too late is closed, `ended`."""
        if self.state is State.ENDED:
            viewer.close("ended", now)
            return
        self.viewers = (*self.viewers, viewer)
        self.joined += 1
        self.peak = max(self.peak, len(self.viewers))
        viewer.begin(now)
        self._stage.viewers(self.stream, len(self.viewers), self.joined)

    def remove(self, viewer: "Viewer") -> None:
        """It is gone. Has no effect on one that is not here."""
        viewers = tuple(other for other in self.viewers if other is not viewer)
        if len(viewers) != len(self.viewers):
            self.viewers = viewers
            self._stage.viewers(self.stream, len(viewers), self.joined)

    # Within

    def _went_live(self, now: float) -> None:
        if self.state is State.ENDED:
            return
        self.state = State.LIVE
        self._looked = now
        self._stage.live(self.stream)

    def _look(self, now: float) -> None:
        """Layers come and go: a publisher begins, simulcast adapts to the streamer's line."""
        self._looked = now
        known = frozenset(
            layer for track in self.tracks.values() for layer in track.layers if layer.active(now)
        )
        if known == self._known:
            return
        self._known = known
        for viewer in self.viewers:
            viewer.choose_layers(now)

    def _given_up(self, now: float) -> None:
        self.end("timeout", now)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
