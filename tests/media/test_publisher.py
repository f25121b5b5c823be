"""A publisher's session: whose packets are whose, and what becomes of them."""

from dataclasses import replace
from itertools import pairwise

import pytest

from media import rtcp, rtp
from media.description import Codec, Section
from media.extensions import Extension
from media.sources import FORMER
from tests.media.publishing import (
    AUDIO,
    DELTAS,
    H264,
    IDS,
    KEYFRAMES,
    OPUS,
    VIDEO,
    VP8,
    Source,
    Studio,
    probe,
    simulcast,
)

# The session


def test_it_is_the_broadcasts_when_connected_and_gone_once() -> None:
    studio = Studio()
    assert studio.sink.publishers == [studio.publisher]
    studio.publisher.close("ended", studio.now)
    studio.publisher.close("ended", studio.now)
    assert studio.sink.gone == [(studio.publisher, "ended")]
    studio.wait(10)  # nothing is sent any more, which the wire asserts


def test_a_packet_is_taken_apart_and_forwarded() -> None:
    studio = Studio()
    source = Source(VP8, sequence=7, timestamp=90_000)
    data = source.packet(
        KEYFRAMES["VP8"],
        marker=True,
        elements=[(Extension.AUDIO_LEVEL, b"\x05"), (Extension.MID, b"0")],
    )
    (packet,) = studio.receive(data)
    assert packet.layer is studio.layer()
    assert packet.sequence & 0xFFFF == 7
    assert packet.timestamp == 90_000
    assert packet.marker
    assert packet.keyframe
    assert packet.payload_type == 96
    assert packet.payload == KEYFRAMES["VP8"]
    assert packet.extensions == {Extension.AUDIO_LEVEL: b"\x05"}, "mid is between us"
    assert packet.arrival == studio.now


def test_of_two_sections_of_a_kind_the_first_counts() -> None:
    other = replace(VIDEO, mid="7", codecs=(Codec("VP8", 120, 90000),))
    studio = Studio(VIDEO, other)
    assert studio.publisher.tracks["video"].mid == "0"
    assert studio.receive(*Source(other.codecs[0]).frame(keyframe=True)) == []


def test_a_section_without_codecs_is_none() -> None:
    assert Studio(replace(VIDEO, codecs=()), AUDIO).publisher.tracks.keys() == {"audio"}


# Whose a packet is


def test_by_payload_type_alone() -> None:
    """FFmpeg has no header extensions."""
    studio = Studio(replace(VIDEO, extensions={}), replace(AUDIO, extensions={}))
    (video,) = studio.receive(*Source(VP8, ssrc=1).frame(keyframe=True))
    (audio,) = studio.receive(*Source(OPUS, ssrc=2).frame())
    assert (video.layer.kind, audio.layer.kind) == ("video", "audio")
    assert video.layer.ssrc == 1
    assert studio.publisher.tracks["video"].codec is VP8


def test_by_the_ssrc_that_the_offer_announces() -> None:
    """Others of the same payload type are layers that nobody has agreed to."""
    section = replace(VIDEO, ssrcs=((10, 11), (20, 21)))
    studio = Studio(section)
    low, high = Source(VP8, ssrc=10), Source(VP8, ssrc=20)
    assert len(studio.receive(*low.frame(keyframe=True))) == 1
    assert studio.receive(*high.frame(keyframe=True)) == []
    assert len(studio.receive(*low.frame())) == 1
    assert studio.layer().ssrc == 10
    assert studio.layer().rtx_ssrc == 11
    assert studio.counts.foreign == 1


def test_by_mid_where_two_sections_have_one_payload_type() -> None:
    audio = Section("a", "audio", (Codec("opus", 96, 48000),), dict(IDS))
    video = replace(VIDEO, mid="v")
    studio = Studio(audio, video)
    (packet,) = studio.receive(*Source(VP8, mid=b"v").frame(keyframe=True))
    assert packet.layer.kind == "video"


