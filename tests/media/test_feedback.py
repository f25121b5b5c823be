"""What a publisher is told, and when."""

from dataclasses import replace
from itertools import pairwise

import pytest

from media import rtcp
from media.extensions import Extension
from media.keyframe_requests import EVERY_SECONDS
from media.nack import GIVE_UP_SECONDS, TRIES
from tests.media.publishing import AUDIO, OPUS, OURS, VIDEO, VP8, Source, Studio, simulcast


def of(kind: type, messages: list[rtcp.Message]) -> list[rtcp.Message]:
    return [message for message in messages if isinstance(message, kind)]


def test_a_report_each_second() -> None:
    studio = Studio()
    video, audio = Source(ssrc=1, sequence=10), Source(OPUS, ssrc=2)
    studio.receive(*video.frames(4), *audio.frames(3))
    studio.wait(0.2)
    studio.wire.take()
    video.packet(b"lost")
    studio.receive(*video.frame(), *video.frame(), *video.frame())
    studio.wait(1.0)
    messages = studio.wire.take()
    (report,) = of(rtcp.ReceiverReport, messages)
    assert isinstance(report, rtcp.ReceiverReport)
    assert report.ssrc == OURS
    first, second = report.blocks
    assert (first.ssrc, first.highest, first.lost, first.fraction_lost) == (1, 17, 1, 64)
    assert (second.ssrc, second.lost) == (2, 0)
    assert (first.last_report, first.delay) == (0, 0)
    (names,) = of(rtcp.SourceDescription, messages)
    assert isinstance(names, rtcp.SourceDescription)
    assert names.names[0][0] == OURS
    studio.wait(3.0)
    assert len(of(rtcp.ReceiverReport, studio.wire.take())) == 3


def test_a_report_says_when_the_last_sender_report_came() -> None:
    """From which the publisher knows the round trip (RFC 3550, 6.4.1)."""
    studio = Studio()
    source = Source(ssrc=1)
    studio.receive(*source.frames(2))
    studio.wait(0.5)
    studio.control(rtcp.SenderReport(1, 0x1122334455667788, source.timestamp, 2, 100))
    studio.wire.take()
    studio.wait(1.0)
    (report,) = of(rtcp.ReceiverReport, studio.wire.take())
    assert isinstance(report, rtcp.ReceiverReport)
    (block,) = report.blocks
    assert block.last_report == 0x33445566
    assert 0 < block.delay / 65536 <= 1.0


def test_a_source_that_begins_is_reported_at_once() -> None:
    """Browsers put mid and rid into every packet until they see a report of the SSRC."""
    studio = Studio()
    studio.wait(0.3)
    studio.wire.take()
    studio.receive(*Source(ssrc=1).frames(2))
    studio.wait(0.001)
    (report,) = of(rtcp.ReceiverReport, studio.wire.take())
    assert isinstance(report, rtcp.ReceiverReport)
    assert [block.ssrc for block in report.blocks] == [1]
    for ssrc in range(2, 100):
        studio.receive(*Source(ssrc=ssrc).frame())
        studio.wait(0.001)
    assert len(of(rtcp.ReceiverReport, studio.wire.take())) <= 2, "but not at every whim"


def test_the_cap_is_announced() -> None:
    studio = Studio(bitrate_cap=2_000_000)
    studio.receive(*Source(ssrc=1).frames(2), *Source(OPUS, ssrc=2).frame())
    studio.wait(1.2)
    remb = of(rtcp.Remb, studio.wire.take())[-1]
    assert isinstance(remb, rtcp.Remb)
    assert remb.bitrate == 2_000_000
    assert set(remb.ssrcs) == {1, 2}


def test_without_a_cap_nothing_is_announced() -> None:
    studio = Studio()
    studio.receive(*Source().frames(2))
    studio.wait(3.0)
    assert of(rtcp.Remb, studio.wire.take()) == []


def test_what_is_missing_is_asked_for_until_it_is_given_up() -> None:
    studio = Studio()
    first, *_, last = Source(sequence=0xFFFE).frames(6)
    studio.receive(first, last)
    times = []
    begun = studio.now
    while studio.now < begun + 2.0:
        studio.wait(0.005)
        if asked := studio.wire.nacks():
            times.append(studio.now - begun)
            assert asked == [0xFFFF, 0, 1, 2]
    assert times[0] <= 0.01
    assert 5 <= len(times) <= TRIES
    assert times[-1] < GIVE_UP_SECONDS
    assert studio.counts.lost == 4
    assert studio.counts.nacks == 4 * len(times)


def test_without_nack_nothing_is_asked_for() -> None:
    studio = Studio(VIDEO, AUDIO)
    first, _, last = Source(OPUS).frames(3)
    studio.receive(first, last)
    studio.wait(0.5)
    assert studio.wire.nacks() == []


def test_requests_go_by_the_numbers_of_the_publisher() -> None:
    """Also when its encoder has begun anew, and the layer's numbers run on."""
    studio = Studio()
    studio.receive(*Source(ssrc=1, sequence=100).frames(3))
    first, _, last = Source(ssrc=2, sequence=50_000).frames(3)
    studio.receive(first, last)
    studio.wait(0.01)
    (nack,) = of(rtcp.Nack, studio.wire.take())
    assert isinstance(nack, rtcp.Nack)
    assert (nack.media, nack.lost) == (2, (50_001,))


