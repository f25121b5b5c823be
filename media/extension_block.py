"""The header extension of packets to viewers."""

from weakref import WeakValueDictionary

from media import extensions
from media.description import Section
from media.extensions import FORWARDED, Extension
from media.packet import Packet

# Where the transport-wide sequence number stands, counted from the extension's own header: its
# element is the first one, so behind 4 bytes, and a header of its own of one byte or of two.
_TRANSPORT_AT = 5
_TRANSPORT_AT_TWO_BYTE = 6
_TWO_BYTE = 0x10


class Block:
    """A header extension to be written.

    Attributes:
        before: all of it; or what stands before the transport-wide sequence number.
        after: what stands after that; None: it has none.
        size: of all of it.
    """

    __slots__ = ("after", "before", "size")

    def __init__(self, written: bytes, *, transport: bool) -> None:
        self.size = len(written)
        self.before = written
        self.after: bytes | None = None
        if transport:
            at = _TRANSPORT_AT_TWO_BYTE if written[0] == _TWO_BYTE else _TRANSPORT_AT
            self.before, self.after = written[:at], written[at + 2 :]


class ExtensionBlock:
    """What stands between header and payload, for all viewers who agreed upon the same ids.

    Viewers are mostly of a few browsers, which number extensions alike; so a packet's extension is
    made once and copied for each.
    """

    __slots__ = ("__weakref__", "_at", "_fixed", "_forwarded", "_made", "_send_time", "_transport")

    def __init__(self, mid: str, ids: dict[int, int]) -> None:
        self._transport = Extension.TRANSPORT_SEQUENCE in ids
        self._forwarded = tuple((name, ids[name]) for name in sorted(FORWARDED) if name in ids)
        self._send_time = ids.get(Extension.ABS_SEND_TIME, 0)
        self._fixed: list[tuple[int, bytes]] = []
        if self._transport:
            self._fixed.append((ids[Extension.TRANSPORT_SEQUENCE], b"\0\0"))
        if Extension.MID in ids:
            self._fixed.append((ids[Extension.MID], mid.encode()))
        self._at = -1.0
        self._made: dict[Packet | None, Block] = {}

    def of(self, packet: Packet, now: float) -> Block:
        """The extension for a packet, when it is sent now."""
        if now != self._at:
            self._made.clear()
            self._at = now
        key = packet if packet.extensions else None
        block = self._made.get(key)
        return self._make(key, now) if block is None else block

    def _make(self, packet: Packet | None, now: float) -> Block:
        elements = self._fixed.copy()
        if self._send_time:
            elements.append((self._send_time, extensions.abs_send_time(now)))
        if packet is not None and packet.extensions:
            elements += [
                (number, packet.extensions[name])
                for name, number in self._forwarded
                if name in packet.extensions
            ]
        written = extensions.write(elements)
        block = self._made[packet] = Block(written, transport=self._transport)
        return block


_Key = tuple[str, tuple[tuple[int, int], ...]]
_blocks: WeakValueDictionary[_Key, ExtensionBlock] = WeakValueDictionary()


def extension_block(section: Section, *, varying: bool) -> ExtensionBlock:
    """The one for a section.

    Args:
        varying: with what is different each time a packet is sent (abs-send-time, transport-wide
            sequence). Never where packets are sent again under their own numbers: SRTP's nonce is
            made of these, and with AES-GCM two packets of one nonce give the key away
            (RFC 7714, 8.4).
    """
    changing = {Extension.ABS_SEND_TIME, Extension.TRANSPORT_SEQUENCE}
    ids = {
        name: number
        for name, number in sorted(section.extensions.items())
        if varying or name not in changing
    }
    key = section.mid, tuple(ids.items())
    block = _blocks.get(key)
    if block is None:
        block = _blocks[key] = ExtensionBlock(section.mid, ids)
    return block
