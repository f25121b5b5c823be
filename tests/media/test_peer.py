"""A peer connection from the first check to the end, whoever ends it."""

import struct
import weakref
from typing import Literal

import pytest
from aioice import stun
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from media.description import Fingerprint, IceCredentials
from media.dtls import DtlsState
from media.ice import PATHS
from media.peer import Peer, PeerState
from media.relay import Relay
from tests.media.test_dtls import certificate
from tests.media.transport import CAPTURED, CHECKS, LOCAL, OURS, THEIRS, Remote, WirePath, check

REPORT = b"\x80\xc9\x00\x01\x00\x00\x00\x07"
NEXT = IceCredentials("next", "the next one's password")


def rtp(sequence: int = 1) -> bytes:
    return struct.pack("!BBHII", 0x80, 96, sequence, 0, 7) + b"payload"


class Registered:
    """Remembers what it was told of peers."""

    def __init__(self) -> None:
        self.told: list[tuple[str, tuple[str, ...]]] = []

    def restarted(self, peer: Peer) -> None:
        self.told.append(("restarted", peer.local_ufrags))

    def remove(self, peer: Peer) -> None:
        self.told.append(("remove", peer.local_ufrags))


@pytest.mark.parametrize("role", ["client", "server"])
def test_packets_go_both_ways_once_ice_and_dtls_are_through(
    role: Literal["client", "server"],
) -> None:
    remote = Remote(role=role)
    assert remote.session.peer is remote.peer
    assert remote.peer.state is PeerState.NEW
    remote.connect()
    assert remote.peer.state is PeerState.CONNECTED
    assert remote.peer.path is remote.path
    assert remote.path.peer is remote.peer
    assert remote.session.told == [("connected", remote.now)]

    assert remote.srtp_in is not None
    assert remote.srtp_out is not None
    remote.path.take()
    remote.peer.send_rtcp(REPORT)
    assert [remote.srtp_in.unprotect_rtcp(sent) for sent in remote.path.take()] == [REPORT]

    remote.peer.receive(remote.srtp_out.protect_rtcp(REPORT), remote.path, remote.now)
    assert remote.session.rtcp == [REPORT]
    remote.peer.receive(protected(remote, rtp()), remote.path, remote.now)
    assert remote.session.rtp == [rtp()]
    assert remote.peer.srtp_out is not None


def protected(remote: Remote, packet: bytes) -> bytes:
    from pylibsrtp._binding import ffi  # noqa: PLC0415

    cdata = ffi.new("char[]", packet + bytes(144))
    assert remote.srtp_out is not None
    length = remote.srtp_out.protect_rtp(cdata, 0, len(packet))
    return bytes(ffi.buffer(cdata, length))


def test_what_comes_and_goes_is_counted() -> None:
    remote = Remote().connect()
    counters = remote.peer.counters
    packets, length, sent = counters.packets_in, counters.bytes_in, counters.packets_out
    assert packets > 1
    assert sent > 1
    first = protected(remote, rtp())
    for datagram in (first, first, b"\x80" * 50, b"\x45" * 10, b"", b"\xff\xff"):
        remote.peer.receive(datagram, remote.path, remote.now)
    remote.peer.send_rtcp(REPORT)
    assert counters.packets_in == packets + 6
    assert counters.bytes_in == length + 2 * len(first) + 62
    assert counters.packets_out == sent + 1
    assert counters.strange == 3
    assert counters.early == 0
    assert remote.peer.unauthentic == 2
    assert (remote.peer.checks, remote.peer.refused) == (1, 0)
    assert not remote.check(local=IceCredentials(LOCAL.ufrag, "wrong"))
    assert (remote.peer.checks, remote.peer.refused) == (1, 1)


def test_packets_before_the_handshake_are_dropped_and_counted() -> None:
    remote = Remote()
    remote.check()
    remote.peer.receive(b"\x80" * 50, remote.path, remote.now)
    remote.peer.send_rtcp(REPORT)
    assert remote.peer.counters.early == 1
    assert all(datagram[0] < 4 for datagram in remote.path.take())
    assert remote.session.rtp == []


