"""DTLS in both roles, against itself, against aiortc, and against those who get it wrong."""

import asyncio
import datetime
import time
from typing import Any, Literal

import psutil
import pytest
from aiortc.rtcdtlstransport import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    certificate_digest,
    generate_certificate,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from media.description import Fingerprint
from media.dtls import MTU, Certificate, Dtls, DtlsState
from media.srtp import InboundSrtp, OutboundSrtp
from tests.media.transport import CAPTURED, OURS, THEIRS, shake

REPORT = b"\x80\xc9\x00\x01\x00\x00\x00\x07"


def certificate(curve: ec.EllipticCurve, *, names: int = 0) -> Certificate:
    """One of another curve, or one with so many names that it does not fit into a datagram."""
    key = ec.generate_private_key(curve)
    made = generate_certificate(key)
    if names:
        now = datetime.datetime.now(tz=datetime.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(made.subject)
            .issuer_name(made.issuer)
            .public_key(key.public_key())
            .serial_number(7)
            .not_valid_before(now)
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(
                x509.SubjectAlternativeName([x509.DNSName(f"name{n}.test") for n in range(names)]),
                critical=False,
            )
            .sign(key, hashes.SHA256())
        )
    return Certificate(RTCCertificate(key, made))


def pair(
    ours: Certificate = OURS,
    theirs: Certificate = THEIRS,
    *,
    expected: tuple[Fingerprint, ...] | None = None,
) -> tuple[Dtls, Dtls]:
    """A client and a server; `expected` is what the client has been told of the server."""
    client = Dtls(ours, role="client", fingerprints=expected or (theirs.fingerprint,))
    server = Dtls(theirs, role="server", fingerprints=(ours.fingerprint,))
    client.start()
    return client, server


def agree(one: tuple[InboundSrtp, OutboundSrtp], other: tuple[InboundSrtp, OutboundSrtp]) -> None:
    """What one sends the other can read, in both directions."""
    assert other[0].unprotect_rtcp(one[1].protect_rtcp(REPORT)) == REPORT
    assert one[0].unprotect_rtcp(other[1].protect_rtcp(REPORT)) == REPORT


def test_both_roles_come_to_the_same_keys() -> None:
    client, server = pair()
    assert (client.state, server.state) == (DtlsState.CONNECTING, DtlsState.NEW)
    shake(client, server)
    assert (client.state, server.state) == (DtlsState.CONNECTED, DtlsState.CONNECTED)
    assert (client.timeout(), server.timeout()) == (None, None)
    agree(client.srtp(), server.srtp())


def test_a_server_has_nothing_to_send_first() -> None:
    _, server = pair()
    server.start()
    assert server.datagrams_to_send() == []
    assert server.timeout() is None


class Wire:
    """What `RTCDtlsTransport` asks of an ICE transport; `Dtls` is at the other end."""

    role = "controlling"

    def __init__(self, dtls: Dtls) -> None:
        self.dtls = dtls
        self.inbox: asyncio.Queue[bytes] = asyncio.Queue()

    async def _recv(self) -> bytes:
        return await self.inbox.get()

    async def _send(self, data: bytes) -> None:
        self.dtls.receive(data)
        self.flush()

    def flush(self) -> None:
        for datagram in self.dtls.datagrams_to_send():
            self.inbox.put_nowait(datagram)


@pytest.mark.parametrize("role", ["client", "server"])
async def test_aiortc_takes_the_other_role(role: Literal["client", "server"]) -> None:
    theirs = RTCCertificate.generateCertificate()
    fingerprints = tuple(
        Fingerprint(found.algorithm, found.value) for found in theirs.getFingerprints()
    )
    ours = Dtls(OURS, role=role, fingerprints=fingerprints)
    wire: Any = Wire(ours)
    transport = RTCDtlsTransport(wire, [theirs])
    transport._set_role("server" if role == "client" else "client")
    ours.start()
    wire.flush()
    known = RTCDtlsFingerprint(OURS.fingerprint.algorithm, OURS.fingerprint.value)
    await transport.start(RTCDtlsParameters(fingerprints=[known]))
    assert (transport.state, ours.state) == ("connected", DtlsState.CONNECTED)

    inbound, outbound = ours.srtp()
    assert transport._rx_srtp.unprotect_rtcp(outbound.protect_rtcp(REPORT)) == REPORT
    assert inbound.unprotect_rtcp(transport._tx_srtp.protect_rtcp(REPORT)) == REPORT

    # aiortc says close_notify, and hears ours in answer.
    await transport.stop()
    assert ours.state is DtlsState.CLOSED
    assert not wire.inbox.empty()


