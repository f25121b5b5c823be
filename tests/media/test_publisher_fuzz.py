"""Whatever a publisher sends: nothing is raised, nothing grows without end, nothing comes twice."""

from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from media import rtcp, rtp
from media.arrivals import MOST_WAITING, REMEMBERED
from media.extensions import Extension
from media.nack import MOST
from media.sources import FORMER
from media.store import MOST_BYTES, MOST_PACKETS
from tests.media.captured import packets as captures
from tests.media.publishing import (
    AUDIO,
    H264,
    KEYFRAMES,
    OPUS,
    VIDEO,
    VP8,
    Source,
    Studio,
    simulcast,
)

SEEDS = captures("rtp") + captures("rtcp")
SECTIONS = st.sampled_from(
    [
        (VIDEO, AUDIO),
        (simulcast("l", "m", "h"), AUDIO),
        (replace(VIDEO, extensions={}),),
        (replace(VIDEO, ssrcs=((1, 2), (3, 4))), replace(AUDIO, ssrcs=((5,),))),
    ]
)
SSRCS = st.sampled_from([1, 2, 3, 4, 5, 6]) | st.integers(0, 2**32 - 1)
VALUES = {
    Extension.MID: st.sampled_from([b"0", b"1", b"\xff"]),
    Extension.RID: st.sampled_from([b"l", b"m", b"h", b"x", b"\xff"]),
    Extension.REPAIRED_RID: st.sampled_from([b"l", b"h", b""]),
    Extension.TRANSPORT_SEQUENCE: st.binary(max_size=3),
    Extension.AUDIO_LEVEL: st.binary(max_size=2),
}
ELEMENTS = st.fixed_dictionaries({}, optional=VALUES)
PAYLOADS = (
    st.binary(max_size=30)
    | st.sampled_from(list(KEYFRAMES.values()))
    # Beginnings of SPS, STAP-A, FU-A and VP8 descriptors.
    | st.builds(bytes.__add__, st.sampled_from([b"g", b"\x78", b"\x7c\x87", b"\x90"]), st.binary())
)


@st.composite
def packets(draw: st.DrawFn) -> bytes:
    """An RTP packet that is at home here, or nearly."""
    codec = draw(st.sampled_from([VP8, H264, OPUS]))
    source = Source(
        codec,
        ssrc=draw(SSRCS),
        sequence=draw(st.integers(0, 60) | st.integers(0, 0xFFFF)),
        timestamp=draw(st.integers(0, 2**32 - 1) | st.integers(0, 100_000)),
    )
    data = source.packet(
        draw(PAYLOADS),
        marker=draw(st.booleans()),
        payload_type=draw(st.sampled_from([96, 97, 102, 103, 111, 55])),
        elements=draw(ELEMENTS).items(),
    )
    if draw(st.integers(0, 9)) == 0:  # a byte of it is another one
        broken = bytearray(data)
        broken[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
        data = bytes(broken)
    return data


@st.composite
def captured(draw: st.DrawFn) -> bytes:
    """A packet of a real peer, some bytes of which are others."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 3))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data)


REPORTS = st.builds(
    lambda ssrc, ntp, stamp: bytes(rtcp.SenderReport(ssrc, ntp, stamp, 0, 0)),
    SSRCS,
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**32 - 1),
)
GOODBYES = st.builds(lambda ssrc: bytes(rtcp.Bye((ssrc,))), SSRCS)
WAITS = st.sampled_from([0.0, 0.001, 0.02, 0.3, 2.5])
STEPS = st.lists(
    st.tuples(st.just("rtp"), packets() | captured() | st.binary(max_size=60), WAITS)
    | st.tuples(st.just("rtcp"), REPORTS | GOODBYES | captured() | st.binary(max_size=60), WAITS),
    max_size=60,
)


@given(SECTIONS, STEPS, st.sampled_from([0, 8_000]))
@settings(max_examples=200)
def test_whatever_comes(
    sections: tuple, steps: list[tuple[str, bytes, float]], bitrate_cap: int
) -> None:
    studio = Studio(*sections, bitrate_cap=bitrate_cap)
    for kind, data, wait in steps:
        if kind == "rtp":
            studio.publisher.receive_rtp(data, studio.now)
        else:
            studio.publisher.receive_rtcp(data, studio.now)
        studio.wait(wait)
        check_bounds(studio)
    seen = Counter((packet.layer, packet.sequence) for packet in studio.sink.packets)
    assert all(count == 1 for count in seen.values())
    for packet in studio.sink.packets:
        assert 0 <= packet.timestamp < 2**32
        assert packet.extensions is None or packet.extensions.keys() <= {Extension.AUDIO_LEVEL}
    studio.publisher.health(studio.now)
    studio.publisher.warnings(studio.now)


def check_bounds(studio: Studio) -> None:
    publisher = studio.publisher
    layers = [layer for track in publisher.tracks.values() for layer in track.layers]
    sources = publisher._sources
    assert len(sources.layers) <= len(layers)
    assert len(sources.repairs) <= len(layers)
    assert len(sources._former) <= FORMER
    assert len(publisher._early) <= 8
    arrivals = publisher._feedback.arrivals
    assert len(arrivals.waiting) <= MOST_WAITING
    assert len(arrivals._seen) <= 2 * REMEMBERED + MOST_WAITING
    for layer in layers:
        assert len(layer.missing) <= MOST
        assert layer.store.last - layer.store.first < MOST_PACKETS
        assert layer.store.size <= MOST_BYTES
        assert len(layer.rates._samples) <= 60
    assert len(studio.timers._heap) <= 400


@given(st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=300), st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_numbers_at_random_on_one_ssrc(sequences: list[int], timestamp: int) -> None:
    studio = Studio(VIDEO)
    source = Source(timestamp=timestamp)
    for sequence in sequences:
        studio.receive(source.packet(b"x", sequence=sequence))
        check_bounds(studio)
    studio.wait(3.0)
    assert len(studio.layer().missing) == 0


@given(
    st.permutations(range(40)),
    st.sets(st.integers(1, 38), max_size=12),
    st.integers(0, 0xFFFF),
    st.randoms(use_true_random=False),
)
@settings(max_examples=100)
def test_everything_gets_through_a_bad_line_in_the_end(
    order: list[int], lost: set[int], first: int, random: object
) -> None:
    """Shuffled and lossy, and the publisher answers what it is asked: nothing is missing then."""
    studio = Studio(replace(VIDEO, ssrcs=((1, 2),)))
    source = Source(ssrc=1, sequence=first)
    sent = [source.packet(bytes((0, number))) for number in range(40)]
    by_number = {rtp.parse(data)[2]: data for data in sent}  # type: ignore[index]
    # Neighbours change places: an order that is all chance would be no line any more.
    near = sorted(range(40), key=lambda number: number + order[number] % 6)
    came = [
        packet for number in near if number not in lost for packet in studio.receive(sent[number])
    ]
    for _ in range(5):
        studio.wait(0.05)
        for sequence in studio.wire.nacks():
            came += studio.receive(source.repair(by_number[sequence], ssrc=2))
    numbers = sorted(packet.payload[1] for packet in came)
    # Those before the first one that came were never known of.
    assert numbers == [number for number in range(40) if number in numbers]
    known = next(number for number in near if number not in lost)
    assert set(range(known, 40)) <= set(numbers)