def test_a_client_begins_on_the_path_that_is_nominated() -> None:
    remote = Remote(role="client")
    other = WirePath(port=6000)
    assert remote.check(other, nominate=False)
    assert [datagram[0] for datagram in other.take()] == [1], "the answer, and nothing else"
    assert remote.check()
    assert [datagram[0] for datagram in remote.path.take()] == [1, 22]


def test_a_hello_before_the_nomination_is_answered_where_it_came_from() -> None:
    remote = Remote()
    assert remote.check(nominate=False)
    remote.dtls.start()
    remote.exchange()
    assert remote.session.told == [("connected", remote.now)]
    assert remote.peer.path is None
    assert remote.check()
    assert remote.peer.path is remote.path
    assert remote.peer.counters.moves == 0


def test_a_hello_after_the_nomination_is_answered_on_the_nominated_path() -> None:
    remote = Remote()
    other = WirePath(port=6000)
    remote.check()
    remote.check(other, nominate=False)
    remote.path.take(), other.take()
    remote.dtls.start()
    for datagram in remote.dtls.datagrams_to_send():
        remote.peer.receive(datagram, other, remote.now)
    assert other.take() == []
    assert [datagram[0] for datagram in remote.path.take()] == [22]


def test_a_peer_that_never_comes_is_given_up() -> None:
    remote = Remote()
    remote.pass_time(29)
    assert remote.peer.state is PeerState.NEW
    remote.pass_time(1)
    assert remote.session.told == [("closed", "timeout", remote.now)]
    assert remote.peer.failure == "ICE: no valid check has come"
    assert remote.timers.next() is None


@pytest.mark.parametrize("role", ["client", "server"])
def test_a_handshake_that_is_never_finished_is_given_up(role: Literal["client", "server"]) -> None:
    remote = Remote(role=role)
    remote.pass_time(20)
    remote.check()
    remote.pass_time(9, checks=True)
    assert remote.peer.state is PeerState.CONNECTING
    remote.pass_time(1, checks=True)
    assert remote.session.told == [("closed", "timeout", remote.now)]
    assert remote.peer.failure == "DTLS: the handshake was not finished in time"
    assert remote.path.closes == 1
    assert remote.timers.next() is None


def test_a_peer_that_nominates_nothing_is_given_up() -> None:
    remote = Remote(role="client")
    remote.check(nominate=False)
    remote.pass_time(10, checks=True)
    assert remote.peer.failure == "ICE: no path was nominated"


def test_consent_ends_30_seconds_after_the_last_valid_check() -> None:
    remote = Remote().connect()
    remote.pass_time(100, checks=True)
    assert remote.peer.state is PeerState.CONNECTED
    for _ in range(29):
        remote.pass_time(1)
        assert not remote.check(local=IceCredentials(LOCAL.ufrag, "a guess"))
        remote.peer.receive(b"\x80" * 50, remote.path, remote.now)
    assert remote.peer.state is PeerState.CONNECTED
    remote.pass_time(1)
    assert remote.session.told[1:] == [("closed", "timeout", remote.now)]
    assert remote.peer.failure == "ICE: no valid check for too long"
    assert remote.path.closes == 1
    assert (remote.peer.path, remote.peer.srtp_out) == (None, None)


def test_a_phone_that_changes_network_keeps_its_call() -> None:
    remote = Remote().connect()
    assert remote.srtp_in is not None
    cellular = WirePath("2001:db8::1", 7000)
    assert remote.check(cellular)
    assert remote.peer.path is cellular
    assert remote.peer.counters.moves == 1
    cellular.take()
    remote.peer.send_rtcp(REPORT)
    assert [remote.srtp_in.unprotect_rtcp(sent) for sent in cellular.take()] == [REPORT]
    remote.peer.receive(protected(remote, rtp()), cellular, remote.now)
    assert remote.session.rtp == [rtp()]
    # The former path is left when nothing has come from there for long.
    former, remote.path = remote.path, cellular
    remote.pass_time(65, checks=True)
    assert (former.closes, cellular.closes) == (1, 0)
    assert remote.peer.state is PeerState.CONNECTED


def test_paths_are_bounded() -> None:
    remote = Remote().connect()
    paths = [WirePath(port=6000 + number) for number in range(40)]
    for path in paths:
        remote.pass_time(0.1)
        assert remote.check(path, nominate=False)
    assert [path.peer for path in paths].count(remote.peer) == PATHS - 1
    assert remote.peer.path is remote.path


