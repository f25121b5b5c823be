"""media/codec_match.py: what is forwarded, and as which of a viewer's codecs."""

import pytest

from media.codec_match import closest, forwarded
from media.description import Codec
from tests.media.offering import h264

VP8 = Codec("VP8", 100, 90_000)
OPUS = Codec("opus", 111, 48_000, 2)


def vp9(profile: str) -> Codec:
    return Codec("VP9", 98, 90_000, parameters=(("profile-id", profile),))


def test_what_is_forwarded() -> None:
    red = Codec("red", 63, 48_000, 2)
    assert forwarded("audio", (red, OPUS, Codec("PCMU", 0, 8_000))) == (OPUS,)
    assert forwarded("video", (OPUS, VP8, vp9("0"))) == (VP8, vp9("0"))


def test_single_packets_are_for_those_who_have_nothing_else() -> None:
    single, both = h264("42e01f", "0"), h264("42001f", "1")
    assert forwarded("video", (single, VP8, both)) == (VP8, both)
    assert forwarded("video", (single, VP8)) == (single, VP8)
    plain = Codec("H264", 96, 90_000)
    assert forwarded("video", (plain, VP8, both)) == (VP8, both)


@pytest.mark.parametrize(
    ("sent", "offered", "expected"),
    [
        ("42e01f", ["42001f", "64001f", "42e034"], "42e034"),
        ("42e01f", ["42c01f", "42001f"], "42c01f"),  # both are constrained baseline
        ("4d801f", ["4d001f", "42e01f"], "42e01f"),  # and so is a main profile of its kind
        ("42001f", ["64001f", "42e01f"], "42e01f"),
        ("64001f", ["4d001f", "42001f", "42e01f"], "42e01f"),
        ("64001f", ["4d001f", "42001f"], "42001f"),
        ("64001f", ["f4001f", "4d001f"], "f4001f"),  # any, the first
        ("640c1f", ["64001f", "640c1f"], "640c1f"),
        ("58001f", ["42e01f", "58001f"], "58001f"),
        ("nonsen", ["42e01f"], "42e01f"),
        ("x", ["42e01f", "x"], "x"),
    ],
)
def test_profiles(sent: str, offered: list[str], expected: str) -> None:
    assert closest(h264(sent), [VP8, *map(h264, offered)]) == h264(expected)


def test_packetization_modes() -> None:
    single, both = h264("42e01f", "0", 97), h264("42e01f", "1", 98)
    assert closest(both, [single]) is None
    assert closest(both, [single, both]) == both
    # Who takes fragments takes whole units as well.
    assert closest(single, [both]) == both
    assert closest(single, [both, single]) == single


def test_other_codecs_are_the_same_or_are_not() -> None:
    assert closest(VP8, [OPUS, VP8]) == VP8
    assert closest(vp9("2"), [vp9("0"), vp9("2")]) == vp9("2")
    assert closest(vp9("2"), [vp9("0")]) is None
    assert closest(Codec("VP9", 1, 90_000), [vp9("0")]) == vp9("0")
    assert closest(VP8, []) is None
    av1 = Codec("AV1", 45, 90_000, parameters=(("profile", "1"),))
    assert closest(av1, [Codec("AV1", 46, 90_000)]) is None
