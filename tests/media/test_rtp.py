"""media/rtp.py, beside aiortc's."""

import pytest
from aiortc.rtp import RtpPacket, wrap_rtx
from aiortc.rtp import is_rtcp as is_rtcp_of_aiortc
from hypothesis import example, given
from hypothesis import strategies as st

from media import extensions, rtp
from tests.media.captured import packets

PLAIN = bytes.fromhex("80e0 0102 00000003 00000004") + b"payload"


def test_a_plain_packet() -> None:
    assert rtp.parse(PLAIN) == (True, 96, 0x0102, 3, 4, 0, 12, 12, 19)


def test_contributing_sources_extension_and_padding() -> None:
    data = bytes.fromhex("b2600001 00000002 00000003 00000004 00000005 bede0001 10ff0000")
    header = rtp.parse(data + b"payload" + b"\0\0\3")
    assert header == (False, 96, 1, 2, 3, 0xBEDE, 24, 28, 35)


def test_a_probe_is_nothing_but_padding() -> None:
    data = bytes.fromhex("a0e00001 00000002 00000003") + bytes(254) + b"\xff"
    assert rtp.parse(data) == (True, 96, 1, 2, 3, 0, 12, 12, 12)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PLAIN[:11],
        b"\x40" + PLAIN[1:],  # version 1
        b"\x8f" + PLAIN[1:],  # 15 contributing sources
        b"\x90" + PLAIN[1:12],  # no room for an extension
        b"\x90" + PLAIN[1:12] + b"\xbe\xde\x00\x02" + bytes(7),
        b"\xa0" + PLAIN[1:12] + b"\0",  # padding of nothing
        b"\xa0" + PLAIN[1:12] + b"\2",  # more padding than there is
    ],
)
def test_what_is_no_packet(data: bytes) -> None:
    assert rtp.parse(data) is None


@given(
    marker=st.booleans(),
    payload_type=st.integers(0, 127),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 2**32 - 1),
    ssrc=st.integers(0, 2**32 - 1),
    payload=st.binary(max_size=40),
    elements=st.lists(st.tuples(st.integers(1, 14), st.binary(min_size=1, max_size=16))),
)
def test_what_was_built_is_read_by_us_and_by_aiortc(
    marker: bool,
    payload_type: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    elements: list[tuple[int, bytes]],
) -> None:
    block = extensions.write(elements)
    data = rtp.build(
        payload_type=payload_type,
        sequence=sequence,
        timestamp=timestamp,
        ssrc=ssrc,
        payload=payload,
        marker=marker,
        extensions=block,
    )
    header = rtp.parse(data)
    assert header is not None
    assert header[:5] == (marker, payload_type, sequence, timestamp, ssrc)
    assert data[header[7] : header[8]] == payload
    assert data[12 : header[7]] == block
    theirs = RtpPacket.parse(data)
    assert (theirs.sequence_number, theirs.timestamp, theirs.ssrc) == (sequence, timestamp, ssrc)
    assert (theirs.marker, theirs.payload_type) == (marker, payload_type)
    assert theirs.payload == payload


@given(st.binary(max_size=80) | st.builds(bytes.__add__, st.just(b"\xb1"), st.binary(max_size=80)))
@example(b"\xb0" + bytes(15))
def test_anything_at_all(data: bytes) -> None:
    """Whatever comes: None, or what aiortc finds."""
    header = rtp.parse(data)
    try:
        theirs = RtpPacket.parse(data)
    except ValueError:
        # aiortc refuses a packet for broken elements, too.
        if header is not None:
            assert header[5] in {0xBEDE, 0x1000}
            assert 12 <= header[6] <= header[7] <= header[8] <= len(data)
        return
    assert header is not None
    assert header[1:5] == (
        theirs.payload_type,
        theirs.sequence_number,
        theirs.timestamp,
        theirs.ssrc,
    )
    assert data[header[7] : header[8]] == theirs.payload


@given(st.data())
def test_captured_packets_with_bits_turned(data: st.DataObject) -> None:
    packet = bytearray(data.draw(st.sampled_from(packets("rtp"))))
    for index in data.draw(st.lists(st.integers(0, min(40, len(packet) - 1)), max_size=4)):
        packet[index] ^= 1 << data.draw(st.integers(0, 7))
    header = rtp.parse(bytes(packet))
    if header is not None:
        assert 12 <= header[6] <= header[7] <= header[8] <= len(packet)


@pytest.mark.parametrize("packet", packets("rtp"), ids=lambda packet: packet[:4].hex())
def test_captured_packets(packet: bytes) -> None:
    header = rtp.parse(packet)
    assert header is not None
    assert not rtp.is_rtcp(packet)
    theirs = RtpPacket.parse(packet)
    assert packet[header[7] : header[8]] == theirs.payload


@given(st.binary(max_size=4))
def test_rtcp_is_told_apart(data: bytes) -> None:
    if is_rtcp_of_aiortc(data):
        assert rtp.is_rtcp(data)
    if rtp.is_rtcp(data):
        assert 64 <= data[1] & 0x7F <= 95


def test_all_captured_rtcp_is_rtcp() -> None:
    assert all(rtp.is_rtcp(packet) for packet in packets("rtcp"))


def test_a_retransmission_holds_the_original() -> None:
    packet = RtpPacket(payload_type=96, sequence_number=0xFFFE, payload=b"payload")
    repeated = wrap_rtx(packet, payload_type=97, sequence_number=7, ssrc=5)
    assert rtp.original(repeated.payload) == (0xFFFE, b"payload")
    assert rtp.original(b"\1") is None
