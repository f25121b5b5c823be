"""Frames -> payloads -> frames, and into somebody else's depacketizer."""

import pytest
from aiortc.codecs.h264 import h264_depayload
from aiortc.codecs.vpx import vp8_depayload
from hypothesis import given
from hypothesis import strategies as st

from loadtest.webrtc import h264, vp8
from loadtest.webrtc.assembly import Assembler
from tests.media.simulation import footage

UNITS = st.lists(
    # A unit does not end with a zero, and has no start code inside.
    st.binary(min_size=1, max_size=40).map(
        lambda body: bytes((0x61,)) + body.replace(b"\0", b"\1") * 60
    ),
    min_size=1,
    max_size=6,
)


@given(UNITS)
def test_units_of_h264_come_back(units: list[bytes]) -> None:
    stream = b"".join(b"\0\0\0\1" + unit for unit in units)
    payloads = h264.packetize(stream)
    assert all(len(payload) <= h264.PAYLOAD_MOST for payload in payloads)
    assert b"".join(map(h264.depacketize, payloads)) == stream
    assert b"".join(map(h264_depayload, payloads)) == stream


def test_a_frame_of_vp8_comes_back() -> None:
    frame = bytes(range(256)) * 20
    payloads = vp8.packetize(frame, 40_000)
    assert all(len(payload) <= vp8.PAYLOAD_MOST for payload in payloads)
    assert b"".join(map(vp8.depacketize, payloads)) == frame
    assert b"".join(map(vp8_depayload, payloads)) == frame
    assert {vp8.picture_id(payload) for payload in payloads} == {40_000 & 0x7FFF}
    assert [vp8.starts_frame(payload) for payload in payloads] == [True] + [False] * (
        len(payloads) - 1
    )


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_keyframes_are_known(codec: str) -> None:
    group = footage.groups(codec)[0]
    for number, picture in enumerate(group):
        payloads = (
            h264.packetize(picture.data) if codec == "H264" else vp8.packetize(picture.data, number)
        )
        starts = (h264 if codec == "H264" else vp8).starts_keyframe
        assert [starts(payload) for payload in payloads] == [
            number == 0 and place == 0 for place in range(len(payloads))
        ]


@given(st.binary(max_size=30))
def test_nonsense_is_no_keyframe(payload: bytes) -> None:
    assert h264.starts_keyframe(payload) in {True, False}
    assert vp8.starts_keyframe(payload) in {True, False}


def key(number: int) -> bytes:
    """A frame of one packet."""
    return vp8.packetize(b"\0" + bytes((number,)), number)[0]


def delta(number: int) -> bytes:
    return vp8.packetize(b"\1" + bytes((number,)), number)[0]


def test_what_is_late_is_waited_for_and_no_longer_than_said() -> None:
    assembler = Assembler("VP8", 90_000, 0.5)
    assembler.add(10, 0, True, key(0), 100.0)
    assert [frame.is_keyframe for frame in assembler.frames(100.0)] == [True]
    assembler.add(12, 6_000, True, delta(2), 100.07)
    assert assembler.frames(100.07) == []
    assembler.add(11, 3_000, True, delta(1), 100.4)
    assert [frame.timestamp for frame in assembler.frames(100.4)] == [3_000, 6_000]
    assembler.add(14, 12_000, True, delta(4), 100.14)
    assert assembler.frames(100.6) == []
    assert not assembler.needs_keyframe
    assert assembler.due == pytest.approx(100.0 + 12_000 / 90_000 + 0.5)
    assert assembler.frames(assembler.due) == []
    assert assembler.needs_keyframe
    assert assembler.given_up == 1
    assembler.add(13, 9_000, True, delta(3), 101.0)
    assert assembler.frames(101.0) == []
    assembler.add(15, 15_000, True, key(5), 101.1)
    assert [frame.timestamp for frame in assembler.frames(101.1)] == [15_000]


def test_a_frame_of_several_packets_needs_all_of_them() -> None:
    assembler = Assembler("VP8", 90_000, 0.5)
    payloads = vp8.packetize(b"\0" * 3_000, 1)
    assert len(payloads) == 3
    for number in (2, 0):
        assembler.add(number, 90_000, number == 2, payloads[number], 1.0)
        assert assembler.frames(1.0) == []
    assembler.add(1, 90_000, False, payloads[1], 1.1)
    [frame] = assembler.frames(1.1)
    assert frame.payload == b"\0" * 3_000


def test_nothing_begins_without_a_keyframe() -> None:
    assembler = Assembler("H264", 90_000, 0.5)
    for number in range(2_000):
        assembler.add(number, number * 3_000, True, b"\x41abc", number / 30)
        assert assembler.frames(number / 30) == []
    assert assembler.needs_keyframe
    assert len(assembler._parts) <= 512
