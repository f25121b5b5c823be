"""Which layer of a simulcast a viewer gets."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from media.layer import Layer

# Down when the layer has been more than the line takes for this long; at once where it is far more.
DOWN_SECONDS = 0.5
FAR_MORE = 1.5
# Up when the line has had room for the next layer for this long, with something to spare.
UP_SECONDS = 2.0
SPARE = 1.15

# What is not sent cannot be measured: an estimate hardly goes beyond the layer that is sent. So a
# line that was good for a while is tried with the next layer; each failure doubles the wait.
TRIAL_SECONDS = 8.0
TRIAL_MOST_SECONDS = 128.0
# A layer that is tried has this long, from its keyframe on, until the line was measured with it:
# two periods of `estimate_transport`, and the way there and back.
MEASURED_SECONDS = 1.2
# A layer that had to be left within this time after it was tried was a failure.
FAILURE_SECONDS = 10.0


class LayerChoice:
    """Chooses for one viewer, by the line or by request.

    Attributes:
        rid: of the layer asked for; None: by the line.
    """

    __slots__ = ("_down_since", "_good_since", "_room_since", "_trial", "_tried", "_wait", "rid")

    def __init__(self) -> None:
        self.rid: str | None = None
        self._down_since: float | None = None  # the layer is more than the line takes
        self._room_since: float | None = None  # the line takes the next one
        self._good_since: float | None = None  # the line takes what is sent
        self._tried = float("-inf")  # when a trial began
        self._trial: Layer | None = None
        self._wait = TRIAL_SECONDS

    def choose(
        self,
        layers: Sequence["Layer"],
        current: "Layer | None",
        estimate: int | None,
        now: float,
        *,
        waiting: bool = False,
    ) -> "Layer | None":
        """The layer to send.

        Args:
            layers: of the track, low to high.
            current: what is sent, or waits to be.
            estimate: bits per second that the line has for it; None: not known.
            waiting: nothing of `current` is sent yet, for want of a keyframe.
        """
        if waiting and current is self._trial:
            self._tried = now
        active = [layer for layer in layers if layer.active(now)]
        if not active:
            return self._of_silent(layers, current)
        if self.rid is not None:
            for layer in active:
                if layer.rid == self.rid:
                    return layer
        if len(active) == 1:
            return active[0]
        if current not in active:
            self._settle(None)
            return self._fitting(active, estimate, now)
        if estimate is None:
            return current
        return self._adapt(active, active.index(current), estimate, now)

    def _adapt(self, active: Sequence["Layer"], at: int, estimate: int, now: float) -> "Layer":
        current = active[at]
        excess = current.bitrate(now) / max(estimate, 1)
        if excess > 1 and at:
            measuring = now - self._tried < MEASURED_SECONDS
            if measuring and estimate >= active[at - 1].bitrate(now):
                return current
            self._settle(self._down_since)
            if self._down_since is None:
                self._down_since = now
            if excess > FAR_MORE or now - self._down_since >= DOWN_SECONDS:
                return self._go_down(active[:at], estimate, now)
            return current
        self._down_since = None
        if self._good_since is None or excess > 1:
            self._good_since = now
        if at + 1 < len(active):
            return self._go_up(current, active[at + 1], estimate, now)
        if now - self._tried > FAILURE_SECONDS:
            self._wait = TRIAL_SECONDS
        return current

    def _go_down(self, lower: Sequence["Layer"], estimate: int, now: float) -> "Layer":
        if now - self._tried < FAILURE_SECONDS:
            self._wait = min(self._wait * 2, TRIAL_MOST_SECONDS)
        self._settle(None)
        self._trial = None
        return self._fitting(lower, estimate, now)

    def _go_up(self, current: "Layer", above: "Layer", estimate: int, now: float) -> "Layer":
        if estimate >= above.bitrate(now) * SPARE:
            if self._room_since is None:
                self._room_since = now
        else:
            self._room_since = None
        room = self._room_since is not None and now - self._room_since >= UP_SECONDS
        good = self._good_since is not None and now - self._good_since >= self._wait
        if not (room or good):
            return current
        self._settle(None)
        self._tried, self._trial = now, above
        return above

    def _settle(self, down_since: float | None) -> None:
        self._down_since = down_since
        self._room_since = self._good_since = None

    @staticmethod
    def _fitting(layers: Sequence["Layer"], estimate: int | None, now: float) -> "Layer":
        """The highest one that the line takes; the lowest one where it takes none."""
        if estimate is None:
            return layers[-1]
        fitting = [layer for layer in layers if layer.bitrate(now) <= estimate]
        return fitting[-1] if fitting else layers[0]

    @staticmethod
    def _of_silent(layers: Sequence["Layer"], current: "Layer | None") -> "Layer | None":
        """Nothing comes: stay; who joins now gets the last picture there was."""
        if current in layers:
            return current
        shown = [layer for layer in layers if layer.store.gop_start is not None]
        return next(reversed(shown or layers), None)
