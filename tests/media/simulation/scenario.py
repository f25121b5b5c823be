"""A stream on the simulated network: a publisher, the server, viewers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from loadtest.webrtc.answer import parse_answer
from loadtest.webrtc.connection import Connection, Media, new_local
from loadtest.webrtc.description import OPUS, Answer, Codec, Kind, Local
from loadtest.webrtc.dtls import Certificate
from loadtest.webrtc.offer import publish_offer, watch_offer
from loadtest.webrtc.publisher import Publisher
from loadtest.webrtc.watcher import Watcher
from media.publisher import Publisher as PublisherSession
from media.viewer import Viewer
from tests.media.simulation.camera import Camera, Television
from tests.media.simulation.peers import Attached, connect
from tests.media.simulation.server import Server
from tests.media.simulation.world import Address, Network, World

STREAM = 7
CERTIFICATE = Certificate()


@dataclass(slots=True)
class Publishing:
    """One who sends: its camera, its two ends, and how it is attached."""

    camera: Camera
    publisher: Publisher
    carrier: Attached
    session: PublisherSession


@dataclass(slots=True)
class Viewing:
    """One who watches: what it sees, its two ends, and how it is attached."""

    television: Television
    watcher: Watcher
    carrier: Attached
    viewer: Viewer

    @property
    def first_picture_after(self) -> float:
        """Seconds from the handshake's end to the first picture."""
        assert self.watcher.first_frame is not None
        assert self.carrier.connection.connected_at is not None
        return self.watcher.first_frame - self.carrier.connection.connected_at


class Scenario:
    """The world of one test.

    Args:
        seed: of all chance in it.
    """

    def __init__(self, seed: str) -> None:
        self.world = World()
        self.network = Network(self.world, seed)
        self.server = Server(self.world, self.network, f"{seed} server")
        self._chance = Random(f"{seed} peers")
        self._addresses = 0

    def publish(
        self,
        codec: Codec,
        *,
        sizes: dict[str, tuple[int, int]] | None = None,
        obeys: bool = True,
        sound_late: float = 0.0,
    ) -> Publishing:
        """Somebody begins to stream, on a good line."""
        camera = Camera(self.world, codec.name, sizes=sizes, obeys=obeys, sound_late=sound_late)
        rids = tuple(sizes) if sizes else ()
        sources: dict[Kind, Sequence[int]] = {
            kind: [self._chance.getrandbits(31) + 1 for _ in range(2 * max(1, len(rids)))]
            for kind in ("audio", "video")
        }
        sources["audio"] = sources["audio"][:1]
        local = new_local(self._chance, CERTIFICATE)
        offer = publish_offer(local, [OPUS, codec], rids=rids, sources=sources)
        text, session = self.server.publish(STREAM, offer)
        answer = parse_answer(text)
        publisher = Publisher(
            answer,
            sources,
            rids=rids,
            keyframe_wanted=camera.keyframe_wanted,
            chance=self._chance,
        )
        carrier = self._connect(local, answer, publisher, publisher.attach)
        camera.start(publisher, carrier)
        return Publishing(camera, publisher, carrier, session)

    def watch(
        self,
        codecs: Sequence[Codec],
        *,
        extensions: Sequence[str] | None = None,
        bandwidth: Callable[[float], int] | None = None,
        delay: float = 0.5,
    ) -> Viewing:
        """Somebody begins to watch, on a good line."""
        local = new_local(self._chance, CERTIFICATE)
        offer = watch_offer(local, [OPUS, *codecs], extensions=extensions)
        text, viewer = self.server.watch(STREAM, offer)
        answer = parse_answer(text)
        video = next(section for section in answer.sections if section.kind == "video")
        television = Television(video.preferred.name)
        watcher = Watcher(
            answer, show=television.show, delay=delay, bandwidth=bandwidth, chance=self._chance
        )
        carrier = self._connect(local, answer, watcher, watcher.attach)
        return Viewing(television, watcher, carrier, viewer)

    def _connect(
        self, local: Local, answer: Answer, media: Media, attach: Callable[[Connection], None]
    ) -> Attached:
        carrier = connect(
            self.world,
            self.network,
            self.new_address(),
            local=local,
            answer=answer,
            certificate=CERTIFICATE,
            media=media,
            attach=attach,
            seed=str(self._chance.getrandbits(64)),
        )
        self.world.run_until(lambda: carrier.is_connected, within=5)
        return carrier

    def new_address(self) -> Address:
        self._addresses += 1
        return (f"192.0.2.{self._addresses}", 5_000)
