"""Packets -> frames, in order, within a bounded time."""

from collections.abc import Callable
from typing import NamedTuple

from loadtest.webrtc import h264, vp8
from loadtest.webrtc.rtp import unwrap

# A clock that jumps further than this is another clock.
_JUMP = 2.0


class Frame(NamedTuple):
    """An encoded picture, or a packet of sound, as its decoder takes it.

    Attributes:
        timestamp: of RTP, unwrapped.
        at: when it was complete, and those before it.
    """

    timestamp: int
    payload: bytes
    is_keyframe: bool
    at: float


class _Part(NamedTuple):
    timestamp: int
    marker: bool
    payload: bytes


class Assembler:
    """Puts the frames of one track together.

    A frame is due `delay` after the moment at which the quickest packets so far have come, reckoned
    by timestamps. One that is not complete by then is given up; of video all are given up that
    follow it until the next keyframe, because they build on it. Nothing is concealed: a frame that
    comes out is as it was encoded, and so are all that it refers to.

    Args:
        name: of the codec.
        delay: in seconds.

    Attributes:
        next: the number of the packet that is needed next; None: a keyframe is, whichever.
        given_up: times that a frame was.
        damaged: frames whose payloads their codec does not have; they are left out.
        late: seconds, the most that a frame that was not given up came after the quickest.
    """

    def __init__(self, name: str, clock_rate: int, delay: float) -> None:
        self._starts, self._depacketize = _CODECS[name.upper()]
        self._is_video = name.lower() != "opus"
        self._clock_rate = clock_rate
        self._delay = delay
        self._parts: dict[int, _Part] = {}
        self._last_timestamp: int | None = None
        self._base: float | None = None
        self.next: int | None = None
        self.given_up = 0
        self.damaged = 0
        self.late = 0.0

    @property
    def needs_keyframe(self) -> bool:
        """Whether nothing can be shown without one."""
        return self._is_video and self.next is None

    def add(self, number: int, timestamp: int, marker: bool, payload: bytes, now: float) -> None:
        """A packet: the next one, one behind a gap, or one that fills it.

        Args:
            number: of its sequence, unwrapped.
            timestamp: 32 bits.
        """
        if self.next is not None and number < self.next:
            return
        if self._last_timestamp is None:
            self._last_timestamp = timestamp
        long = unwrap(timestamp, self._last_timestamp, 32)
        self._last_timestamp = max(long, self._last_timestamp)
        offset = now - long / self._clock_rate
        if self._base is None or offset < self._base or offset > self._base + _JUMP:
            self._base = offset
        self._parts[number] = _Part(long, marker, payload)

    def frames(self, now: float) -> list[Frame]:
        """The frames that are complete and in order."""
        found = []
        while self._parts:
            if self.next is None and not self._begin():
                break
            frame = self._complete(now)
            if frame is None:
                if not self._give_up(now):
                    break
            elif frame.payload:
                found.append(frame)
        return found

    @property
    def due(self) -> float:
        """When the frame that is waited for is given up."""
        if self.next is None or not self._parts:
            return float("inf")
        return self._deadline(self._parts[min(self._parts)].timestamp)

    def _deadline(self, timestamp: int) -> float:
        assert self._base is not None
        return self._base + timestamp / self._clock_rate + self._delay

    def _begin(self) -> bool:
        """Start with the first keyframe that is there."""
        starts = [number for number, part in self._parts.items() if self._starts(part.payload)]
        if not starts:
            # Nothing of it can be used any more, but what is in order may be of a keyframe to come.
            for number in sorted(self._parts)[:-_KEPT_WITHOUT_KEYFRAME]:
                del self._parts[number]
            return False
        self.next = min(starts)
        for number in [number for number in self._parts if number < self.next]:
            del self._parts[number]
        return True

    def _complete(self, now: float) -> Frame | None:
        assert self.next is not None
        first = self._parts.get(self.next)
        if first is None:
            return None
        end = self.next
        parts = []
        while (part := self._parts.get(end)) is not None and part.timestamp == first.timestamp:
            parts.append(part)
            end += 1
            if part.marker or not self._is_video:
                break
        else:
            if part is None:
                return None  # the rest has not come
        for number in range(self.next, end):
            del self._parts[number]
        self.next = end
        self.late = max(self.late, now - self._deadline(first.timestamp) + self._delay)
        try:
            payload = b"".join(self._depacketize(part.payload) for part in parts if part.payload)
        except ValueError:
            payload = b""
            self.damaged += 1
        return Frame(first.timestamp, payload, self._starts(first.payload), now)

    def _give_up(self, now: float) -> bool:
        lowest = min(self._parts)
        if now < self._deadline(self._parts[lowest].timestamp):
            return False
        self.given_up += 1
        if not self._is_video:
            self.next = lowest if lowest != self.next else lowest + 1
            return True
        if lowest == self.next:  # the frame's first packets are there, and of no use
            timestamp = self._parts[lowest].timestamp
            for number in [n for n, part in self._parts.items() if part.timestamp == timestamp]:
                del self._parts[number]
        self.next = None
        return True


_KEPT_WITHOUT_KEYFRAME = 512


def _any(_: bytes) -> bool:
    return True


def _whole(payload: bytes) -> bytes:
    return payload


_CODECS: dict[str, tuple[Callable[[bytes], bool], Callable[[bytes], bytes]]] = {
    "VP8": (vp8.starts_keyframe, vp8.depacketize),
    "H264": (h264.starts_keyframe, h264.depacketize),
    "OPUS": (_any, _whole),
}
