"""Packets for one viewer, protected where they were written, and sent together.

Measured (tests/benchmarks/forward.py): header, extension and payload are written by one
`pack_into` of a Struct for their sizes, in 0.4 us; a `pack_into` for the header and two slices of a
memoryview take twice that.
"""

from collections.abc import Mapping, Sequence
from struct import Struct
from typing import TYPE_CHECKING, Any, Protocol

from pylibsrtp._binding import ffi

from media.description import Codec
from media.extension_block import Block, ExtensionBlock
from media.packet import Packet
from media.ports import Path
from media.sending import SendingCounts
from media.srtp import OutboundSrtp

if TYPE_CHECKING:
    from media.estimate import Estimator
    from media.peer import Counters

# Bytes of a burst, at most: what UDP_SEGMENT takes at once.
FULL = 65_000
# A packet's, at most (media.srtp takes no larger ones).
PACKET = 2048
# For the last packet, and what protecting it may use behind it.
ROOM = 4096
# Sizes of extension and payload that are remembered; a publisher decides what payloads it sends.
LAYOUTS = 4096

_MARKER = 0x80


class Receiver(Protocol):
    """What a burst needs of a viewer's `media.peer.Peer`."""

    counters: "Counters"

    @property
    def srtp_out(self) -> OutboundSrtp | None:
        """Protects what is sent; None: it is not connected."""

    @property
    def path(self) -> Path | None:
        """Where media goes; None: nowhere now."""


