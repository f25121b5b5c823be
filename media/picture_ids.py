"""VP8's picture ids, running on through layers and publishers (RFC 7741, 4.2).

Each encoder counts its pictures from a number of its own. A decoder that sees the count jump takes
pictures for lost, and asks for a keyframe.
"""

from media import vp8
from media.numbering import Run
from media.packet import Packet


class PictureIds:
    """The count of one subscription."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: tuple[int, int] | None = None  # picture id and TL0PICIDX, as they were sent

    def leave(self, last: Packet, run: Run) -> None:
        """A run has ended, with this packet."""
        descriptor = _descriptor(last, run)
        if descriptor is not None and descriptor.picture_id is not None:
            self._last = (
                descriptor.picture_id + run.picture_delta,
                _tl0(last, descriptor) + run.tl0_delta,
            )

    def go_on(self, first: Packet, run: Run) -> None:
        """Let a run that begins with this packet count on."""
        descriptor = _descriptor(first, run)
        last = self._last
        if last is not None and descriptor is not None and descriptor.picture_id is not None:
            run.count_pictures(
                (last[0] + 1 - descriptor.picture_id) % 0x8000,
                (last[1] + 1 - _tl0(first, descriptor)) % 0x100,
            )


def with_ids(packet: Packet, run: Run) -> bytes:
    """The packet's payload with the run's numbers."""
    descriptor = vp8.parse(packet.payload)
    if descriptor is None or descriptor.picture_id is None:
        return packet.payload
    return vp8.rewrite(
        packet.payload,
        descriptor,
        descriptor.picture_id + run.picture_delta,
        _tl0(packet, descriptor) + run.tl0_delta,
    )


def _descriptor(packet: Packet, run: Run) -> vp8.Descriptor | None:
    codec = run.codecs.get(packet.payload_type)
    return vp8.parse(packet.payload) if codec is not None and codec.name == "VP8" else None


def _tl0(packet: Packet, descriptor: vp8.Descriptor) -> int:
    return packet.payload[descriptor.tl0_offset] if descriptor.tl0_offset else 0
