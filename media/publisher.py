"""One who sends: its tracks."""

from typing import TYPE_CHECKING

from media import extensions, health, rtcp, rtp
from media.bitrate_cap import BitrateCap
from media.description import Answer, Kind, Section
from media.extensions import FORWARDED, Extension
from media.feedback import Feedback
from media.layer import Layer
from media.packet import Packet
from media.ports import PacketSink
from media.receiving import ReceivingCounts
from media.sources import Sources
from media.timers import Timers
from media.track import Track
from protocol.streams import HealthWarning, TrackHealth

if TYPE_CHECKING:
    from media.peer import Peer

TRANSPORT_SEQUENCE = int(Extension.TRANSPORT_SEQUENCE)
# Sender reports that came before the first packet of their source, as FFmpeg's do.
EARLY_REPORTS = 8


class Publisher:
    """The session of a publisher (`media.ports.Session`): packets of its tracks, to a broadcast.

    Args:
        answer: what was agreed upon. Of two sections of a kind the first one counts.
        broadcast: where packets go.
        timers: for reports and requests.
        ssrc: ours, as a receiver (RFC 3550): any number that is none of the publisher's.
        bitrate_cap: in bits per second, of all layers together; 0: no cap.
        counts: of the process, for metrics.

    Attributes:
        tracks: by kind, those that were agreed upon.
        counts: as above.
    """

    def __init__(
        self,
        *,
        answer: Answer,
        broadcast: PacketSink,
        timers: Timers,
        ssrc: int,
        bitrate_cap: int,
        now: float,
        counts: ReceivingCounts | None = None,
    ) -> None:
        self.tracks: dict[Kind, Track] = {}
        self.counts = ReceivingCounts() if counts is None else counts
        self._broadcast = broadcast
        self._cap = BitrateCap(bitrate_cap, now)
        self._peer: Peer | None = None
        self._connected_at: float | None = None
        sections: dict[Kind, Section] = {}
        for section in answer.sections:
            if section.codecs:
                sections.setdefault(section.kind, section)
        for section in sections.values():
            self.tracks[section.kind] = Track(section, wake=self._wake, counts=self.counts, now=now)
        self._feedback = Feedback(
            ssrc=ssrc,
            tracks=self.tracks.values(),
            timers=timers,
            bitrate=bitrate_cap,
            counts=self.counts,
            send=self._send,
        )
        self._sources = Sources([(sections[kind], self.tracks[kind]) for kind in sections])
        self._layers = self._sources.layers
        self._early: dict[int, tuple[rtcp.SenderReport, float]] = {}
        # In a bundle an id has one meaning in all sections (RFC 8843, 9.1).
        ids = {
            name: id_ for section in sections.values() for name, id_ in section.extensions.items()
        }
        self._all_names = extensions.names(ids)
        self._names = extensions.names(
            {
                name: id_
                for name, id_ in ids.items()
                if name in FORWARDED or name == TRANSPORT_SEQUENCE
            }
        )

    # The session of a peer connection

    def attached(self, peer: "Peer") -> None:
        """The peer is made."""
        self._peer = peer

    def connected(self, now: float) -> None:
        """Packets will come."""
        self._connected_at = now
        self._feedback.start(now)
        self._broadcast.publish(self, now)

    def close(self, reason: str, now: float) -> None:
        """End the session and its peer connection."""
        if self._peer is not None:
            self._peer.close(reason, now)

    def closed(self, reason: str, now: float) -> None:
        """The peer is gone."""
        self._peer = None
        self._feedback.stop()
        self._broadcast.publisher_gone(self, reason, now)

    def receive_rtp(self, data: bytes, now: float) -> None:
        """Take an RTP packet in the clear: to the layer it belongs to, and on to the broadcast."""
        header = rtp.parse(data)
        if header is None:
            self.counts.foreign += 1
            return
        marker, payload_type, sequence, timestamp, ssrc, profile, elements, start, end = header
        found = None
        if profile:
            found = extensions.read(data, profile, elements, start, self._names)
            value = found.pop(TRANSPORT_SEQUENCE, None)
            if value is not None:
                self._feedback.arrived(value, now)
        payload = data[start:end]
        size = len(data)
        self.counts.bytes += size
        layer = self._layers.get(ssrc)
        if layer is None or payload_type != layer.payload_type:
            layer = self._other(header, data, payload, found, now)
            if layer is None:
                return
        layer.bytes += size
        if (layer.dropping or not self._cap.take(size, now)) and self._capped(
            layer, sequence, payload, now
        ):
            return
        packet = layer.receive(sequence, timestamp, marker, payload, found or None, now)
        if packet is not None:
            self._forward(packet)

    def receive_rtcp(self, data: bytes, now: float) -> None:
        """Take a compound RTCP packet in the clear."""
        for message in rtcp.parse(data):
            if isinstance(message, rtcp.SenderReport):
                layer = self._layers.get(message.ssrc)
                if layer is not None:
                    layer.reported(message, now)
                else:
                    self._early[message.ssrc] = message, now
                    while len(self._early) > EARLY_REPORTS:
                        del self._early[next(iter(self._early))]
            elif isinstance(message, rtcp.Bye):
                for ssrc in message.sources:
                    layer = self._layers.get(ssrc)
                    if layer is not None:
                        layer.leave(now)

    # For whoever looks at it

    def health(self, now: float) -> list[TrackHealth]:
        """How each layer is, over the last seconds: those that have sent something."""
        return [
            health.of_layer(layer, now)
            for track in self.tracks.values()
            for layer in track.layers
            if layer.ssrc is not None
        ]

    def warnings(self, now: float) -> list[HealthWarning]:
        """What the streamer should know."""
        if self._connected_at is None:
            return []
        found = health.warnings(self.tracks.values(), now, since=self._connected_at)
        if self._cap.noticed(now):
            found.append(HealthWarning.BITRATE_CAPPED)
        return found

    # Within

    def _forward(self, packet: Packet) -> None:
        if packet.payload:
            self.counts.packets += 1
        else:
            self.counts.probes += 1
        self._broadcast.forward(packet)

    def _other(
        self,
        header: rtp.Header,
        data: bytes,
        payload: bytes,
        found: dict[int, bytes] | None,
        now: float,
    ) -> Layer | None:
        """A packet with another SSRC or payload type than the usual ones.

        Returns:
            The layer that is to take it; None: it was taken, or is nobody's.
        """
        _, payload_type, _, _, ssrc, profile, elements, start, _ = header
        layer = self._layers.get(ssrc) or self._sources.repairs.get(ssrc)
        if layer is not None and layer.track.repaired_by(payload_type) is not None:
            # On an SSRC of its own, or, as some have it, on that of the media.
            self._repair(layer, header, payload, found, now)
            return None
        if layer is not None and layer.ssrc == ssrc:
            codec = layer.track.codec_of(payload_type)
            if codec is None:
                self.counts.foreign += 1
                return None
            layer.speak(codec)
            return layer
        known = extensions.read(data, profile, elements, start, self._all_names) if profile else {}
        layer = self._sources.find_repaired(header, payload, known)
        if layer is not None:
            self._repair(layer, header, payload, found, now)
            return None
        layer = self._sources.find(header, known, now)
        if layer is None:
            self.counts.foreign += 1
            return None
        early = self._early.pop(ssrc, None)
        if early is not None:
            layer.reported(*early)
        self._feedback.begun(now)
        return layer

    def _repair(
        self,
        layer: Layer,
        header: rtp.Header,
        payload: bytes,
        found: dict[int, bytes] | None,
        now: float,
    ) -> None:
        """A retransmission (RFC 4588)."""
        self.counts.retransmissions += 1
        original = rtp.original(payload)
        if original is None:
            self.counts.probes += 1
            return
        layer.bytes += len(payload)
        if layer.dropping or layer.ssrc is None:
            return
        if layer.track.repaired_by(header[1]) is not layer.codec:
            return
        if not self._cap.take(len(payload), now):
            return
        sequence, payload = original
        packet = layer.recover(sequence, header[3], header[0], payload, found or None, now)
        if packet is not None:
            self._forward(packet)

    def _capped(self, layer: Layer, sequence: int, payload: bytes, now: float) -> bool:
        """A packet of a layer that is dropped, or one too many. True: it is not forwarded.

        What is dropped is a whole layer, the highest, up to a keyframe: a picture that is taken
        out of the middle would break all that follow, until the next keyframe, in every player.
        """
        cap = self._cap
        if not layer.dropping:
            victim = self._highest(now) or layer
            victim.drop()
            cap.dropped(now)
            if victim is not layer:
                return False
        elif cap.resumes(now):
            if layer.can_begin(payload) and layer.resume(sequence):
                cap.take(len(payload), now)
                return False
            layer.request_keyframe(now)
        self.counts.capped += 1
        layer.pass_over(sequence, now)
        return True

    def _highest(self, now: float) -> Layer | None:
        """The video layer that is dropped first; None: all are."""
        video = self.tracks.get("video")
        if video is None:
            return None
        return next((layer for layer in reversed(video.layers) if layer.active(now)), None)

    def _wake(self, when: float) -> None:
        self._feedback.wake(when)

    def _send(self, data: bytes) -> None:
        if self._peer is not None:
            self._peer.send_rtcp(data)
