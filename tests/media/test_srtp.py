"""SRTP in place: what goes in comes out at the other end, and nothing else does."""

import struct

import pytest
from aiortc.rtcdtlstransport import SRTP_AEAD_AES_128_GCM, SRTPProtectionProfile
from hypothesis import given
from hypothesis import strategies as st
from pylibsrtp import Policy, Session
from pylibsrtp._binding import ffi

from media.srtp import (
    OUTBOUND_WINDOW,
    PACKET_BYTES,
    PROFILES,
    SOURCES,
    TRAILER,
    WINDOW,
    InboundSrtp,
    OutboundSrtp,
)

BUFFER = ffi.new("char[]", 4096)
VIEW = memoryview(ffi.buffer(BUFFER))


def key_of(profile: SRTPProtectionProfile) -> bytes:
    return bytes(range(profile.key_length + profile.salt_length))


def pair(
    profile: SRTPProtectionProfile = SRTP_AEAD_AES_128_GCM,
) -> tuple[OutboundSrtp, InboundSrtp]:
    key = key_of(profile)
    return OutboundSrtp(profile, key), InboundSrtp(profile, key)


def rtp(sequence: int, *, ssrc: int = 1, payload: bytes = b"payload") -> bytes:
    return struct.pack("!BBHII", 0x80, 96, sequence & 0xFFFF, 1234, ssrc) + payload


def rtcp(*, ssrc: int = 1) -> bytes:
    return struct.pack("!BBHI", 0x80, 201, 1, ssrc)


def protect(out: OutboundSrtp, packet: bytes, offset: int = 0) -> bytes:
    VIEW[offset : offset + len(packet)] = packet
    length = out.protect_rtp(BUFFER, offset, len(packet))
    return bytes(VIEW[offset : offset + length])


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.openssl_profile.decode())
def test_packets_go_both_ways_between_this_and_libsrtps_own_session(
    profile: SRTPProtectionProfile,
) -> None:
    key = key_of(profile)
    out, inbound = pair(profile)
    sender = Session(Policy(key, Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile.libsrtp_profile))
    receiver = Session(Policy(key, Policy.SSRC_ANY_INBOUND, srtp_profile=profile.libsrtp_profile))
    for sequence in range(5):
        packet = rtp(sequence)
        assert receiver.unprotect(protect(out, packet)) == packet
        assert inbound.unprotect_rtp(sender.protect(packet)) == packet
        assert receiver.unprotect_rtcp(out.protect_rtcp(rtcp())) == rtcp()
        assert inbound.unprotect_rtcp(sender.protect_rtcp(rtcp())) == rtcp()
    assert (out.failures, inbound.failures) == (0, 0)


def test_128_bits_of_gcm_are_preferred_then_256_then_what_everybody_has() -> None:
    assert [profile.openssl_profile for profile in PROFILES] == [
        b"SRTP_AEAD_AES_128_GCM",
        b"SRTP_AEAD_AES_256_GCM",
        b"SRTP_AES128_CM_SHA1_80",
    ]


def test_packets_behind_each_other_are_protected_where_they_lie() -> None:
    out, inbound = pair()
    packets = [rtp(sequence, payload=bytes([sequence]) * 50) for sequence in range(4)]
    VIEW[:] = b"\xee" * len(VIEW)
    end = 10
    sizes = []
    for packet in packets:
        VIEW[end : end + len(packet)] = packet
        size = out.protect_rtp(BUFFER, end, len(packet))
        assert len(packet) < size <= len(packet) + TRAILER
        sizes.append(size)
        end += size
    assert bytes(VIEW[:10]) == b"\xee" * 10
    assert bytes(VIEW[end:]) == b"\xee" * (len(VIEW) - end)
    start = 10
    for packet, size in zip(packets, sizes, strict=True):
        assert inbound.unprotect_rtp(bytes(VIEW[start : start + size])) == packet
        start += size


def test_sequence_numbers_may_roll_over_again_and_again() -> None:
    out, inbound = pair()
    for sequence in range(0x7FF0, 3 * 0x10000, 7):
        assert inbound.unprotect_rtp(protect(out, rtp(sequence))) == rtp(sequence), sequence
    assert (out.failures, inbound.failures) == (0, 0)


