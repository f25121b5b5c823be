"""Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01, 3.1).

Which packets of a peer connection have come, and when, by the numbers of the header extension
TRANSPORT_SEQUENCE. A sender that has it knows what leaves the network faster than what it sends.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from struct import Struct

from media.rtcp_header import FEEDBACK, TRANSPORT_FEEDBACK, feedback

# A format of transport layer feedback.
TRANSPORT_WIDE = 15

REFERENCE_SECONDS = 0.064
DELTA_SECONDS = 0.00025
DELTAS_A_REFERENCE = 256
# Base sequence, packet status count, reference time with the feedback's own count below it.
_HEAD = Struct("!HHI")
_CHUNK = Struct("!H")
# Symbols of a packet's status, and how many bytes its delta has.
_LOST, _SMALL, _LARGE = 0, 1, 2
# What one feedback tells of, so that it stays below 1,200 bytes whatever the deltas.
MOST_PACKETS = 400
# What is read of one: 16 bytes could claim 65,535. At 40 Mbit/s, 4,096 packets take a second.
_PACKETS_READ = 4096
_ONE_BIT = range(13, -1, -1)
_TWO_BITS = range(12, -1, -2)


@dataclass(frozen=True, slots=True)
class TransportFeedback:
    """Arrivals of consecutive packets.

    Attributes:
        sender: who received them.
        media: an SSRC of the sender's; which one does not matter.
        base: the number of the first packet.
        count: of feedbacks sent, modulo 256: a gap is a feedback lost.
        reference: the time that the first delta is to, in 64 ms, 24 bits with a sign.
        deltas: of each packet, from the one received before it, in 0.25 ms; None: it is lost.
    """

    sender: int
    media: int
    base: int
    count: int
    reference: int
    deltas: tuple[int | None, ...]

    @classmethod
    def parse(cls, body: bytes) -> "TransportFeedback | None":
        """Of a feedback packet's body; None: it is broken."""
        if len(body) < 16:
            return None
        sender, media = FEEDBACK.unpack_from(body)
        base, packets, times = _HEAD.unpack_from(body, 8)
        reference = times >> 8
        if reference & 0x800000:
            reference -= 1 << 24
        statuses = _statuses(body, 16, packets)
        if statuses is None:
            return None
        deltas = _deltas(body, *statuses)
        if deltas is None:
            return None
        return cls(sender, media, base, times & 255, reference, deltas)

    def __bytes__(self) -> bytes:
        symbols = [_symbol(delta) for delta in self.deltas]
        times = (self.reference & 0xFFFFFF) << 8 | self.count & 255
        head = _HEAD.pack(self.base & 0xFFFF, len(symbols), times)
        chunks = b"".join(map(_CHUNK.pack, _chunks(symbols)))
        deltas = b"".join(
            delta.to_bytes(symbol, "big", signed=symbol == _LARGE)
            for symbol, delta in zip(symbols, self.deltas, strict=True)
            if delta is not None
        )
        control = head + chunks + deltas
        padded = control + bytes(-len(control) % 4)
        return feedback(TRANSPORT_FEEDBACK, TRANSPORT_WIDE, self.sender, self.media, padded)

    def arrivals(self) -> Iterator[tuple[int, float | None]]:
        """Number and arrival of each packet, in seconds of the receiver's clock; None: lost."""
        ticks = self.reference * DELTAS_A_REFERENCE
        for index, delta in enumerate(self.deltas):
            if delta is None:
                yield self.base + index & 0xFFFF, None
            else:
                ticks += delta
                yield self.base + index & 0xFFFF, ticks * DELTA_SECONDS