async def test_aiortc_hears_that_we_close() -> None:
    theirs = RTCCertificate.generateCertificate()
    fingerprint = Fingerprint("sha-256", certificate_digest(theirs._cert, "sha-256"))
    ours = Dtls(OURS, role="client", fingerprints=(fingerprint,))
    wire: Any = Wire(ours)
    transport = RTCDtlsTransport(wire, [theirs])
    transport._set_role("server")
    ours.start()
    wire.flush()
    known = RTCDtlsFingerprint(OURS.fingerprint.algorithm, OURS.fingerprint.value)
    await transport.start(RTCDtlsParameters(fingerprints=[known]))
    closed = asyncio.Event()
    transport.on("statechange", closed.set)
    ours.close()
    wire.flush()
    await closed.wait()
    assert transport.state == "closed"


def test_close_notify_ends_both_sides() -> None:
    client, server = pair()
    shake(client, server)
    server.close()
    assert server.state is DtlsState.CLOSED
    shake(client, server)
    assert (client.state, client.failure) == (DtlsState.CLOSED, "")
    # Twice, and after the end, does nothing.
    server.close()
    client.start()
    client.receive(b"\x16" * 50)
    client.handle_timeout()
    assert client.timeout() is None
    assert client.datagrams_to_send() == []


def test_a_certificate_that_was_not_announced_is_refused_by_either_role() -> None:
    for told in ("client", "server"):
        wrong = (Fingerprint("sha-256", ":".join(["00"] * 32)),)
        client = Dtls(
            OURS, role="client", fingerprints=wrong if told == "client" else (THEIRS.fingerprint,)
        )
        server = Dtls(
            THEIRS, role="server", fingerprints=wrong if told == "server" else (OURS.fingerprint,)
        )
        client.start()
        shake(client, server)
        judge, other = (client, server) if told == "client" else (server, client)
        assert judge.state is DtlsState.FAILED
        assert "fingerprint" in judge.failure
        assert other.state is DtlsState.FAILED
        assert "alert" in other.failure


@pytest.mark.parametrize(
    ("fingerprints", "connects"),
    [
        # In lower case, with another one by the same digest beside it.
        ([("SHA-256", "AB:CD"), ("sha-256", THEIRS.fingerprint.value.lower())], True),
        # A digest that is not known beside one that is.
        ([("sha-1", "AB:CD"), ("sha-256", THEIRS.fingerprint.value)], True),
        # The strongest one counts.
        ([("sha-512", "AB:CD"), ("sha-256", THEIRS.fingerprint.value)], False),
        ([("sha-1", "AB:CD")], False),
        ([], False),
    ],
)
def test_the_strongest_fingerprint_that_is_known_counts(
    fingerprints: list[tuple[str, str]], connects: bool
) -> None:
    client = Dtls(
        OURS, role="client", fingerprints=tuple(Fingerprint(*pair) for pair in fingerprints)
    )
    server = Dtls(THEIRS, role="server", fingerprints=(OURS.fingerprint,))
    client.start()
    shake(client, server)
    assert (client.state is DtlsState.CONNECTED) is connects
    assert ("fingerprint" in client.failure) is not connects


def test_a_certificate_of_a_wrong_curve_is_a_failure_that_says_so() -> None:
    client, server = pair(certificate(ec.SECP224R1()))
    shake(client, server)
    assert server.state is DtlsState.FAILED
    assert server.failure.startswith("wrong curve: the peer's certificate must be of P-256")
    assert client.state is DtlsState.FAILED
    assert server.timeout() is None


def test_the_flight_of_an_ffmpeg_with_such_a_certificate_is_a_failure_that_says_so() -> None:
    capture = CAPTURED["gnutls_p224"]
    client = Dtls(
        OURS, role="client", fingerprints=(Fingerprint("sha-256", capture["fingerprint"]),)
    )
    client.start()
    assert client.datagrams_to_send()
    for datagram in capture["flight"]:
        client.receive(bytes.fromhex(datagram))
    assert client.state is DtlsState.FAILED
    assert client.failure.startswith("wrong curve")
    (alert,) = client.datagrams_to_send()
    assert alert[0] == 21, "the peer is told"


