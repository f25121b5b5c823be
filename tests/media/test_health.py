"""What a streamer is told of what they send."""

from dataclasses import replace

import pytest

from media.description import Codec
from protocol.streams import HealthWarning
from tests.media.publishing import AUDIO, FEEDBACK, OPUS, VIDEO, Source, Studio, simulcast


def play(
    studio: Studio,
    video: Source,
    seconds: float,
    *,
    every: int = 60,
    lose: int = 0,
    size: int = 1000,
) -> None:
    """30 pictures a second of 3 packets, a keyframe each `every`; each `lose`th packet is lost."""
    sent = 0
    for number in range(int(seconds * 30)):
        for data in video.frame(keyframe=number % every == 0, packets=3, size=size):
            sent += 1
            if not lose or sent % lose:
                studio.publisher.receive_rtp(data, studio.now)
        studio.wait(1 / 30)


def warned(studio: Studio) -> set[HealthWarning]:
    found = studio.publisher.warnings(studio.now)
    assert len(found) == len(set(found))
    return set(found)


def test_of_a_good_stream() -> None:
    studio = Studio(VIDEO)
    play(studio, Source(), 8)
    (health,) = studio.publisher.health(studio.now)
    assert (health.kind, health.codec, health.rid) == ("video", "VP8", "")
    assert health.bitrate == pytest.approx(30 * 3 * 1012 * 8, rel=0.05)
    assert health.frame_rate == pytest.approx(30, rel=0.05)
    assert (health.width, health.height) == (640, 360)
    assert health.packets == 8 * 90
    assert health.loss == 0.0
    assert health.jitter < 1
    assert health.keyframe_interval == pytest.approx(2.0, abs=0.05)
    assert health.round_trip is None
    assert warned(studio) == set()


def test_before_anything_came() -> None:
    studio = Studio()
    assert studio.publisher.health(studio.now) == []
    assert warned(studio) == set()
    studio.wait(6)
    assert warned(studio) == {HealthWarning.NO_AUDIO, HealthWarning.NO_VIDEO}


def test_a_track_that_was_not_agreed_upon_is_not_missed() -> None:
    studio = Studio(AUDIO)
    source = Source(OPUS)
    for _ in range(300):
        studio.receive(*source.frame())
        studio.wait(1 / 30)
    assert warned(studio) == set()
    (health,) = studio.publisher.health(studio.now)
    assert (health.kind, health.frame_rate, health.keyframe_interval) == ("audio", None, None)


def test_loss_counts_only_what_is_not_repaired() -> None:
    studio = Studio(VIDEO)
    source = Source()
    play(studio, source, 8, lose=20)
    (health,) = studio.publisher.health(studio.now)
    assert health.loss == pytest.approx(0.05, abs=0.01)
    assert HealthWarning.HIGH_LOSS in warned(studio)

    studio = Studio(VIDEO)
    source = Source()
    for number in range(240):
        first, second = source.frame(keyframe=number % 60 == 0, packets=2, size=1000)
        third = source.packet(b"\x00" * 1000)
        studio.receive(first, third)
        studio.wait(0.01)
        studio.receive(source.repair(second, ssrc=7))
        studio.wait(1 / 30 - 0.01)
    (health,) = studio.publisher.health(studio.now)
    assert health.loss < 0.005
    assert HealthWarning.HIGH_LOSS not in warned(studio)


def test_jitter() -> None:
    studio = Studio(VIDEO)
    source = Source()
    for number in range(200):
        studio.wait(1 / 30 + (0.12 if number % 2 else -0.03))
        studio.receive(*source.frame(keyframe=number % 60 == 0, size=5000))
    (health,) = studio.publisher.health(studio.now)
    assert health.jitter > 50
    assert HealthWarning.HIGH_JITTER in warned(studio)


def test_keyframes_that_are_rare() -> None:
    studio = Studio(VIDEO)
    play(studio, Source(), 12, every=150)
    assert warned(studio) == {HealthWarning.RARE_KEYFRAMES}
    (health,) = studio.publisher.health(studio.now)
    assert health.keyframe_interval == pytest.approx(5.0, abs=0.1)


def test_one_keyframe_at_the_beginning_and_no_more() -> None:
    studio = Studio(VIDEO)
    play(studio, Source(), 3, every=10_000)
    assert warned(studio) == set()
    play(studio, Source(sequence=1090), 3, every=10_000)
    (health,) = studio.publisher.health(studio.now)
    assert health.keyframe_interval is not None


def test_no_keyframe_on_request_either() -> None:
    studio = Studio(VIDEO)
    source = Source()
    for _ in range(120):
        studio.receive(*source.frame(size=5000))
        studio.wait(1 / 30)
    assert HealthWarning.NO_KEYFRAMES in warned(studio)
    play(studio, source, 1)
    assert HealthWarning.NO_KEYFRAMES not in warned(studio)


def test_b_frames() -> None:
    studio = Studio(VIDEO)
    source = Source()
    begun = source.timestamp
    for group in range(60):
        for place in (3, 1, 2):
            source.timestamp = begun + (group * 3 + place - 1) * 3000
            studio.receive(*source.frame(keyframe=group % 20 == 0 and place == 3, size=3000))
            studio.wait(1 / 30)
    assert warned(studio) == {HealthWarning.B_FRAMES}


def test_a_bitrate_that_is_too_low_for_pictures() -> None:
    studio = Studio(VIDEO)
    play(studio, Source(), 8, size=20)
    assert warned(studio) == {HealthWarning.LOW_BITRATE}


def test_a_codec_that_not_every_browser_plays() -> None:
    av1 = Codec("AV1", 45, 90000, feedback=FEEDBACK)
    studio = Studio(replace(VIDEO, codecs=(av1,)))
    studio.receive(Source(av1).packet(b"\x08" + bytes(1000)))
    assert warned(studio) == {HealthWarning.UNSUPPORTED_BY_SOME}


def test_layers_of_a_simulcast_each_for_itself() -> None:
    studio = Studio(simulcast("l", "h"))
    low, high = Source(ssrc=1, rid=b"l"), Source(ssrc=2, rid=b"h")
    for number in range(150):
        studio.receive(*low.frame(keyframe=number % 30 == 0, size=500))
        studio.receive(*high.frame(keyframe=number % 30 == 0, packets=4, size=1000))
        studio.wait(1 / 30)
    first, second = studio.publisher.health(studio.now)
    assert (first.rid, second.rid) == ("l", "h")
    assert second.bitrate > 4 * first.bitrate
    studio.wait(10)
    assert [health.bitrate for health in studio.publisher.health(studio.now)] == [0, 0]
    assert warned(studio) == {HealthWarning.NO_VIDEO}