def test_simulcast_by_rid_and_then_by_ssrc() -> None:
    studio = Studio(simulcast("l", "h"))
    for number, rid in enumerate((b"h", b"l")):
        source = Source(VP8, ssrc=50 + number, mid=b"0", rid=rid)
        (packet,) = studio.receive(*source.frame(keyframe=True))
        assert packet.layer.rid.encode() == rid
        source.names = {}  # as browsers do when the first report has come
        (packet,) = studio.receive(*source.frame())
        assert packet.layer.rid.encode() == rid


def test_simulcast_without_a_rid_is_nobodys() -> None:
    studio = Studio(simulcast("l", "h"))
    assert studio.receive(*Source(VP8, mid=b"0").frame(keyframe=True)) == []
    assert studio.receive(*Source(VP8, mid=b"0", rid=b"x").frame(keyframe=True)) == []
    assert studio.counts.foreign == 2


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\x80",
        b"\x00" * 40,
        Source(Codec("VP8", 33, 90000)).packet(b"payload type that nobody knows"),
        Source(VP8, mid=b"nothing of the kind").packet(b"x"),
    ],
)
def test_what_is_nobodys_is_counted_and_dropped(packet: bytes) -> None:
    studio = Studio()
    assert studio.receive(packet) == []
    assert studio.counts.foreign == 1
    assert studio.layer().ssrc is None


def test_the_codec_may_change_on_the_way() -> None:
    studio = Studio()
    source = Source(VP8)
    studio.receive(*source.frame(keyframe=True))
    source.codec = H264
    (packet,) = studio.receive(*source.frame(keyframe=True))
    assert (packet.payload_type, packet.keyframe) == (102, True)
    assert studio.publisher.tracks["video"].codec is H264
    assert studio.receive(source.packet(b"x", payload_type=55)) == []


# Duplicates, order, padding


def test_each_packet_once_in_whatever_order() -> None:
    studio = Studio()
    packets = list(Source().frames(6))
    order = [0, 2, 1, 1, 5, 5, 0, 3, 4]
    forwarded = studio.receive(*(packets[number] for number in order))
    first = forwarded[0].sequence
    assert [packet.sequence - first for packet in forwarded] == [0, 2, 1, 5, 3, 4]
    assert studio.counts.duplicates == 3


def test_what_is_older_than_the_store_is_dropped() -> None:
    studio = Studio()
    source = Source()
    first, *others = [data for _ in range(2000) for data in source.frame()]
    studio.receive(first, *others)
    assert studio.receive(first) == []
    assert studio.counts.late == 1


def test_a_probe_is_known_to_the_store_and_not_asked_for() -> None:
    studio = Studio()
    source = Source()
    studio.receive(*source.frame(keyframe=True))
    (packet,) = studio.receive(probe(source.packet(b"")))
    assert packet.payload == b""
    assert not packet.keyframe
    studio.receive(*source.frame())
    studio.wait(0.5)
    assert studio.wire.nacks() == []
    assert studio.counts.probes == 1
    assert studio.counts.packets == 2


def test_numbers_and_timestamps_wrap() -> None:
    studio = Studio()
    source = Source(sequence=0xFFFE, timestamp=2**32 - 9000)
    studio.receive(*source.frames(40))
    packets = [studio.layer().store.get(n) for n in range(0x1FFFE, 0x1FFFE + 40)]
    assert all(packets)
    studio.wait(0.2)
    assert studio.wire.nacks() == []
    assert studio.counts.restarts == 0


# Retransmission