def test_loss_and_reordering_around_the_roll_over_do_no_harm() -> None:
    out, inbound = pair()
    for sequence in range(0xFF00, 0xFFF0):
        inbound.unprotect_rtp(protect(out, rtp(sequence)))
    packets = {n: protect(out, rtp(n)) for n in range(0xFFF0, 0x10010)}
    # The packets on both sides of it are lost, and those behind it come first.
    order = [*range(0x10008, 0x10010), *range(0xFFF0, 0xFFFA), *range(0x10002, 0x10006)]
    for sequence in order:
        assert inbound.unprotect_rtp(packets[sequence]) == rtp(sequence), hex(sequence)


def test_sources_have_roll_overs_of_their_own() -> None:
    out, inbound = pair()
    for sequence in range(0x7FFF, 0x10010):
        for ssrc, shift in ((1, 0), (2, 0x4000), (3, 5)):
            packet = rtp(sequence - shift, ssrc=ssrc)
            assert inbound.unprotect_rtp(protect(out, packet)) == packet


def test_a_packet_is_taken_once() -> None:
    out, inbound = pair()
    packet, report = protect(out, rtp(1)), out.protect_rtcp(rtcp())
    assert inbound.unprotect_rtp(packet) is not None
    assert inbound.unprotect_rtcp(report) is not None
    assert inbound.unprotect_rtp(packet) is None
    assert inbound.unprotect_rtcp(report) is None
    assert inbound.failures == 2


def test_a_late_packet_is_taken_within_the_window() -> None:
    out, inbound = pair()
    packets = {n: protect(out, rtp(n)) for n in range(1, WINDOW + 2)}
    inbound.unprotect_rtp(packets[WINDOW + 1])
    assert inbound.unprotect_rtp(packets[2]) == rtp(2)
    assert inbound.unprotect_rtp(packets[1]) is None


def test_a_packet_may_be_sent_again_within_the_window() -> None:
    out, _ = pair()
    first = protect(out, rtp(1))
    for sequence in range(2, OUTBOUND_WINDOW):
        protect(out, rtp(sequence))
    assert protect(out, rtp(1)) == first
    for sequence in range(OUTBOUND_WINDOW, OUTBOUND_WINDOW + 3):
        protect(out, rtp(sequence))
    assert protect(out, rtp(1)) == b""
    assert out.failures == 1


def test_a_forged_packet_is_refused_and_changes_nothing() -> None:
    out, inbound = pair()
    packet = protect(out, rtp(1))
    for position in (1, 3, 9, 14, len(packet) - 1):
        forged = bytearray(packet)
        forged[position] ^= 1
        assert inbound.unprotect_rtp(bytes(forged)) is None
    assert inbound.unprotect_rtp(packet) == rtp(1)
    assert inbound.failures == 5


def test_sources_are_bounded_and_forged_ones_take_no_place() -> None:
    out, inbound = pair()
    for ssrc in range(1000, 2000):
        assert inbound.unprotect_rtp(rtp(1, ssrc=ssrc, payload=bytes(40))) is None
    for ssrc in range(SOURCES):
        assert inbound.unprotect_rtp(protect(out, rtp(1, ssrc=ssrc))) is not None
    assert inbound.unprotect_rtp(protect(out, rtp(1, ssrc=SOURCES))) is None
    assert inbound.unprotect_rtp(protect(out, rtp(2, ssrc=0))) is not None
    assert inbound.unprotect_rtcp(out.protect_rtcp(rtcp(ssrc=5))) is not None


def test_what_is_too_short_or_too_long_is_refused() -> None:
    out, inbound = pair()
    for size in (0, 1, 7, 8, 11, 12, 13, 28, PACKET_BYTES, PACKET_BYTES + 1, 65_535):
        assert inbound.unprotect_rtp(b"\x80" * size) is None
        assert inbound.unprotect_rtcp(b"\x80" * size) is None
    assert inbound.failures == 22
    assert out.protect_rtcp(b"\x80\xc9") == b""
    assert out.protect_rtcp(bytes(PACKET_BYTES + 1)) == b""
    assert out.failures == 2
    assert protect(out, b"\x80short") == b""
    longest = rtp(1, payload=bytes(PACKET_BYTES - 12 - 16))
    assert inbound.unprotect_rtp(protect(out, longest)) == longest


@given(st.binary(max_size=120), st.sampled_from(PROFILES))
def test_any_bytes_are_refused_without_an_exception(
    data: bytes, profile: SRTPProtectionProfile
) -> None:
    out, inbound = pair(profile)
    for datagram in (data, b"\x80\x60" + data, b"\xb0\x60" + data, b"\x81\xc8" + data):
        assert inbound.unprotect_rtp(datagram) is None
        assert inbound.unprotect_rtcp(datagram) is None
        protect(out, datagram)
        out.protect_rtcp(datagram)
