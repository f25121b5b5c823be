"""Sound and picture: sender reports put what was taken at one moment into one moment."""

import pytest

from loadtest.webrtc.description import H264
from tests.media.simulation import footage
from tests.media.simulation.camera import SOUND_CLOCK, VIDEO_CLOCK
from tests.media.simulation.scenario import Publishing, Scenario, Viewing


def captured(viewing: Viewing, kind: str, timestamp: int, clock: int) -> float:
    """When something was taken, by the sender report of its source: seconds of NTP."""
    reception = viewing.watcher.incoming[kind].reception
    assert reception is not None
    assert reception.sender_report is not None
    ntp, rtp, _ = reception.sender_report
    distance = ((timestamp - rtp + 2**31) & 0xFFFFFFFF) - 2**31
    return (ntp & (1 << 48) - 1) / 2**32 + distance / clock


def offset(viewing: Viewing, publishing: Publishing) -> float:
    """Seconds by which sound is late against pictures, as the viewer has to believe."""
    television = viewing.television
    [place] = [n for n, one in enumerate(publishing.camera.sent[""][:footage.GROUP])
               if one == publishing.camera.sent[""][5]]  # fmt: skip
    number = next(
        n for n, (_, digest) in enumerate(television.shown)
        if digest == publishing.camera.sent[""][place]
    )  # fmt: skip
    picture = captured(viewing, "video", television.timestamps[number], VIDEO_CLOCK)
    sounds = footage.sound()
    heard = next(
        (timestamp, sounds.index(payload)) for timestamp, payload in television.sounds
        if payload in sounds
    )  # fmt: skip
    sound = captured(viewing, "audio", heard[0], SOUND_CLOCK)
    truth = heard[1] * footage.SOUND_SAMPLES / SOUND_CLOCK - place / footage.FRAME_RATE
    return sound - picture - truth


@pytest.mark.parametrize("late", [0.0, 0.25], ids=["at once", "sound is sent later"])
def test_sound_and_picture_stay_together(late: float) -> None:
    scenario = Scenario("sync")
    publishing = scenario.publish(H264, sound_late=late)
    scenario.world.run(0.1)
    viewing = scenario.watch([H264])
    scenario.world.run(1.7)
    assert abs(offset(viewing, publishing)) < 0.005


def test_reports_agree_with_each_other_over_time() -> None:
    scenario = Scenario("drift")
    scenario.publish(H264)
    scenario.world.run(0.1)
    viewing = scenario.watch([H264])
    found = []
    for _ in range(5):
        scenario.world.run(1.1)
        found.append(
            captured(viewing, "video", 0, VIDEO_CLOCK) - captured(viewing, "audio", 0, SOUND_CLOCK)
        )
    assert max(found) - min(found) < 0.005