def test_what_is_missing_is_asked_for_and_comes_by_rtx() -> None:
    section = replace(VIDEO, ssrcs=((0x1111, 0x2222),))
    studio = Studio(section)
    source = Source(ssrc=0x1111)
    first, lost, last = source.frames(3)
    studio.receive(first, last)
    studio.wait(0.01)
    assert studio.wire.nacks() == [1001]
    studio.wait(0.03)
    (packet,) = studio.receive(source.repair(lost, ssrc=0x2222))
    assert packet.sequence & 0xFFFF == 1001
    assert packet.payload_type == 96
    assert packet.payload == DELTAS["VP8"]
    assert packet.marker
    studio.wait(0.5)
    assert studio.wire.nacks() == []
    assert studio.counts.recovered == studio.counts.retransmissions == 1
    (health,) = studio.publisher.health(studio.now)
    assert health.round_trip == pytest.approx(35)  # from the request, 5 ms after the gap


def test_rtx_by_the_extension() -> None:
    studio = Studio(simulcast("l", "h"))
    sources = [Source(ssrc=number, mid=b"0", rid=rid) for number, rid in ((1, b"l"), (2, b"h"))]
    for number, source in enumerate(sources):
        first, lost, last = source.frames(3)
        studio.receive(first, last)
        repaired = source.repair(lost, ssrc=70 + number, mid=b"0", repaired_rid=source.names["rid"])
        (packet,) = studio.receive(repaired)
        assert packet.layer.rid.encode() == source.names["rid"]
        assert packet.layer.rtx_ssrc == 70 + number


def test_rtx_by_payload_type_alone() -> None:
    studio = Studio(replace(VIDEO, extensions={}))
    source = Source()
    first, lost, other, last = source.frames(4)
    studio.receive(first, last)
    assert len(studio.receive(source.repair(lost, ssrc=99))) == 1
    assert studio.layer().rtx_ssrc == 99
    # Some keep the SSRC, and the payload type alone tells.
    assert len(studio.receive(source.repair(other, ssrc=source.ssrc))) == 1


def test_rtx_of_a_simulcast_by_what_was_asked_for() -> None:
    studio = Studio(simulcast("l", "h"))
    low = Source(ssrc=1, sequence=1000, mid=b"0", rid=b"l")
    high = Source(ssrc=2, sequence=3000, mid=b"0", rid=b"h")
    studio.receive(*low.frames(3))
    first, lost, last = high.frames(3)
    studio.receive(first, last)
    assert studio.receive(low.repair(first, ssrc=71)) == [], "nobody misses it"
    (packet,) = studio.receive(high.repair(lost, ssrc=71))
    assert packet.layer.rid == "h"


def test_retransmissions_that_nobody_asked_for_change_nothing() -> None:
    studio = Studio(replace(VIDEO, ssrcs=((0x1111, 0x2222),)))
    source = Source(ssrc=0x1111)
    first, second = source.frames(2)
    assert studio.receive(source.repair(first, ssrc=0x2222)) == [], "before the first packet"
    studio.receive(first, second)
    ahead = source.packet(b"x", sequence=1500)
    for data in (first, second, ahead):
        assert studio.receive(source.repair(data, ssrc=0x2222)) == []
    assert studio.receive(probe(source.repair(first, ssrc=0x2222))) == []
    assert len(studio.receive(*source.frame())) == 1
    studio.wait(1.0)
    assert studio.wire.nacks() == []


@pytest.mark.parametrize("sequence", [0, 1000, 0xFF00])
def test_a_retransmission_before_there_is_anything(sequence: int) -> None:
    studio = Studio(replace(VIDEO, ssrcs=((0x1111, 0x2222),)))
    source = Source(ssrc=0x1111, sequence=sequence)
    first, second = source.frames(2)
    assert studio.receive(source.repair(first, ssrc=0x2222)) == []
    assert len(studio.layer().store) == 0
    assert len(studio.receive(first, second)) == 2


def test_a_retransmission_of_a_codec_that_was_left_is_dropped() -> None:
    studio = Studio(replace(VIDEO, ssrcs=((0x1111, 0x2222),)))
    source = Source(ssrc=0x1111)
    first, lost = source.frames(2)
    studio.receive(first)
    source.codec = H264
    studio.receive(*source.frame(keyframe=True))
    source.codec = VP8
    assert studio.receive(source.repair(lost, ssrc=0x2222)) == []


