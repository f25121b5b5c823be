"""media/picture_ids.py against a model: pictures of several encoders, counted as one."""

from hypothesis import given
from hypothesis import strategies as st

from media import vp8
from media.numbering import Run
from media.packet import Packet
from media.picture_ids import PictureIds, with_ids
from tests.media.watching import H264, TO_H264, TO_VP8, VP8, FakeTrack

LAYER = FakeTrack("video", VP8).layers[0]


def packet(payload: bytes) -> Packet:
    return LAYER.packet(0, 0, payload)


def new_run() -> Run:
    codecs = {VP8.payload_type: TO_VP8, H264.payload_type: TO_H264}
    return Run(packet(b"").layer, codecs, first=0, delta=0, timestamp_delta=0)


def frame(picture: int, tl0: int, *, long: bool = True) -> bytes:
    """A payload with picture id, TL0PICIDX and a temporal layer."""
    if long:
        return bytes((0x90, 0xE0, 0x80 | picture >> 8 & 0x7F, picture & 255, tl0, 0x20, 1, 2, 3))
    return bytes((0x90, 0xE0, picture & 0x7F, tl0, 0x20, 1, 2, 3))


ENCODERS = st.lists(
    st.tuples(st.integers(0, 0x7FFF), st.integers(0, 255), st.integers(1, 30)),
    min_size=1,
    max_size=6,
)


@given(encoders=ENCODERS, long=st.booleans())
def test_pictures_count_on_through_encoders(
    encoders: list[tuple[int, int, int]], long: bool
) -> None:
    circle = 0x8000 if long else 0x80
    ids = PictureIds()
    expected: tuple[int, int] | None = None
    for picture, tl0, count in encoders:
        run = new_run()
        first = packet(frame(picture, tl0, long=long))
        ids.go_on(first, run)
        for index in range(count):
            sent = packet(frame((picture + index) % circle, (tl0 + index) % 256, long=long))
            got = with_ids(sent, run)
            found = vp8.parse(got)
            assert found is not None
            assert found.picture_id is not None
            numbers = found.picture_id, got[found.tl0_offset]
            if expected is None:
                expected = picture % circle, tl0
            assert numbers == expected
            expected = (expected[0] + 1) % circle, (expected[1] + 1) % 256
            # Nothing else has changed.
            assert len(got) == len(sent.payload)
            assert got[found.tl0_offset + 1 :] == sent.payload[found.tl0_offset + 1 :]
        ids.leave(sent, run)


@given(payload=st.binary(max_size=6), delta=st.integers(0, 0x7FFF))
def test_what_has_no_picture_id_is_left_as_it_is(payload: bytes, delta: int) -> None:
    run = new_run()
    run.picture_delta = delta
    sent = packet(payload)
    descriptor = vp8.parse(payload)
    got = with_ids(sent, run)
    assert len(got) == len(payload)
    if descriptor is None or descriptor.picture_id is None:
        assert got == payload


def test_what_has_none_leaves_the_count_as_it_is() -> None:
    ids = PictureIds()
    run = new_run()
    ids.go_on(packet(frame(700, 3)), run)
    assert (run.picture_delta, run.tl0_delta) == (0, 0)  # the first one counts as it likes
    ids.leave(packet(frame(700, 3)), run)
    for payload, payload_type in ((b"\x10\0\0", VP8.payload_type), (frame(5, 5), 96)):
        between = new_run()
        other = LAYER.packet(0, 0, payload, payload_type=payload_type)
        ids.go_on(other, between)
        assert between.plain
        ids.leave(other, between)
    run = new_run()
    ids.go_on(packet(frame(1, 1)), run)
    assert (run.picture_delta, run.tl0_delta) == (700, 3)
