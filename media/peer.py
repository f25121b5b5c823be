"""One peer connection: ICE-lite, DTLS and SRTP, over whatever paths there are to the peer."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from media.description import Answer, IceCredentials
from media.dtls import Certificate, Dtls, DtlsState
from media.ice import IceLite
from media.ports import Path, Session
from media.srtp import InboundSrtp, OutboundSrtp
from media.timers import Timer, Timers

# OpenSSL's clock and ours do not tick alike: not so soon again.
TICK = 0.02


class PeerState(Enum):
    """What a peer connection is at; `CONNECTING`: a valid check has come."""

    NEW = auto()
    CONNECTING = auto()
    CONNECTED = auto()
    CLOSED = auto()


@dataclass(frozen=True, slots=True)
class Timeouts:
    """When a peer is given up, in seconds.

    Attributes:
        connect: until the first valid check: people's networks may be slow.
        handshake: from there until DTLS is through; it retransmits after 1, 3 and 7 seconds.
        consent: without a valid check: the peer does not want our packets (RFC 7675, 5.1).
    """

    connect: float = 30.0
    handshake: float = 10.0
    consent: float = 30.0


class Registry(Protocol):
    """Who has to know a peer by its user fragments."""

    def restarted(self, peer: "Peer") -> None:
        """Its `local_ufrags` have changed."""

    def remove(self, peer: "Peer") -> None:
        """It is closed."""


@dataclass(slots=True)
class Counters:
    """What a peer counts, in plain integers.

    Attributes:
        packets_in, bytes_in: DTLS, SRTP and SRTCP as received, whatever becomes of it.
        packets_out, bytes_out: what was given to a path. Whoever sends bursts adds them.
        early: SRTP before the handshake was through, which nobody can decrypt.
        strange: datagrams that are nothing of WebRTC.
        moves: how often the peer has moved media to another path.
    """

    packets_in: int = 0
    bytes_in: int = 0
    packets_out: int = 0
    bytes_out: int = 0
    early: int = 0
    strange: int = 0
    moves: int = 0


class Peer:
    """A peer connection of which we are the ICE-lite end.

    Args:
        local: our ICE credentials.
        answer: what was agreed upon.
        certificate: ours.
        session: what the connection is for.
        timers: everybody's.
        now: the time, in seconds, of the clock of `timers`.
        timeouts: when it is given up.

    Attributes:
        session: as given.
        remote: the peer's ICE credentials. A lite agent sends no checks, so nothing needs them.
        state: of the connection.
        failure: why it has failed, for people who read logs; empty: it has not.
        srtp_out: protects what is sent; None: not yet, or not any more.
        counters: what has come and gone.
        registry: is told of changed user fragments and of the end; set by the registry.
    """

    __slots__ = (
        "_deadline",
        "_dtls",
        "_ice",
        "_retransmission",
        "_srtp_in",
        "_timeouts",
        "_timers",
        "counters",
        "failure",
        "registry",
        "remote",
        "session",
        "srtp_out",
        "state",
    )

    def __init__(
        self,
        *,
        local: IceCredentials,
        answer: Answer,
        certificate: Certificate,
        session: Session,
        timers: Timers,
        now: float,
        timeouts: Timeouts = Timeouts(),
    ) -> None:
        self.session = session
        self.remote = answer.remote
        self.state = PeerState.NEW
        self.failure = ""
        self.srtp_out: OutboundSrtp | None = None
        self.counters = Counters()
        self.registry: Registry | None = None
        self._srtp_in: InboundSrtp | None = None
        self._ice = IceLite(local, now)
        self._dtls = Dtls(certificate, role=answer.dtls_role, fingerprints=answer.fingerprints)
        self._timers = timers
        self._timeouts = timeouts
        self._deadline = timers.call_at(now + timeouts.connect, self._time_out)
        self._retransmission: Timer | None = None
        session.attached(self)

    @property
    def path(self) -> Path | None:
        """Where media goes: what the peer has nominated; None: nothing yet, or nothing any more."""
        return self._ice.path

    @property
    def local_ufrags(self) -> tuple[str, ...]:
        """Our user fragments: the current one, and during a restart the former one."""
        return self._ice.local_ufrags

    @property
    def checks(self) -> int:
        """How many valid checks have come."""
        return self._ice.valid

    @property
    def refused(self) -> int:
        """How many checks were forged, malformed, or of an agent in the wrong role."""
        return self._ice.refused

    @property
    def unauthentic(self) -> int:
        """How many SRTP packets were forged, repeated or cut off."""
        return self._srtp_in.failures if self._srtp_in is not None else 0

    def receive_check(self, data: bytes, path: Path, now: float) -> bool:
        """Take a STUN message, and answer it.

        Returns:
            Whether it is a valid check. `path.peer` is this peer then, and stays it until the path
            is closed; and media goes there if that is where the peer wants it.
        """
        if self.state is PeerState.CLOSED:
            return False
        before, ufrags = self._ice.path, self._ice.local_ufrags
        if not self._ice.receive(data, path, now):
            return False
        if path.peer is not self:
            if path.peer is not None:
                path.peer.lose(path)
            path.peer = self
        if self.state is PeerState.NEW:
            self._begin(now)
        if self._ice.path is not before:
            self._moved(before, now)
        if self.registry is not None and self._ice.local_ufrags != ufrags:
            self.registry.restarted(self)
        return True

    def receive(self, data: bytes, path: Path, now: float) -> None:
        """Take a datagram that is not STUN, of a path that is this peer's (RFC 7983)."""
        counters = self.counters
        counters.packets_in += 1
        counters.bytes_in += len(data)
        first = data[0] if len(data) > 1 else 0
        if 127 < first < 192:
            srtp = self._srtp_in
            if srtp is None:
                counters.early += 1
            elif 192 <= data[1] <= 223:  # RTCP (RFC 5761, 4)
                clear = srtp.unprotect_rtcp(data)
                if clear is not None:
                    self.session.receive_rtcp(clear, now)
            else:
                clear = srtp.unprotect_rtp(data)
                if clear is not None:
                    self.session.receive_rtp(clear, now)
        elif 19 < first < 64:
            if self.state is not PeerState.CLOSED:
                self._dtls.receive(data)
                self._settle(path, now)
        else:
            counters.strange += 1

    def send_rtcp(self, data: bytes) -> None:
        """Protect a compound RTCP packet and send it; nothing happens while that is impossible."""
        path = self._ice.path
        if self.srtp_out is None or path is None:
            return
        protected = self.srtp_out.protect_rtcp(data)
        if protected:
            self._send(protected, path)

    def restart(self, local: IceCredentials, remote: IceCredentials, now: float) -> None:
        """Begin an ICE restart: checks by other credentials are answered too (RFC 8445, 9).

        DTLS and SRTP go on as they are, and so does media, until the peer nominates a path.

        Args:
            local: ours; the former ones are forgotten with the first check that uses these.
            remote: the peer's.
            now: from here the consent counts anew: whoever asks for a restart is there, and
                needs time for its checks.
        """
        if self.state is PeerState.CLOSED:
            return
        self.remote = remote
        self._ice.restart(local, now)
        if self.registry is not None:
            self.registry.restarted(self)

    def lose(self, path: Path) -> None:
        """A path is another peer's now, or has ended."""
        self._ice.lose(path)

    def close(self, reason: str, now: float) -> None:
        """End the connection, and say so to the peer. Has no effect on one that has ended.

        Args:
            reason: one word, for `Session.closed`.
        """
        if self.state is PeerState.CLOSED:
            return
        self.state = PeerState.CLOSED
        self._deadline.cancel()
        if self._retransmission is not None:
            self._retransmission.cancel()
        self._dtls.close()
        path = self._ice.way
        if path is not None:
            self._send_flight(path)
        self._dtls.release()
        self._ice.close()
        self._srtp_in = self.srtp_out = None
        if self.registry is not None:
            self.registry.remove(self)
        self.session.closed(reason, now)

    def _begin(self, now: float) -> None:
        self.state = PeerState.CONNECTING
        self._deadline.cancel()
        self._deadline = self._timers.call_at(now + self._timeouts.handshake, self._time_out)

    def _moved(self, before: Path | None, now: float) -> None:
        path = self._ice.path
        if path is None:
            return
        if before is not None:
            self.counters.moves += 1
        # A client begins where the peer listens: on the path that it has nominated.
        self._dtls.start()
        self._settle(path, now)

    def _settle(self, path: Path, now: float) -> None:
        """Do what the DTLS association's new state asks for."""
        # Before a nomination the peer is answered where it has asked.
        self._send_flight(self._ice.path or path)
        state = self._dtls.state
        if state is DtlsState.FAILED:
            self.failure = f"DTLS: {self._dtls.failure}"
            self.close("failed", now)
        elif state is DtlsState.CLOSED:
            # Not `left`: so end a tab that is reloaded, and a program that is killed.
            self.close("closed", now)
        else:
            if state is DtlsState.CONNECTED and self.state is PeerState.CONNECTING:
                self._connected(now)
            self._await_retransmission(now)

    def _connected(self, now: float) -> None:
        self.state = PeerState.CONNECTED
        self._srtp_in, self.srtp_out = self._dtls.srtp()
        self._deadline.cancel()
        self._watch_consent(now)
        self.session.connected(now)

    def _await_retransmission(self, now: float) -> None:
        wait = self._dtls.timeout()
        if wait is None or self.state is PeerState.CLOSED:
            return
        when = now + max(wait, TICK)
        waiting = self._retransmission
        # One that is made anew for each datagram would fill the heap of timers.
        if waiting is not None and waiting.call is not None:
            if waiting.when <= when + TICK:
                return
            waiting.cancel()
        self._retransmission = self._timers.call_at(when, self._retransmit)

    def _retransmit(self, now: float) -> None:
        self._retransmission = None
        path = self._ice.way
        if path is not None:
            self._dtls.handle_timeout()
            self._settle(path, now)

    def _time_out(self, now: float) -> None:
        if self.state is PeerState.NEW:
            self.failure = "ICE: no valid check has come"
        elif self._ice.path is None:
            self.failure = "ICE: no path was nominated"
        else:
            self.failure = "DTLS: the handshake was not finished in time"
        self.close("timeout", now)

    def _watch_consent(self, now: float) -> None:
        """Look again when the consent would be over, as of now; and leave paths that are silent."""
        due = self._ice.checked + self._timeouts.consent
        if now >= due:
            self.failure = "ICE: no valid check for too long"
            self.close("timeout", now)
            return
        self._ice.expire(now - self._timeouts.consent)
        self._deadline = self._timers.call_at(due, self._watch_consent)

    def _send_flight(self, path: Path) -> None:
        for datagram in self._dtls.datagrams_to_send():
            self._send(datagram, path)

    def _send(self, datagram: bytes, path: Path) -> None:
        self.counters.packets_out += 1
        self.counters.bytes_out += len(datagram)
        path.send(datagram)