def test_an_address_that_another_peer_had_is_taken_from_it() -> None:
    former, remote = Remote(), Remote()
    path = WirePath()
    assert former.check(path)
    assert remote.check(path)
    assert path.peer is remote.peer
    assert former.peer.path is None
    former.peer.close("left", former.now)
    assert path.closes == 0


def test_a_restart_changes_the_credentials_and_nothing_else() -> None:
    remote = Remote().connect()
    remote.peer.registry = registered = Registered()
    theirs = IceCredentials("anew", "another one of theirs...")
    remote.pass_time(25)
    remote.peer.restart(NEXT, theirs, remote.now)
    assert remote.peer.remote == theirs
    assert registered.told == [("restarted", (NEXT.ufrag, LOCAL.ufrag))]
    remote.pass_time(25)
    assert remote.peer.state is PeerState.CONNECTED, "there was no time for checks yet"

    path = WirePath(port=6000)
    assert remote.check(path, local=NEXT)
    assert registered.told[1:] == [("restarted", (NEXT.ufrag,))]
    assert remote.peer.path is path
    assert not remote.check()
    assert remote.session.told == [("connected", 100.0)]
    remote.peer.receive(protected(remote, rtp()), path, remote.now)
    assert remote.session.rtp == [rtp()]


def test_the_relay_finds_a_peer_by_the_fragments_that_are_answered_and_no_other() -> None:
    def fault(error: Exception) -> None:
        raise error

    remote = Remote().connect()
    relay = Relay(remote.timers, fault=fault)
    relay.add(remote.peer)
    assert relay.peer_of_check(check()) is remote.peer
    assert relay.peer_of_check(check(NEXT)) is None
    remote.peer.restart(NEXT, NEXT, remote.now)
    assert relay.peer_of_check(check()) is relay.peer_of_check(check(NEXT)) is remote.peer
    remote.check(local=NEXT)
    assert relay.peer_of_check(check()) is None
    assert relay.peer_of_check(check(NEXT)) is remote.peer
    remote.peer.close("ended", remote.now)
    assert relay.peer_of_check(check(NEXT)) is None
    assert len(relay) == 0


def test_closing_says_so_to_the_peer_once() -> None:
    remote = Remote().connect()
    remote.peer.registry = registered = Registered()
    remote.path.take()
    remote.peer.close("ended", remote.now)
    (goodbye,) = remote.path.take()
    remote.dtls.receive(goodbye)
    assert remote.dtls.state is DtlsState.CLOSED
    assert remote.session.told[1:] == [("closed", "ended", remote.now)]
    assert registered.told == [("remove", (LOCAL.ufrag,))]
    assert (remote.path.closes, remote.path.peer) == (1, None)
    assert remote.peer.failure == ""

    # Nothing happens after the end.
    packet = protected(remote, rtp())
    remote.peer.close("again", remote.now)
    remote.peer.restart(NEXT, NEXT, remote.now)
    remote.peer.send_rtcp(REPORT)
    for datagram in (packet, goodbye, b"\x16" * 50):
        remote.peer.receive(datagram, remote.path, remote.now)
    assert not remote.check()
    remote.pass_time(100)
    assert remote.path.take() == []
    assert len(remote.session.told) == 2
    assert remote.session.rtp == []


def test_a_peer_that_ends_dtls_is_closed() -> None:
    remote = Remote().connect()
    remote.dtls.close()
    remote.exchange()
    assert remote.session.told[1:] == [("closed", "closed", remote.now)]
    assert remote.peer.failure == ""


def test_openssl_s_memory_is_given_back_at_the_end() -> None:
    remote = Remote().connect()
    held = weakref.ref(remote.peer._dtls._connection)
    assert held() is not None
    remote.peer.close("ended", remote.now)
    assert held() is None  # without a look for cycles


def test_a_session_may_close_its_peer_while_it_is_told_something() -> None:
    remote = Remote()
    told = remote.session.told

    def close(now: float) -> None:
        told.append(("connected", now))
        remote.peer.close("full", now)

    remote.session.connected = close  # type: ignore[method-assign]
    remote.check()
    remote.dtls.start()
    remote.exchange()
    assert [what for what, *_ in told] == ["connected", "closed"]
    assert remote.dtls.state is DtlsState.CLOSED
    assert remote.timers.next() is None


