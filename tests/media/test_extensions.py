"""Reading and writing of media/extensions.py."""

import pytest
from aiortc.rtp import pack_header_extensions, unpack_header_extensions
from hypothesis import given
from hypothesis import strategies as st

from media import extensions, rtp
from media.extensions import Extension
from tests.media.captured import PACKETS

IDS = {Extension.MID: 4, Extension.ABS_SEND_TIME: 2, Extension.TRANSPORT_SEQUENCE: 3}
KNOWN = extensions.names(IDS)

ELEMENTS = st.lists(st.tuples(st.integers(1, 14), st.binary(min_size=1, max_size=16)), max_size=8)
LARGE_ELEMENTS = st.lists(st.tuples(st.integers(1, 255), st.binary(max_size=255)), max_size=8)


def read(block: bytes, known: extensions.Names = KNOWN) -> dict[int, bytes]:
    """What is in a header extension, its own header included."""
    profile = int.from_bytes(block[:2], "big")
    return extensions.read(block, profile, 4, len(block), known)


def test_one_byte_headers() -> None:
    block = bytes.fromhex("bede0003 4031 22aabbcc 3100 07 00 00")
    assert read(block) == {
        Extension.MID: b"1",
        Extension.ABS_SEND_TIME: b"\xaa\xbb\xcc",
        Extension.TRANSPORT_SEQUENCE: b"\x00\x07",
    }


def test_two_byte_headers_with_padding_between() -> None:
    block = bytes.fromhex("1003 0003 00 0401 31 00 0203aabbcc 0300")
    assert read(block) == {
        Extension.MID: b"1",
        Extension.ABS_SEND_TIME: b"\xaa\xbb\xcc",
        Extension.TRANSPORT_SEQUENCE: b"",
    }


def test_id_15_ends_it() -> None:
    assert read(bytes.fromhex("bede0002 4031 f000 4032 0000")) == {Extension.MID: b"1"}


def test_what_was_not_agreed_upon_is_passed_over() -> None:
    assert read(bytes.fromhex("bede0002 51ffff 4031 000000")) == {Extension.MID: b"1"}
    assert not read(bytes.fromhex("abac0001 40310000"))


def test_what_is_cut_off_is_left_out() -> None:
    assert read(bytes.fromhex("bede0001 4031 22aa")) == {Extension.MID: b"1"}
    assert read(bytes.fromhex("10000001 040131 02")) == {Extension.MID: b"1"}


@given(ELEMENTS)
def test_one_byte_headers_where_they_suffice(elements: list[tuple[int, bytes]]) -> None:
    block = extensions.write(elements)
    assert len(block) % 4 == 0
    if elements:
        profile, value = pack_header_extensions(elements)
        assert block == profile.to_bytes(2, "big") + (len(value) // 4).to_bytes(2, "big") + value


@given(LARGE_ELEMENTS)
def test_what_was_written_is_read_by_us_and_by_aiortc(elements: list[tuple[int, bytes]]) -> None:
    block = extensions.write(elements)
    known = extensions.names({number: number for number in range(1, 256)})
    assert read(block, known) == dict(elements)
    profile = int.from_bytes(block[:2], "big")
    assert unpack_header_extensions(profile, block[4:]) == elements


@given(st.sampled_from([0xBEDE, 0x1000, 0x100F, 0, 0xFFFF]), st.binary(max_size=60))
def test_anything_at_all(profile: int, value: bytes) -> None:
    known = extensions.names({number: number for number in range(1, 256)})
    found = extensions.read(value, profile, 0, len(value), known)
    assert sum(map(len, found.values())) <= len(value)
    for name, element in found.items():
        extensions.text_of(element)
        extensions.abs_send_time_of(element)
        extensions.transport_sequence_of(element)
        extensions.audio_level_of(element)
        assert 0 < name < 256


def values_of(peer: str, ids: dict[int, int]) -> list[dict[int, bytes]]:
    """Of all captured packets of a peer."""
    known = extensions.names(ids)
    found = []
    for packet in map(bytes.fromhex, PACKETS[peer]["rtp"]):
        header = rtp.parse(packet)
        assert header is not None
        found.append(extensions.read(packet, header[5], header[6], header[7], known))
    return found


@pytest.mark.parametrize(("peer", "number"), [("chromium_vp8", 4), ("aiortc", 1)])
def test_captured_packets_say_their_section(peer: str, number: int) -> None:
    found = {values.get(Extension.MID) for values in values_of(peer, {Extension.MID: number})}
    assert b"1" in found
    assert found <= {b"0", b"1", None}


def test_captured_packets_of_a_simulcast_say_their_layer() -> None:
    ids = {
        Extension.ABS_SEND_TIME: 2,
        Extension.TRANSPORT_SEQUENCE: 3,
        Extension.RID: 10,
        Extension.REPAIRED_RID: 11,
    }
    found = values_of("chromium_vp8_simulcast", ids)
    assert {b"q", b"f"} <= {values.get(Extension.RID) for values in found}
    assert {b"q", b"f"} & {values.get(Extension.REPAIRED_RID) for values in found}
    numbers = [
        extensions.transport_sequence_of(values[Extension.TRANSPORT_SEQUENCE]) for values in found
    ]
    assert len(set(numbers)) == len(numbers)
    times = [
        extensions.abs_send_time_of(values.get(Extension.ABS_SEND_TIME, b"")) for values in found
    ]
    assert any(times)


def test_the_send_time_wraps_each_64_seconds() -> None:
    assert extensions.abs_send_time(1.5) == b"\x06\x00\x00"
    assert extensions.abs_send_time_of(extensions.abs_send_time(65.25)) == 1.25
    assert extensions.abs_send_time_of(b"\x06\x00") is None


def test_values() -> None:
    assert extensions.transport_sequence_of(b"\x01\x02") == 0x0102
    assert extensions.transport_sequence_of(b"\x01\x02\x80\x00") == 0x0102
    assert extensions.transport_sequence_of(b"\x01") is None
    assert extensions.audio_level_of(b"\x8a") == (True, 10)
    assert extensions.audio_level_of(b"\x7f\x00") == (False, 127)
    assert extensions.audio_level_of(b"") is None
    assert extensions.text_of(b"hi") == "hi"
    assert extensions.text_of(b"") is None
    assert extensions.text_of("ä".encode()) is None
