"""VP8's picture ids, running on through layers and publishers (RFC 7741, 4.2).

Each encoder counts its pictures from a number of its own. A decoder that sees the count jump takes
pictures for lost, and asks for a keyframe.
"""

from media import vp8
from media.description import Codec
from media.numbering import Run
from media.packet import Packet


def last_ids(packet: Packet, run: Run) -> tuple[int, int] | None:
    """Picture id and TL0PICIDX of a packet as they were sent; None: it has none."""
    descriptor = vp8.parse(packet.payload)
    if descriptor is None or descriptor.picture_id is None:
        return None
    return descriptor.picture_id + run.picture_delta, _tl0(packet, descriptor) + run.tl0_delta


def continue_ids(last: tuple[int, int] | None, packet: Packet, run: Run) -> None:
    """Let a run that begins with this packet count on from `last`."""
    descriptor = vp8.parse(packet.payload)
    if last is None or descriptor is None or descriptor.picture_id is None:
        return
    run.count_pictures(
        (last[0] + 1 - descriptor.picture_id) % 0x8000,
        (last[1] + 1 - _tl0(packet, descriptor)) % 0x100,
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


def counts_pictures(codec: Codec) -> bool:
    """Whether a codec's packets have such ids."""
    return codec.name.upper() == "VP8"


def _tl0(packet: Packet, descriptor: vp8.Descriptor) -> int:
    return packet.payload[descriptor.tl0_offset] if descriptor.tl0_offset else 0
