"""media/presentation.py; tests/media/test_viewer.py has audio and video together."""

import pytest

from media.packet import Packet
from media.presentation import LEAST_STEP, SMOOTHING, Line, captured, ntp_time, step
from tests.media.watching import VP8, FakeLayer, FakeTrack

RATES = {"l": 1, "h": 2}


def two() -> tuple[FakeLayer, FakeLayer]:
    one, other = FakeTrack("video", VP8, rates=RATES).layers
    return one, other


def at(layer: FakeLayer, timestamp: int, now: float) -> Packet:
    return layer.packet(0, timestamp, now=now)


def test_a_frame_is_as_old_as_the_last_report_says() -> None:
    layer = two()[0]
    packet = at(layer, 0, 0)
    assert captured(packet.layer, 0) is None
    layer.sender_report = (10 << 32, (1 << 32) - 45_000, 3.0)
    assert captured(packet.layer, 45_000) == 11
    assert captured(packet.layer, (1 << 32) - 135_000) == 9


def test_frames_of_two_layers_are_as_far_apart_as_they_were_taken() -> None:
    one, other = two()
    one.sender_report = (10 << 32, 0, 5.0)
    other.sender_report = (20 << 32, 500, 15.0)
    assert step(at(one, 90_000, 6), at(other, 500 - 9 * 90_000 + 4500, 6.3)) == pytest.approx(0.05)


def test_without_reports_or_with_absurd_ones_arrivals_count() -> None:
    one, other = two()
    assert step(at(one, 0, 6), at(other, 7, 6.3)) == pytest.approx(0.3)
    one.sender_report = (10 << 32, 0, 5.0)
    other.sender_report = (10_000 << 32, 0, 5.0)
    assert step(at(one, 0, 6), at(other, 0, 6.3)) == pytest.approx(0.3)


def test_reports_of_another_publisher_say_nothing() -> None:
    one, other = two()[0], two()[0]
    one.sender_report = other.sender_report = (10 << 32, 0, 5.0)
    assert step(at(one, 0, 6), at(other, 0, 7.5)) == pytest.approx(1.5)


def test_time_never_goes_back() -> None:
    one, other = two()
    assert step(at(one, 0, 6), at(other, 0, 5)) == LEAST_STEP
    one.sender_report = other.sender_report = (10 << 32, 0, 5.0)
    assert step(at(one, 900, 6), at(other, 0, 6)) == LEAST_STEP


def test_the_line_follows_reports_slowly() -> None:
    layer = two()[0]
    line = Line()
    packet = at(layer, 0, 0)
    layer.sender_report = (1000 << 32, 0, 5.0)
    line.follow(packet.layer)
    assert line.timestamp(packet.layer, packet, 6.0) == 90_000
    # The next report has been 100 ms longer on its way.
    layer.sender_report = (1001 << 32, 90_000, 6.1)
    for _ in range(3):
        line.follow(packet.layer)  # one report counts once
    late = round(0.1 * SMOOTHING * 90_000)
    assert line.timestamp(packet.layer, packet, 7.0) == 2 * 90_000 - late


def test_a_clock_that_was_set_is_followed_at_once() -> None:
    layer = two()[0]
    line = Line()
    packet = at(layer, 0, 0)
    layer.sender_report = (1000 << 32, 0, 5.0)
    line.follow(packet.layer)
    layer.sender_report = (5000 << 32, 90_000, 6.0)
    line.follow(packet.layer)
    assert line.timestamp(packet.layer, packet, 6.0) == 90_000


def test_ntp_time_has_32_bits_of_fraction() -> None:
    assert ntp_time(2.5) == (2 << 32) + (1 << 31)
