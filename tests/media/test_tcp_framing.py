"""Datagrams survive a stream, however it is cut."""

from hypothesis import given
from hypothesis import strategies as st

from media.tcp_framing import FRAME_BYTES, Deframer, frame


@given(st.lists(st.binary(min_size=1, max_size=80), max_size=20), st.data())
def test_datagrams_come_out_as_they_went_in(datagrams: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(map(frame, datagrams))
    deframer = Deframer()
    found: list[bytes] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += deframer.feed(stream[:size]) or []
        stream = stream[size:]
    assert found == datagrams


def test_a_view_is_framed_like_bytes() -> None:
    assert frame(memoryview(b"\x80abc")) == b"\x00\x04\x80abc"


def test_empty_frames_mean_nothing() -> None:
    deframer = Deframer()
    assert deframer.feed(b"\x00\x00\x00\x01a\x00\x00") == [b"a"]
    assert deframer.feed(b"\x00\x00" * 50_000) == []


def test_the_longest_frame_passes_and_a_longer_one_ends_it() -> None:
    assert Deframer().feed(frame(b"x" * FRAME_BYTES)) == [b"x" * FRAME_BYTES]
    deframer = Deframer()
    assert deframer.feed((FRAME_BYTES + 1).to_bytes(2, "big")) is None
    assert deframer.feed(frame(b"a")) is None


def test_a_byte_at_a_time_is_enough() -> None:
    deframer = Deframer()
    found = [deframer.feed(bytes([byte])) for byte in frame(b"ab") + frame(b"c")]
    assert found == [[], [], [], [b"ab"], [], [], [b"c"]]


@given(st.lists(st.binary(max_size=100), max_size=30), st.integers(1, 64))
def test_any_stream_is_read_and_less_than_a_frame_is_kept(chunks: list[bytes], limit: int) -> None:
    deframer = Deframer(limit)
    broken = False
    for chunk in chunks:
        found = deframer.feed(chunk)
        assert not broken or found is None
        broken = found is None
        assert all(0 < len(datagram) <= limit for datagram in found or [])
        assert len(deframer._rest) < limit + 2
