"""A light publisher and a light watcher on one line: each is the other's far end."""

from random import Random

import pytest

from loadtest.webrtc.connection import new_local
from loadtest.webrtc.description import (
    ABS_SEND_TIME,
    H264,
    MID,
    OPUS,
    TRANSPORT_SEQUENCE,
    VP8,
    Answer,
    Codec,
    Local,
    Section,
)
from loadtest.webrtc.dtls import Certificate
from loadtest.webrtc.publisher import Publisher
from loadtest.webrtc.watcher import Watcher
from tests.media.simulation import footage
from tests.media.simulation.camera import Camera, Television
from tests.media.simulation.peers import Attached, connect
from tests.media.simulation.world import Network, Weather, World

CERTIFICATE = Certificate()
SENDER, RECEIVER = ("192.0.2.1", 5000), ("192.0.2.2", 6000)
SOURCES = {"audio": (1001,), "video": (2001, 2002)}
EXTENSIONS = {MID: 4, ABS_SEND_TIME: 2, TRANSPORT_SEQUENCE: 3}


class Pair:
    """Both ends."""

    def __init__(self, codec: Codec, *, seed: str, obeys: bool = True) -> None:
        self.world = World()
        self.network = Network(self.world, seed)
        chance = Random(seed)
        ours, theirs = (new_local(chance, CERTIFICATE) for _ in range(2))
        sections = (
            Section("0", "audio", {OPUS.payload_type: OPUS}, EXTENSIONS, 1001),
            Section("1", "video", {codec.payload_type: codec}, EXTENSIONS, 2001, 2002),
        )
        self.camera = Camera(self.world, codec.name, obeys=obeys)
        self.television = Television(codec.name)
        to_receiver = answer(theirs, sections, RECEIVER, "passive")
        to_sender = answer(ours, sections, SENDER, "active")
        self.publisher = Publisher(
            to_receiver,
            SOURCES,
            keyframe_wanted=self.camera.keyframe_wanted,
            chance=chance,
        )
        self.watcher = Watcher(to_sender, show=self.television.show, chance=chance)
        self.sending = self._connect(SENDER, ours, to_receiver, self.publisher)
        self.receiving = self._connect(RECEIVER, theirs, to_sender, self.watcher)

    def _connect(
        self, address: tuple[str, int], local: Local, far: Answer, media: Publisher | Watcher
    ) -> Attached:
        return connect(
            self.world, self.network, address,
            local=local, answer=far, certificate=CERTIFICATE, media=media, attach=media.attach,
            seed=str(address),
        )  # fmt: skip

    def both_connected(self) -> bool:
        return self.sending.is_connected and self.receiving.is_connected

    def film(self, seconds: float) -> None:
        self.camera.start(self.publisher, self.sending)
        self.world.run(seconds)
        self.camera.is_on = False
        self.world.run(1)


def answer(
    local: Local, sections: tuple[Section, ...], where: tuple[str, int], setup: str
) -> Answer:
    return Answer(
        sections, local.ufrag, local.pwd, (where,), (("sha-256", local.fingerprint),), setup
    )


@pytest.mark.parametrize("codec", [H264, VP8], ids=lambda codec: codec.name)
def test_every_picture_arrives_over_a_good_line(codec: Codec) -> None:
    pair = Pair(codec, seed="good")
    pair.world.run_until(pair.both_connected, within=1)
    pair.film(4)
    assert pair.television.pictures_of(pair.camera.sent[""]) == len(pair.camera.sent[""]) == 121
    assert pair.television.samples == pair.camera.sounds * footage.SOUND_SAMPLES
    video = pair.watcher.incoming["video"]
    assert video.reception is not None
    assert video.reception.asked == 0
    assert pair.publisher.keyframe_requests == 0
    assert pair.publisher.unacknowledged == 0
    assert pair.publisher.acknowledged > 500
    assert pair.sending.connection.discarded == pair.receiving.connection.discarded == 0


def test_the_handshake_gets_through_a_bad_line() -> None:
    for seed in range(10):
        pair = Pair(VP8, seed=f"handshake {seed}")
        for one in (pair.sending, pair.receiving):
            one.weather(Weather(loss=0.2, jitter=0.02))
        pair.world.run_until(pair.both_connected, within=15)


@pytest.mark.parametrize("codec", [H264, VP8], ids=lambda codec: codec.name)
@pytest.mark.parametrize(("loss", "least"), [(0.02, 0.99), (0.05, 0.97), (0.1, 0.9)])
def test_retransmission_makes_up_for_loss(codec: Codec, loss: float, least: float) -> None:
    pair = Pair(codec, seed=f"loss {loss}")
    pair.world.run_until(pair.both_connected, within=1)
    pair.sending.weather(Weather(loss=loss, jitter=0.01, held=0.02))
    pair.film(10)
    sent = pair.camera.sent[""]
    shown = pair.television.pictures_of(sent)
    print(f"{codec.name} at {loss:.0%}: {shown}/{len(sent)}")
    assert shown >= least * len(sent)
    video = pair.watcher.incoming["video"]
    assert video.reception is not None
    assert video.reception.repaired > 0
    assert pair.publisher.sources["video", ""].repeated >= video.reception.repaired


def test_what_nobody_repeats_is_given_up_until_a_keyframe() -> None:
    pair = Pair(VP8, seed="given up")
    pair.world.run_until(pair.both_connected, within=1)
    source = pair.publisher.sources["video", ""]
    pair.camera.start(pair.publisher, pair.sending)
    pair.world.run(1)
    source.skip()
    pair.world.run(3)
    video = pair.watcher.incoming["video"]
    assert video.assembler.given_up == 1
    assert pair.publisher.keyframe_requests >= 1
    shown = pair.television.pictures_of(pair.camera.sent[""])
    # Half a second of waiting, and a round trip until the keyframe.
    assert len(pair.camera.sent[""]) - 25 <= shown < len(pair.camera.sent[""]) - 10


def test_a_lost_consent_ends_it() -> None:
    pair = Pair(VP8, seed="consent")
    pair.world.run_until(pair.both_connected, within=1)
    pair.receiving.vanish()
    pair.world.run(29)
    assert not pair.sending.connection.ended
    pair.world.run(5)
    assert pair.sending.connection.ended == pair.publisher.ended == "timeout"


def test_a_goodbye_ends_it_at_once() -> None:
    pair = Pair(VP8, seed="goodbye")
    pair.world.run_until(pair.both_connected, within=1)
    pair.sending.connection.close()
    pair.sending.flush()
    pair.world.run(0.1)
    assert pair.receiving.connection.ended == pair.watcher.ended == "closed"


def test_another_certificate_is_refused() -> None:
    pair = Pair(VP8, seed="certificate")
    other = Certificate()
    assert other.fingerprint != CERTIFICATE.fingerprint
    pair.receiving.connection._handshake._fingerprints = (("sha-256", other.fingerprint),)
    pair.world.run(1)
    assert pair.receiving.connection.ended == "failed"
    assert pair.receiving.connection.srtp is None
