"""From a publisher's numbers to a viewer's, and back.

A viewer gets one stream for each track: one SSRC, sequence numbers and timestamps that run on,
whatever layers and publishers it is made of. What it asks for again is looked up by its own
numbers, and sent with the very same bytes. So what was decided for a packet is kept: in runs, each
of packets that are mapped in one way.
"""

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING

from media.description import Codec
from media.packet import Packet

if TYPE_CHECKING:
    from media.layer import Layer

# Runs that are remembered. A run ends where a packet is left out and where the layer changes; a
# probe of a browser is some packets each few seconds. A viewer asks for what is a second old.
RUNS = 128

# A replay's timestamps are this much (a power of two) closer together: 30 frames a second become
# 1 ms each.
COMPRESSION = 5
_SEQUENCES = 1 << 16
_TIMESTAMPS = 1 << 32
_HALF = 1 << 31


class Run:
    """Packets of one layer that follow each other and are mapped in one way.

    Attributes:
        layer: whose packets they are.
        first, end: incoming sequence numbers: the first, and the one behind the last; the run
            under way has no end.
        delta: from an incoming sequence number to the outgoing one.
        timestamp_delta: from an incoming timestamp to the outgoing one.
        anchor: a replay: timestamps before this one are drawn near to it; None: none are.
        fresh: the packets before it are none of what the viewer gets: a layer begins here.
        codecs: the viewer's, by the publisher's payload types; others are not sent.
        picture_delta, tl0_delta: of VP8's numbers.
        plain: nothing but the two first deltas applies.
    """

    __slots__ = (
        "anchor",
        "codecs",
        "delta",
        "end",
        "first",
        "fresh",
        "layer",
        "picture_delta",
        "plain",
        "timestamp_delta",
        "tl0_delta",
    )

    def __init__(
        self,
        layer: "Layer",
        codecs: Mapping[int, Codec],
        *,
        first: int,
        delta: int,
        timestamp_delta: int,
        anchor: int | None = None,
    ) -> None:
        self.layer = layer
        self.codecs = codecs
        self.first = first
        self.end: int | None = None
        self.delta = delta
        self.timestamp_delta = timestamp_delta
        self.anchor = anchor
        self.fresh = True
        self.picture_delta = self.tl0_delta = 0
        self.plain = anchor is None

    def timestamp(self, incoming: int) -> int:
        """The outgoing timestamp of an incoming one, 32 bits both."""
        anchor = self.anchor
        if anchor is not None:
            before = (anchor - incoming) % _TIMESTAMPS
            if before < _HALF:
                incoming = anchor - (before >> COMPRESSION)
        return (incoming + self.timestamp_delta) % _TIMESTAMPS

    def count_pictures(self, picture_delta: int, tl0_delta: int) -> None:
        """Move VP8's numbers by so much."""
        self.picture_delta, self.tl0_delta = picture_delta, tl0_delta
        self.plain = self.anchor is None and not (picture_delta or tl0_delta)

    def following(self, first: int, delta: int, *, anchored: bool = True) -> "Run":
        """A run that goes on from here, with other sequence numbers; or as a replay no more."""
        run = Run(
            self.layer,
            self.codecs,
            first=first,
            delta=delta,
            timestamp_delta=self.timestamp_delta,
            anchor=self.anchor if anchored else None,
        )
        run.fresh = False
        run.count_pictures(self.picture_delta, self.tl0_delta)
        return run