def test_without_rtx_the_packet_itself_comes_again() -> None:
    studio = Studio(replace(VIDEO, codecs=(replace(VP8, rtx=None),)))
    first, lost, last = Source().frames(3)
    studio.receive(first, last)
    studio.wait(0.1)
    assert studio.wire.nacks() == [1001]
    assert len(studio.receive(lost)) == 1
    assert studio.counts.recovered == 1


# An encoder that begins anew


def test_another_ssrc_goes_on_where_the_last_one_was() -> None:
    studio = Studio()
    studio.receive(*Source(ssrc=1, sequence=100, timestamp=5000).frames(3))
    studio.wait(0.1)
    restarted = Source(ssrc=2, sequence=60_000, timestamp=3_000_000_000)
    packets = studio.receive(*restarted.frames(3))
    kept = studio.layer().store
    everything = [kept.get(n) for n in range(kept.first, kept.last + 1)]
    assert len(everything) == 6
    assert packets[0].keyframe
    timestamps = [packet.timestamp for packet in everything if packet]
    steps = [later - earlier for earlier, later in pairwise(timestamps)]
    assert steps == [3000, 3000, 9000, 3000, 3000], "by the time that went by"
    assert studio.layer().ssrc == 2
    assert studio.counts.restarts == 1
    studio.wait(1.5)
    (report,) = [m for m in studio.wire.take() if isinstance(m, rtcp.ReceiverReport)][-1:]
    assert [block.ssrc for block in report.blocks] == [2]


def test_what_is_still_on_its_way_of_the_last_ssrc_does_not_replace_the_new_one() -> None:
    studio = Studio()
    old, new = Source(ssrc=1), Source(ssrc=2)
    studio.receive(*old.frames(3))
    studio.receive(*new.frame(keyframe=True))
    assert studio.receive(*old.frame()) == []
    assert len(studio.receive(*new.frame())) == 1
    studio.wait(5.0)
    assert len(studio.receive(*old.frame(keyframe=True))) == 1, "the new one is silent"
    assert studio.layer().ssrc == 1


def test_a_restart_with_timestamps_that_are_nearly_the_same() -> None:
    studio = Studio()
    studio.receive(*Source(ssrc=1, timestamp=50_000).frames(3))
    studio.wait(0.1)
    first, *_ = studio.receive(*Source(ssrc=2, timestamp=47_000).frames(2))
    assert first.timestamp == 59_000 + 9000


def test_what_comes_before_the_first_packet_of_a_restart_fills_no_gap_of_the_last_encoder() -> None:
    studio = Studio()
    one, _, three = Source(ssrc=1).frames(3)
    studio.receive(one, three)
    early, first, second = Source(ssrc=2).frames(3)
    (packet,) = studio.receive(first)
    missing = packet.sequence - 2
    assert studio.layer().store.get(missing) is None
    assert studio.receive(early) == []
    assert studio.counts.late == 1
    assert len(studio.receive(second)) == 1
    studio.wait(0.5)
    assert studio.wire.nacks() == [], "what was missing is not missed any more"


def test_an_overtaken_packet_of_a_restart_has_its_timestamp() -> None:
    studio = Studio()
    studio.receive(*Source(ssrc=1, timestamp=5000).frames(3))
    first, second, third = Source(ssrc=2, timestamp=3_000_000_000).frames(3)
    packets = studio.receive(first, third, second)
    assert [packet.timestamp - packets[0].timestamp for packet in packets] == [0, 6000, 3000]


def test_an_overtaken_packet_from_before_a_jump_has_its_own() -> None:
    studio = Studio()
    source = Source(timestamp=5000)
    first, second = source.frames(2)
    source.timestamp = 2_000_000_000
    (third,) = source.frame()
    packets = studio.receive(first, third, second)
    assert packets[2].timestamp - packets[0].timestamp == 3000


