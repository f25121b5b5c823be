"""Videos and sounds: copied where browsers play them, encoded where not."""

from pathlib import Path

import av
import pytest
from PIL import Image

from server.conversion.order import Unconvertible
from server.conversion.videos import convert_video
from tests.files import video_file

PLACE = {"location": "+51.5074-0.1278/", "comment": "at home"}


def convert(ordered, tmp_path, *args, limits=None, **options):
    path = video_file(tmp_path / "file", *args, **options)
    order = ordered(path.read_bytes(), **(limits or {}))
    return convert_video(order), Path(order.target) / "original"


def codecs(path):
    with av.open(str(path)) as container:
        return [stream.codec_context.codec.canonical_name for stream in container.streams]


def packets(path, format):
    """What is in the stream of pictures, to compare."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


@pytest.mark.parametrize(
    ("args", "type", "expected"),
    [
        (("mp4", "libx264", "aac"), "video/mp4", ["h264", "aac"]),
        (("mov", "libx264", "aac"), "video/mp4", ["h264", "aac"]),
        (("mpegts", "libx264", "aac"), "video/mp4", ["h264", "aac"]),
        (("webm", "libvpx", "libopus"), "video/webm", ["vp8", "opus"]),
        (("webm", "libvpx-vp9", None), "video/webm", ["vp9"]),
    ],
)
def test_what_a_browser_plays_is_not_encoded(ordered, tmp_path, args, type, expected):
    done, path = convert(ordered, tmp_path, *args)
    assert (done.kind, done.pieces[0].type) == ("video", type)
    assert codecs(path) == expected
    if args[0] != "mpegts":  # whose packets are framed otherwise
        assert packets(path, type) == packets(tmp_path / "file", args[0])
    assert 900 <= done.duration_ms <= 1_200


@pytest.mark.parametrize(
    ("args", "options", "expected"),
    [
        (("avi", "mpeg4", "libmp3lame"), {}, ["h264", "aac"]),
        (("mpeg", "mpeg2video", "mp2"), {}, ["h264", "aac"]),
        (("flv", "flv", None), {}, ["h264"]),
        (("mov", "libx264", "pcm_s16le"), {}, ["h264", "aac"]),
        (("matroska", "libx264", "libopus"), {}, ["h264", "aac"]),
        (("mp4", "libx264", None), {"pixels": "yuv444p"}, ["h264"]),
    ],
)
def test_what_it_does_not_play_is(ordered, tmp_path, args, options, expected):
    done, path = convert(ordered, tmp_path, *args, **options)
    assert done.pieces[0].type == "video/mp4"
    assert codecs(path) == expected
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
    assert abs(len(frames) - 25) <= 1
    assert 900 <= done.duration_ms <= 1_200


def test_an_index_comes_first(ordered, tmp_path):
    _, path = convert(ordered, tmp_path, "mp4", "libx264", "aac")
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    assert (tmp_path / "file").read_bytes().index(b"mdat") < 100  # it was not so before


@pytest.mark.parametrize("args", [("mp4", "libx264", "aac"), ("avi", "mpeg4", None)])
def test_the_place_is_left_behind(ordered, tmp_path, args):
    _, path = convert(ordered, tmp_path, *args, metadata=PLACE)
    assert b"at home" in (tmp_path / "file").read_bytes()
    assert b"at home" not in path.read_bytes()
    assert b"51.5074" not in path.read_bytes()


@pytest.mark.parametrize("video", ["libx264", "mpeg4"])
@pytest.mark.parametrize(("rotation", "corner"), [(90, (0, 1)), (-90, (1, 0)), (180, (1, 1))])
def test_it_stays_upright(ordered, tmp_path, video, rotation, corner):
    done, path = convert(ordered, tmp_path, "mov", video, None, rotation=rotation)
    assert (done.width, done.height) == ((320, 240) if rotation == 180 else (240, 320))
    poster = Image.open(path.parent / "poster").convert("RGB")
    assert poster.size == (done.width, done.height)
    pixels = {
        (x, y): poster.getpixel((x * (poster.width - 9) + 4, y * (poster.height - 9) + 4))
        for x in (0, 1)
        for y in (0, 1)
    }
    assert max(pixels, key=lambda at: pixels[at][0] - pixels[at][2]) == corner


def test_large_and_fast_videos_become_smaller(ordered, tmp_path):
    done, path = convert(
        *(ordered, tmp_path, "avi", "mpeg4", None), size=(2560, 1440), rate=120, frames=24
    )
    assert (done.width, done.height) == (1920, 1080)
    with av.open(str(path)) as container:
        assert container.streams.video[0].average_rate <= 60


@pytest.mark.parametrize(
    ("args", "type"),
    [
        (("mp3", None, "libmp3lame"), "audio/mpeg"),
        (("ogg", None, "libopus"), "audio/ogg"),
        (("flac", None, "flac"), "audio/flac"),
        (("wav", None, "pcm_s16le"), "audio/wav"),
        (("ipod", None, "aac"), "audio/mp4"),
        (("webm", None, "libopus"), "audio/webm"),
        (("aiff", None, "pcm_s16be"), "audio/mp4"),
        (("adts", None, "aac"), "audio/mp4"),
    ],
)
def test_sounds(ordered, tmp_path, args, type):
    done, path = convert(ordered, tmp_path, *args, metadata=PLACE)
    assert (done.kind, done.pieces[0].type) == ("audio", type)
    assert [piece.name for piece in done.pieces] == ["original"]
    assert 900 <= done.duration_ms <= 1_100
    assert b"at home" not in path.read_bytes()


@pytest.mark.parametrize("args", [("mp4", "libx264", None), ("avi", "mpeg4", None)])
def test_it_may_be_so_long(ordered, tmp_path, args):
    with pytest.raises(Unconvertible, match=r"longer than|more than 1"):
        convert(ordered, tmp_path, *args, frames=60, limits={"seconds": 1})


def test_its_pictures_may_be_so_large(ordered, tmp_path):
    with pytest.raises(Unconvertible, match="320 x 240 pixels, more than 1,000"):
        convert(ordered, tmp_path, "mp4", "libx264", None, limits={"pixels": 1_000})


def test_it_reads_no_other_file(ordered, tmp_path):
    """A playlist is no video, whatever stands before it; and no reader but the one is asked."""
    secret = video_file(tmp_path / "secret.mp4", "mp4", "libx264", None)
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n".encode()
    concat = f"ffconcat version 1.0\nfile {secret}\n".encode()
    for hidden in (playlist, concat):
        for magic in (
            b"\x1a\x45\xdf\xa3",
            b"RIFF\x00\x00\x00\x00AVI ",
            b"\x00\x00\x00\x14ftypmp42",
        ):
            with pytest.raises(Unconvertible):
                convert_video(ordered(magic + hidden))


@pytest.mark.parametrize("keep", [0.02, 0.3, 0.6])
@pytest.mark.parametrize("args", [("mp4", "libx264", "aac"), ("webm", "libvpx", "libopus")])
def test_a_part_of_one_is_refused_or_shown(ordered, tmp_path, args, keep):
    whole = video_file(tmp_path / "file", *args).read_bytes()
    order = ordered(whole[: int(len(whole) * keep)])
    try:
        done = convert_video(order)
    except Unconvertible:
        return
    assert args[0] == "webm"  # an MP4's index is at its end
    assert done.width == 320


def test_the_picture_of_a_sound_is_no_video(ordered, tmp_path):
    path = video_file(tmp_path / "file.m4a", "ipod", None, "aac")
    order = ordered(path.read_bytes())
    assert convert_video(order).kind == "audio"
