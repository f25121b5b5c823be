"""One encoding of a track: its packets taken, counted and kept."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from media.description import Codec, Kind
from media.keyframe_requests import KeyframeRequests
from media.keyframes import is_keyframe
from media.nack import SETTLE_SECONDS, NackList
from media.packet import Packet
from media.pictures import Pictures
from media.rates import Rates
from media.receiving import ReceivingCounts
from media.reception import Reception
from media.rtcp_reports import SenderReport
from media.store import WINDOW, PacketStore
from media.timeline import Timeline

if TYPE_CHECKING:
    from media.track import Track

# A layer that was silent for longer has stopped. Pictures that stand still come once a second.
ACTIVE_SECONDS = 2.0
# Bitrates are those of a second and more; of a layer that has just begun, as if it were half one.
RATE_SECONDS = 1.0
YOUNG_SECONDS = 0.5


class Layer:
    """One encoding of a track, whatever SSRCs it had in the course of time.

    Sequence numbers count on and timestamps run on through a restart of the encoder (another SSRC),
    through jumps, and where packets are dropped at the bitrate cap: who forwards them sees one
    stream.

    Args:
        wake: called with a time, at which there is something to send to the publisher.

    Attributes:
        track: that it belongs to.
        rid: its name in simulcast; empty: it is the only one.
        kind: of media.
        ssrc: of the packets that come now; None: there was none yet.
        rtx_ssrc: of its retransmissions; None: not known.
        codec: of the packets that come now.
        payload_type, clock_rate: of the codec.
        store: the packets kept.
        first_sequence: the number that the first packet of all got.
        last_sequence: the highest sequence number so far, unwrapped; -1: there was no packet.
        sender_report: the publisher's last: NTP time (64 bits), the RTP timestamp that goes with it
            (of the packets as they are here), and when it came; None: there was none.
        last_report: the middle 32 bits of that NTP time.
        dropping: nothing is forwarded: the publisher sends more than it may.
        reception, timeline, missing, keyframes, pictures: what is known of its packets.
        bytes: of packets that came; packets: that were kept; rates: these and others, sampled.
    """

    def __init__(
        self,
        track: "Track",
        rid: str,
        *,
        wake: Callable[[float], None],
        counts: ReceivingCounts,
        now: float,
    ) -> None:
        self.track = track
        self.rid = rid
        self.kind: Kind = track.kind
        self._video = track.kind == "video"
        self._wake = wake
        self._counts = counts
        self.ssrc: int | None = None
        self.rtx_ssrc: int | None = None
        self.sender_report: tuple[int, int, float] | None = None
        self.store = PacketStore()
        self.missing = NackList()
        self.keyframes = KeyframeRequests()
        self.pictures = Pictures()
        self.reception = Reception(0)
        self.timeline = Timeline(track.codec.clock_rate, 0, now)
        self.speak(track.codec)
        self.dropping = False
        self.last_sequence = -1
        self.bytes = self.packets = self.first_sequence = self.last_report = 0
        self._shift = 0  # from numbers of `reception` to sequence numbers
        self._anchor = 0  # the number from which it holds; those before are not forwarded
        self._left_at = float("-inf")
        self.rates = Rates(now)

    @property
    def width(self) -> int | None:
        """Of the pictures, where it is known."""
        return self.pictures.width

    @property
    def height(self) -> int | None:
        """Of the pictures, where it is known."""
        return self.pictures.height

    def bitrate(self, now: float) -> int:
        """Bits per second that come, over the last one or two seconds."""
        then = self.rates.since(RATE_SECONDS, now)
        return int((self.bytes - then.bytes) * 8 / max(now - then.at, YOUNG_SECONDS))

    def active(self, now: float) -> bool:
        """Whether packets come that can be forwarded."""
        arrival = self.timeline.arrival
        return (
            self.last_sequence >= 0
            and not self.dropping
            and now - arrival < ACTIVE_SECONDS
            and arrival > self._left_at
        )

    def request_keyframe(self, now: float) -> None:
        """Ask the publisher for a keyframe, soon, until one comes; merged with other requests."""
        if self._video and self.keyframes.want():
            when = self.keyframes.next()
            self._wake(now if when is None else max(now, when))

    # What the publisher's session calls

    def speak(self, codec: Codec) -> None:
        """Packets have this codec from now on."""
        self.codec = self.track.codec = codec
        self.payload_type = codec.payload_type
        self.clock_rate = self.timeline.clock_rate = codec.clock_rate
        self._nacks = "nack" in codec.feedback

    def begin(self, ssrc: int, sequence: int, timestamp: int, now: float) -> None:
        """A source begins: the first one, or the encoder's next. Its first packet follows."""
        if self.last_sequence < 0:
            self.timeline = Timeline(self.clock_rate, timestamp, now)
            self.rates = Rates(now)
        else:
            self.timeline.restart(timestamp, now)
        self.ssrc = ssrc
        self.sender_report = None
        self._renumber(sequence, now)

    def _renumber(self, sequence: int, now: float) -> None:
        """The next packet follows the last one, whatever its number is."""
        self.reception = Reception(sequence)
        self.missing.clear()
        self._anchor = self.reception.base
        if self.last_sequence < 0:
            self.last_sequence = self.reception.highest
            self.first_sequence = self.last_sequence + 1
            self._anchor -= WINDOW  # those that the first packet has overtaken are welcome
        else:
            self._counts.restarts += 1
            self._shift = self.last_sequence + 1 - self._anchor
        self.request_keyframe(now)

    def receive(
        self,
        sequence: int,
        timestamp: int,
        marker: bool,
        payload: bytes,
        extensions: dict[int, bytes] | None,
        now: float,
    ) -> Packet | None:
        """Take a packet of the layer's source.

        Args:
            sequence, timestamp: as they stand in the header.

        Returns:
            The packet, kept; None: it was here before, is too late, or far from the others.
        """
        number = self.reception.receive(sequence)
        if number is None:
            if not self.reception.jumped:
                return None
            self._renumber(sequence, now)
            number = self.reception.receive(sequence)
            assert number is not None
        timeline = self.timeline
        position = number + self._shift
        ahead = position - self.last_sequence
        if ahead <= 0:
            return self._late(number, timestamp, marker, payload, extensions, now)
        if ahead > 1 and self._nacks:
            self.missing.gap(self.last_sequence + 1, position, now)
            self._wake(now + SETTLE_SECONDS)
        self.last_sequence = position
        if timestamp != timeline.latest and payload:
            timeline.advance(timestamp, now)
        timestamp = timestamp + timeline.shift & 0xFFFFFFFF
        return self._keep(position, timestamp, marker, payload, extensions, now)

    def recover(
        self,
        sequence: int,
        timestamp: int,
        marker: bool,
        payload: bytes,
        extensions: dict[int, bytes] | None,
        now: float,
    ) -> Packet | None:
        """Take what a retransmission repeats; as `receive`, but it tells nothing of the line."""
        number = self.reception.number(sequence)
        if number is None or number > self.reception.highest:
            self._counts.duplicates += 1  # nobody can have asked for it
            return None
        return self._late(number, timestamp, marker, payload, extensions, now)

    def pass_over(self, sequence: int, now: float) -> None:
        """A packet that is not forwarded: it counts for the reports."""
        if self.reception.receive(sequence) is None and self.reception.jumped:
            self._renumber(sequence, now)

    def drop(self) -> None:
        """Forward nothing from now on: the publisher sends more than it may."""
        self.dropping = True
        self.missing.clear()

    def resume(self, sequence: int) -> bool:
        """Forward again, from the packet of this number on; False: it comes too late for that.

        Viewers see no gap: it would be asked for in vain.
        """
        number = self.reception.number(sequence)
        if number is None or number <= self.reception.highest:
            return False
        self.dropping = False
        self._anchor = number
        self._shift = self.last_sequence + 1 - number
        return True

    def can_begin(self, payload: bytes) -> bool:
        """Whether a decoder can begin with a packet, which need not be forwarded."""
        if not self._video:
            return True
        begins = is_keyframe(self.codec.name, payload)
        if begins:
            self.keyframes.arrived()
        return begins

    def leave(self, now: float) -> None:
        """The publisher says that it sends no more of it (RFC 3550, 6.6)."""
        self._left_at = now

    def reported(self, report: SenderReport, now: float) -> None:
        """The publisher has told which of its timestamps belongs to which time."""
        self.last_report = report.ntp >> 16 & 0xFFFFFFFF
        self.sender_report = report.ntp, self.timeline.shifted(report.rtp), now

    def misses(self, sequence: int) -> bool:
        """Whether the packet of a number, 16 bits, is asked for."""
        number = self.reception.number(sequence)
        return number is not None and number + self._shift in self.missing

    def wire_sequence(self, sequence: int) -> int:
        """The 16 bits that a sequence number has in the publisher's packets."""
        return sequence - self._shift & 0xFFFF

    def _late(
        self,
        number: int,
        timestamp: int,
        marker: bool,
        payload: bytes,
        extensions: dict[int, bytes] | None,
        now: float,
    ) -> Packet | None:
        """A packet that others have overtaken, or that was sent again."""
        position = number + self._shift
        if number < self._anchor:
            self._counts.late += 1
            return None
        if self.store.get(position) is not None:
            self._counts.duplicates += 1
            return None
        recovered = self.missing.recovered
        self.missing.arrived(position, now)
        self._counts.recovered += self.missing.recovered - recovered
        timestamp = self.timeline.shifted(timestamp)
        return self._keep(position, timestamp, marker, payload, extensions, now)

    def _keep(
        self,
        position: int,
        timestamp: int,
        marker: bool,
        payload: bytes,
        extensions: dict[int, bytes] | None,
        now: float,
    ) -> Packet | None:
        codec = self.codec
        keyframe = self._video and self.pictures.begins(
            codec.name, payload, position, timestamp, now
        )
        if keyframe:
            self.keyframes.arrived()
            self._counts.keyframes += 1
        packet = Packet(
            self,
            position,
            timestamp,
            marker,
            codec.payload_type,
            payload,
            extensions,
            now,
            keyframe,
        )
        if not self.store.put(packet):
            self._counts.late += 1
            return None
        self.packets += 1
        return packet
