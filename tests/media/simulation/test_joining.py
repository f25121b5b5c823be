"""Joining, leaving, coming back: what a viewer sees of it."""

import pytest

from loadtest.webrtc.description import H264, VP8, Codec
from tests.media.simulation.scenario import Scenario
from tests.media.simulation.world import Weather


@pytest.mark.parametrize("codec", [H264, VP8], ids=lambda codec: codec.name)
@pytest.mark.parametrize("obeys", [True, False], ids=["obeys PLI", "ignores PLI"])
def test_who_joins_late_sees_a_picture_at_once(codec: Codec, obeys: bool) -> None:
    scenario = Scenario(f"late {codec.name}")
    publishing = scenario.publish(codec, obeys=obeys)
    # Shortly before a group ends: the next keyframe is near, and so is the longest replay.
    scenario.world.run(3.7)
    viewing = scenario.watch([codec])
    scenario.world.run(0.2)
    print(f"{codec.name}: the first picture is there after {viewing.first_picture_after:.3f} s")
    assert viewing.first_picture_after < 0.1
    scenario.world.run(5)
    publishing.camera.is_on = False
    scenario.world.run(1)
    assert viewing.television.pictures_of(publishing.camera.sent[""]) > 150
    assert viewing.watcher.incoming["video"].assembler.given_up == 0
    # It has caught up: what it shows last it shows when it comes.
    shown_at = viewing.television.shown[-1][0]
    assert scenario.world.now - 1 - shown_at < 0.1
    # The publisher was not asked for a keyframe on its behalf.
    assert publishing.publisher.keyframe_requests == 0


def test_the_replay_is_the_present_picture() -> None:
    """Timestamps of what is replayed are pressed together: no player works through the past."""
    scenario = Scenario("present")
    scenario.publish(H264, obeys=False)
    scenario.world.run(3.7)
    viewing = scenario.watch([H264])
    scenario.world.run(2)
    timestamps = viewing.television.timestamps
    assert timestamps == sorted(timestamps)
    whens = [when for when, _ in viewing.television.shown]
    # By its timestamps, the replay takes no longer than it took to come.
    replayed = sum(when - whens[0] < 0.15 for when in whens)
    assert replayed > 30
    assert (timestamps[replayed] - timestamps[0]) / 90_000 < 0.5


def test_a_publisher_that_is_killed_and_comes_back() -> None:
    scenario = Scenario("killed")
    first = scenario.publish(H264, obeys=False)
    scenario.world.run(1)
    viewing = scenario.watch([H264])
    scenario.world.run(3)
    first.camera.is_on = False
    first.carrier.vanish()
    scenario.world.run(4)
    before = len(viewing.television.shown)
    second = scenario.publish(H264, obeys=False)
    back = scenario.world.now
    scenario.world.run(4)
    pictures = [when for when, _ in viewing.television.shown[before:]]
    assert pictures[0] - back < 0.3
    assert len(pictures) > 110
    sent = first.camera.sent[""] + second.camera.sent[""]
    assert viewing.television.pictures_of(sent) == len(viewing.television.shown)
    timestamps = viewing.television.timestamps
    assert timestamps == sorted(timestamps)
    assert viewing.watcher.incoming["video"].assembler.given_up == 0
    assert scenario.server.stage.said[0] == "live"
    assert not any(said.startswith("ended") for said in scenario.server.stage.said)
    assert viewing.carrier.connection.ended == ""


def test_a_publisher_that_does_not_come_back() -> None:
    scenario = Scenario("gone")
    publishing = scenario.publish(VP8)
    scenario.world.run(1)
    viewing = scenario.watch([VP8])
    scenario.world.run(1)
    publishing.camera.is_on = False
    publishing.carrier.vanish()
    # Consent expires after 30 s, and the grace time after 30 more.
    scenario.world.run(35)
    assert scenario.server.stage.said == ["live", "interrupted"]
    assert viewing.carrier.connection.ended == ""
    scenario.world.run(30)
    assert scenario.server.stage.said[-1].startswith("ended")
    assert viewing.carrier.connection.ended == "closed"
    assert len(scenario.server.relay) == 0
    assert scenario.server.paths == {}


def test_a_viewer_whose_address_changes() -> None:
    scenario = Scenario("moved")
    publishing = scenario.publish(H264, obeys=False)
    scenario.world.run(0.5)
    viewing = scenario.watch([H264])
    scenario.world.run(2.3)
    viewing.carrier.move(scenario.new_address())
    scenario.world.run(3)
    publishing.camera.is_on = False
    scenario.world.run(1)
    # What was on its way is asked for again: not a picture is lost.
    sent = publishing.camera.sent[""]
    assert viewing.television.pictures_of(sent) == len(sent)
    assert viewing.viewer.peer is not None
    assert viewing.viewer.peer.counters.moves == 1


def test_a_viewer_behind_a_nat_that_forgets() -> None:
    """The address changes and nobody tells the client: its next consent check does."""
    scenario = Scenario("nat")
    publishing = scenario.publish(VP8)
    scenario.world.run(0.5)
    viewing = scenario.watch([VP8])
    scenario.world.run(2)
    new = scenario.new_address()
    scenario.network.move(viewing.carrier.address, new)
    viewing.carrier.address = new
    scenario.world.run(8)
    publishing.camera.is_on = False
    scenario.world.run(1)
    shown = viewing.television.pictures_of(publishing.camera.sent[""])
    # Consent is checked every 2.5 s, give or take a fifth; then comes a keyframe.
    assert shown > len(publishing.camera.sent[""]) - 3.6 * 30


def test_a_viewer_that_vanishes_is_forgotten() -> None:
    scenario = Scenario("vanished")
    scenario.publish(VP8)
    scenario.world.run(0.5)
    viewing = scenario.watch([VP8])
    scenario.world.run(1)
    assert scenario.server.stage.watching == 1
    viewing.carrier.vanish()
    scenario.world.run(34)
    assert scenario.server.stage.watching == 0
    assert len(scenario.server.relay) == 1


def test_joining_on_a_bad_line() -> None:
    scenario = Scenario("bad joiner")
    publishing = scenario.publish(H264, obeys=False)
    scenario.world.run(3.5)
    viewing = scenario.watch([H264])
    viewing.carrier.weather(Weather(loss=0.05, jitter=0.01, held=0.02))
    scenario.world.run(6)
    publishing.camera.is_on = False
    scenario.world.run(1)
    shown = viewing.television.pictures_of(publishing.camera.sent[""])
    assert shown > 170
    assert viewing.first_picture_after < 0.4