class Burst:
    """A buffer of the process, in which one viewer's packets of a flush are written.

    Between `begin` and `end` it is one viewer's; what is written is on its way after `end`.

    Attributes:
        counts: packets, bytes and bursts.
    """

    __slots__ = (
        "_cdata",
        "_estimator",
        "_first",
        "_numbered",
        "_offset",
        "_path",
        "_plain",
        "_protect",
        "_sizes",
        "_traffic",
        "_view",
        "counts",
        "transport",
    )

    def __init__(self, counts: SendingCounts) -> None:
        self.counts = counts
        self._cdata: Any = ffi.new("char[]", FULL + ROOM)
        self._view = memoryview(ffi.buffer(self._cdata)).cast("B")
        # By the sizes of what varies in size: with a transport-wide sequence number, and without.
        self._numbered: dict[int, Struct] = {}
        self._plain: dict[int, Struct] = {}
        self._offset = 0
        self._sizes: list[int] = []
        self._path: Path
        self._protect: Any
        self._estimator: Estimator
        self._traffic: Counters

    def begin(self, peer: Receiver, estimator: "Estimator") -> bool:
        """What is written from now on goes there.

        Args:
            estimator: numbers packets transport-wide, and is told what was sent when.

        Returns:
            False: there is no way to it now, and nothing may be written.
        """
        srtp, path = peer.srtp_out, peer.path
        if srtp is None or path is None:
            return False
        self._protect = srtp.protect_rtp
        self._path = path
        self._traffic = peer.counters
        self._estimator = estimator
        self.transport = self._first = estimator.next_sequence
        # What an exception has left of the last viewer's burst is not for this one.
        self._offset = 0
        self._sizes.clear()
        return True

    def write(
        self,
        second: int,
        sequence: int,
        timestamp: int,
        ssrc: int,
        block: Block,
        payload: bytes,
        now: float,
    ) -> int:
        """Write a packet and protect it.

        Args:
            second: marker and payload type, as the header's second byte has them.
            block: the header extension, of which the transport-wide sequence number is set here.

        Returns:
            Its size; 0: it was refused (see `OutboundSrtp.protect_rtp`).
        """
        offset = self._offset
        if offset > FULL - PACKET:
            self.end(now)
            offset = 0
        before, after, size = block.before, block.after, len(payload)
        sequence &= 0xFFFF
        if after is None:
            key = len(before) << 16 | size
            layout = self._plain.get(key) or self._plain_layout(key)
            first = 0x90 if before else 0x80
            layout.pack_into(
                self._view, offset, first, second, sequence, timestamp, ssrc, before, payload
            )
        else:
            number = self.transport
            self.transport = number + 1
            key = len(before) << 32 | len(after) << 16 | size
            layout = self._numbered.get(key) or self._numbered_layout(key)
            layout.pack_into(
                self._view,
                offset,
                0x90,
                second,
                sequence,
                timestamp,
                ssrc,
                before,
                number & 0xFFFF,
                after,
                payload,
            )
        length: int = self._protect(self._cdata, offset, layout.size)
        if length:
            self._sizes.append(length)
            self._offset = offset + length
        else:
            self.counts.dropped += 1
        return length

    def write_all(
        self,
        packets: Sequence[Packet],
        codecs: Mapping[int, Codec],
        delta: int,
        timestamp_delta: int,
        ssrc: int,
        block: ExtensionBlock,
        now: float,
    ) -> int:
        """Write packets whose numbers differ from what has come by constants, and by nothing else.

        As `write` does for each; in one loop each is a tenth cheaper.

        Returns:
            How many of them were written.
        """
        view, cdata, sizes, protect = self._view, self._cdata, self._sizes, self._protect
        offset, number, block_of = self._offset, self.transport, block.of
        plain, numbered = self._plain, self._numbered
        written = 0
        for packet in packets:
            if offset > FULL - PACKET:
                self._offset, self.transport = offset, number
                self.end(now)
                offset = 0
            payload = packet.payload
            second = codecs[packet.payload_type].payload_type
            if packet.marker:
                second |= _MARKER
            sequence = packet.sequence + delta & 0xFFFF
            timestamp = packet.timestamp + timestamp_delta & 0xFFFFFFFF
            extension = block_of(packet, now)
            before, after = extension.before, extension.after
            if after is None:
                key = len(before) << 16 | len(payload)
                layout = plain.get(key) or self._plain_layout(key)
                first = 0x90 if before else 0x80
                layout.pack_into(
                    view, offset, first, second, sequence, timestamp, ssrc, before, payload
                )
            else:
                key = len(before) << 32 | len(after) << 16 | len(payload)
                layout = numbered.get(key) or self._numbered_layout(key)
                layout.pack_into(
                    view, offset, 0x90, second, sequence, timestamp, ssrc, before,
                    number & 0xFFFF, after, payload,
                )  # fmt: skip
                number += 1
            length = protect(cdata, offset, layout.size)
            if length:
                sizes.append(length)
                offset += length
                written += 1
        self._offset, self.transport = offset, number
        self.counts.dropped += len(packets) - written
        return written

    def end(self, now: float) -> None:
        """Send what was written."""
        length = self._offset
        if not length:
            return
        sizes = self._sizes
        self._path.send_burst(self._view[:length], sizes)
        if self.transport != self._first:
            self._estimator.sent(self._first, self.transport - self._first, length, now)
            self._first = self.transport
        packets = len(sizes)
        traffic, counts = self._traffic, self.counts
        traffic.packets_out += packets
        traffic.bytes_out += length
        counts.packets += packets
        counts.bytes += length
        counts.bursts += 1
        self._offset = 0
        sizes.clear()

    def _plain_layout(self, key: int) -> Struct:
        return _remember(self._plain, key, f"!BBHII{key >> 16}s{key & 0xFFFF}s")

    def _numbered_layout(self, key: int) -> Struct:
        before, after = key >> 32, key >> 16 & 0xFFFF
        return _remember(self._numbered, key, f"!BBHII{before}sH{after}s{key & 0xFFFF}s")


def _remember(layouts: dict[int, Struct], key: int, form: str) -> Struct:
    if len(layouts) >= LAYOUTS:
        layouts.clear()
    layout = layouts[key] = Struct(form)
    return layout