def feedbacks(
    sender: int, media: int, count: int, base: int, arrivals: Sequence[float | None]
) -> list[TransportFeedback]:
    """Tell of packets that have come: in one feedback, or in several where they do not fit.

    Args:
        sender: our SSRC.
        media: an SSRC of the sender's.
        count: of the first feedback; each further one has one more.
        base: the number of the first packet.
        arrivals: of it and those behind it, in seconds of any clock that does not go back; None
            for those that have not come.
    """
    ticks = [
        None if arrival is None else math.floor(arrival / DELTA_SECONDS) for arrival in arrivals
    ]
    while ticks and ticks[-1] is None:
        ticks.pop()  # it may still come
    told: list[TransportFeedback] = []
    start = 0
    while start < len(ticks):
        # Of packets that are lost all of them, the next one that is not has the time.
        first = next(tick for tick in ticks[start:] if tick is not None)
        reference = first // DELTAS_A_REFERENCE
        deltas = _told(ticks, start, reference * DELTAS_A_REFERENCE)
        number = count + len(told) & 255
        wrapped = (reference + (1 << 23) & 0xFFFFFF) - (1 << 23)
        told.append(
            TransportFeedback(sender, media, base + start & 0xFFFF, number, wrapped, deltas)
        )
        start += len(deltas)
    return told


def _told(ticks: Sequence[int | None], start: int, last: int) -> tuple[int | None, ...]:
    """The deltas from `start` on that one feedback can hold."""
    deltas: list[int | None] = []
    for tick in ticks[start : start + MOST_PACKETS]:
        if tick is None:
            deltas.append(None)
            continue
        delta = tick - last
        if not -0x8000 <= delta <= 0x7FFF:
            break
        deltas.append(delta)
        last = tick
    return tuple(deltas)


def _symbol(delta: int | None) -> int:
    if delta is None:
        return _LOST
    return _SMALL if 0 <= delta <= 255 else _LARGE


def _chunks(symbols: Sequence[int]) -> Iterator[int]:
    """Packet chunks: runs where they are the shorter form, vectors otherwise."""
    position = 0
    while position < len(symbols):
        ahead = symbols[position : position + 14]
        symbol = ahead[0]
        # A vector of two-bit symbols holds seven of them, one of single bits 14.
        if all(other == symbol for other in (ahead[:7] if _LARGE in ahead else ahead)):
            run = position + 1
            while run < len(symbols) and symbols[run] == symbol:
                run += 1
            run = min(run - position, 0x1FFF)
            yield symbol << 13 | run
            position += run
        elif _LARGE in ahead:
            yield 0xC000 | _vector(ahead[:7], 2)
            position += 7
        else:
            yield 0x8000 | _vector(ahead, 1)
            position += 14


def _vector(symbols: Sequence[int], bits: int) -> int:
    vector = 0
    for index, symbol in enumerate(symbols, 1):
        vector |= symbol << 14 - index * bits
    return vector


def _statuses(body: bytes, position: int, packets: int) -> tuple[int, list[int]] | None:
    """Where the deltas begin, and the symbols of `packets` packets."""
    symbols: list[int] = []
    if packets > _PACKETS_READ:
        return None
    while len(symbols) < packets:
        if position + 2 > len(body):
            return None
        (chunk,) = _CHUNK.unpack_from(body, position)
        position += 2
        if not chunk & 0x8000:
            symbols += (chunk >> 13,) * min(chunk & 0x1FFF, packets - len(symbols))
            if not chunk & 0x1FFF:
                return None  # a run of none, which would never end
        elif chunk & 0x4000:
            symbols += [chunk >> shift & 3 for shift in _TWO_BITS]
        else:
            symbols += [chunk >> shift & 1 for shift in _ONE_BIT]
    del symbols[packets:]  # the last vector may be filled up
    return position, symbols


def _deltas(body: bytes, position: int, symbols: list[int]) -> tuple[int | None, ...] | None:
    if 3 in symbols:  # reserved
        return None
    end = len(body)
    count = len(symbols)
    if symbols.count(_SMALL) == count:  # on a good line: all have come, and soon
        return tuple(body[position : position + count]) if position + count <= end else None
    deltas: list[int | None] = []
    for symbol in symbols:
        if not symbol:
            deltas.append(None)
            continue
        stop = position + symbol
        if stop > end:
            return None
        if symbol == _SMALL:
            deltas.append(body[position])
        else:
            deltas.append(int.from_bytes(body[position:stop], "big", signed=True))
        position = stop
    return tuple(deltas)
