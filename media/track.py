"""A track of a publisher: the layers of its audio or of its video."""

from collections.abc import Callable

from media.description import Codec, Section
from media.layer import Layer
from media.receiving import ReceivingCounts


class Track:
    """All layers of the audio or of the video.

    Args:
        section: what was agreed upon.
        wake: of the layers.

    Attributes:
        kind, mid: of its section.
        codecs: those that its packets may have.
        codec: of the packets that come now; of the first agreed upon before any has come.
        layers: low to high.
    """

    __slots__ = ("_by_payload_type", "_repaired", "codec", "codecs", "kind", "layers", "mid")

    def __init__(
        self,
        section: Section,
        *,
        wake: Callable[[float], None],
        counts: ReceivingCounts,
        now: float,
    ) -> None:
        self.kind = section.kind
        self.mid = section.mid
        self.codecs = section.codecs
        self.codec = section.codecs[0]
        self._by_payload_type = {codec.payload_type: codec for codec in section.codecs}
        self._repaired = {codec.rtx: codec for codec in section.codecs if codec.rtx is not None}
        self.layers = [
            Layer(self, rid, wake=wake, counts=counts, now=now) for rid in section.rids or ("",)
        ]

    def codec_of(self, payload_type: int) -> Codec | None:
        """Of packets of a payload type; None: it is none of this track."""
        return self._by_payload_type.get(payload_type)

    def repaired_by(self, payload_type: int) -> Codec | None:
        """Whose retransmissions a payload type is for; None: it is none of this track."""
        return self._repaired.get(payload_type)

    def sort(self, now: float) -> None:
        """Put the layers in order: by the size of their pictures and by bitrate, as far as known.

        What is not known of all of them counts for none.
        """
        if len(self.layers) < 2:
            return
        sized = all(layer.width and layer.height for layer in self.layers)
        active = all(layer.active(now) for layer in self.layers)
        self.layers.sort(
            key=lambda layer: (
                (layer.width or 0) * (layer.height or 0) if sized else 0,
                layer.bitrate(now) if active else 0,
            )
        )
