"""One track for one viewer: layer, sequence numbers, timestamps, retransmission."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from media.burst import Burst
from media.codec_match import closest
from media.description import Codec, Section
from media.extension_block import extension_block
from media.numbering import COMPRESSION, Numbering, Run
from media.packet import Packet
from media.picture_ids import PictureIds, with_ids
from media.presentation import Line, ntp_time, step
from media.retransmission import Retransmission, has_rtx, may_vary, repeats, with_original
from media.rtcp import SenderReport
from media.sending import SendingCounts

if TYPE_CHECKING:
    from media.layer import Layer
    from media.track import Track

# Packets of a replay that are sent at once, by each `advance`: 25 each 5 ms are 48 Mbit/s at most.
# All at once would be lost in the first queue on the way.
REPLAY_BURST = 25
REPLAY_SECONDS = 0.005

_TIMESTAMPS = 1 << 32
_MARKER = 0x80


class Subscription:
    """One m= section that we send.

    A layer begins at a keyframe, and is read from its store from there on, a piece at a time, until
    the place that is read is the one where packets are added: from then on they are sent as they
    come. So whoever joins and whoever changes layers gets each packet once and in order, whatever
    comes meanwhile. What comes late is sent in its place.

    Args:
        section: of the viewer's answer.
        burst: in which to write; begun by the viewer.
        counts: for metrics.

    Attributes:
        layer: of which packets are sent; None: none yet.
        target: the layer that is to be next, and waits for a keyframe; None: no other.
        sent, octets: packets, and bytes of their payloads (RFC 3550, 6.4.1: for sender reports).
    """

    __slots__ = (
        "_block",
        "_burst",
        "_codecs",
        "_counts",
        "_cursor",
        "_numbering",
        "_pictures",
        "_retransmission",
        "_track",
        "layer",
        "octets",
        "section",
        "sent",
        "ssrc",
        "target",
    )

    def __init__(self, section: Section, burst: Burst, counts: SendingCounts) -> None:
        self.section = section
        self.ssrc = section.ssrc
        self._burst = burst
        self._counts = counts
        # The SSRC is random; SRTP wants the first number to be below 2**15 (media.srtp).
        self._numbering = Numbering(section.ssrc & 0x7FFF, section.ssrc * 2654435761 % _TIMESTAMPS)
        self._block = extension_block(section, varying=may_vary(section))
        self._retransmission = Retransmission(section)
        self._codecs: dict[int, Codec] = {}
        self._track: Track | None = None
        self._cursor: int | None = None  # the next to be read from the store; None: caught up
        self._pictures = PictureIds()
        self.layer: Layer | None = None
        self.target: Layer | None = None
        self.sent = self.octets = 0

    @property
    def replaying(self) -> bool:
        """Whether there is something for `advance` to send."""
        return self._cursor is not None

    @property
    def next_layer(self) -> "Layer | None":
        """The layer that it has, or will have."""
        return self.target or self.layer

    # Which layer

    def select(self, layer: "Layer", now: float) -> None:
        """Get this layer from its next keyframe on; at once, where nothing is got now."""
        if layer.track is not self._track:
            self._track = layer.track
            self._codecs = {
                sent.payload_type: codec
                for sent in layer.track.codecs
                if (codec := closest(sent, self.section.codecs)) is not None
            }
        if layer is self.layer:
            self.target = None
            return
        self.target = layer
        former = self.layer
        if former is None or former.track is not layer.track or not former.active(now):
            self._join(layer)
        if self.target is not None and layer.kind == "video":
            layer.request_keyframe(now)

    def request_keyframe(self, now: float) -> None:
        """The viewer asks for one."""
        layer = self.next_layer
        if layer is not None and layer.kind == "video":
            layer.request_keyframe(now)

    def _join(self, layer: "Layer") -> None:
        """Begin with the last keyframe, if it is kept and can be played."""
        start = layer.store.gop_start
        packet = None if start is None else layer.store.get(start)
        if layer.kind == "video" and packet and packet.payload_type in self._codecs:
            self._begin(packet, replay=True)
            self._counts.joins += 1

    def _begin(self, packet: Packet, *, replay: bool = False) -> None:
        numbering = self._numbering
        last = numbering.last
        if last is not None and numbering.run is not None:
            self._pictures.leave(last, numbering.run)
        store = packet.layer.store
        newest = (store.get(store.last) or packet) if replay else packet
        span = (newest.timestamp - packet.timestamp) % _TIMESTAMPS >> COMPRESSION
        ahead = 0 if last is None else round(step(last, newest) * packet.layer.clock_rate)
        run = numbering.begin(
            packet,
            self._codecs,
            # All of a replay has to fit between what was sent last and what is live.
            timestamp=numbering.timestamp + max(ahead, span + 1 if span else 0),
            live=newest.timestamp if replay else None,
        )
        self._pictures.go_on(packet, run)
        if self.layer is not None and self.layer is not packet.layer:
            self._counts.switches += 1
        self.layer, self.target = packet.layer, None
        self._cursor = packet.sequence

    # Packets

    def forward(self, layer: "Layer", packets: list[Packet], now: float) -> bool:
        """Write packets of a flush into the burst, if they are for this viewer now.

        Args:
            layer: of all of them.

        Returns:
            Whether there is something for `advance` to send.
        """
        if layer is not self.layer:
            if layer is not self.target or not self._begin_with_one_of(packets):
                return False
        elif self._cursor is None:
            packets = self._forward_plain(packets, now)
        for packet in packets:
            cursor = self._cursor
            if cursor is None or packet.sequence < cursor:
                self._send(packet, now)
        return self._cursor is not None

    def _forward_plain(self, packets: list[Packet], now: float) -> list[Packet]:
        """Write packets as `_send` does, as long as there is nothing special about them.

        That is nearly all of them; one by one through `_send` each costs 0.3 us more.

        Returns:
            Those that are left.
        """
        numbering = self._numbering
        run = numbering.run
        assert run is not None
        if not run.plain:
            return packets
        if len(packets) == 1:
            return [] if self._forward_one(packets[0], run, now) else packets
        codecs, highest, count, octets = run.codecs, numbering.highest, 0, 0
        for packet in packets:
            payload = packet.payload
            if packet.sequence <= highest or not payload or packet.payload_type not in codecs:
                break
            highest = packet.sequence
            octets += len(payload)
            count += 1
        if not count:
            return packets
        plain = packets if count == len(packets) else packets[:count]
        numbering.highest, numbering.newest = highest, plain[-1]
        self.sent += self._burst.write_all(
            plain, codecs, run.delta, run.timestamp_delta, self.ssrc, self._block, now
        )
        self.octets += octets
        return packets[count:]

    def _forward_one(self, packet: Packet, run: Run, now: float) -> bool:
        """The same of a single packet, as they come in a stream of a few Mbit/s; whether it was."""
        numbering, payload = self._numbering, packet.payload
        codec = run.codecs.get(packet.payload_type)
        if packet.sequence <= numbering.highest or codec is None or not payload:
            return False
        numbering.highest, numbering.newest = packet.sequence, packet
        if self._burst.write(
            codec.payload_type | _MARKER if packet.marker else codec.payload_type,
            packet.sequence + run.delta,
            packet.timestamp + run.timestamp_delta & 0xFFFFFFFF,
            self.ssrc,
            self._block.of(packet, now),
            payload,
            now,
        ):
            self.sent += 1
            self.octets += len(payload)
        return True

    def _begin_with_one_of(self, packets: list[Packet]) -> bool:
        for packet in packets:
            if self._can_begin(packet):
                self._begin(packet)
                return True
        return False

    def _can_begin(self, packet: Packet) -> bool:
        return (packet.keyframe or packet.layer.kind == "audio") and (
            packet.payload_type in self._codecs
        )

    def advance(self, now: float, most: int = REPLAY_BURST) -> bool:
        """Write what comes next from the store.

        To be called behind the packets of a flush, when none of those in the store waits for one.

        Returns:
            Whether there is more.
        """
        layer, cursor = self.layer, self._cursor
        if layer is None or cursor is None:
            return False
        store = layer.store
        start = store.gop_start
        if start is not None and start > cursor:  # nobody needs what is before a new keyframe
            packet = store.get(start)
            if packet is not None:
                self._begin(packet, replay=True)
                cursor = start
        elif cursor < store.first:
            self._lost_place(layer, now)
            return False
        while cursor <= store.last and most:
            packet = store.get(cursor)
            cursor += 1
            if packet is not None:
                self._send(packet, now)
                self._counts.replayed += 1
                most -= 1
        if cursor <= store.last:
            self._cursor = cursor
            return True
        self._cursor = None
        self._numbering.settle()
        return False

    def _lost_place(self, layer: "Layer", now: float) -> None:
        """The store has let go of what was to come next: wait for a keyframe."""
        self.layer, self.target, self._cursor = None, layer, None
        layer.request_keyframe(now)

    def _send(self, packet: Packet, now: float) -> None:
        numbering = self._numbering
        run = numbering.run
        assert run is not None
        # One whose number is taken is sent without a payload: it is not missed, nor asked for.
        is_for_viewers = packet.payload and packet.payload_type in run.codecs
        if not is_for_viewers and numbering.leave_out(packet.sequence):
            self._counts.left_out += 1
            return
        run = numbering.number(packet)
        if run is None:
            self._came_too_late(packet)
            return
        codec, payload = self._content(packet, run)
        length = self._burst.write(
            codec.payload_type | _MARKER if packet.marker else codec.payload_type,
            packet.sequence + run.delta,
            run.timestamp(packet.timestamp),
            self.ssrc,
            self._block.of(packet, now),
            payload,
            now,
        )
        if length:
            self.sent += 1
            self.octets += len(payload)

    def _content(self, packet: Packet, run: Run) -> tuple[Codec, bytes]:
        """What a packet is sent as: the same each time."""
        codec = run.codecs.get(packet.payload_type)
        if codec is None:
            return self.section.codecs[0], b""
        if run.picture_delta or run.tl0_delta:
            return codec, with_ids(packet, run)
        return codec, packet.payload

    def _came_too_late(self, packet: Packet) -> None:
        """Of before the layer began here. Parameter sets of the first picture may be such."""
        if packet.keyframe and packet.sequence == packet.layer.store.gop_start:
            self._begin(packet, replay=True)

    def resend(self, lost: Iterable[int], now: float, round_trip: float | None) -> int:
        """Write packets that the viewer has asked for again.

        Args:
            lost: their outgoing sequence numbers.
            round_trip: to the viewer, in seconds; None: not known.

        Returns:
            How many are written. Those that the publisher has not sent again yet are forwarded
            when they come.
        """
        written = sum(self._resend(sequence, now, round_trip) for sequence in lost)
        self._counts.retransmitted += written
        return written

    def _resend(self, sequence: int, now: float, round_trip: float | None) -> bool:
        found = self._numbering.find(sequence)
        if found is None:
            return False
        run, incoming = found
        packet = run.layer.store.get(incoming)
        retransmission, section = self._retransmission, self.section
        if packet is None or not retransmission.allows(
            sequence, len(packet.payload), now, round_trip
        ):
            return False
        codec, payload = self._content(packet, run)
        payload_type, number, ssrc = codec.payload_type, incoming + run.delta, self.ssrc
        if has_rtx(codec, section):
            assert codec.rtx is not None
            payload = with_original(number, payload)
            payload_type, number, ssrc = codec.rtx, retransmission.number(), section.rtx_ssrc
        elif not repeats(codec, section):
            return False  # nobody has agreed to it, and its header extension may vary
        return bool(
            self._burst.write(
                payload_type | _MARKER if packet.marker else payload_type,
                number,
                run.timestamp(packet.timestamp),
                ssrc,
                self._block.of(packet, now),
                payload,
                now,
            )
        )

    # Reports

    def report(self, line: Line, now: float) -> SenderReport | None:
        """What a sender report is to say; None: nothing was sent yet."""
        run, newest = self._numbering.run, self._numbering.newest
        if run is None or newest is None:
            return None
        timestamp = line.timestamp(run.layer, newest, now) + run.timestamp_delta
        return SenderReport(
            ssrc=self.ssrc,
            ntp=ntp_time(now),
            rtp=timestamp % _TIMESTAMPS,
            packets=self.sent,
            octets=self.octets,
        )
