"""What is kept of a layer."""

from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from media.packet import Packet
from media.store import SLACK, PacketStore

LAYER = cast(Any, None)


def packet(sequence: int, *, keyframe: bool = False, size: int = 10, timestamp: int = 0) -> Packet:
    return Packet(LAYER, sequence, timestamp, False, 96, bytes(size), None, 0.0, keyframe)


def kept(store: PacketStore) -> list[int]:
    return [n for n in range(store.first, store.last + 1) if store.get(n) is not None]


def test_an_empty_store_has_nothing_to_walk_through() -> None:
    store = PacketStore()
    assert kept(store) == []
    assert store.gop_start is None
    assert store.get(0) is None


def test_what_was_cleared_is_gone_and_does_not_come_back() -> None:
    store = PacketStore()
    store.clear()
    store.put(packet(100, keyframe=True))
    store.put(packet(101))
    store.clear()
    assert (kept(store), len(store), store.size, store.gop_start) == ([], 0, 0, None)
    assert not store.put(packet(101))
    assert store.put(packet(102, keyframe=True))
    assert (kept(store), store.gop_start) == ([102], 102)


def test_without_keyframes_the_window_is_kept() -> None:
    store = PacketStore(window=100)
    for number in range(1000, 2000):
        assert store.put(packet(number))
    assert 1999 - 100 - SLACK < store.first <= 1900
    assert kept(store) == list(range(store.first, 2000))
    assert not store.put(packet(1500)), "it was let go of"
    assert not store.put(packet(1999)), "it is here"


def test_a_group_of_pictures_is_kept_whole_until_the_next_begins() -> None:
    store = PacketStore(window=10)
    store.put(packet(100, keyframe=True))
    for number in range(101, 600):
        store.put(packet(number))
    assert store.gop_start == store.first == 100
    store.put(packet(600, keyframe=True, timestamp=1))
    assert store.gop_start == 600
    assert store.first == 591, "the window, of which the keyframe is the last"


def test_a_group_that_begins_in_the_middle_is_kept_whole_as_well() -> None:
    store = PacketStore(window=10)
    for number in range(50):
        store.put(packet(number))
    store.put(packet(50, keyframe=True))
    for number in range(51, 500):
        store.put(packet(number))
    assert store.gop_start == store.first == 50
    assert kept(store) == list(range(50, 500))


def test_a_group_of_too_many_packets_is_given_up() -> None:
    store = PacketStore(window=10, most_packets=50)
    store.put(packet(0, keyframe=True))
    for number in range(1, 50):
        store.put(packet(number))
    assert store.gop_start == 0
    store.put(packet(50))
    assert store.gop_start is None
    assert store.first == 41


def test_a_group_of_too_many_bytes_is_given_up_and_memory_stays_bounded() -> None:
    store = PacketStore(window=10, most_bytes=1000)
    store.put(packet(0, keyframe=True, size=100))
    for number in range(1, 10):
        store.put(packet(number, size=100))
    assert store.gop_start == 0
    store.put(packet(10, size=100))
    assert store.gop_start is None
    store.put(packet(11, size=950))
    assert store.size <= 1000
    assert kept(store) == [11]


def test_parameter_sets_that_were_overtaken_belong_to_their_keyframe() -> None:
    store = PacketStore()
    store.put(packet(5, keyframe=True, timestamp=7))
    store.put(packet(4, keyframe=True, timestamp=7))
    assert store.gop_start == 4


def test_a_keyframe_that_comes_late_is_not_the_last_one() -> None:
    store = PacketStore()
    store.put(packet(20, keyframe=True, timestamp=2))
    store.put(packet(10, keyframe=True, timestamp=1))
    assert store.gop_start == 20


def test_packets_that_the_first_one_has_overtaken_are_taken() -> None:
    store = PacketStore(window=10)
    store.put(packet(100))
    assert store.put(packet(95))
    assert (store.first, store.last) == (95, 100)
    assert not store.put(packet(90))


# How far ahead of the last one a packet is, whether it begins a keyframe, and its size.
PUTS = st.lists(
    st.tuples(
        st.integers(1, 12) | st.integers(1, 3) | st.integers(-30, 12),
        st.sampled_from([False] * 9 + [True]),
        st.integers(0, 30),
    ),
    min_size=20,
    max_size=200,
)


@given(PUTS)
@settings(max_examples=200)
def test_against_a_store_that_keeps_everything(puts: list[tuple[int, bool, int]]) -> None:
    window, most_packets, most_bytes = 16, 200, 1500
    store = PacketStore(window=window, most_packets=most_packets, most_bytes=most_bytes)
    everything: dict[int, Packet] = {}
    last = 1000
    for ahead, keyframe, size in puts:
        made = packet(last + ahead, keyframe=keyframe, size=size, timestamp=last + ahead)
        before = store.first
        taken = store.put(made)
        if taken:
            assert made.sequence not in everything
            everything[made.sequence] = made
            last = max(last, made.sequence) if len(everything) > 1 else made.sequence
        else:
            assert made.sequence in everything or made.sequence <= max(before, last - window)
        check_against(store, everything, last, window, most_packets, most_bytes)


def check_against(
    store: PacketStore,
    everything: dict[int, Packet],
    last: int,
    window: int,
    most_packets: int,
    most_bytes: int,
) -> None:
    if not everything:
        return
    assert store.last == last
    walked = [packet for n in range(store.first, last + 1) if (packet := store.get(n))]
    assert len(walked) == len(store), "nothing is kept that cannot be walked to"
    assert all(everything[packet.sequence] is packet for packet in walked)
    assert store.size == sum(len(packet.payload) for packet in walked)
    assert last - store.first < most_packets
    assert store.size <= most_bytes or len(walked) == 1
    # What is missing below the last packets is missing for a reason: the bytes.
    recent = [n for n in everything if n > last - window]
    if sum(len(everything[n].payload) for n in recent) + 30 * SLACK <= most_bytes:
        assert all(store.get(n) for n in recent if n >= store.first)
    keyframes = [n for n, packet in everything.items() if packet.keyframe]
    if store.gop_start is not None:
        assert store.gop_start == max(keyframes)
        group = [n for n in everything if n >= store.gop_start]
        assert all(store.get(n) for n in group), "a group of pictures is whole"
