"""Layers: a viewer gets the one that its line carries, and what it is shown is whole throughout."""

import pytest

from loadtest.webrtc.description import ABS_SEND_TIME, H264, MID, VP8, Codec
from tests.media.simulation import footage
from tests.media.simulation.scenario import Publishing, Scenario, Viewing
from tests.media.simulation.world import Weather

LOW, HIGH = "q", "f"
SIZES = {LOW: (160, 90), HIGH: (320, 180)}


def layers(publishing: Publishing, viewing: Viewing) -> list[str]:
    """The layers of the pictures that were shown, each one of which was filmed so."""
    known = {digest: rid for rid, sent in publishing.camera.sent.items() for digest in sent}
    return [known[digest] for _, digest in viewing.television.shown]


@pytest.mark.parametrize(
    ("codec", "feedback"),
    [(VP8, "transport-cc"), (H264, "transport-cc"), (VP8, "goog-remb")],
    ids=["VP8, transport-cc", "H264, transport-cc", "VP8, REMB"],
)
def test_a_narrow_line_gets_the_low_layer_and_a_wide_one_the_high(
    codec: Codec, feedback: str
) -> None:
    scenario = Scenario(f"layers {codec.name}")
    publishing = scenario.publish(codec, sizes=SIZES)
    scenario.world.run(1)
    narrow = 350_000
    rate: list[int | None] = [None]
    if feedback == "goog-remb":
        viewing = scenario.watch(
            [codec], extensions=[MID, ABS_SEND_TIME], bandwidth=lambda _: rate[0] or 5_000_000
        )
    else:
        viewing = scenario.watch([codec])
    scenario.world.run(4)
    assert layers(publishing, viewing)[-1] == HIGH

    rate[0] = narrow
    viewing.carrier.down.weather = Weather(rate=narrow)
    scenario.world.run(3)
    before = len(viewing.television.shown)
    scenario.world.run(20)
    shown = layers(publishing, viewing)[before:]
    # Now and then the high layer is tried, for what is not sent cannot be measured; that costs a
    # second or two of pictures each time.
    assert shown.count(LOW) > 0.95 * len(shown)
    assert len(shown) > 0.88 * 20 * footage.FRAME_RATE

    rate[0] = None
    viewing.carrier.down.weather = Weather()
    scenario.world.run_until(
        lambda: viewing.television.shown[-1][1] in publishing.camera.sent[HIGH][-60:], within=45
    )
    layers(publishing, viewing)
    timestamps = viewing.television.timestamps
    assert timestamps == sorted(timestamps)


def test_a_layer_that_is_asked_for_is_kept() -> None:
    scenario = Scenario("asked for")
    publishing = scenario.publish(VP8, sizes=SIZES)
    scenario.world.run(1)
    viewing = scenario.watch([VP8])
    scenario.world.run(3)
    assert viewing.viewer.choose(LOW, scenario.world.now)
    scenario.world.run(1)
    before = len(viewing.television.shown)
    scenario.world.run(3)
    assert set(layers(publishing, viewing)[before:]) == {LOW}
    assert viewing.viewer.choose(None, scenario.world.now)
    scenario.world.run(20)
    assert layers(publishing, viewing)[-1] == HIGH
    assert not viewing.viewer.choose("nothing of the kind", scenario.world.now)
    assert viewing.watcher.incoming["video"].assembler.given_up == 0


def test_loss_hits_each_layer_by_itself() -> None:
    scenario = Scenario("layers and loss")
    publishing = scenario.publish(VP8, sizes=SIZES)
    scenario.world.run(1)
    viewing = scenario.watch([VP8])
    publishing.carrier.weather(Weather(loss=0.05, jitter=0.005))
    viewing.carrier.weather(Weather(loss=0.05, jitter=0.005))
    scenario.world.run(8)
    publishing.camera.is_on = False
    scenario.world.run(1)
    assert len(layers(publishing, viewing)) > 0.95 * len(publishing.camera.sent[HIGH])
