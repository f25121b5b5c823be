"""media/burst.py: what is written is what comes out, in bursts that fit."""

from typing import Any

from aiortc.rtcdtlstransport import SRTP_AEAD_AES_128_GCM
from hypothesis import given
from hypothesis import strategies as st

from media import burst as module
from media.burst import FULL, Burst
from media.estimate import Unknown
from media.extension_block import Block
from media.peer import Counters
from media.sending import SendingCounts
from media.srtp import InboundSrtp, OutboundSrtp
from tests.media.watching import KEY, Received, RememberingPath


class Peer:
    """As far as a burst goes, a peer."""

    def __init__(self) -> None:
        self.srtp_out: Any = OutboundSrtp(SRTP_AEAD_AES_128_GCM, KEY)
        self.path: Any = RememberingPath()
        self.counters = Counters()

    def received(self) -> list[Received]:
        inbound = InboundSrtp(SRTP_AEAD_AES_128_GCM, KEY)
        clear = [inbound.unprotect_rtp(data) for data in self.path.sent]
        return [Received(data) for data in clear if data is not None]


class Numbers(Unknown):
    """Remembers what it was told of bursts."""

    def __init__(self) -> None:
        super().__init__()
        self.bursts: list[tuple[int, int, int, float]] = []

    def sent(self, first: int, count: int, size: int, now: float) -> None:
        super().sent(first, count, size, now)
        self.bursts.append((first, count, size, now))


BLOCK = b"\xbe\xde\0\1\x31\0\0\0"
NONE = Block(b"", transport=False)


@given(
    packets=st.lists(
        st.tuples(
            st.booleans(),
            st.integers(0, (1 << 32) - 1),
            st.sampled_from([b"", BLOCK]),
            st.binary(max_size=40),
            st.integers(0, 1300),
        ),
        max_size=90,
    )
)
def test_everything_comes_out_as_it_was_written(
    packets: list[tuple[bool, int, bytes, bytes, int]],
) -> None:
    peer, burst = Peer(), Burst(SendingCounts())
    assert burst.begin(peer, Unknown())
    for number, (marker, timestamp, block, end, size) in enumerate(packets):
        payload = bytes(size) + end
        burst.write(
            marker << 7 | 96,
            65_500 + number,
            timestamp,
            7,
            Block(block, transport=False),
            payload,
            0,
        )
    burst.end(0)
    got = peer.received()
    assert len(got) == len(packets)
    for number, (each, (marker, timestamp, block, end, size)) in enumerate(
        zip(got, packets, strict=True)
    ):
        assert each.marker == marker
        assert (each.payload_type, each.ssrc) == (96, 7)
        assert each.sequence == (65_500 + number) % 65_536
        assert each.timestamp == timestamp
        assert each.block == block[4:]
        assert each.payload == bytes(size) + end
    counts = burst.counts
    sizes = [len(data) for data in peer.path.sent]
    assert (counts.packets, counts.bytes) == (len(sizes), sum(sizes))
    assert (peer.counters.packets_out, peer.counters.bytes_out) == (len(sizes), sum(sizes))
    assert counts.bursts == len(peer.path.bursts)


def test_what_does_not_fit_is_another_burst() -> None:
    peer, burst = Peer(), Burst(SendingCounts())
    burst.begin(peer, Unknown())
    for number in range(100):
        burst.write(96, number, 0, 7, NONE, bytes(1200), 0)
    burst.end(0)
    assert sum(peer.path.bursts) == 100
    assert len(peer.path.bursts) == 2
    assert max(peer.path.bursts) * 1228 <= FULL
    assert len(peer.received()) == 100


def test_transport_wide_numbers_count_on_in_each_viewer() -> None:
    peer, burst, numbers = Peer(), Burst(SendingCounts()), Numbers()
    numbers.next_sequence = 65_535
    for moment in (1.0, 2.0):
        burst.begin(peer, numbers)
        for number in range(2):
            burst.write(
                96, int(moment) * 10 + number, 0, 7, Block(BLOCK, transport=True), b"x", moment
            )
        burst.write(96, 100 + int(moment), 0, 8, NONE, b"audio", moment)
        burst.end(moment)
    got = [each.block[1:3] for each in peer.received() if each.ssrc == 7]
    assert [int.from_bytes(number, "big") for number in got] == [65_535, 0, 1, 2]
    assert [(first, count, now) for first, count, _, now in numbers.bursts] == [
        (65_535, 2, 1.0),
        (65_537, 2, 2.0),
    ]


def test_in_two_byte_headers_too() -> None:
    peer, burst, numbers = Peer(), Burst(SendingCounts()), Numbers()
    numbers.next_sequence = 0x1234
    two_byte = Block(b"\x10\0\0\1\x03\2\0\0", transport=True)
    burst.begin(peer, numbers)
    burst.write(96, 1, 0, 7, two_byte, b"x", 0)
    burst.end(0)
    assert peer.received()[0].block == b"\x03\2\x12\x34"


def test_without_a_way_nothing_begins() -> None:
    peer, burst = Peer(), Burst(SendingCounts())
    peer.path = None
    assert not burst.begin(peer, Unknown())
    peer = Peer()
    peer.srtp_out = None
    assert not burst.begin(peer, Unknown())


def test_what_was_not_sent_is_not_sent_to_another() -> None:
    one, other, burst = Peer(), Peer(), Burst(SendingCounts())
    burst.begin(one, Unknown())
    burst.write(96, 1, 0, 7, NONE, b"for one", 0)
    burst.begin(other, Unknown())
    burst.write(96, 1, 0, 7, NONE, b"for the other", 0)
    burst.end(0)
    assert [each.payload for each in other.received()] == [b"for the other"]
    assert one.received() == []


def test_nothing_written_is_nothing_sent() -> None:
    peer, burst = Peer(), Burst(SendingCounts())
    burst.begin(peer, Unknown())
    burst.end(0)
    assert peer.path.bursts == []


def test_what_srtp_refuses_is_counted() -> None:
    peer, burst = Peer(), Burst(SendingCounts())
    burst.begin(peer, Unknown())
    assert burst.write(96, 20_000, 0, 7, NONE, b"new", 0)
    assert not burst.write(96, 20_000 - 5_000, 0, 7, NONE, b"older than its window", 0)
    burst.end(0)
    assert [each.payload for each in peer.received()] == [b"new"]
    assert burst.counts.dropped == 1


def test_what_is_remembered_of_sizes_is_bounded() -> None:
    peer, burst = Peer(), Burst(SendingCounts())
    for sequence in range(3 * module.LAYOUTS):
        burst.begin(peer, Unknown())
        block = Block(BLOCK * (sequence // 1400), transport=sequence >= 1400)
        burst.write(96, sequence, 0, 7, block, bytes(sequence % 1400), 0)
        burst.end(0)
        peer.path.sent.clear()
    assert len(burst._plain) == 1400
    assert 0 < len(burst._numbered) <= module.LAYOUTS
