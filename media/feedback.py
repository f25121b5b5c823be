"""What a publisher is told: reports, what is missing, what it may send, keyframes wanted."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from media import arrivals, layer_report
from media.layer import Layer
from media.receiving import ReceivingCounts
from media.remb import Remb
from media.rtcp import (
    FullIntraRequest,
    Message,
    Nack,
    PictureLoss,
    ReceiverReport,
    SourceDescription,
)
from media.timers import Timer, Timers
from media.track import Track

REPORT_SECONDS = 1.0
# A source that begins is reported at once: browsers put mid and rid into each packet until then.
# But no more often than this, whatever a publisher makes of its SSRCs.
HURRY_SECONDS = 0.1
# What a datagram may hold beside SRTCP's and the network's headers.
MOST_BYTES = 1150
# Of one NACK packet: in the worst case 4 bytes each.
MOST_NACKED = 256
MOST_BLOCKS = 31


class Feedback:
    """The RTCP that a publisher gets. One timer for all of it.

    Each compound packet begins with a receiver report, as RFC 3550, 6.1, has it: reduced-size RTCP
    (RFC 5506) would have to be agreed upon, and an empty report is 8 bytes.

    Args:
        ssrc: ours.
        tracks: of the publisher.
        timers: everybody's.
        bitrate: that it may send, in bits per second; 0: it is not told.
        counts: of what is asked for.
        send: takes one compound packet.

    Attributes:
        arrivals: for transport-wide feedback.
    """

    def __init__(
        self,
        *,
        ssrc: int,
        tracks: Iterable[Track],
        timers: Timers,
        bitrate: int,
        counts: ReceivingCounts,
        send: Callable[[bytes], None],
    ) -> None:
        self.arrivals = arrivals.Arrivals()
        self._ssrc = ssrc
        self._name = SourceDescription(((ssrc, b"%08x" % ssrc),))
        self._tracks = tuple(tracks)
        self._timers = timers
        self._bitrate = bitrate
        self._counts = counts
        self._send = send
        self._timer: Timer | None = None
        self._running = False  # before `start`, and after `stop`, nothing is sent
        self._report_at = self._tell_at = 0.0
        self._reported_at = float("-inf")

    def start(self, now: float) -> None:
        """The connection is there."""
        self._running = True
        self._report_at = now
        self.wake(now)

    def stop(self) -> None:
        """It is gone."""
        self._running = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def wake(self, when: float) -> None:
        """There will be something to say at `when`."""
        if not self._running:
            return
        if self._timer is not None:
            if self._timer.when <= when:
                return
            self._timer.cancel()
        self._timer = self._timers.call_at(when, self._attend)

    def begun(self, now: float) -> None:
        """Packets of another SSRC have come."""
        self._report_at = min(self._report_at, max(now, self._reported_at + HURRY_SECONDS))
        self.wake(self._report_at)

    def arrived(self, value: bytes, now: float) -> None:
        """A packet with a transport-wide number has come; `value` is that of its extension."""
        waiting = self.arrivals.waiting
        waiting.append((value, now))
        if len(waiting) == 1:
            self._tell_at = now + arrivals.EVERY_SECONDS
            self.wake(self._tell_at)
        elif len(waiting) >= arrivals.MOST_WAITING:
            self._say(self._arrived())

    def _attend(self, now: float) -> None:
        self._timer = None
        messages: list[Message] = []
        if now >= self._report_at:
            self._reported_at = now
            self._report_at = now + REPORT_SECONDS
            messages += self._reports(now)
        for layer in self._layers():
            messages += self._missing(layer, now)
            messages += self._keyframe(layer, now)
        if self.arrivals.waiting and now >= self._tell_at:
            messages += self._arrived()
        self._say(messages)
        self.wake(self._next())

    def _next(self) -> float:
        """When there is something to say again."""
        times = [self._report_at]
        if self.arrivals.waiting:
            times.append(self._tell_at)
        for layer in self._layers():
            for when in (layer.missing.next(), layer.keyframes.next()):
                if when is not None:
                    times.append(when)
        return min(times)

    def _layers(self) -> Iterator[Layer]:
        """Those that have a source."""
        for track in self._tracks:
            for layer in track.layers:
                if layer.ssrc is not None:
                    yield layer

    def _reports(self, now: float) -> Iterator[Message]:
        blocks = []
        for track in self._tracks:
            for layer in track.layers:
                layer_report.sample(layer, now)
            track.sort(now)
        for layer in self._layers():
            blocks.append(layer_report.block(layer, now))
        yield ReceiverReport(self._ssrc, tuple(blocks[:MOST_BLOCKS]))
        yield self._name
        if self._bitrate and blocks:
            yield Remb(self._ssrc, self._bitrate, tuple(block.ssrc for block in blocks))

    def _missing(self, layer: Layer, now: float) -> Iterator[Message]:
        missing = layer.missing
        if not missing:
            return
        given_up = missing.given_up
        asked = [layer.wire_sequence(sequence) for sequence in missing.due(now)]
        self._counts.lost += missing.given_up - given_up
        self._counts.nacks += len(asked)
        for start in range(0, len(asked), MOST_NACKED):
            yield Nack(self._ssrc, layer.ssrc or 0, tuple(asked[start : start + MOST_NACKED]))

    def _keyframe(self, layer: Layer, now: float) -> Iterator[Message]:
        feedback = layer.codec.feedback
        if not layer.keyframes.due(now):
            return
        if "nack pli" in feedback:
            yield PictureLoss(self._ssrc, layer.ssrc or 0)
        elif "ccm fir" in feedback:
            yield FullIntraRequest(self._ssrc, ((layer.ssrc or 0, layer.keyframes.number),))
        else:
            return
        self._counts.keyframe_requests += 1

    def _arrived(self) -> Sequence[Message]:
        media = next((layer.ssrc or 0 for layer in self._layers()), 0)
        return self.arrivals.told(self._ssrc, media)

    def _say(self, messages: Sequence[Message]) -> None:
        """Send them, in as many datagrams as it takes."""
        empty = bytes(ReceiverReport(self._ssrc))
        written = b""
        for message in messages:
            data = bytes(message)
            if written and len(written) + len(data) > MOST_BYTES:
                self._send(written)
                written = b""
            if not written and not isinstance(message, ReceiverReport):
                written = empty
            written += data
        if written:
            self._send(written)
