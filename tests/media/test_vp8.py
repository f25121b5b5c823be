"""media/vp8.py, beside aiortc's; and the keyframes of VP9 and AV1."""

from fractions import Fraction

import av
import pytest
from aiortc.codecs.vpx import VpxPayloadDescriptor
from av.video.codeccontext import VideoCodecContext
from hypothesis import given
from hypothesis import strategies as st

from media import rtp, vp8
from media.keyframes import is_keyframe
from tests.media.captured import PACKETS

NUMBERED = st.builds(
    VpxPayloadDescriptor,
    partition_start=st.integers(0, 1),
    partition_id=st.integers(0, 7),
    picture_id=st.none() | st.integers(0, 0x7FFF),
    tl0picidx=st.none() | st.integers(0, 255),
    tid=st.none() | st.tuples(st.integers(0, 3), st.integers(0, 1)),
    keyidx=st.none() | st.integers(0, 31),
)


@given(NUMBERED, st.binary(max_size=8))
def test_descriptors_of_aiortc(theirs: VpxPayloadDescriptor, rest: bytes) -> None:
    payload = bytes(theirs) + rest
    ours = vp8.parse(payload)
    assert ours is not None
    assert payload[ours.length :] == rest
    assert ours.starts_frame == (theirs.partition_start == 1 and theirs.partition_id == 0)
    assert ours.picture_id == theirs.picture_id
    assert ours.temporal_layer == (theirs.tid[0] if theirs.tid else None)
    assert ours.layer_sync == bool(theirs.tid and theirs.tid[1])
    if theirs.tl0picidx is None:
        assert ours.tl0_offset == 0
    else:
        assert payload[ours.tl0_offset] == theirs.tl0picidx


@given(NUMBERED, st.binary(max_size=8), st.integers(0, 2**20), st.integers(0, 2**12))
def test_other_numbers(
    theirs: VpxPayloadDescriptor, rest: bytes, picture_id: int, tl0: int
) -> None:
    payload = bytes(theirs) + rest
    descriptor = vp8.parse(payload)
    assert descriptor is not None
    written = vp8.rewrite(payload, descriptor, picture_id, tl0)
    found, behind = VpxPayloadDescriptor.parse(written)
    assert behind == rest
    assert found.picture_id == (None if theirs.picture_id is None else picture_id & 0x7FFF)
    assert found.tl0picidx == (None if theirs.tl0picidx is None else tl0 & 255)
    assert (found.tid, found.partition_start) == (theirs.tid, theirs.partition_start)


def test_a_picture_id_of_seven_bits_keeps_them() -> None:
    payload = bytes.fromhex("90 80 7f 00")
    descriptor = vp8.parse(payload)
    assert descriptor is not None
    assert (descriptor.picture_id, descriptor.picture_id_bytes) == (127, 1)
    assert vp8.rewrite(payload, descriptor, 128, 0) == bytes.fromhex("90 80 00 00")


@given(st.binary(max_size=12))
def test_anything_at_all(payload: bytes) -> None:
    descriptor = vp8.parse(payload)
    try:
        theirs, rest = VpxPayloadDescriptor.parse(payload)
    except ValueError:
        assert descriptor is None
    else:
        assert descriptor is not None
        assert payload[descriptor.length :] == rest
        assert descriptor.picture_id == theirs.picture_id
    for codec in "VP8", "VP9", "AV1", "H264", "opus":
        is_keyframe(codec, payload)
    vp8.size_of(payload)


def frames(codec_name: str, width: int, height: int) -> list[bytes]:
    """A keyframe and one that is none, as libvpx makes them."""
    codec = av.CodecContext.create(codec_name, "w")
    assert isinstance(codec, VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.time_base = Fraction(1, 30)
    codec.options = {"lag-in-frames": "0", "deadline": "realtime"}
    pictures = [av.VideoFrame(width, height, "yuv420p") for _ in range(2)]
    for time, picture in enumerate(pictures):
        picture.pts = time
    return [bytes(packet) for picture in [*pictures, None] for packet in codec.encode(picture)]


@pytest.mark.parametrize("size", [(320, 180), (642, 362)])
def test_keyframes_and_their_size(size: tuple[int, int]) -> None:
    key, following = frames("libvpx", *size)
    first = bytes(VpxPayloadDescriptor(1, 0, picture_id=7))
    later = bytes(VpxPayloadDescriptor(0, 0, picture_id=7))
    assert is_keyframe("VP8", first + key)
    assert not is_keyframe("VP8", later + key)
    assert not is_keyframe("VP8", first + following)
    assert not is_keyframe("VP8", first)
    assert vp8.size_of(first + key) == size
    assert vp8.size_of(first + key[:9]) is None
    assert vp8.size_of(first + following) is None
    assert vp8.size_of(later + key) is None


def test_chromium_s_keyframe() -> None:
    packets = [bytes.fromhex(text) for text in PACKETS["chromium_vp8"]["rtp"]]
    video = [packet[24:] for packet in packets if packet[1] & 127 == 96]
    assert [is_keyframe("VP8", payload) for payload in video].count(True) == 1
    assert [size for payload in video if (size := vp8.size_of(payload))] == [(320, 180)]


@pytest.mark.parametrize(
    ("peer", "codec", "payload_type"), [("chromium_vp9", "VP9", 98), ("chromium_av1", "AV1", 45)]
)
def test_chromium_s_keyframes_of_other_codecs(peer: str, codec: str, payload_type: int) -> None:
    """Its first packet of media begins one; of the others captured, none does."""
    found = []
    for packet in map(bytes.fromhex, PACKETS[peer]["rtp"]):
        header = rtp.parse(packet)
        assert header is not None
        if header[1] == payload_type:
            found.append((header[2], is_keyframe(codec, packet[header[7] : header[8]])))
    assert [begins for _, begins in sorted(found)] == [True] + [False] * (len(found) - 1)
    assert len(found) > 1


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("08", True),  # begins a frame (B), which is not predicted
        ("48", False),  # predicted (P)
        ("00", False),  # not the beginning
        ("8a 05", True),  # with a picture ID of seven bits
        ("aa 05 00", True),  # and layer indices: the lowest
        ("aa 05 02", False),  # the second spatial layer
        ("aa 8005 20", True),  # 15 bits, another temporal layer
        ("aa 8005 02", False),
        ("aa 8005", False),  # cut off
        ("", False),
    ],
)
def test_keyframes_of_vp9(payload: str, expected: bool) -> None:
    assert is_keyframe("VP9", bytes.fromhex(payload)) is expected


@pytest.mark.parametrize(
    ("payload", "expected"),
    [("18 0a", True), ("10 0a", False), ("98 0a", False), ("58 0a", True), ("", False)],
)
def test_keyframes_of_av1(payload: str, expected: bool) -> None:
    """A new sequence (N) that is not the rest of a former packet's OBU (Z)."""
    assert is_keyframe("AV1", bytes.fromhex(payload)) is expected


def test_sound_has_no_keyframes() -> None:
    assert not is_keyframe("opus", b"\x08")