class Numbering:
    """The runs of one subscription.

    Args:
        sequence: the first outgoing sequence number.
        timestamp: the first outgoing timestamp.

    Attributes:
        run: the one under way; None: nothing has begun yet.
        highest: incoming number, so far, of the run under way.
        newest: the packet with the highest number since the last `begin`; None: none has one.
    """

    __slots__ = ("_before", "_next", "_runs", "_timestamp", "highest", "newest", "run")

    def __init__(self, sequence: int, timestamp: int) -> None:
        self._next = sequence  # of the first packet of a run that begins now
        self._timestamp = timestamp
        self._runs: deque[Run] = deque(maxlen=RUNS)
        self.highest = 0
        self.run: Run | None = None
        self.newest: Packet | None = None
        self._before: Packet | None = None  # the newest before the last `begin`

    @property
    def next(self) -> int:
        """The outgoing sequence number after the highest so far; counts beyond 16 bits."""
        run = self.run
        return self._next if run is None else self.highest + run.delta + 1

    @property
    def timestamp(self) -> int:
        """The highest outgoing timestamp; the first one there will be, before there are any."""
        run, newest = self.run, self.newest
        return self._timestamp if run is None or newest is None else run.timestamp(newest.timestamp)

    @property
    def last(self) -> Packet | None:
        """The packet with the highest number of all; None: none was sent yet."""
        return self.newest or self._before

    def begin(
        self,
        packet: Packet,
        codecs: Mapping[int, Codec],
        *,
        timestamp: int,
        live: int | None = None,
    ) -> Run:
        """Go on with another layer, or with the first one.

        Args:
            packet: the first to come; those of its layer that are older will not.
            codecs: the viewer's, by the publisher's payload types.
            timestamp: the outgoing one of the packet; or, with `live`, of that moment.
            live: a replay begins: the incoming timestamp to which those before it are drawn near.
        """
        following = self.next
        self._timestamp, self._before, self.newest = self.timestamp, self.last, None
        incoming = packet.timestamp if live is None else live
        run = Run(
            packet.layer,
            codecs,
            first=packet.sequence,
            delta=following - packet.sequence,
            timestamp_delta=(timestamp - incoming) % _TIMESTAMPS,
            anchor=live,
        )
        self._append(run, packet.sequence - 1)
        return run

    def number(self, packet: Packet) -> Run | None:
        """The run that maps a packet, which is noted as sent; None: it is not to be sent."""
        run = self.run
        assert run is not None
        sequence = packet.sequence
        if sequence > self.highest:
            self.highest = sequence
            self.newest = packet
            return run
        if sequence >= run.first:
            return run
        return self._earlier(sequence)

    def leave_out(self, sequence: int) -> bool:
        """Close up over a packet that is not to be sent, as if it were not there.

        Returns:
            False: it has a number already: later ones have been sent. Something has to be sent
            under it, or it is missed.
        """
        run = self.run
        assert run is not None
        if sequence <= self.highest:
            return False
        delta = run.delta - 1
        if sequence == run.first:  # nothing of the run was sent
            run.first, run.delta = sequence + 1, delta
            self.highest = sequence
            return True
        run.end = sequence
        self._append(run.following(sequence + 1, delta), sequence)
        return True

    def settle(self) -> None:
        """The replay has caught up: timestamps are not drawn near to the live ones any more.

        Without this they would be again, when 32 bits have come round to the anchor.
        """
        run = self.run
        if run is None or run.anchor is None:
            return
        first = self.highest + 1
        run.end = first
        self._append(run.following(first, run.delta, anchored=False), self.highest)

    def find(self, sequence: int) -> tuple[Run, int] | None:
        """Which packet has an outgoing sequence number.

        Args:
            sequence: 16 bits.

        Returns:
            Its run and its incoming number; None: it was never sent, or is forgotten.
        """
        newest = self.next - 1
        outgoing = newest - (newest - sequence) % _SEQUENCES
        for run in reversed(self._runs):
            if outgoing >= run.first + run.delta:
                incoming = outgoing - run.delta
                return (run, incoming) if run.end is None or incoming < run.end else None
        return None

    def _append(self, run: Run, highest: int) -> None:
        self._runs.append(run)
        self.run = run
        self.highest = highest

    def _earlier(self, sequence: int) -> Run | None:
        """The run of a packet that comes late, from before the one under way."""
        for run in reversed(self._runs):
            if sequence >= run.first:
                return run if run.end is None or sequence < run.end else None
            if run.fresh:
                return None
        return None