def test_ssrcs_without_end_take_no_memory() -> None:
    studio = Studio()
    for ssrc in range(1, 500):
        studio.receive(*Source(ssrc=ssrc).frame())
        studio.receive(Source(ssrc=ssrc).repair(Source().packet(b"x"), ssrc=1_000_000 + ssrc))
        studio.control(rtcp.SenderReport(5_000_000 + ssrc, 0, 0, 0, 0))
    sources = studio.publisher._sources
    assert len(sources.layers) == len(sources.repairs) == 1
    assert len(sources._former) <= FORMER
    assert len(studio.publisher._early) <= 8
    assert len(studio.layer().store) < 600


def test_numbers_that_jump_on_one_ssrc() -> None:
    studio = Studio()
    source = Source(sequence=100)
    studio.receive(*source.frames(3))
    source.sequence = 40_000
    stray = source.packet(b"\x00")
    assert studio.receive(stray) == [], "one alone may be anything"
    (packet,) = studio.receive(*source.frame())
    assert packet.sequence == 0x10000 + 103
    studio.wait(1.0)
    said = studio.wire.take()
    assert not any(isinstance(message, rtcp.Nack) for message in said)
    assert any(isinstance(message, rtcp.PictureLoss) for message in said)


def test_timestamps_that_jump_on_one_ssrc() -> None:
    studio = Studio()
    source = Source(timestamp=5000)
    studio.receive(*source.frames(3))
    studio.wait(1 / 30)
    source.timestamp = 2_000_000_000
    (packet,) = studio.receive(*source.frame())
    assert packet.timestamp == 5000 + 4 * 3000
    studio.control(rtcp.SenderReport(source.ssrc, 77 << 32, source.timestamp, 0, 0))
    assert studio.layer().sender_report == (77 << 32, 5000 + 4 * 3000, studio.now)


# Sender reports and goodbyes


def test_a_sender_report_that_comes_before_its_source() -> None:
    """As FFmpeg sends it."""
    studio = Studio()
    studio.control(rtcp.SenderReport(9, 5 << 32, 8000, 0, 0))
    came = studio.now
    studio.wait(0.01)
    studio.receive(*Source(ssrc=9).frame(keyframe=True))
    assert studio.layer().sender_report == (5 << 32, 8000, came)


def test_a_source_that_says_goodbye_is_not_active_until_it_sends_again() -> None:
    studio = Studio()
    source = Source()
    studio.receive(*source.frames(2))
    assert studio.layer().active(studio.now)
    studio.control(rtcp.Bye((source.ssrc, 12345)))
    assert not studio.layer().active(studio.now)
    studio.wait(0.1)
    studio.receive(*source.frame())
    assert studio.layer().active(studio.now)


def test_a_layer_that_stops_is_not_active() -> None:
    studio = Studio(simulcast("l", "h"))
    low, high = (Source(ssrc=number, rid=rid) for number, rid in ((1, b"l"), (2, b"h")))
    studio.receive(*low.frames(2), *high.frames(2))
    assert all(layer.active(studio.now) for layer in studio.publisher.tracks["video"].layers)
    for _ in range(5):
        studio.wait(1.0)
        studio.receive(*low.frame())
    active = [layer.active(studio.now) for layer in studio.publisher.tracks["video"].layers]
    assert active == [True, False]


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x81\xc8\x00\x01abcd", b"\xff" * 60])
def test_rtcp_that_is_none_is_passed_over(data: bytes) -> None:
    studio = Studio()
    studio.publisher.receive_rtcp(data, studio.now)


def test_rtp_seeds_are_what_they_are_called() -> None:
    """The builder's own packets, which the tests here stand on."""
    data = Source().packet(b"abc", marker=True)
    header = rtp.parse(data)
    assert header is not None
    assert data[header[-2] : header[-1]] == b"abc"
    padded = rtp.parse(probe(data))
    assert padded is not None
    assert padded[-2] == padded[-1]
