"""DTLS for SRTP (RFC 5764, RFC 8842): datagrams in, datagrams out, keys when it is through.

aiortc's `RTCDtlsTransport` is a task with awaits between datagrams, and errors raised while it
reads during the handshake are swallowed (`_recv_next`): such a peer hangs. So its certificate, its
table of SRTP profiles and its key layout are used, over OpenSSL's own state machine.

OpenSSL takes the time for retransmissions from the system's clock. `timeout` says how long it wants
to wait, and whoever calls `handle_timeout` too early does no harm.
"""

from collections.abc import Iterator
from contextlib import suppress
from enum import Enum, auto
from typing import Any, Literal

from aiortc.rtcdtlstransport import (
    X509_DIGEST_ALGORITHMS,
    RTCCertificate,
    SRTPProtectionProfile,
    certificate_digest,
)
from OpenSSL import SSL, crypto

from media.description import Fingerprint
from media.srtp import PROFILES, InboundSrtp, OutboundSrtp

# Of a datagram: what passes everywhere, with room for TURN and IPv6 (RFC 8831, 5 has 1,200 too).
MTU = 1200
# What OpenSSL is asked for at a time: the most that a record may carry.
AT_ONCE = 16_384
EXPORTER = b"EXTRACTOR-dtls_srtp"
STRONGEST_FIRST = ("sha-512", "sha-384", "sha-256")
# OpenSSL's words, and what they mean for whoever reads them here. FFmpeg with GnuTLS makes a
# certificate of secp224r1, which OpenSSL 4 does not have any more.
MEANINGS = {
    "wrong curve": "wrong curve: the peer's certificate must be of P-256, P-384 or P-521"
    " (FFmpeg: give its whip muxer one by cert_file and key_file)",
}


class DtlsState(Enum):
    """What a handshake is at; `CLOSED`: by close_notify, ours or theirs."""

    NEW = auto()
    CONNECTING = auto()
    CONNECTED = auto()
    CLOSED = auto()
    FAILED = auto()


class Certificate:
    """Ours, and what OpenSSL needs besides: one for the process.

    Peers compare its fingerprint only (RFC 8827, 6.5), so it does not matter that it expires.

    Attributes:
        fingerprint: for the answer's `a=fingerprint`.
        context: for `Dtls`.
    """

    __slots__ = ("context", "fingerprint")

    def __init__(self, certificate: RTCCertificate) -> None:
        self.fingerprint = Fingerprint("sha-256", certificate_digest(certificate._cert, "sha-256"))
        self.context: SSL.Context = certificate._create_ssl_context(srtp_profiles=PROFILES)
        self.context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _verify)
        # The SRTP keys are of the first handshake; a second one would be of no use.
        self.context.set_options(SSL.OP_NO_QUERY_MTU | SSL.OP_NO_RENEGOTIATION)
        # Less memory an association: after the handshake there is nothing to read.
        self.context.set_mode(SSL.MODE_RELEASE_BUFFERS)

    @classmethod
    def generate(cls) -> "Certificate":
        """A new one, of P-256, with a key of its own."""
        return cls(RTCCertificate.generateCertificate())


class _Identity:
    """Who the peer must be: what OpenSSL's callback is to find.

    Of fingerprints by several digests the strongest counts, and of several by that digest any
    (RFC 8122, 5).
    """

    __slots__ = ("_algorithm", "_values", "problem", "verified")

    def __init__(self, fingerprints: tuple[Fingerprint, ...]) -> None:
        found = {fingerprint.algorithm.lower() for fingerprint in fingerprints}
        self._algorithm = next((name for name in STRONGEST_FIRST if name in found), None)
        self._values = {
            fingerprint.value.upper()
            for fingerprint in fingerprints
            if fingerprint.algorithm.lower() == self._algorithm
        }
        self.verified = False
        self.problem = ""

    def verify(self, certificate: crypto.X509) -> bool:
        # The digest is OpenSSL's, which need not take the certificate apart: `cryptography` raises
        # where one is malformed, and such an exception stays in the context that all peers share.
        if self._algorithm is None:
            known = ", ".join(X509_DIGEST_ALGORITHMS)
            self.problem = f"no fingerprint of the offer has a digest that is known ({known})"
        elif certificate.digest(self._algorithm.replace("-", "")).decode() not in self._values:
            self.problem = "the certificate is not the one whose fingerprint the offer has"
        else:
            self.verified = True
        return self.verified


def _verify(
    connection: SSL.Connection, certificate: crypto.X509, _error: int, depth: int, _ok: int
) -> bool:
    identity: _Identity = connection.get_app_data()
    # Issuers do not matter: the certificate at depth 0 is the one that was announced.
    return depth > 0 or identity.verify(certificate)


