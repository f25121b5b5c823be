"""Sends footage in virtual time, and looks at what comes of it."""

from loadtest.webrtc import h264, vp8
from loadtest.webrtc.assembly import Frame
from loadtest.webrtc.description import Kind
from loadtest.webrtc.publisher import Publisher
from tests.media.simulation import footage
from tests.media.simulation.footage import Picture, Screen, Speaker
from tests.media.simulation.peers import Attached
from tests.media.simulation.world import World

VIDEO_CLOCK, SOUND_CLOCK = 90_000, 48_000


class Camera:
    """Has a light publisher send pictures and sound at their pace.

    Args:
        sizes: rid -> size of its pictures.
        obeys: whether a request for a keyframe is answered by one: the next group begins.
        sound_late: seconds after which sound is sent, as by a slow encoder.

    Attributes:
        sent: digests of the pictures, by rid.
        sounds: packets sent.
        is_on: it sends.
    """

    def __init__(
        self,
        world: World,
        codec: str,
        *,
        sizes: dict[str, tuple[int, int]] | None = None,
        obeys: bool = True,
        sound_late: float = 0.0,
    ) -> None:
        sizes = sizes or {"": (footage.WIDTH, footage.HEIGHT)}
        self._world = world
        self._codec = codec
        self._obeys = obeys
        self._sound_late = sound_late
        self._groups = {rid: footage.groups(codec, size) for rid, size in sizes.items()}
        self._place = dict.fromkeys(sizes, (0, 0))
        self._sound = footage.sound()
        self._began = world.now
        self._pictures = 0
        self.sent: dict[str, list[bytes]] = {rid: [] for rid in sizes}
        self.sounds = 0
        self.is_on = False

    def start(self, publisher: Publisher, carrier: Attached) -> None:
        self._publisher, self._carrier = publisher, carrier
        self._began = self._world.now
        self.is_on = True
        self._picture()
        self._world.after(self._sound_late, self._packet_of_sound)

    def keyframe_wanted(self, rid: str, now: float) -> None:
        if self._obeys and rid in self._place:
            group, place = self._place[rid]
            if place:
                self._place[rid] = ((group + 1) % footage.GROUPS, 0)

    def _picture(self) -> None:
        if not self.is_on:
            return
        now = self._world.now
        timestamp = round((now - self._began) * VIDEO_CLOCK)
        for rid in self._place:
            picture = self._next(rid)
            self._publisher.send("video", self._payloads(picture), timestamp, now, rid=rid)
            self.sent[rid].append(picture.digest)
        self._carrier.flush()
        self._pictures += 1
        self._world.at(self._began + self._pictures / footage.FRAME_RATE, self._picture)

    def _next(self, rid: str) -> Picture:
        group, place = self._place[rid]
        picture = self._groups[rid][group][place]
        following = (group, place + 1)
        if place + 1 == footage.GROUP:
            following = ((group + 1) % footage.GROUPS, 0)
        self._place[rid] = following
        return picture

    def _payloads(self, picture: Picture) -> list[bytes]:
        if self._codec == "H264":
            return h264.packetize(picture.data)
        return vp8.packetize(picture.data, self._pictures)

    def _packet_of_sound(self) -> None:
        if not self.is_on:
            return
        now = self._world.now
        captured = now - self._sound_late
        payload = self._sound[self.sounds % len(self._sound)]
        timestamp = round((captured - self._began) * SOUND_CLOCK)
        self._publisher.send("audio", [payload], timestamp, now, captured=captured)
        self._carrier.flush()
        self.sounds += 1
        seconds = self.sounds * footage.SOUND_SAMPLES / footage.SOUND_RATE
        self._world.at(self._began + self._sound_late + seconds, self._packet_of_sound)


class Television:
    """Decodes what a light watcher shows.

    Attributes:
        shown: (when, digest) of each picture that was decoded.
        timestamps: of the pictures.
        sounds: (timestamp, packet) of sound.
        samples: of sound.
    """

    def __init__(self, codec: str) -> None:
        self._screen = Screen(codec)
        self._speaker = Speaker()
        self.shown: list[tuple[float, bytes]] = []
        self.timestamps: list[int] = []
        self.sounds: list[tuple[int, bytes]] = []
        self.samples = 0

    def show(self, kind: Kind, frame: Frame) -> None:
        if kind == "audio":
            self.sounds.append((frame.timestamp, frame.payload))
            self.samples += self._speaker.decode(frame.payload)
            return
        for digest in self._screen.decode(frame.payload):
            self.shown.append((frame.at, digest))
            self.timestamps.append(frame.timestamp)

    def pictures_of(self, sent: list[bytes]) -> int:
        """How many pictures were shown, every one of them as it was filmed, and in its order."""
        filmed = iter(sent)
        for _, digest in self.shown:
            assert any(digest == one for one in filmed), "a picture that was never filmed so"
        return len(self.shown)
