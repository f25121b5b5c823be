"""Keys -> packets protected and unprotected (RFC 3711, 7714), by libsrtp."""

from dataclasses import dataclass

import pylibsrtp

# Packets that come again, or late, are known by their place in this window (RFC 3711, 3.3.2).
REPLAY_WINDOW = 1024


@dataclass(frozen=True, slots=True)
class Keys:
    """What DTLS has agreed upon: libsrtp's number of the profile; both sides' key and salt."""

    profile: int
    ours: bytes
    theirs: bytes


class Srtp:
    """Both directions of one connection."""

    def __init__(self, keys: Keys) -> None:
        self._outbound = _session(keys.profile, keys.ours, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        self._inbound = _session(keys.profile, keys.theirs, pylibsrtp.Policy.SSRC_ANY_INBOUND)
        self.profile = keys.profile

    def protect(self, packet: bytes) -> bytes:
        """An RTP packet for the wire. Its sequence number must be a new one of its source."""
        protected: bytes = self._outbound.protect(packet)
        return protected

    def protect_rtcp(self, packet: bytes) -> bytes:
        """A compound RTCP packet for the wire."""
        protected: bytes = self._outbound.protect_rtcp(packet)
        return protected

    def unprotect(self, data: bytes) -> bytes | None:
        """An RTP packet in the clear; None: forged, or seen before."""
        try:
            clear: bytes = self._inbound.unprotect(data)
        except (pylibsrtp.Error, ValueError):
            return None
        return clear

    def unprotect_rtcp(self, data: bytes) -> bytes | None:
        """A compound RTCP packet in the clear; None: forged, or seen before."""
        try:
            clear: bytes = self._inbound.unprotect_rtcp(data)
        except (pylibsrtp.Error, ValueError):
            return None
        return clear


def _session(profile: int, key: bytes, direction: int) -> pylibsrtp.Session:
    policy = pylibsrtp.Policy(key=key, ssrc_type=direction, srtp_profile=profile)
    policy.window_size = REPLAY_WINDOW
    return pylibsrtp.Session(policy)
