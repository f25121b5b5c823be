"""media/viewer.py: what a viewer reports, and what it is told."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media import rtcp
from media.estimate import Unknown
from media.estimate_choice import estimator_for
from media.estimate_loss import LossEstimator
from media.estimate_receiver import ReceiverEstimator
from media.estimate_transport import TransportEstimator
from media.extensions import Extension
from media.presentation import ntp_time
from media.viewer import REPORT_SECONDS
from tests.media.show import FRAME, Show, numbers
from tests.media.watching import (
    AUDIO_SSRC,
    CNAME,
    H264,
    OPUS,
    TO_VP8,
    VIDEO_SSRC,
    VP8,
    FakeTrack,
    WatchingPeer,
    audio_section,
    video_section,
)


def both() -> tuple[Show, WatchingPeer]:
    """A stream with sound, and a viewer."""
    show = Show(FakeTrack("video", H264), FakeTrack("audio", OPUS))
    return show, show.watch(audio_section(), video_section())


def reports(peer: WatchingPeer) -> dict[int, rtcp.SenderReport]:
    """The last sender reports."""
    found = {each.ssrc: each for each in peer.rtcp if isinstance(each, rtcp.SenderReport)}
    peer.rtcp.clear()
    return found


def seconds(report: rtcp.SenderReport, timestamp: int, rate: int) -> float:
    """When, on the line of a sender report, a packet is to be seen or heard."""
    ahead = (timestamp - report.rtp + (1 << 31)) % (1 << 32) - (1 << 31)
    return report.ntp / (1 << 32) + ahead / rate


@settings(max_examples=25)
@given(
    offset=st.floats(0, 1e9),
    skew=st.floats(-0.2, 0.2),
    video_origin=st.integers(0, (1 << 32) - 1),
    audio_origin=st.integers(0, (1 << 32) - 1),
)
def test_audio_and_video_stay_in_sync(
    offset: float, skew: float, video_origin: int, audio_origin: int
) -> None:
    show, peer = both()
    video, audio = (show.publisher.tracks[kind].layers[0] for kind in ("video", "audio"))
    began = show.now
    sent: dict[int, tuple[float, int]] = {}
    for step in range(1, 150):
        show.now = began + step * 0.02
        taken = step * 0.02  # on the publisher's clock, beside its offset
        if step % 50 == 10:  # reports that are some time on their way, each its own
            ntp = int((offset + taken) * (1 << 32))
            video.sender_report = (ntp, video_origin + round(taken * 90000), show.now)
        if step % 50 == 30:
            ntp = int((offset + taken) * (1 << 32))
            audio.sender_report = (ntp, audio_origin + round(taken * 48000), show.now + skew)
        for layer, origin, rate in ((video, video_origin, 90000), (audio, audio_origin, 48000)):
            packet = layer.packet(
                step, origin + round(taken * rate), bytes(4), keyframe=step == 1, now=show.now
            )
            show.broadcast.forward(packet)
        show.flush()
        for got in peer.received():
            sent[got.ssrc] = taken, got.timestamp
        show.timers.run(show.now)
    found = reports(peer)
    assert set(found) == {VIDEO_SSRC, AUDIO_SSRC}
    assert found[VIDEO_SSRC].ntp == found[AUDIO_SSRC].ntp
    # Taken at one moment, so to be presented at one moment.
    assert sent[VIDEO_SSRC][0] == sent[AUDIO_SSRC][0]
    moments = [
        seconds(found[ssrc], sent[ssrc][1], rate)
        for ssrc, rate in ((VIDEO_SSRC, 90000), (AUDIO_SSRC, 48000))
    ]
    assert abs(moments[0] - moments[1]) < 0.001


def test_without_the_publishers_reports_times_of_arrival_are_the_line() -> None:
    show, peer = both()
    video, audio = (show.publisher.tracks[kind].layers[0] for kind in ("video", "audio"))
    for layer in (video, audio):
        packet = layer.packet(0, 1234, keyframe=layer is video, now=show.now)
        show.broadcast.forward(packet)
    show.flush()
    sent = {got.ssrc: got.timestamp for got in peer.received()}
    show.run(REPORT_SECONDS)
    found = reports(peer)
    moments = {
        round(seconds(found[ssrc], sent[ssrc], rate), 4)
        for ssrc, rate in ((VIDEO_SSRC, 90000), (AUDIO_SSRC, 48000))
    }
    assert moments == {100.0}


def test_a_publisher_that_sets_its_clock_is_followed() -> None:
    show, peer = both()
    show.video.sender_report = (1000 << 32, 0, show.now)
    show.send(0, keyframe=True)
    (sent,) = peer.video()
    show.run(REPORT_SECONDS)
    assert seconds(reports(peer)[VIDEO_SSRC], sent.timestamp, 90000) == pytest.approx(100)
    show.video.sender_report = (5000 << 32, 90000, show.now)
    show.run(REPORT_SECONDS)
    assert seconds(reports(peer)[VIDEO_SSRC], sent.timestamp, 90000) == pytest.approx(100)


def test_reports_say_what_was_sent_and_by_whom() -> None:
    show, peer = both()
    show.run(5)
    assert peer.rtcp == []  # nothing was sent yet
    for sequence in range(10):
        show.send(sequence, keyframe=sequence == 0)
    show.run(REPORT_SECONDS)
    report, names = peer.rtcp
    assert (report.ssrc, report.packets, report.octets) == (VIDEO_SSRC, 10, 40)
    assert report.ntp == ntp_time(show.now)
    assert names == rtcp.SourceDescription(((VIDEO_SSRC, CNAME.encode()),))
    show.run(3 * REPORT_SECONDS)
    assert len(reports(peer)) == 1


def test_requests_for_keyframes_go_to_the_layer_that_is_watched() -> None:
    show, peer = both()
    show.send(0, keyframe=True)
    show.video.requests.clear()
    peer.session.receive_rtcp(bytes(rtcp.PictureLoss(1, VIDEO_SSRC)), show.now)
    peer.session.receive_rtcp(bytes(rtcp.FullIntraRequest(1, ((VIDEO_SSRC, 3),))), show.now)
    assert show.video.requests == [show.now] * 2
    peer.session.receive_rtcp(bytes(rtcp.PictureLoss(1, 77)), show.now)
    peer.session.receive_rtcp(bytes(rtcp.PictureLoss(1, AUDIO_SSRC)), show.now)
    assert show.video.requests == [show.now] * 2
    assert show.broadcast.counts.keyframe_requests == 3
    assert peer.session.stats.keyframe_requests == 3


def test_loss_jitter_and_round_trip_are_of_its_reports() -> None:
    show, peer = both()
    show.send(0, keyframe=True)
    show.run(REPORT_SECONDS)
    sent = reports(peer)[VIDEO_SSRC]
    show.run(0.3)
    block = rtcp.ReportBlock(
        ssrc=VIDEO_SSRC,
        fraction_lost=64,
        lost=3,
        highest=9,
        jitter=900,
        last_report=sent.ntp >> 16 & 0xFFFFFFFF,
        delay=int(0.2 * 65536),
    )
    peer.session.receive_rtcp(bytes(rtcp.ReceiverReport(1, (block,))), show.now)
    stats = peer.session.stats
    assert (stats.loss, stats.jitter) == (0.25, 0.01)
    assert stats.round_trip == pytest.approx(0.1, abs=0.001)


def test_what_it_gets_is_counted() -> None:
    show, peer = both()
    for sequence in range(3):
        show.send(sequence, keyframe=sequence == 0)
    assert (peer.session.stats.packets, peer.session.stats.octets) == (3, 12)
    sizes = [len(data) for data in peer.ciphertexts()]
    assert (peer.counters.packets_out, peer.counters.bytes_out) == (3, sum(sizes))
    counts = show.broadcast.counts
    assert (counts.packets, counts.bytes) == (3, sum(sizes))


def test_without_a_path_nothing_is_sent_and_what_was_missed_can_be_asked_for() -> None:
    show, peer = both()
    show.send(0, keyframe=True)
    (first,) = peer.video()
    path, peer.path = peer.path, None
    show.send(1)
    peer.path = path
    show.send(2)
    (got,) = peer.video()
    assert got.sequence - first.sequence == 2
    assert show.broadcast.counts.dropped == 1
    peer.session.receive_rtcp(
        bytes(rtcp.Nack(1, VIDEO_SSRC, ((first.sequence + 1) & 0xFFFF,))), show.now
    )
    (again,) = peer.received()
    assert again.payload[2:] == b"\0\0\0\1"


def test_who_misses_a_keyframe_gets_it_from_the_store() -> None:
    show, peer = both()
    path, peer.path = peer.path, None
    show.send(0, keyframe=True)
    show.send(1)
    peer.path = path
    show.run(REPORT_SECONDS)  # the publisher sends nothing meanwhile
    assert numbers(peer.video()) == [0, 1]
    show.send(2)
    assert numbers(peer.video()) == [2]


def test_a_replay_waits_for_a_path() -> None:
    show = Show()
    for sequence in range(40):
        show.packet(sequence, keyframe=sequence == 0)
    peer = show.watch()
    path, peer.path = peer.path, None
    show.run(1)
    peer.path = path
    show.run(1)
    assert numbers(peer.video()) == [*range(40)]


def test_who_is_sent_away_is_told() -> None:
    show, peer = both()
    show.send(0, keyframe=True)
    show.broadcast.end("left", show.now)
    assert peer.rtcp[-1] == rtcp.Bye((AUDIO_SSRC, VIDEO_SSRC))
    assert peer.reason == "ended"
    show.run(10)
    assert show.timers.next() is None  # nothing of it goes on


def test_a_layer_can_be_chosen_by_request_and_by_the_line_again() -> None:
    rates = {"l": 150_000, "h": 1_500_000}
    show = Show(FakeTrack("video", VP8, rates=rates))
    low, high = show.publisher.tracks["video"].layers
    peer = show.watch(video_section(TO_VP8))
    for layer in (low, high):
        show.packet(0, layer=layer, keyframe=True)
    show.flush()
    assert peer.session.stats.rid == "h"
    assert not peer.session.choose("x", show.now)
    assert peer.session.choose("l", show.now)
    show.send(1, layer=low, keyframe=True)
    assert peer.session.stats.rid == "l"
    assert peer.session.choose(None, show.now)


def test_a_layer_that_stops_is_left_for_another() -> None:
    rates = {"l": 150_000, "h": 1_500_000}
    show = Show(FakeTrack("video", VP8, rates=rates))
    low, high = show.publisher.tracks["video"].layers
    peer = show.watch(video_section(TO_VP8))
    for layer in (low, high):
        show.packet(0, layer=layer, keyframe=True)
    show.flush()
    assert len(peer.video()) == 1
    high.silent = True
    for sequence in range(1, 20):
        show.now += FRAME / 90000
        show.send(sequence, layer=low)
    show.run(1)
    # From the keyframe that is kept: nobody waits for a new one before a still picture.
    assert numbers(peer.video()) == [*range(20)]
    assert peer.session.stats.rid == "l"


def test_a_line_that_takes_less_gets_a_lower_layer() -> None:
    rates = {"l": 150_000, "h": 1_500_000}
    show = Show(FakeTrack("video", VP8, rates=rates))
    low, high = show.publisher.tracks["video"].layers
    section = video_section(TO_VP8, feedback=frozenset({"goog-remb"}))
    peer = show.watch(section)
    for layer in (low, high):
        show.packet(0, layer=layer, keyframe=True)
    show.flush()
    remb = bytes(rtcp.Remb(1, 400_000, (VIDEO_SSRC,)))
    for _ in range(20):
        peer.session.receive_rtcp(remb, show.now)
        show.run(0.5)
    assert peer.session.stats.estimate == pytest.approx(400_000, rel=0.01)
    assert low.requests
    show.send(1, layer=low, keyframe=True)
    assert peer.session.stats.rid == "l"


@given(data=st.binary(max_size=300))
def test_nothing_that_comes_raises(data: bytes) -> None:
    show, peer = both()
    show.send(0, keyframe=True)
    peer.session.receive_rtcp(data, show.now)
    peer.session.receive_rtp(data, show.now)


@given(
    feedback=st.binary(max_size=60),
    kind=st.sampled_from([205, 206]),
    form=st.integers(0, 31),
)
def test_no_feedback_raises(feedback: bytes, kind: int, form: int) -> None:
    ids: dict[int, int] = {Extension.TRANSPORT_SEQUENCE: 1}
    show = Show()
    peer = show.watch(
        video_section(extensions=ids, feedback=frozenset({"transport-cc", "goog-remb"}))
    )
    show.send(0, keyframe=True)
    body = (VIDEO_SSRC.to_bytes(4, "big") * 2 + feedback).ljust(68, b"\0")
    body = body[: len(body) // 4 * 4]
    head = bytes((0x80 | form, kind)) + (len(body) // 4).to_bytes(2, "big")
    peer.session.receive_rtcp(head + body, show.now)
    show.run(1)


WITH_SEQUENCE: Any = {Extension.TRANSPORT_SEQUENCE: 3}


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        (
            video_section(extensions=WITH_SEQUENCE, feedback=frozenset({"transport-cc"})),
            TransportEstimator,
        ),
        (
            # Without RTX a sequence of the moment may not be in the packets.
            video_section(
                rtx=False,
                extensions=WITH_SEQUENCE,
                feedback=frozenset({"transport-cc", "goog-remb"}),
            ),
            ReceiverEstimator,
        ),
        (video_section(feedback=frozenset({"goog-remb"})), ReceiverEstimator),
        (video_section(), LossEstimator),
        (audio_section(), Unknown),
    ],
)
def test_the_best_estimate_there_is(section: Any, expected: type) -> None:
    assert type(estimator_for((section,))) is expected
