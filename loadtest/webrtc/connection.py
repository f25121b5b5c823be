"""ICE, DTLS and SRTP of one peer: datagrams in, datagrams out.

The shell that owns the socket calls `receive` with what came, sends what `take` returns, and calls
`run` when `due` has come.
"""

from collections.abc import Callable
from random import Random
from typing import Protocol

from loadtest.webrtc.description import Address, Answer, Local
from loadtest.webrtc.dtls import Certificate, Handshake, HandshakeFailed
from loadtest.webrtc.ice import Agent
from loadtest.webrtc.srtp import Srtp

_NEVER = float("inf")


class Media(Protocol):
    """What a connection is for: a publisher or a watcher."""

    @property
    def due(self) -> float:
        """When `run` has to be called next."""

    def connected(self, now: float) -> None:
        """Packets can be sent."""

    def receive_rtp(self, data: bytes, now: float) -> None:
        """An RTP packet in the clear."""

    def receive_rtcp(self, data: bytes, now: float) -> None:
        """A compound RTCP packet in the clear."""

    def run(self, now: float) -> None:
        """Do what is due."""

    def closed(self, reason: str) -> None:
        """The connection is over."""


def new_local(chance: Random, certificate: Certificate) -> Local:
    """Credentials for an offer (RFC 8445, 5.3: at least 24 bits and 128 bits)."""
    return Local(
        ufrag=chance.randbytes(4).hex(),
        pwd=chance.randbytes(16).hex(),
        fingerprint=certificate.fingerprint,
        session_id=chance.getrandbits(62),
    )


class Connection:
    """One peer connection, whose offer has been answered.

    Args:
        local: what the offer said.
        answer: what came back.
        media: gets what is received.
        chance: for ICE.

    Attributes:
        agent: its ICE side.
        srtp: None before the handshake is through.
        ended: why it is over; empty: it is not.
        connected_at: when the handshake was through.
        discarded: packets that were forged, or were there already.
    """

    def __init__(
        self,
        local: Local,
        answer: Answer,
        certificate: Certificate,
        media: Media,
        chance: Random,
        *,
        now: float,
    ) -> None:
        self.agent = Agent(local, answer, chance, now)
        # The setup of an answer to actpass: who is `active` is the client (RFC 8842, 5.3).
        self._handshake = Handshake(
            certificate, "server" if answer.setup == "active" else "client", answer.fingerprints
        )
        self._shaking = False
        self._media = media
        self._outgoing: list[tuple[bytes, Address]] = []
        self.srtp: Srtp | None = None
        self.ended = ""
        self.connected_at: float | None = None
        self.discarded = 0

    @property
    def due(self) -> float:
        """When `run` has to be called next."""
        if self.ended:
            return _NEVER
        media = _NEVER if self.srtp is None else self._media.due
        return min(self.agent.due, self._handshake.due, media)

    def take(self) -> list[tuple[bytes, Address]]:
        """What is to be sent, and where."""
        if self.agent.outgoing:
            self._outgoing += self.agent.outgoing
            self.agent.outgoing.clear()
        taken, self._outgoing = self._outgoing, []
        return taken

    def receive(self, data: bytes, source: Address, now: float) -> None:
        """A datagram has come; which of the three it is, its first byte says (RFC 7983)."""
        if not data or self.ended:
            return
        first = data[0]
        if first < 4:
            self.agent.receive(data, source, now)
            if not self._shaking and self.agent.selected is not None:
                self._shaking = True
                self._attempt(lambda: self._handshake.start(now), now)
        elif 20 <= first <= 63:
            self._attempt(lambda: self._handshake.receive(data, now), now)
        elif 128 <= first <= 191 and self.srtp is not None and len(data) >= 12:
            self._receive_media(data, self.srtp, now)

    def run(self, now: float) -> None:
        """Do what is due."""
        if self.ended:
            return
        if self.agent.expired(now):
            self._end("timeout")
            return
        self.agent.run(now)
        self._attempt(lambda: self._handshake.run(now), now)
        if self.srtp is not None and self._media.due <= now:
            self._media.run(now)

    def send_rtp(self, packet: bytes) -> bytes:
        """Protect a packet and send it.

        Returns:
            What went out, which may be sent again as it is.
        """
        assert self.srtp is not None
        protected = self.srtp.protect(packet)
        self.send(protected)
        return protected

    def send_rtcp(self, packet: bytes) -> None:
        """Protect a compound RTCP packet and send it."""
        if self.srtp is not None and not self.ended:
            self.send(self.srtp.protect_rtcp(packet))

    def send(self, datagram: bytes) -> None:
        """Send something that is fit for the wire."""
        if self.agent.selected is not None:
            self._outgoing.append((datagram, self.agent.selected))

    def close(self) -> None:
        """Say goodbye, and end."""
        if not self.ended:
            self._handshake.close()
            self._flush_handshake()
            self._end("left")

    def _receive_media(self, data: bytes, srtp: Srtp, now: float) -> None:
        # RFC 5761, 4: RTCP packet types stand where RTP has its marker and payload type.
        if 192 <= data[1] <= 223:
            clear = srtp.unprotect_rtcp(data)
            if clear is not None:
                self._media.receive_rtcp(clear, now)
        else:
            clear = srtp.unprotect(data)
            if clear is not None:
                self._media.receive_rtp(clear, now)
        if clear is None:
            self.discarded += 1

    def _attempt(self, step: Callable[[], None], now: float) -> None:
        try:
            step()
        except HandshakeFailed:
            self._flush_handshake()
            self._end("failed")
            return
        self._flush_handshake()
        if self.srtp is None and self._handshake.keys is not None:
            self.srtp = Srtp(self._handshake.keys)
            self.connected_at = now
            self._media.connected(now)
        if self._handshake.closed:
            self._end("closed")

    def _flush_handshake(self) -> None:
        for datagram in self._handshake.outgoing:
            self.send(datagram)
        self._handshake.outgoing.clear()

    def _end(self, reason: str) -> None:
        self.ended = reason
        self._media.closed(reason)
