"""media/h264.py on what x264 makes, and on what it does not."""

from fractions import Fraction
from itertools import pairwise

import av
import pytest
from aiortc.codecs.h264 import H264Encoder
from av.video.codeccontext import VideoCodecContext
from hypothesis import given
from hypothesis import strategies as st

from media import h264, rtp
from media.keyframes import is_keyframe
from tests.media.captured import PACKETS

FU_START, FU_MIDDLE = b"\x7c\x85\x88", b"\x7c\x05\x88"

# Sizes that need cropping, fields, chroma of all kinds, scaling matrices, profiles.
PICTURES = [
    (640, 360, "yuv420p", {}),
    (176, 144, "yuv422p", {}),
    (322, 242, "yuv444p", {"x264-params": "cqm=jvt"}),
    (640, 360, "yuv420p", {"x264-params": "interlaced=1"}),
    (1920, 1080, "yuv420p", {"x264-params": "cqm=jvt"}),
    (1280, 720, "yuv420p", {"profile": "baseline"}),
]


def encoded(
    width: int, height: int, form: str = "yuv420p", options: dict[str, str] | None = None
) -> bytes:
    """Some frames in one group of pictures, with start codes."""
    codec = av.CodecContext.create("libx264", "w")
    assert isinstance(codec, VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt = width, height, form
    codec.time_base = Fraction(1, 30)
    codec.options = {"preset": "ultrafast", "tune": "zerolatency", **(options or {})}
    frames = [av.VideoFrame(width, height, form) for _ in range(3)]
    for time, frame in enumerate(frames):
        frame.pts = time
    return b"".join(bytes(packet) for frame in [*frames, None] for packet in codec.encode(frame))


def units_of(stream: bytes) -> list[bytes]:
    return list(H264Encoder._split_bitstream(stream))


@pytest.mark.parametrize(("width", "height", "form", "options"), PICTURES)
def test_the_size_of_pictures(width: int, height: int, form: str, options: dict[str, str]) -> None:
    [sps] = [
        unit for unit in units_of(encoded(width, height, form, options)) if unit[0] & 31 == h264.SPS
    ]
    assert h264.sps_of(sps) == sps
    assert h264.size_of(sps) == (width, height)
    for cut in range(len(sps)):
        assert h264.size_of(sps[:cut]) in {None, (width, height)}


def test_a_keyframe_begins_where_its_parameter_sets_do() -> None:
    """In aiortc's packets: one of parameter sets together, then fragments of the picture."""
    units = [unit for unit in units_of(encoded(640, 360)) if unit[0] & 31 != 6]
    payloads = H264Encoder._packetize(iter(units))
    found = [is_keyframe("H264", payload) for payload in payloads]
    assert found[0]
    sps = h264.sps_of(payloads[0])
    assert sps is not None
    assert h264.size_of(sps) == (640, 360)
    assert not any(found[3:])


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"\x67\x42\xc0\x1f", True),  # SPS
        (b"\x68\xce\x3c\x80", False),  # PPS
        (b"\x65\x88\x84", True),  # first slice of an IDR picture
        (b"\x65\x40\x84", False),  # another one
        (b"\x41\x9a\x24", False),  # a slice of another picture
        (FU_START, True),
        (FU_MIDDLE, False),
        (b"\x7c\x85\x40", False),
        (b"\x78\x00\x02\x09\x10\x00\x02\x67\x42", True),  # delimiter and SPS together
        (b"\x78\x00\x02\x09\x10\x00\x02\x61\x42", False),
        (b"\x78\x00\x02\x09\x10\x00\x09\x67\x42", False),  # cut off
        (b"", False),
        (b"\x65", False),
    ],
)
def test_keyframes(payload: bytes, expected: bool) -> None:
    assert is_keyframe("H264", payload) is expected


def test_a_fragmented_parameter_set_is_none() -> None:
    assert h264.sps_of(b"\x7c\x87\x42\xc0\x1f") is None
    assert is_keyframe("H264", b"\x7c\x87\x42\xc0\x1f")


def test_chromium_s_keyframe() -> None:
    payloads = []
    for packet in map(bytes.fromhex, PACKETS["chromium_h264"]["rtp"]):
        header = rtp.parse(packet)
        assert header is not None
        if header[1] == 102:
            payloads.append(packet[header[7] : header[8]])
    [first] = [payload for payload in payloads if h264.sps_of(payload)]
    assert is_keyframe("H264", first)
    sps = h264.sps_of(first)
    assert sps is not None
    assert h264.size_of(sps) == (640, 360)


@given(st.binary(max_size=60))
def test_anything_at_all(payload: bytes) -> None:
    is_keyframe("H264", payload)
    if (sps := h264.sps_of(payload)) is not None:
        h264.size_of(sps)
    size = h264.size_of(b"\x67" + payload)
    assert size is None or all(0 < side <= 16384 for side in size)
    found = list(h264.units(payload))
    assert all(start <= stop <= len(payload) for _, start, stop in found)
    assert all(before[2] < after[1] for before, after in pairwise(found))


@given(st.integers(0, 200), st.integers(0, 7))
def test_parameter_sets_with_a_bit_turned(index: int, bit: int) -> None:
    sps = bytearray.fromhex("6764001facd940a02ff970110000030001000003003c0f18319600")
    sps[index % len(sps)] ^= 1 << bit
    h264.size_of(bytes(sps))
