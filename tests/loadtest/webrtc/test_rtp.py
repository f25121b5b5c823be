"""Packets: what is written is read again, by us and by aiortc."""

from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from loadtest.webrtc import rtp

PACKETS = st.builds(
    rtp.Packet,
    payload_type=st.integers(0, 127),
    marker=st.booleans(),
    sequence=st.integers(0, 65_535),
    timestamp=st.integers(0, 2**32 - 1),
    ssrc=st.integers(0, 2**32 - 1),
    extensions=st.dictionaries(st.integers(1, 14), st.binary(min_size=1, max_size=16)),
    payload=st.binary(max_size=50),
)


@given(PACKETS)
def test_a_packet_comes_back(packet: rtp.Packet) -> None:
    data = rtp.build(packet)
    assert rtp.parse(data) == packet
    seen = RtpPacket.parse(data)
    assert (seen.sequence_number, seen.timestamp, seen.ssrc, seen.payload) == (
        packet.sequence, packet.timestamp, packet.ssrc, packet.payload,
    )  # fmt: skip
    assert (seen.payload_type, bool(seen.marker)) == (packet.payload_type, packet.marker)


@given(st.binary(max_size=80))
def test_nonsense_does_no_harm(data: bytes) -> None:
    assert rtp.parse(data) is None or len(data) >= 12


def test_padding_is_no_payload() -> None:
    data = bytes.fromhex("a060 0001 00000002 00000003") + b"ab" + b"\0\0\3"
    packet = rtp.parse(data)
    assert packet is not None
    assert packet.payload == b"ab"


@given(st.integers(0, 2**40), st.integers(-0x7FFF, 0x7FFF))
def test_numbers_are_unwrapped(near: int, distance: int) -> None:
    number = near + distance
    assert rtp.unwrap(number & 0xFFFF, near) == number
