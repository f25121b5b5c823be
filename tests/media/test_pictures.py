"""Keyframes and their size."""

import pytest

from media.pictures import Pictures
from tests.media.publishing import DELTAS, KEYFRAMES

SPS_640_360 = bytes.fromhex("6742c01eda0280bfe584000003000400000300f03c58ba80")


def test_the_first_packet_of_a_keyframe_is_the_only_one() -> None:
    """SPS, PPS and the picture come in packets of their own, with one timestamp."""
    pictures = Pictures()
    found = [
        pictures.begins("H264", payload, number, 3000, 1.0)
        for number, payload in enumerate((SPS_640_360, b"\x68\xce", b"\x65\x88\x84", b"\x41\x9a"))
    ]
    assert found == [True, False, False, False]
    assert pictures.interval is None


def test_parameter_sets_that_were_overtaken_are_the_beginning() -> None:
    pictures = Pictures()
    assert pictures.begins("H264", b"\x65\x88\x84", 11, 3000, 1.0)
    assert pictures.begins("H264", SPS_640_360, 10, 3000, 1.0)
    assert not pictures.begins("H264", b"\x65\x88\x84", 11, 3000, 1.0)


def test_the_interval_is_between_the_last_two() -> None:
    pictures = Pictures()
    for number, now in ((1, 10.0), (60, 12.0), (90, 15.0)):
        assert pictures.begins("VP8", KEYFRAMES["VP8"], number, number * 3000, now)
        assert not pictures.begins("VP8", DELTAS["VP8"], number + 1, number * 3000 + 1, now)
    assert pictures.interval == 3.0
    assert pictures.keyframe_at == 15.0


def test_one_that_comes_late_changes_nothing() -> None:
    pictures = Pictures()
    pictures.begins("VP8", KEYFRAMES["VP8"], 100, 9000, 10.0)
    assert pictures.begins("VP8", KEYFRAMES["VP8"], 50, 3000, 11.0)
    assert pictures.keyframe_at == 10.0
    assert pictures.interval is None


@pytest.mark.parametrize(("codec", "payload"), [("VP8", KEYFRAMES["VP8"]), ("H264", SPS_640_360)])
def test_the_size_is_read(codec: str, payload: bytes) -> None:
    pictures = Pictures()
    pictures.begins(codec, payload, 1, 1, 1.0)
    assert (pictures.width, pictures.height) == (640, 360)
    pictures.begins(codec, KEYFRAMES["H264"] if codec == "H264" else b"\x10\x00", 2, 2, 2.0)
    assert (pictures.width, pictures.height) == (640, 360), "until it is known to be another"
