"""The DTLS handshake (RFC 5764), in both roles, on OpenSSL with memory instead of a socket.

OpenSSL repeats lost flights by the clock of the machine; here time is an argument. So the last
flight is kept, and sent again when nothing comes of it, or when the peer repeats its own.
"""

from typing import Literal

from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AES128_CM_SHA1_80,
    RTCCertificate,
    SRTPProtectionProfile,
    certificate_digest,
)
from OpenSSL import SSL

from loadtest.webrtc.srtp import Keys

DATAGRAM_MOST = 1200
RETRY_FIRST = 0.2
RETRY_MOST = 2.0
_RECORD_HEADER = 13
_READ = 1 << 16

# In order of preference: what the server should choose stands first.
PROFILES: tuple[SRTPProtectionProfile, ...] = (SRTP_AEAD_AES_128_GCM, SRTP_AES128_CM_SHA1_80)

Role = Literal["client", "server"]


class Certificate:
    """A key and a self-signed certificate, which connections may share.

    Attributes:
        fingerprint: its SHA-256 digest as SDP has it.
    """

    def __init__(self) -> None:
        self._certificate = RTCCertificate.generateCertificate()
        self.fingerprint = self._certificate.getFingerprints()[0].value

    def context(self) -> SSL.Context:
        """A context for one connection."""
        # The key and the verification are aiortc's; it is the one who answers for the cipher list.
        return self._certificate._create_ssl_context(list(PROFILES))


class HandshakeFailed(Exception):
    """The peers do not agree, or the certificate is not the one of the answer."""


class Handshake:
    """One handshake.

    Args:
        fingerprints: (algorithm, value) of the peer's certificate.

    Attributes:
        keys: for SRTP; None: not there yet.
        closed: the peer has said goodbye (close_notify).
        due: when `run` has to be called next.
        outgoing: datagrams to send; the caller takes them out.
    """

    def __init__(
        self, certificate: Certificate, role: Role, fingerprints: tuple[tuple[str, str], ...]
    ) -> None:
        self._role = role
        self._fingerprints = fingerprints
        self._connection = SSL.Connection(certificate.context(), None)
        self._connection.set_ciphertext_mtu(DATAGRAM_MOST)
        if role == "server":
            self._connection.set_accept_state()
        else:
            self._connection.set_connect_state()
        self._flight: list[bytes] = []
        self._retry = RETRY_FIRST
        self.keys: Keys | None = None
        self.closed = False
        self.due = float("inf")
        self.outgoing: list[bytes] = []

    def start(self, now: float) -> None:
        """Begin, if it is ours to begin.

        Raises:
            HandshakeFailed: see `receive`.
        """
        if self._role == "client":
            self._advance(now)

    def receive(self, data: bytes, now: float) -> None:
        """A datagram with DTLS records.

        Raises:
            HandshakeFailed: it cannot succeed any more.
        """
        self._connection.bio_write(data)
        if self.keys is not None:
            self._after(now)
        else:
            self._advance(now)

    def run(self, now: float) -> None:
        """Send the last flight again, if it is time."""
        if self.due <= now:
            self._retry = min(2 * self._retry, RETRY_MOST)
            self._repeat(now)

    def close(self) -> None:
        """Say goodbye."""
        self.due = float("inf")
        if self.keys is not None:
            try:
                self._connection.shutdown()
            except SSL.Error:
                return
            self.outgoing += self._read()

    def _advance(self, now: float) -> None:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            pass
        except SSL.Error as error:
            self.outgoing += self._read()  # the alert that says why
            raise HandshakeFailed(str(error)) from error
        else:
            self._check_fingerprint()
            self.keys = self._exported()
        flight = self._read()
        if flight:
            self._flight = flight
            self.outgoing += flight
            self._retry = RETRY_FIRST
        if self.keys is None:
            self.due = now + self._retry if self._flight else float("inf")
        else:
            self.due = float("inf")

    def _after(self, now: float) -> None:
        """A record after the end: the peer repeats its last flight, or says goodbye."""
        try:
            self._connection.recv(_READ)
        except SSL.ZeroReturnError:
            self.closed = True
        except SSL.WantReadError:
            # RFC 6347, 4.2.4: who has sent the last flight answers a repetition with it.
            self._repeat(now)
            self.due = float("inf")
        except SSL.Error:
            pass

    def _repeat(self, now: float) -> None:
        self.outgoing += self._flight
        self.due = now + self._retry

    def _read(self) -> list[bytes]:
        written = b""
        while True:
            try:
                written += self._connection.bio_read(_READ)
            except SSL.WantReadError:
                return _datagrams(written)

    def _check_fingerprint(self) -> None:
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        if certificate is None:
            raise HandshakeFailed("The peer has no certificate.")
        for algorithm, value in self._fingerprints:
            if certificate_digest(certificate, algorithm.lower()) != value.upper():
                raise HandshakeFailed("The certificate is not the one that was announced.")

    def _exported(self) -> Keys:
        name = self._connection.get_selected_srtp_profile()
        profile = next((one for one in PROFILES if one.openssl_profile == name), None)
        if profile is None:
            raise HandshakeFailed("There is no SRTP profile that both know.")
        length = 2 * (profile.key_length + profile.salt_length)
        material = self._connection.export_keying_material(b"EXTRACTOR-dtls_srtp", length)
        client, server = (profile.get_key_and_salt(material, side) for side in (0, 1))
        ours, theirs = (client, server) if self._role == "client" else (server, client)
        return Keys(profile.libsrtp_profile, ours=ours, theirs=theirs)


def _datagrams(records: bytes) -> list[bytes]:
    """Cut what OpenSSL has written into datagrams: as many whole records as fit in one."""
    datagrams: list[bytes] = []
    start = position = 0
    while position < len(records):
        length = int.from_bytes(records[position + 11 : position + 13], "big")
        end = position + _RECORD_HEADER + length
        if end - start > DATAGRAM_MOST and position > start:
            datagrams.append(records[start:position])
            start = position
        position = end
    if start < len(records):
        datagrams.append(records[start:])
    return datagrams
