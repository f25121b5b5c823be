"""Whose an SSRC is: of which layer, or of which layer's retransmissions.

Looked for in this order: by what the offer announces, by the header extensions mid and rid (RFC
8843, 9.2; RFC 8852), and by the payload type, which FFmpeg leaves as the only sign. Retransmissions
without any of it: by what was asked for (RFC 4588, 8.3).
"""

from collections.abc import Sequence

from media import rtp
from media.description import Section
from media.extensions import Extension, text_of
from media.layer import Layer
from media.track import Track

# SSRCs that another has replaced: what is still on its way must not replace it again.
FORMER = 16


class Sources:
    """The SSRCs of one publisher. Bounded: one for packets and one for retransmissions a layer.

    Attributes:
        layers: by SSRC.
        repairs: layers by the SSRC of their retransmissions.
    """

    __slots__ = ("_announced", "_former", "_tracks", "layers", "repairs")

    def __init__(self, tracks: Sequence[tuple[Section, Track]]) -> None:
        self.layers: dict[int, Layer] = {}
        self.repairs: dict[int, Layer] = {}
        self._tracks = [track for _, track in tracks]
        self._former: dict[int, None] = {}
        self._announced: dict[int, Layer | None] = {}
        for section, track in tracks:
            self._announce(section, track)

    def _announce(self, section: Section, track: Track) -> None:
        if section.rids:
            return  # the SSRCs of a simulcast say nothing of the rids
        for number, group in enumerate(section.ssrcs):
            for ssrc in group[:1]:
                # Further ones are layers of a simulcast without rids, which nobody has agreed to.
                self._announced[ssrc] = None if number else track.layers[0]
            for ssrc in group[1:2]:
                if number:
                    self._announced[ssrc] = None
                else:
                    self.repairs[ssrc] = track.layers[0]
                    track.layers[0].rtx_ssrc = ssrc

    def find(self, header: rtp.Header, found: dict[int, bytes], now: float) -> Layer | None:
        """The layer that packets of an unknown SSRC belong to; it has begun with this one.

        Args:
            header: of the packet.
            found: its header extensions.

        Returns:
            None: it is nobody's, or one that was replaced.
        """
        _, payload_type, sequence, timestamp, ssrc, *_ = header
        track = self._track(payload_type, found)
        if track is None or (codec := track.codec_of(payload_type)) is None:
            return None
        if ssrc in self._announced:
            layer = self._announced[ssrc]
        else:
            layer = _named(track, found.get(Extension.RID))
        if layer is None or (ssrc in self._former and layer.active(now)):
            return None
        self._replace(layer)
        self._former.pop(ssrc, None)
        self.layers[ssrc] = layer
        self.repairs.pop(ssrc, None)
        layer.speak(codec)
        layer.begin(ssrc, sequence, timestamp, now)
        return layer

    def find_repaired(
        self, header: rtp.Header, payload: bytes, found: dict[int, bytes]
    ) -> Layer | None:
        """The layer that retransmissions with an unknown SSRC are for; None: it is not clear."""
        payload_type, ssrc = header[1], header[4]
        track = self._track(payload_type, found)
        if track is None or track.repaired_by(payload_type) is None or ssrc in self._announced:
            return None
        layer = _named(track, found.get(Extension.REPAIRED_RID))
        if layer is None and (original := rtp.original(payload)) is not None:
            asked = [layer for layer in track.layers if layer.misses(original[0])]
            layer = asked[0] if len(asked) == 1 else None
        if layer is not None:
            self.repairs.pop(layer.rtx_ssrc or 0, None)
            self.repairs[ssrc] = layer
            layer.rtx_ssrc = ssrc
        return layer

    def _track(self, payload_type: int, found: dict[int, bytes]) -> Track | None:
        mid = text_of(found.get(Extension.MID, b""))
        for track in self._tracks:
            if mid is not None and track.mid != mid:
                continue
            if track.codec_of(payload_type) or track.repaired_by(payload_type):
                return track
        return None

    def _replace(self, layer: Layer) -> None:
        """Its source, if it had one, is a former one."""
        if layer.ssrc is None or self.layers.get(layer.ssrc) is not layer:
            return
        del self.layers[layer.ssrc]
        self._former[layer.ssrc] = None
        while len(self._former) > FORMER:
            del self._former[next(iter(self._former))]


def _named(track: Track, value: bytes | None) -> Layer | None:
    """The layer of a rid; the only one, where there are none."""
    if len(track.layers) == 1 and not track.layers[0].rid:
        return track.layers[0]
    rid = None if value is None else text_of(value)
    return next((layer for layer in track.layers if layer.rid == rid), None)