def test_chromiums_hello_in_two_datagrams_is_answered() -> None:
    server = Dtls(OURS, role="server", fingerprints=(THEIRS.fingerprint,))
    for datagram in CAPTURED["client_hello"]["chromium"]:
        assert server.datagrams_to_send() == []
        server.receive(bytes.fromhex(datagram))
    (flight,) = server.datagrams_to_send()
    assert flight[:1] == b"\x16"
    assert server.state is DtlsState.CONNECTING


def test_long_flights_leave_in_datagrams_of_whole_records() -> None:
    client, server = pair(theirs=certificate(ec.SECP256R1(), names=120))
    sizes: list[int] = []

    def note(datagram: bytes) -> bool:
        sizes.append(len(datagram))
        return True

    shake(client, server, note)
    assert (client.state, server.state) == (DtlsState.CONNECTED, DtlsState.CONNECTED)
    assert MTU - 100 < max(sizes) <= MTU
    assert len(sizes) == 5


def test_what_is_lost_is_sent_again_when_openssl_says_so() -> None:
    client, server = pair()
    lost = client.datagrams_to_send()
    assert lost
    client.handle_timeout()
    assert client.datagrams_to_send() == [], "too early"
    wait = client.timeout()
    assert wait is not None
    assert 0.5 < wait <= 1.0
    time.sleep(wait + 0.001)  # OpenSSL has its own clock
    client.handle_timeout()
    shake(client, server)
    assert client.state is server.state is DtlsState.CONNECTED


def test_a_last_flight_that_was_lost_is_sent_again_when_it_is_asked_for() -> None:
    client, server = pair()
    seen: list[bytes] = []

    def all_but_the_last(datagram: bytes) -> bool:
        seen.append(datagram)
        return server.state is not DtlsState.CONNECTED

    shake(client, server, all_but_the_last)
    assert (client.state, server.state) == (DtlsState.CONNECTING, DtlsState.CONNECTED)
    wait = client.timeout()
    assert wait is not None
    time.sleep(wait + 0.001)
    client.handle_timeout()
    shake(client, server)
    assert client.state is DtlsState.CONNECTED
    agree(client.srtp(), server.srtp())


def test_garbage_changes_nothing_and_is_not_kept() -> None:
    client, server = pair()
    garbage = [b"\x16" * 1200, b"\x16\xfe\xfd" + bytes(1197), b"\x17\xfe\xfd\x00\x01" + bytes(1195)]
    garbage += [b"\x2c" + bytes(2) + b"\x03\xe8" + bytes(1000), b"\x16", b"", bytes(20_000)]
    first = client.datagrams_to_send()
    before = psutil.Process().memory_info().rss
    for _ in range(5_000):
        for datagram in garbage:
            server.receive(datagram)
    for datagram in first:
        server.receive(datagram)
    shake(client, server)
    assert client.state is server.state is DtlsState.CONNECTED
    for _ in range(5_000):
        for datagram in garbage:
            server.receive(datagram)
    assert server.state is DtlsState.CONNECTED
    assert server.datagrams_to_send() == []
    # 24 MB and more were thrown at it each time.
    assert psutil.Process().memory_info().rss - before < 8_000_000
    server.close()
    shake(client, server)
    assert client.state is DtlsState.CLOSED


@given(st.binary(max_size=300), st.sampled_from(["client", "server"]))
def test_any_datagram_is_taken_without_an_exception(
    data: bytes, role: Literal["client", "server"]
) -> None:
    dtls = Dtls(OURS, role=role, fingerprints=(THEIRS.fingerprint,))
    dtls.start()
    for datagram in (data, b"\x16\xfe\xfd" + bytes(8) + len(data).to_bytes(2, "big") + data):
        dtls.receive(datagram)
        dtls.datagrams_to_send()
        dtls.timeout()
    assert dtls.state is not DtlsState.CONNECTED


@given(
    st.integers(0, 3),
    st.lists(st.tuples(st.integers(0, 1199), st.integers(1, 255)), min_size=1, max_size=3),
)
def test_damaged_flights_end_in_a_state_and_not_in_an_exception(
    which: int, changes: list[tuple[int, int]]
) -> None:
    client, server = pair()
    count = 0

    def damage(datagram: bytes) -> bytes:
        nonlocal count
        count += 1
        if count != which + 1:
            return datagram
        damaged = bytearray(datagram)
        for position, difference in changes:
            damaged[position % len(damaged)] ^= difference
        return bytes(damaged)

    for _ in range(6):
        for source, target in ((client, server), (server, client)):
            for datagram in source.datagrams_to_send():
                target.receive(damage(datagram))
    for dtls in (client, server):
        assert (dtls.state is DtlsState.FAILED) is bool(dtls.failure)