def test_many_that_are_missing_fit_into_datagrams() -> None:
    studio = Studio()
    source = Source()
    packets = [data for number in range(900) for data in source.frame(keyframe=not number)]
    studio.receive(*packets[::17], packets[-1])
    studio.wait(0.01)  # the wire asserts their size
    assert len(studio.wire.nacks()) == 900 - len(packets[::17]) - 1


@pytest.mark.parametrize(
    ("feedback", "kind"),
    [("nack pli", rtcp.PictureLoss), ("ccm fir", rtcp.FullIntraRequest), ("nack", None)],
)
def test_a_keyframe_is_asked_for_as_was_agreed(feedback: str, kind: type | None) -> None:
    codec = replace(VP8, feedback=frozenset({feedback}))
    studio = Studio(replace(VIDEO, codecs=(codec,)))
    source = Source(codec, ssrc=1)
    studio.receive(*source.frames(1))
    studio.wire.take()
    for _ in range(20):
        studio.layer().request_keyframe(studio.now)
        studio.receive(*source.frame())
    studio.wait(0.001)
    messages = studio.wire.take()
    asked = [m for m in messages if isinstance(m, (rtcp.PictureLoss, rtcp.FullIntraRequest))]
    assert [type(message) for message in asked] == ([kind] if kind else [])


def test_it_is_asked_for_again_until_it_comes_and_no_more_often_than_that() -> None:
    studio = Studio()
    source = Source()
    studio.receive(*source.frame())  # not one that a decoder can begin with
    times: list[float] = []
    for step in range(200):
        studio.wait(0.01)
        if step % 7 == 0:
            studio.layer().request_keyframe(studio.now)
        times += [studio.now] * len(of(rtcp.PictureLoss, studio.wire.take()))
    assert len(times) == 4
    assert all(later - earlier >= EVERY_SECONDS - 0.011 for earlier, later in pairwise(times))
    studio.receive(*source.frame(keyframe=True))
    studio.wait(5.0)
    assert of(rtcp.PictureLoss, studio.wire.take()) == []


def test_a_fir_that_is_repeated_has_its_number_again() -> None:
    codec = replace(VP8, feedback=frozenset({"ccm fir"}))
    studio = Studio(replace(VIDEO, codecs=(codec,)))
    source = Source(codec, ssrc=1)
    found = []
    for keyframe in (False, True, False):
        studio.receive(*source.frame(keyframe=keyframe))
        studio.layer().request_keyframe(studio.now)
        studio.wait(1.2)
        found += [
            number
            for message in studio.wire.take()
            if isinstance(message, rtcp.FullIntraRequest)
            for _, number in message.requests
        ]
    assert found[0] == 0
    assert set(found) == {0, 1}
    assert found == sorted(found)


def test_each_layer_of_a_simulcast_for_itself() -> None:
    studio = Studio(simulcast("l", "h"))
    sources = [Source(ssrc=number, rid=rid) for number, rid in ((1, b"l"), (2, b"h"))]
    studio.receive(*(data for source in sources for data in source.frames(2)))
    studio.layer(number=1).request_keyframe(studio.now)
    studio.wait(0.01)
    (asked,) = of(rtcp.PictureLoss, studio.wire.take())
    assert isinstance(asked, rtcp.PictureLoss)
    assert asked.media == 2


def test_arrivals_are_told_ten_times_a_second() -> None:
    studio = Studio()
    source = Source()
    sent: dict[int, float] = {}
    told: dict[int, float | None] = {}
    feedbacks = 0
    for number in range(100):
        value = (65500 + number & 0xFFFF).to_bytes(2, "big")
        data = source.packet(b"\x00", elements=[(Extension.TRANSPORT_SEQUENCE, value)])
        if number % 10 != 3:
            studio.receive(data)
            sent[65500 + number & 0xFFFF] = studio.now
        studio.wait(0.01)
        for message in of(rtcp.TransportFeedback, studio.wire.take()):
            assert isinstance(message, rtcp.TransportFeedback)
            feedbacks += 1
            told.update(message.arrivals())
    assert 8 <= feedbacks <= 11
    came = {number: arrival for number, arrival in told.items() if arrival is not None}
    assert len(came) >= 80
    for number, arrival in came.items():
        assert arrival == pytest.approx(sent[number], abs=0.0005)
    assert {number for number, arrival in told.items() if arrival is None} == {
        65500 + number & 0xFFFF for number in range(3, 94, 10)
    }


def test_a_flood_of_arrivals_does_not_wait_for_the_timer() -> None:
    studio = Studio()
    source = Source()
    for number in range(1500):
        value = number.to_bytes(2, "big")
        studio.receive(source.packet(b"x", elements=[(Extension.TRANSPORT_SEQUENCE, value)]))
    assert len(of(rtcp.TransportFeedback, studio.wire.take())) >= 2


def test_nothing_is_said_before_the_connection_and_after_it() -> None:
    studio = Studio()
    studio.receive(*Source().frames(2))
    studio.publisher.close("left", studio.now)
    studio.wire.take()
    studio.layer().request_keyframe(studio.now)
    studio.wait(5.0)
    assert studio.wire.sent == []
    assert studio.timers.next() is None
