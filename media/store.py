"""The packets of a layer that are kept: to be sent again, and to begin with for who joins."""

from media.packet import Packet

# A second of 5 Mbit/s: later than that nobody asks for a packet again.
WINDOW = 512
# What a group of pictures may take: 10 s of 6 Mbit/s.
MOST_PACKETS = 4096
MOST_BYTES = 8 * 2**20
# What is let go of goes many at a time: half of what keeping a packet costs otherwise.
SLACK = 64


class PacketStore:
    """The last `window` packets (some more for a while), and all from the last keyframe on.

    A group of pictures that is longer than the bounds is given up: there is none then until the
    next keyframe. Ordered: the packets are those of `range(first, last + 1)` that `get` has, so a
    replay walks that range, and a cursor into it stays good while packets are added.

    Attributes:
        first, last: the lowest and the highest sequence number kept; `last < first`: none is.
        gop_start: the sequence number of the first packet of the last keyframe; None: it is not
            kept, or there was none.
        size: bytes of payload that are kept.
    """

    __slots__ = (
        "_floor",
        "_full",
        "_gop_timestamp",
        "_most_bytes",
        "_most_packets",
        "_packets",
        "_window",
        "first",
        "gop_start",
        "last",
        "size",
    )

    def __init__(
        self,
        *,
        window: int = WINDOW,
        most_packets: int = MOST_PACKETS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self.first = 0
        self.last = -1
        self.gop_start: int | None = None
        self.size = 0
        self._packets: dict[int, Packet] = {}
        self._gop_timestamp = 0
        self._floor = 0  # what is below was let go of, and is not taken back
        self._full = 0  # when `last` is there, something is to be let go of
        self._window = window
        self._most_packets = most_packets
        self._most_bytes = most_bytes

    def __len__(self) -> int:
        return len(self._packets)

    def get(self, sequence: int) -> Packet | None:
        """The packet of an unwrapped sequence number; None: it is not kept."""
        return self._packets.get(sequence)

    def put(self, packet: Packet) -> bool:
        """Keep a packet.

        Returns:
            False: it is here already, or older than what is kept.
        """
        sequence = packet.sequence
        packets = self._packets
        if sequence in packets or sequence < self._floor:
            return False
        packets[sequence] = packet
        self.size += len(packet.payload)
        if sequence > self.last:
            if self.last < self.first:
                self._begin(sequence)
            self.last = sequence
        elif sequence < self.first:
            self.first = sequence
        if packet.keyframe:
            self._begin_group(packet)
        if sequence >= self._full or packet.keyframe or self.size > self._most_bytes:
            self._trim()
        return True

    def clear(self) -> None:
        """Let go of everything. Packets know their layer, and it knows them: they would stay until
        Python looks for cycles.
        """
        self._packets.clear()
        self.first, self.last, self.gop_start, self.size = self.last + 1, self.last, None, 0
        self._floor = self.first

    def _begin(self, sequence: int) -> None:
        self.first = sequence
        self._floor = sequence - self._window + 1  # the first to come need not be the first sent

    def _begin_group(self, packet: Packet) -> None:
        # Parameter sets that were overtaken by their picture belong to the same keyframe.
        start = self.gop_start
        same = start is not None and packet.timestamp == self._gop_timestamp
        if start is None or (packet.sequence < start if same else packet.sequence > start):
            self.gop_start = packet.sequence
            self._gop_timestamp = packet.timestamp

    def _trim(self) -> None:
        keep = self.last - self._window + 1
        start = self.gop_start
        if start is not None and start < keep:
            if self.last - start < self._most_packets and self.size <= self._most_bytes:
                keep = start
            else:
                self.gop_start = None
        first = self.first
        pop = self._packets.pop
        while first < keep or (self.size > self._most_bytes and first < self.last):
            packet = pop(first, None)
            if packet is not None:
                self.size -= len(packet.payload)
            first += 1
        if first > self.first:
            self._floor = max(self._floor, first)
        self.first = first
        if self.gop_start is not None and self.gop_start < first:
            self.gop_start = None
        # While a group of pictures fills the store, nothing is looked at before its bound.
        group = first == self.gop_start
        self._full = first + (self._most_packets if group else self._window + SLACK)
