"""The server's media without its sockets: datagrams come from the simulated network."""

from collections.abc import Sequence
from random import Random

from media.broadcasts import Broadcasts
from media.description import Answer, Candidate, IceCredentials, Local
from media.dtls import Certificate
from media.peer import Peer
from media.ports import Session
from media.publisher import Publisher
from media.relay import Relay
from media.sdp import parse_offer
from media.sdp_answer import Outgoing, play_answer, publish_answer
from media.timers import Timers
from media.viewer import Viewer
from tests.media.simulation.world import Address, Network, World

ADDRESS = ("198.51.100.1", 8189)
CERTIFICATE = Certificate.generate()


class SimulatedPath:
    """A way to a peer over the simulated network; a `media.ports.Path`."""

    def __init__(self, server: "Server", address: Address) -> None:
        self._server = server
        self.address = address
        self.peer: Peer | None = None
        self.remote = f"{address[0]}:{address[1]} udp"

    def send(self, datagram: bytes) -> None:
        assert len(datagram) <= 1_500
        self._server.network.send(bytes(datagram), ADDRESS, self.address)

    def send_burst(self, buffer: memoryview, sizes: Sequence[int]) -> None:
        start = 0
        for size in sizes:
            self.send(bytes(buffer[start : start + size]))
            start += size

    def close(self) -> None:
        self.peer = None
        if self._server.paths.get(self.address) is self:
            del self._server.paths[self.address]


class Audience:
    """What a broadcast says of itself; a `media.ports.Stage`."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.watching = 0

    def live(self, stream: int) -> None:
        self.said.append("live")

    def interrupted(self, stream: int) -> None:
        self.said.append("interrupted")

    def ended(self, stream: int, reason: str) -> None:
        self.said.append(f"ended: {reason}")

    def viewers(self, stream: int, watching: int, joined: int) -> None:
        self.watching = watching


class Server:
    """Does what `media.endpoint` and the sessions of WHIP and WHEP do.

    Attributes:
        stage: what was said of streams.
        paths: by their addresses.
    """

    def __init__(self, world: World, network: Network, seed: str) -> None:
        self._world = world
        self._chance = Random(seed)
        self._armed = float("inf")
        self._flushing = False
        self.network = network
        self.paths: dict[Address, SimulatedPath] = {}
        self.stage = Audience()
        self.timers = Timers()
        self.relay = Relay(self.timers, fault=_raise)
        self.broadcasts = Broadcasts(
            relay=self.relay, stage=self.stage, timers=self.timers, grace_seconds=30
        )
        up, down = network.attach(ADDRESS, self._receive)
        up.weather.delay = down.weather.delay = 0.0

    def publish(self, stream: int, offer: str, *, bitrate_cap: int = 0) -> tuple[str, Publisher]:
        """The answer to an offer to send, and who will receive."""
        local = self._local()
        answer = publish_answer(parse_offer(offer), local)
        publisher = Publisher(
            answer=answer,
            broadcast=self.broadcasts.open(stream, self._world.now),
            timers=self.timers,
            ssrc=self._ssrc(),
            bitrate_cap=bitrate_cap,
            now=self._world.now,
        )
        self._add(local, answer, publisher)
        return answer.sdp, publisher

    def watch(self, stream: int, offer: str) -> tuple[str, Viewer]:
        """The answer to an offer to watch, and who will send."""
        local = self._local()
        broadcast = self.broadcasts.get(stream)
        assert broadcast is not None
        tracks = [
            Outgoing(kind, codecs, ssrc=self._ssrc(), rtx_ssrc=self._ssrc())
            for kind, codecs in broadcast.codecs.items()
        ]
        answer = play_answer(
            parse_offer(offer), local, tracks=tracks, cname="plaza", stream=str(stream)
        )
        viewer = Viewer(
            answer=answer,
            broadcast=broadcast,
            cname="plaza",
            timers=self.timers,
            now=self._world.now,
        )
        self._add(local, answer, viewer)
        return answer.sdp, viewer

    def _add(self, local: Local, answer: Answer, session: Session) -> None:
        self.relay.add(
            Peer(
                local=local.credentials,
                answer=answer,
                certificate=CERTIFICATE,
                session=session,
                timers=self.timers,
                now=self._world.now,
            )
        )
        self._arm()

    def _receive(self, datagram: bytes, source: Address, now: float) -> None:
        path = self.paths.get(source)
        if path is None or path.peer is None or datagram[0] < 4:
            self._check(datagram, path, source, now)
        else:
            path.peer.receive(datagram, path, now)
        # What comes at one moment is read before anything leaves, as the endpoint drains a socket.
        if not self._flushing:
            self._flushing = True
            self._world.after(0, self._flush)

    def _check(
        self, datagram: bytes, path: SimulatedPath | None, source: Address, now: float
    ) -> None:
        peer = self.relay.peer_of_check(datagram)
        if peer is None:
            return
        if path is not None and path.peer is peer:
            peer.receive_check(datagram, path, now)
            return
        path = SimulatedPath(self, source)
        if peer.receive_check(datagram, path, now) and path.peer is peer:
            self.paths[source] = path
            self.relay.adopt(peer, path)

    def _flush(self) -> None:
        self._flushing = False
        self.relay.flush(self._world.now)
        self._arm()

    def _arm(self) -> None:
        due = self.timers.next()
        if due is not None and due < self._armed:
            self._armed = due
            self._world.at(due, self._run)

    def _run(self) -> None:
        self._armed = float("inf")
        self.timers.run(self._world.now)
        self._flush()

    def _local(self) -> Local:
        return Local(
            credentials=IceCredentials(
                self._chance.randbytes(4).hex(), self._chance.randbytes(16).hex()
            ),
            candidates=(Candidate(*ADDRESS),),
            fingerprint=CERTIFICATE.fingerprint,
            session_id=self._chance.getrandbits(62),
        )

    def _ssrc(self) -> int:
        return self._chance.getrandbits(31) + 1


def _raise(error: Exception) -> None:
    raise error
