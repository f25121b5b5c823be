"""A publisher that sends more than it may."""

from itertools import pairwise

from media import rtcp
from media.packet import Packet
from protocol.streams import HealthWarning
from tests.media.publishing import OPUS, VIDEO, Source, Studio, simulcast


def play(
    studio: Studio, sources: dict[Source, int], seconds: float, *, every: int = 30, skip: int = 0
) -> list[Packet]:
    """Frames of each source, 30 a second, of so many packets of 1,000 bytes; what is forwarded.

    The encoders make a keyframe each `every` frames, the first one after `skip` frames.
    """
    forwarded = []
    for number in range(int(seconds * 30)):
        for source, packets in sources.items():
            data = source.frame(keyframe=number % every == skip, packets=packets, size=988)
            forwarded += studio.receive(*data)
        studio.wait(1 / 30)
    return forwarded


def test_who_keeps_to_it_is_not_dropped() -> None:
    studio = Studio(bitrate_cap=1_000_000)
    forwarded = play(studio, {Source(): 4}, 10)
    assert len(forwarded) == 1200
    assert HealthWarning.BITRATE_CAPPED not in studio.publisher.warnings(studio.now)


def test_an_encoder_that_does_not_listen_is_on_and_off_from_keyframe_to_keyframe() -> None:
    studio = Studio(VIDEO, bitrate_cap=1_000_000)
    source = Source()
    forwarded = play(studio, {source: 8}, 20)  # 1.92 Mbit/s
    passed = sum(len(packet.payload) + 12 for packet in forwarded) * 8 / 20
    assert 0.5e6 < passed < 1.16e6
    assert studio.counts.capped + len(forwarded) == 20 * 30 * 8
    assert studio.publisher.warnings(studio.now) == [HealthWarning.BITRATE_CAPPED]
    # What is cut off is cut off in the middle of a picture; what follows begins with a keyframe.
    assert [packet.sequence for packet in forwarded] == list(
        range(forwarded[0].sequence, forwarded[0].sequence + len(forwarded))
    ), "viewers see no gap"
    wholes = 0
    for before, packet in pairwise(forwarded):
        if packet.timestamp - before.timestamp > 3000:
            assert packet.keyframe
            wholes += 1
    assert wholes >= 5
    studio.wait(20)
    assert HealthWarning.BITRATE_CAPPED not in studio.publisher.warnings(studio.now)


def test_a_keyframe_is_asked_for_when_there_is_room_again() -> None:
    studio = Studio(bitrate_cap=1_000_000)
    source = Source()
    play(studio, {source: 30}, 1.0, every=10_000)
    assert studio.layer().dropping
    studio.wire.take()
    play(studio, {source: 1}, 2.0, every=10_000, skip=9999)
    assert any(isinstance(message, rtcp.PictureLoss) for message in studio.wire.take())


def test_nothing_is_asked_for_again_that_would_be_dropped() -> None:
    studio = Studio(bitrate_cap=1_000_000)
    source = Source()
    play(studio, {source: 30}, 1.0, every=10_000)
    studio.wire.take()
    lost = source.packet(b"\x00")
    studio.receive(*source.frame())
    studio.wait(0.3)
    assert studio.wire.nacks() == []

    studio = Studio(bitrate_cap=1_000_000)
    source = Source()
    first, _, third = source.frames(3)
    studio.receive(first, third)  # missed, and the next moment nobody wants it
    play(studio, {source: 150}, 0.001 + 1 / 30, every=10_000)
    assert studio.layer().dropping
    studio.wait(0.3)
    assert studio.wire.nacks() == []
    assert studio.receive(source.repair(lost, ssrc=5)) == []


def test_the_highest_layer_goes_first_and_the_others_stay() -> None:
    studio = Studio(simulcast("h", "l"), bitrate_cap=1_500_000)
    low = Source(ssrc=1, rid=b"l")
    high = Source(ssrc=2, rid=b"h")
    play(studio, {low: 2, high: 3}, 2)
    assert [layer.rid for layer in studio.publisher.tracks["video"].layers] == ["l", "h"]
    forwarded = []
    for number in range(300):
        # So many small ones that it is a packet of the low layer for which there is no room.
        data = high.frame(keyframe=number % 30 == 0, packets=80, size=88)
        data += low.frame(keyframe=number % 30 == 0, packets=2, size=988)
        forwarded += studio.receive(*data)
        studio.wait(1 / 30)
    by_layer = {rid: [p for p in forwarded if p.layer.rid == rid] for rid in ("l", "h")}
    assert len(by_layer["l"]) == 600, "all of it"
    assert 0 < len(by_layer["h"]) < 20_000


def test_sound_goes_last_and_comes_back_with_any_packet() -> None:
    studio = Studio(bitrate_cap=200_000)
    video, audio = Source(ssrc=1), Source(OPUS, ssrc=2)
    forwarded = play(studio, {video: 8, audio: 1}, 10)
    sounds = [packet for packet in forwarded if packet.layer.kind == "audio"]
    assert sounds
    assert studio.counts.capped
    # 240 kbit/s of sound alone is too much as well, and there is always some.
    latest = sounds[-1].arrival
    assert studio.now - latest < 1.5


def test_reports_count_what_was_dropped_as_received() -> None:
    """It did arrive: the line is good, and the encoder is to be told of the cap, not of loss."""
    studio = Studio(bitrate_cap=500_000)
    play(studio, {Source(): 10}, 5)
    assert studio.layer().reception.lost == 0
    (health,) = studio.publisher.health(studio.now)
    assert health.loss == 0.0
    assert health.bitrate > 2_000_000, "what is sent, not what is passed on"
