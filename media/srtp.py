"""SRTP and SRTCP (RFC 3711, RFC 7714) through libsrtp, in place and without exceptions.

`pylibsrtp.Session` copies each packet into a buffer of its own and out again, makes an int for the
length each time, and raises for each packet that is refused. Its binding is used beneath it:
protecting 1,100 bytes costs 1 us, 0.8 of what `Session.protect` does; unprotecting costs the same
as there, with the sources counted (tests/benchmarks/srtp.py).

Sequence numbers of a source must begin below 2**15 (RFC 3711, 3.3.1 has why): a receiver that
misses the packets around the first roll-over guesses wrong, and for good.
"""

from typing import Any

from aiortc.rtcdtlstransport import SRTP_AEAD_AES_128_GCM, SRTP_PROFILES, SRTPProtectionProfile
from pylibsrtp import Policy, Session
from pylibsrtp._binding import ffi, lib

# Best first. GCM costs half of what HMAC-SHA1 does; and the DTLS handshake gives 128 bits anyway.
PROFILES = sorted(SRTP_PROFILES, key=lambda profile: profile is not SRTP_AEAD_AES_128_GCM)

TRAILER = 144
"""Bytes behind a packet that protecting it may use: SRTP_MAX_TRAILER_LEN of libsrtp."""
# Of SRTCP: the index with its E bit comes on top (SRTP_MAX_SRTCP_TRAILER_LEN).
RTCP_TRAILER = TRAILER + 4

# Datagrams are 1,200 bytes in WebRTC, and 1,500 at most where there are no jumbo frames.
PACKET_BYTES = 2048
RTP_HEADER = 12
RTCP_HEADER = 8

# How far a packet may be behind the latest one. What comes in may be late: 512 bytes of memory a
# source. What goes out is refused by libsrtp where it is older, a packet that is sent again on its
# source's own SSRC; and with each packet libsrtp shifts all of the window, so that four times as
# large a one costs a quarter more. Browsers' own windows have 1,024.
WINDOW = 4096
OUTBOUND_WINDOW = 1024

# Sources of one peer. libsrtp keeps something for each for ever, and looks for it in a list.
SOURCES = 64

OK = lib.srtp_err_status_ok


def _session(profile: SRTPProtectionProfile, key: bytes, direction: int, *, window: int) -> Session:
    policy = Policy(key=key, ssrc_type=direction, srtp_profile=profile.libsrtp_profile)
    policy.allow_repeat_tx = True
    policy.window_size = window
    return Session(policy)


# Where packets lie while libsrtp works on them, and the int that it writes lengths to: one for
# all, as calls do not overlap. Making an int costs three times what writing to one does.
SCRATCH: Any = ffi.new("char[]", PACKET_BYTES + RTCP_TRAILER)
SCRATCH_BYTES: Any = ffi.buffer(SCRATCH)
LENGTH: Any = ffi.new("int *")


class OutboundSrtp:
    """What we send to one peer, any number of sources of ours.

    Args:
        profile: that DTLS has agreed upon.
        key: master key and salt.

    Attributes:
        failures: packets that libsrtp has refused to protect.
    """

    __slots__ = ("_handle", "_session", "failures")

    def __init__(self, profile: SRTPProtectionProfile, key: bytes) -> None:
        self._session = _session(profile, key, Policy.SSRC_ANY_OUTBOUND, window=OUTBOUND_WINDOW)
        self._handle = self._session._srtp[0]
        self.failures = 0

    def protect_rtp(self, cdata: Any, offset: int, length: int) -> int:
        """Protect a packet where it lies.

        The same sequence number may be protected again with the same bytes only, header included:
        with AES-GCM anything else gives the key away (RFC 7714, 8.4).

        Args:
            cdata: a `char[]` of cffi, of at least `offset + length + TRAILER` bytes.
            offset: where the packet begins.
            length: of the packet in the clear.

        Returns:
            Its length now; 0: it is not to be sent. libsrtp refuses a packet that is older than
            `OUTBOUND_WINDOW`.
        """
        LENGTH[0] = length
        if lib.srtp_protect(self._handle, cdata + offset, LENGTH) != OK:
            self.failures += 1
            return 0
        protected: int = LENGTH[0]
        return protected

    def protect_rtcp(self, data: bytes) -> bytes:
        """Protect a compound RTCP packet.

        Returns:
            Empty: it is not to be sent, being too long or no RTCP.
        """
        length = len(data)
        if not RTCP_HEADER <= length <= PACKET_BYTES:
            self.failures += 1
            return b""
        SCRATCH_BYTES[0:length] = data
        LENGTH[0] = length
        if lib.srtp_protect_rtcp(self._handle, SCRATCH, LENGTH) != OK:
            self.failures += 1
            return b""
        protected: bytes = SCRATCH_BYTES[0 : LENGTH[0]]
        return protected


class InboundSrtp:
    """What one peer sends us.

    Args:
        profile: that DTLS has agreed upon.
        key: master key and salt.

    Attributes:
        failures: packets that were forged, repeated, too old, cut off, or of a source too many.
    """

    __slots__ = ("_handle", "_session", "_sources", "failures")

    def __init__(self, profile: SRTPProtectionProfile, key: bytes) -> None:
        self._session = _session(profile, key, Policy.SSRC_ANY_INBOUND, window=WINDOW)
        self._handle = self._session._srtp[0]
        # Those that have sent something authentic, as they stand in packets.
        self._sources: set[bytes] = set()
        self.failures = 0

    def unprotect_rtp(self, data: bytes) -> bytes | None:
        """The packet in the clear; None: it is not authentic, or a repetition."""
        if len(data) >= RTP_HEADER:
            return self._unprotect(data, data[8:12], lib.srtp_unprotect)
        self.failures += 1
        return None

    def unprotect_rtcp(self, data: bytes) -> bytes | None:
        """The compound packet in the clear; None: it is not authentic, or a repetition."""
        if len(data) >= RTCP_HEADER:
            return self._unprotect(data, data[4:8], lib.srtp_unprotect_rtcp)
        self.failures += 1
        return None

    def _unprotect(self, data: bytes, source: bytes, unprotect: Any) -> bytes | None:
        length = len(data)
        known = source in self._sources
        if length > PACKET_BYTES or not (known or len(self._sources) < SOURCES):
            self.failures += 1
            return None
        SCRATCH_BYTES[0:length] = data
        LENGTH[0] = length
        if unprotect(self._handle, SCRATCH, LENGTH) != OK:
            self.failures += 1
            return None
        if not known:
            self._sources.add(source)
        clear: bytes = SCRATCH_BYTES[0 : LENGTH[0]]
        return clear