@pytest.mark.parametrize("role", ["client", "server"])
def test_a_certificate_that_was_not_announced_is_a_failure(
    role: Literal["client", "server"],
) -> None:
    remote = Remote(role=role, fingerprints=(OURS.fingerprint,))
    remote.check()
    remote.dtls.start()
    remote.exchange()
    assert remote.session.told == [("closed", "failed", remote.now)]
    assert "fingerprint" in remote.peer.failure
    assert remote.dtls.state is DtlsState.FAILED
    assert remote.path.closes == 1


def test_a_certificate_of_a_wrong_curve_is_a_failure_with_its_cause() -> None:
    wrong = certificate(ec.SECP224R1())
    remote = Remote(certificate=wrong, fingerprints=(wrong.fingerprint,))
    remote.check()
    remote.dtls.start()
    remote.exchange()
    assert remote.session.told == [("closed", "failed", remote.now)]
    assert remote.peer.failure.startswith("DTLS: wrong curve")


def test_so_is_that_of_an_ffmpeg_with_gnutls() -> None:
    capture = CAPTURED["gnutls_p224"]
    remote = Remote(role="client", fingerprints=(Fingerprint("sha-256", capture["fingerprint"]),))
    assert remote.peer.receive_check(CHECKS["ffmpeg"][0], remote.path, remote.now)
    for datagram in capture["flight"]:
        remote.peer.receive(bytes.fromhex(datagram), remote.path, remote.now)
    assert remote.session.told == [("closed", "failed", remote.now)]
    assert remote.peer.failure.startswith("DTLS: wrong curve")
    assert [datagram[0] for datagram in remote.path.take()] == [1, 22, 21]


def test_garbage_makes_no_timers() -> None:
    remote = Remote(role="client")
    remote.check()
    for _ in range(1000):
        remote.peer.receive(b"\x16\xfe\xfd" + bytes(60), remote.path, remote.now)
    assert len(remote.timers._heap) < 10


SEEDS = [
    *(data for checks in CHECKS.values() for data in checks),
    *(bytes.fromhex(data) for data in CAPTURED["gnutls_p224"]["flight"]),
    *(bytes.fromhex(data) for data in CAPTURED["client_hello"]["chromium"]),
    check(),
    b"\x80\x60" + bytes(60),
    b"\x80\xc8" + bytes(60),
]
CHANGES = st.lists(st.tuples(st.integers(0, 1199), st.integers(0, 255)), max_size=4)
DATAGRAMS = st.one_of(
    st.binary(max_size=100),
    st.builds(lambda first, rest: bytes([first]) + rest, st.integers(0, 255), st.binary()),
    st.tuples(st.sampled_from(SEEDS), CHANGES, st.integers(0, 1200)),
)


@given(st.lists(DATAGRAMS, max_size=8), st.sampled_from(["client", "server"]), st.booleans())
def test_no_datagram_raises_or_is_kept(
    datagrams: list[bytes | tuple[bytes, list[tuple[int, int]], int]],
    role: Literal["client", "server"],
    connects: bool,
) -> None:
    remote = Remote(role=role, fingerprints=(THEIRS.fingerprint,))
    if connects:
        remote.connect()
    else:
        remote.check()
    for datagram in datagrams:
        if isinstance(datagram, tuple):
            seed, changes, end = datagram
            damaged = bytearray(seed)
            for position, value in changes:
                damaged[position % len(damaged)] = value
            datagram = bytes(damaged[:end])  # noqa: PLW2901
        remote.peer.receive_check(datagram, remote.path, remote.now)
        remote.peer.receive(datagram, remote.path, remote.now)
        remote.timers.run(remote.now)
        for answer in remote.path.take():
            assert len(answer) <= 1200
            if answer[0] < 4:
                stun.parse_message(answer)
    assert remote.session.rtp == remote.session.rtcp == []
    assert len(remote.timers._heap) < 20
    assert (remote.peer.state is PeerState.CLOSED) is (len(remote.session.told) > connects)
