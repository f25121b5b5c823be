"""media/numbering.py against a model that writes down every number."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.numbering import COMPRESSION, RUNS, Numbering, Run
from media.packet import Packet
from tests.media.watching import H264, TO_H264, FakeLayer, FakeTrack

CODECS = {H264.payload_type: TO_H264}
FRAME = 3000


def new_layer() -> FakeLayer:
    return FakeTrack("video", H264).layers[0]


def begin(numbering: Numbering, packet: Packet, timestamp: int | None = None) -> Run:
    following = numbering.timestamp + FRAME if timestamp is None else timestamp
    return numbering.begin(packet, CODECS, timestamp=following)


def send(numbering: Numbering, packet: Packet) -> tuple[int, int] | None:
    run = numbering.number(packet)
    return None if run is None else (packet.sequence + run.delta, run.timestamp(packet.timestamp))


# What happens to a layer: its next packet, so many that do not come, the n-th of those that did
# not, a packet that is left out, the n-th of those left out again, another layer.
STEPS = st.lists(
    st.one_of(
        st.just(("next", 0)),
        st.just(("next", 0)),
        st.tuples(st.just("gap"), st.integers(1, 400)),
        st.tuples(st.just("late"), st.integers(0, 50)),
        st.just(("probe", 0)),
        st.tuples(st.just("switch"), st.integers(0, 2)),
    ),
    max_size=120,
)


@given(steps=STEPS, first=st.integers(0, 0x7FFF), incoming=st.integers(0, 1 << 20))
def test_numbers_run_on_and_are_found_again(
    steps: list[tuple[str, int]], first: int, incoming: int
) -> None:
    layers = [new_layer() for _ in range(3)]
    heads = dict.fromkeys(range(3), incoming)
    numbering = Numbering(first, 7)
    sent: dict[int, tuple[Any, int]] = {}  # outgoing number -> layer and incoming number
    layer = 0
    numbers = {}  # of the present layer since it began: incoming -> outgoing, also of gaps
    expected = first

    def deliver(sequence: int) -> None:
        packet = layers[layer].packet(sequence, sequence * FRAME)
        number, _ = send(numbering, packet) or (None, None)
        assert number == numbers[sequence]
        sent[number] = layers[layer], sequence

    begin(numbering, layers[0].packet(heads[0], heads[0] * FRAME))
    for what, argument in [("next", 0), *steps]:
        head = heads[layer]
        if what == "next":
            numbers[head] = expected
            deliver(head)
            heads[layer] += 1
            expected += 1
        elif what == "gap":
            for sequence in range(head, head + argument):
                numbers[sequence] = expected
                expected += 1
            heads[layer] += argument
            # A gap is one for the viewer when something comes behind it.
            numbers[heads[layer]] = expected
            deliver(heads[layer])
            heads[layer] += 1
            expected += 1
        elif what == "late":
            missing = [seq for seq, number in numbers.items() if number not in sent]
            if missing:
                deliver(missing[argument % len(missing)])
        elif what == "probe":
            assert numbering.leave_out(head)
            heads[layer] += 1
        elif argument != layer:
            layer = argument
            numbers = {}
            heads[layer] += 1000
            begin(numbering, layers[layer].packet(heads[layer], heads[layer] * FRAME))
            numbers[heads[layer]] = expected
            deliver(heads[layer])
            heads[layer] += 1
            expected += 1
        assert numbering.next == expected
    for number, (whose, sequence) in sent.items():
        if expected - number <= 0xFFFF:
            found = numbering.find(number & 0xFFFF)
            assert found is not None
            assert (found[0].layer, found[1]) == (whose, sequence)


@given(
    origins=st.lists(st.integers(0, (1 << 32) - 1), min_size=2, max_size=6),
    frames=st.integers(1, 40),
    start=st.integers(0, (1 << 32) - 1),
)
def test_timestamps_go_on_whatever_the_layers_count_from(
    origins: list[int], frames: int, start: int
) -> None:
    numbering = Numbering(0, start)
    previous = None
    for index, origin in enumerate(origins):
        layer = new_layer()
        packets = [layer.packet(n, origin + n * FRAME) for n in range(frames)]
        begin(numbering, packets[0], numbering.timestamp + FRAME * (index > 0))
        for packet in packets:
            _, timestamp = send(numbering, packet) or (0, 0)
            if previous is not None:
                assert (timestamp - previous) % (1 << 32) == FRAME
            previous = timestamp


def test_what_is_older_than_the_switch_has_no_number() -> None:
    numbering = Numbering(0, 0)
    layer = new_layer()
    begin(numbering, layer.packet(10, 0))
    send(numbering, layer.packet(10, 0))
    assert send(numbering, layer.packet(9, 0)) is None
    other = new_layer()
    begin(numbering, other.packet(50, 0))
    send(numbering, other.packet(50, 0))
    begin(numbering, layer.packet(20, 0))
    assert send(numbering, layer.packet(11, 0)) is None


def test_a_probe_that_comes_late_has_its_number_taken() -> None:
    numbering = Numbering(100, 0)
    layer = new_layer()
    begin(numbering, layer.packet(0, 0))
    for sequence in (0, 2):
        send(numbering, layer.packet(sequence, 0))
    assert not numbering.leave_out(1)
    assert send(numbering, layer.packet(1, 0)) == (101, FRAME)
    assert numbering.leave_out(3)
    assert send(numbering, layer.packet(4, 0)) == (103, FRAME)


def test_a_probe_at_the_beginning_takes_no_run() -> None:
    numbering = Numbering(0, 0)
    layer = new_layer()
    run = begin(numbering, layer.packet(5, 0))
    for sequence in range(5, 1000):
        assert numbering.leave_out(sequence)
    assert numbering.run is run
    assert send(numbering, layer.packet(1000, 0)) == (0, run.timestamp(0))


def test_what_is_remembered_is_bounded() -> None:
    numbering = Numbering(0, 0)
    layer = new_layer()
    begin(numbering, layer.packet(0, 0))
    for sequence in range(0, 4 * RUNS, 2):
        send(numbering, layer.packet(sequence, 0))
        assert numbering.leave_out(sequence + 1)
    assert numbering.next == 2 * RUNS
    found = numbering.find(2 * RUNS - 1)
    assert found is not None
    assert found[1] == 4 * RUNS - 2
    assert numbering.find(1) is None  # forgotten, and not taken for another one
    assert numbering.find(2 * RUNS) is None  # never sent


@pytest.mark.parametrize("start", [0, (1 << 32) - 40000])
def test_a_replay_ends_at_the_live_timestamp(start: int) -> None:
    layer = new_layer()
    packets = [layer.packet(n, start + n * FRAME) for n in range(60)]
    numbering = Numbering(0, 0)
    live = packets[49]
    numbering.begin(packets[0], CODECS, timestamp=1_000_000, live=live.timestamp)
    timestamps = [(send(numbering, packet) or (0, 0))[1] for packet in packets]
    assert timestamps[49] == 1_000_000
    steps = [after - before for before, after in pairwise(timestamps)]
    assert steps[49:] == [FRAME] * 10
    assert all(FRAME >> COMPRESSION <= step <= (FRAME >> COMPRESSION) + 1 for step in steps[:49])


def test_a_replay_that_is_over_does_not_come_round_again() -> None:
    layer = new_layer()
    numbering = Numbering(0, 0)
    numbering.begin(layer.packet(0, 0), CODECS, timestamp=90_000, live=FRAME)
    for sequence in range(2):
        send(numbering, layer.packet(sequence, sequence * FRAME))
    numbering.settle()
    # Seven hours later the anchor seems to lie ahead.
    later = FRAME + (1 << 31) + 5
    _, timestamp = send(numbering, layer.packet(2, later)) or (0, 0)
    assert timestamp == 90_000 + (1 << 31) + 5
    # What was replayed is still found as it was sent.
    found = numbering.find(0)
    assert found is not None
    assert found[0].timestamp(0) == 90_000 - (FRAME >> COMPRESSION)
