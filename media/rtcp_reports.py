"""Reports, source descriptions and goodbyes (RFC 3550, 6.4 to 6.6)."""

from dataclasses import dataclass
from struct import Struct

from media.rtcp_header import BYE, RECEIVER_REPORT, SENDER_REPORT, SOURCE_DESCRIPTION, WORD, packed

# NTP timestamp, RTP timestamp, packets, octets.
_SENDER = Struct("!IQIII")
# SSRC, fraction lost and packets lost in one word, highest sequence, jitter, last SR, delay.
_BLOCK = Struct("!IIIIII")
_LOST_MOST = 0x7FFFFF
_CNAME = 1


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """How one source is received (RFC 3550, 6.4.1).

    Attributes:
        fraction_lost: since the last report, in 256ths.
        lost: in all, 24 bits with a sign: duplicates can make it negative.
        highest: sequence number with its cycles above.
        jitter: in units of the clock rate.
        last_report: the middle 32 bits of the NTP time in the last sender report; 0: none came.
        delay: since then, in 65,536ths of a second.
    """

    ssrc: int
    fraction_lost: int
    lost: int
    highest: int
    jitter: int
    last_report: int
    delay: int

    @classmethod
    def parse(cls, body: bytes, offset: int) -> "ReportBlock":
        """Of 24 bytes at `offset`."""
        ssrc, loss, highest, jitter, last_report, delay = _BLOCK.unpack_from(body, offset)
        lost = loss & 0xFFFFFF
        if lost > _LOST_MOST:
            lost -= 1 << 24
        return cls(ssrc, loss >> 24, lost, highest, jitter, last_report, delay)

    def __bytes__(self) -> bytes:
        lost = max(-_LOST_MOST - 1, min(_LOST_MOST, self.lost)) & 0xFFFFFF
        loss = max(0, min(255, self.fraction_lost)) << 24 | lost
        return _BLOCK.pack(
            self.ssrc,
            loss,
            self.highest & 0xFFFFFFFF,
            min(self.jitter, 0xFFFFFFFF),
            self.last_report,
            min(self.delay, 0xFFFFFFFF),
        )


@dataclass(frozen=True, slots=True)
class SenderReport:
    """What a source has sent (RFC 3550, 6.4.1).

    Attributes:
        ntp: wall clock, 32.32 bits of seconds.
        rtp: the same moment in units of the source's RTP timestamps.
        packets, octets: sent in all; octets of payload.
        blocks: how it receives others, 31 at most.
    """

    ssrc: int
    ntp: int
    rtp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()

    @classmethod
    def parse(cls, count: int, body: bytes) -> "SenderReport | None":
        """Of a body and the header's count; None: it is too short."""
        if len(body) < 24 + 24 * count:
            return None
        ssrc, ntp, rtp, packets, octets = _SENDER.unpack_from(body)
        return cls(ssrc, ntp, rtp, packets, octets, _blocks(count, body, 24))

    def __bytes__(self) -> bytes:
        head = _SENDER.pack(
            self.ssrc,
            self.ntp,
            self.rtp & 0xFFFFFFFF,
            self.packets & 0xFFFFFFFF,
            self.octets & 0xFFFFFFFF,
        )
        return packed(SENDER_REPORT, len(self.blocks), head + b"".join(map(bytes, self.blocks)))


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """How somebody who sends nothing receives (RFC 3550, 6.4.2); 31 blocks at most."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()

    @classmethod
    def parse(cls, count: int, body: bytes) -> "ReceiverReport | None":
        """Of a body and the header's count; None: it is too short."""
        if len(body) < 4 + 24 * count:
            return None
        return cls(WORD.unpack_from(body)[0], _blocks(count, body, 4))

    def __bytes__(self) -> bytes:
        head = WORD.pack(self.ssrc)
        return packed(RECEIVER_REPORT, len(self.blocks), head + b"".join(map(bytes, self.blocks)))


def _blocks(count: int, body: bytes, offset: int) -> tuple[ReportBlock, ...]:
    return tuple(ReportBlock.parse(body, offset + 24 * index) for index in range(count))


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """Names of sources: SSRC and CNAME of each (RFC 3550, 6.5). Other items are passed over."""

    names: tuple[tuple[int, bytes], ...]

    @classmethod
    def parse(cls, count: int, body: bytes) -> "SourceDescription | None":
        """Of a body and the header's count; None: it ends before its time."""
        names = []
        position = 0
        for _ in range(count):
            if position + 4 > len(body):
                return None
            (ssrc,) = WORD.unpack_from(body, position)
            item = _items(body, position + 4)
            if item is None:
                return None
            position, name = item
            if name is not None:
                names.append((ssrc, name))
        return cls(tuple(names))

    def __bytes__(self) -> bytes:
        # A packet each: aiortc does not find the second chunk of one.
        return b"".join(map(_named, self.names))


def _named(name: tuple[int, bytes]) -> bytes:
    chunk = WORD.pack(name[0]) + bytes((_CNAME, len(name[1]))) + name[1]
    # The list of items ends with at least one null, and the chunk with a whole word.
    return packed(SOURCE_DESCRIPTION, 1, chunk + bytes(4 - len(chunk) % 4))


def _items(body: bytes, position: int) -> tuple[int, bytes | None] | None:
    """Where the next chunk begins, and the CNAME among the items of this one."""
    name = None
    while position < len(body) and body[position]:
        if position + 1 >= len(body):
            return None
        start = position + 2
        stop = start + body[position + 1]
        if stop > len(body):
            return None
        if body[position] == _CNAME:
            name = body[start:stop]
        position = stop
    return position // 4 * 4 + 4, name


@dataclass(frozen=True, slots=True)
class Bye:
    """Sources that send no more (RFC 3550, 6.6). The reason, a text, is passed over."""

    sources: tuple[int, ...]

    @classmethod
    def parse(cls, count: int, body: bytes) -> "Bye | None":
        """Of a body and the header's count; None: it is too short."""
        if len(body) < 4 * count:
            return None
        return cls(tuple(WORD.unpack_from(body, 4 * index)[0] for index in range(count)))

    def __bytes__(self) -> bytes:
        return packed(BYE, len(self.sources), b"".join(map(WORD.pack, self.sources)))
