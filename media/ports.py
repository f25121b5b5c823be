"""What the parts of media ask of each other, and of the world."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from media.packet import Packet
    from media.peer import Peer
    from media.publisher import Publisher


class Path(Protocol):
    """One way to a peer: an address behind the UDP socket, or a TCP connection.

    Sending never waits and never raises: what the kernel does not take is lost, as on any network,
    and counted. The buffers belong to the caller again when the call returns.

    Attributes:
        peer: whom its datagrams are for; None before the first valid check, and after the end.
        remote: the address and port at the other end, and the transport, for people who read logs.
        address: the address and port at the other end, which a STUN answer tells the peer.
    """

    peer: "Peer | None"
    remote: str
    address: tuple[str, int]

    def send(self, datagram: bytes) -> None:
        """Send one datagram."""

    def send_burst(self, buffer: memoryview, sizes: Sequence[int]) -> None:
        """Send several that stand one behind the other in `buffer`, `sizes` bytes each."""

    def close(self) -> None:
        """The peer uses it no more: what comes from there is a stranger's again."""


class Session(Protocol):
    """What a peer connection is for: a publisher or a viewer."""

    def attached(self, peer: "Peer") -> None:
        """Called once, by the peer, when it is made."""

    def connected(self, now: float) -> None:
        """ICE and DTLS are through: packets can be sent."""

    def receive_rtp(self, data: bytes, now: float) -> None:
        """An RTP packet in the clear. Must not raise, whatever it contains."""

    def receive_rtcp(self, data: bytes, now: float) -> None:
        """A compound RTCP packet in the clear. Must not raise, whatever it contains."""

    def closed(self, reason: str, now: float) -> None:
        """The peer is gone: one word why.

        It is `left`, `closed`, `timeout`, `failed`, `replaced`, `ended` or another.

        Called once; nothing can be sent any more.
        """


class PacketSink(Protocol):
    """Where a publisher's packets go."""

    def publish(self, publisher: "Publisher", now: float) -> None:
        """It is connected, and sends from now on."""

    def forward(self, packet: "Packet") -> None:
        """A packet, once; its layer has stored it. May be late: older than others of its layer."""

    def publisher_gone(self, publisher: "Publisher", reason: str, now: float) -> None:
        """No more will come of it; called once. `reason` as in `Session.closed`."""


class Stage(Protocol):
    """What a broadcast says to whoever keeps the streams. None of it waits or fails.

    Called by `media.broadcast`; `now` is of the clock of `Timers`.
    """

    def live(self, stream: int) -> None:
        """The first packets of a publisher have come: the stream is on, or on again."""

    def interrupted(self, stream: int) -> None:
        """The publisher is gone, and has the grace time to come back. Viewers stay."""

    def ended(self, stream: int, reason: str) -> None:
        """Over: the publisher has left with DELETE, or did not come back in time."""

    def viewers(self, stream: int, watching: int, joined: int) -> None:
        """Who watches has changed: how many do now, and how many have come in all since `live`.

        Called at each change; whoever tells people coalesces.
        """
