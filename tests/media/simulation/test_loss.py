"""Loss: what is lost on the way to the server and on the way to the viewer is made up for.

A line loses in both directions alike, so requests and repetitions are lost as well.

Every picture that counts is decoded within the playout delay, and is as it was filmed to the bit:
nothing is concealed. The publisher is one that ignores requests for keyframes, as OBS does, so what
is given up costs the rest of a group of two seconds.
"""

from dataclasses import replace

import pytest

from loadtest.webrtc.description import H264, VP8, Codec
from tests.media.simulation import footage
from tests.media.simulation.scenario import Publishing, Scenario, Viewing
from tests.media.simulation.world import Weather

PLAYOUT_SECONDS = 0.5
FILM_SECONDS = 8


def film(scenario: Scenario, publishing: Publishing, seconds: float = FILM_SECONDS) -> None:
    scenario.world.run(seconds)
    publishing.camera.is_on = False
    scenario.world.run(1)


def bad(loss: float) -> Weather:
    """40 ms there and back, with some jitter; each fiftieth packet is overtaken by many."""
    return Weather(loss=loss, delay=0.02, jitter=0.005, held=0.02, hold=0.03)


def check(publishing: Publishing, viewing: Viewing, least: float) -> float:
    sent = publishing.camera.sent[""]
    shown = viewing.television.pictures_of(sent)
    assert shown >= least * len(sent), f"{shown} of {len(sent)}"
    assert viewing.watcher.incoming["video"].assembler.late <= PLAYOUT_SECONDS
    assert viewing.watcher.unknown == 0
    assert (
        viewing.carrier.connection.discarded == 0 or not viewing.watcher.incoming["video"].rtx_ssrc
    )
    # Sound is not asked for again, as browsers do not; what came was shown.
    sound = viewing.watcher.incoming["audio"].reception
    assert sound is not None
    assert viewing.television.samples >= (sound.received - 2) * footage.SOUND_SAMPLES
    return shown / len(sent)


@pytest.mark.parametrize("codec", [H264, VP8], ids=lambda codec: codec.name)
@pytest.mark.parametrize(
    ("where", "loss", "least"),
    [
        ("both", 0.02, 0.99),
        ("both", 0.05, 0.97),
        ("both", 0.1, 0.9),
        ("to the server", 0.1, 0.9),
        ("to the viewer", 0.1, 0.9),
    ],
)
def test_pictures_get_through(codec: Codec, where: str, loss: float, least: float) -> None:
    scenario = Scenario(f"{codec.name} {loss} {where}")
    publishing = scenario.publish(codec, obeys=False)
    scenario.world.run(0.2)
    viewing = scenario.watch([codec], delay=PLAYOUT_SECONDS)
    if where != "to the viewer":
        publishing.carrier.weather(bad(loss))
    if where != "to the server":
        viewing.carrier.weather(bad(loss))
    film(scenario, publishing)
    share = check(publishing, viewing, least)
    print(f"{codec.name}, {loss:.0%} {where}: {share:.1%} of the pictures")
    assert publishing.carrier.up.lost or viewing.carrier.down.lost


def test_the_very_same_packets_do_where_there_is_no_rtx() -> None:
    codec = replace(VP8, rtx=None)
    scenario = Scenario("no rtx")
    publishing = scenario.publish(codec, obeys=False)
    scenario.world.run(0.2)
    viewing = scenario.watch([codec])
    for one in (publishing.carrier, viewing.carrier):
        one.weather(bad(0.05))
    film(scenario, publishing, 6)
    check(publishing, viewing, 0.97)


def test_nothing_is_asked_for_twice_where_nothing_is_lost() -> None:
    scenario = Scenario("good")
    publishing = scenario.publish(VP8)
    scenario.world.run(0.2)
    viewing = scenario.watch([VP8])
    film(scenario, publishing, 5)
    assert check(publishing, viewing, 1.0) == 1.0
    video = viewing.watcher.incoming["video"]
    assert video.reception is not None
    assert (video.reception.asked, video.reception.duplicates, video.keyframe_requests) == (0, 0, 0)
    source = publishing.publisher.sources["video", ""]
    assert (source.nacked, source.repeated) == (0, 0)
    assert publishing.publisher.acknowledged > 0
    assert publishing.publisher.unacknowledged == 0


def test_many_viewers_lose_different_packets() -> None:
    scenario = Scenario("many")
    publishing = scenario.publish(H264, obeys=False)
    scenario.world.run(0.2)
    viewings = [scenario.watch([H264]) for _ in range(4)]
    for viewing in viewings:
        viewing.carrier.weather(bad(0.05))
    film(scenario, publishing, 8)
    for viewing in viewings:
        check(publishing, viewing, 0.97)
    # What viewers lose they get from the server; the publisher hears nothing of it.
    assert publishing.publisher.sources["video", ""].nacked == 0