class Dtls:
    """One DTLS association.

    Args:
        certificate: ours.
        role: ours.
        fingerprints: of the peer's certificate.

    Attributes:
        state: of the association.
        failure: what has gone wrong, for people; empty: nothing.
    """

    __slots__ = ("_connection", "_identity", "_role", "failure", "state")

    def __init__(
        self,
        certificate: Certificate,
        *,
        role: Literal["client", "server"],
        fingerprints: tuple[Fingerprint, ...],
    ) -> None:
        self._identity = _Identity(fingerprints)
        self._role = role
        self._connection = SSL.Connection(certificate.context)
        self._connection.set_app_data(self._identity)
        self._connection.set_ciphertext_mtu(MTU)
        if role == "client":
            self._connection.set_connect_state()
        else:
            self._connection.set_accept_state()
        self.state = DtlsState.NEW
        self.failure = ""

    def start(self) -> None:
        """Begin, where we are the client. A server has nothing to send yet."""
        if self.state is DtlsState.NEW:
            self.state = DtlsState.CONNECTING
            self._advance()

    def receive(self, datagram: bytes) -> None:
        """Take a datagram. `state` may have changed then, and there may be something to send."""
        if self.state is DtlsState.NEW:
            self.state = DtlsState.CONNECTING
        if not datagram or self._is_over:
            return
        self._connection.bio_write(datagram)
        self._advance()

    def datagrams_to_send(self) -> list[bytes]:
        """What OpenSSL has to send, once, in datagrams of `MTU` bytes at most."""
        flight = b""
        with suppress(SSL.WantReadError):  # nothing is left
            while True:
                flight += self._connection.bio_read(AT_ONCE)
        return list(datagrams(flight)) if flight else []

    def timeout(self) -> float | None:
        """In how many seconds `handle_timeout` is to be called; None: it need not be."""
        if self._is_over or self.state is DtlsState.NEW:
            return None
        return self._connection.DTLSv1_get_timeout()

    def handle_timeout(self) -> None:
        """Have what was lost sent again."""
        if self._is_over:
            return
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error as error:
            self._fail(_text_of(error))

    def close(self) -> None:
        """Say close_notify, where there is somebody to say it to."""
        if self.state is DtlsState.CONNECTED:
            self.state = DtlsState.CLOSED
            with suppress(SSL.Error):  # the peer has closed it in the same moment
                self._connection.shutdown()
        elif self.state is not DtlsState.FAILED:
            self.state = DtlsState.CLOSED

    def release(self) -> None:
        """Give OpenSSL's memory back: it has ended, and what it had to send was taken.

        Peers and their sessions know each other, so they go when Python next looks for cycles: many
        viewers later, of whom each has far more of it than of Python's.
        """
        del self._connection

    def srtp(self) -> tuple[InboundSrtp, OutboundSrtp]:
        """The two directions of SRTP; to be called once, when `state` has become `CONNECTED`."""
        profile = self._profile()
        assert profile is not None
        material = self._connection.export_keying_material(
            EXPORTER, 2 * (profile.key_length + profile.salt_length)
        )
        # The client's keys come first (RFC 5764, 4.2).
        ours, theirs = (0, 1) if self._role == "client" else (1, 0)
        return (
            InboundSrtp(profile, profile.get_key_and_salt(material, theirs)),
            OutboundSrtp(profile, profile.get_key_and_salt(material, ours)),
        )

    @property
    def _is_over(self) -> bool:
        return self.state in (DtlsState.CLOSED, DtlsState.FAILED)

    def _advance(self) -> None:
        try:
            if self.state is DtlsState.CONNECTING:
                self._connection.do_handshake()
                self._finish()
            while self.state is DtlsState.CONNECTED:
                # Applications' data has no meaning here: there are no data channels.
                self._connection.recv(AT_ONCE)
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self._closed_by_peer()
        except SSL.Error as error:
            self._fail(_text_of(error))

    def _finish(self) -> None:
        if not self._identity.verified:
            self._fail("the peer has shown no certificate")
        elif self._profile() is None:
            self._fail("no SRTP profile that both sides have")
        else:
            self.state = DtlsState.CONNECTED

    def _closed_by_peer(self) -> None:
        if self.state is DtlsState.CONNECTED:
            self.close()  # answered in kind
        else:
            self._fail("the peer has closed it during the handshake")

    def _profile(self) -> SRTPProtectionProfile | None:
        chosen = self._connection.get_selected_srtp_profile()
        return next((one for one in PROFILES if one.openssl_profile == chosen), None)

    def _fail(self, why: str) -> None:
        self.state = DtlsState.FAILED
        self.failure = self._identity.problem or why


def _text_of(error: SSL.Error) -> str:
    """What OpenSSL says, in its own words: `wrong curve`, `ssl/tls alert handshake failure`."""
    reasons: list[Any] = error.args[0] if error.args and isinstance(error.args[0], list) else []
    words = (str(reason[-1]) for reason in reasons)
    return "; ".join(MEANINGS.get(word, word) for word in words) or repr(error)


def datagrams(flight: bytes) -> Iterator[bytes]:
    """Cut what OpenSSL has written into datagrams, between records.

    A memory BIO does not keep the boundaries of what was written to it. A record that begins in
    one datagram and ends in another is lost.
    """
    start = end = 0
    while end < len(flight):
        following = end + _record_bytes(flight, end)
        if following - start > MTU and end > start:
            yield flight[start:end]
            start = end
        end = following
    yield flight[start:]


def _record_bytes(flight: bytes, start: int) -> int:
    """The length of the record that begins there, header included."""
    first = flight[start]
    if first & 0xE0 == 0x20:
        # DTLS 1.3's unified header (RFC 9147, 4): 001CSLEE. No connection ids are agreed upon.
        header = 2 + (first >> 3 & 1)
        if not first & 0x04:
            return len(flight) - start
        return header + 2 + int.from_bytes(flight[start + header : start + header + 2], "big")
    return 13 + int.from_bytes(flight[start + 11 : start + 13], "big")
