"""One RTP packet of a publisher, taken apart once for all who will get it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from media.layer import Layer


class Packet:
    """One RTP packet as it was received, in the clear.

    Attributes:
        layer: the encoding that it belongs to.
        sequence: unwrapped: counts on beyond 65,535, so that packets of a layer can be compared.
        timestamp: of the RTP header, 32 bits.
        marker: of the RTP header.
        payload_type: as the publisher numbers it; `codec` of the layer's track says what it is.
        payload: without header, extensions and padding. Empty: a probe, which viewers do not get.
        extensions: those that viewers get too, by `media.extensions.Extension`; None: none.
        arrival: seconds, of the clock of `Timers`.
        keyframe: it is the first packet of a keyframe (and of its parameter sets).
    """

    __slots__ = (
        "arrival",
        "extensions",
        "keyframe",
        "layer",
        "marker",
        "payload",
        "payload_type",
        "sequence",
        "timestamp",
    )

    def __init__(  # noqa: PLR0913, PLR0917 - made in one place, on the hot path
        self,
        layer: "Layer",
        sequence: int,
        timestamp: int,
        marker: bool,
        payload_type: int,
        payload: bytes,
        extensions: dict[int, bytes] | None,
        arrival: float,
        keyframe: bool,
    ) -> None:
        self.layer = layer
        self.sequence = sequence
        self.timestamp = timestamp
        self.marker = marker
        self.payload_type = payload_type
        self.payload = payload
        self.extensions = extensions
        self.arrival = arrival
        self.keyframe = keyframe
