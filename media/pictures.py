"""What is seen of a video layer's pictures without decoding them: keyframes, their size."""

from media import h264, vp8
from media.keyframes import is_keyframe


class Pictures:
    """The keyframes of one layer.

    Attributes:
        keyframe_at: when the last one began; None: there was none.
        interval: seconds between the last two; None: there were no two.
        width, height: of the last one whose size could be read.
    """

    __slots__ = ("_sequence", "_timestamp", "height", "interval", "keyframe_at", "width")

    def __init__(self) -> None:
        self.keyframe_at: float | None = None
        self.interval: float | None = None
        self.width: int | None = None
        self.height: int | None = None
        self._sequence = -1
        self._timestamp = 0

    def begins(self, codec: str, payload: bytes, sequence: int, timestamp: int, now: float) -> bool:
        """Whether a packet is the first of a keyframe (of its parameter sets, where it has some).

        Args:
            codec: as in the rtpmap.
            sequence: unwrapped.
            timestamp: of the packet.
        """
        if not is_keyframe(codec, payload):
            return False
        self._measure(codec, payload)
        if self._sequence >= 0 and timestamp == self._timestamp:
            # Another packet of the same: the first only where they come in the wrong order.
            first = sequence < self._sequence
            self._sequence = min(sequence, self._sequence)
            return first
        if sequence > self._sequence:
            self._sequence = sequence
            self._timestamp = timestamp
            if self.keyframe_at is not None:
                self.interval = now - self.keyframe_at
            self.keyframe_at = now
        return True

    def _measure(self, codec: str, payload: bytes) -> None:
        size = None
        if codec == "VP8":
            size = vp8.size_of(payload)
        elif codec == "H264" and (sps := h264.sps_of(payload)) is not None:
            size = h264.size_of(sps)
        if size is not None:
            self.width, self.height = size
