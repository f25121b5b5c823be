"""What a file is, by its first bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.posts import MediaKind
from server.conversion.sniff import SNIFFED_BYTES, sniff
from tests.files import animation, image_file, video_file

IMAGES = {
    "JPEG": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "WEBP": "image/webp",
    "BMP": "image/bmp", "TIFF": "image/tiff", "AVIF": "image/avif",
}  # fmt: skip


@pytest.mark.parametrize("format", IMAGES)
def test_images(format):
    found = sniff(image_file(format)[:SNIFFED_BYTES])
    assert found == (MediaKind.IMAGE, IMAGES[format], format)


def test_animations():
    assert sniff(animation("GIF")).type == "image/gif"
    assert sniff(animation("AVIF")).reader == "AVIF"


@pytest.mark.parametrize(
    ("format", "video", "audio", "type"),
    [
        ("mp4", "libx264", "aac", "video/mp4"),
        ("mov", "libx264", None, "video/quicktime"),
        ("webm", "libvpx", "libopus", "video/webm"),
        ("matroska", "libx264", None, "video/webm"),
        ("avi", "mpeg4", None, "video/x-msvideo"),
        ("flv", "flv", None, "video/x-flv"),
        ("mpegts", "libx264", None, "video/mp2t"),
        ("mpeg", "mpeg2video", None, "video/mpeg"),
        ("asf", "mpeg4", None, "video/x-ms-asf"),
        ("ipod", None, "aac", "audio/mp4"),
        ("mp3", None, "libmp3lame", "audio/mpeg"),
        ("adts", None, "aac", "audio/aac"),
        ("ogg", None, "libopus", "audio/ogg"),
        ("flac", None, "flac", "audio/flac"),
        ("wav", None, "pcm_s16le", "audio/wav"),
        ("aiff", None, "pcm_s16be", "audio/aiff"),
    ],
)
def test_videos_and_sounds(tmp_path, format, video, audio, type):
    content = video_file(tmp_path / "file", format, video, audio, frames=5).read_bytes()
    found = sniff(content[:SNIFFED_BYTES])
    assert found.type == type
    assert found.kind.value == type.split("/")[0]
    assert found.reader


def test_an_mp3_without_a_tag(tmp_path):
    content = video_file(tmp_path / "file", "mp3", None, "libmp3lame").read_bytes()
    start = content.index(b"\xff\xfb")
    assert sniff(content[start : start + SNIFFED_BYTES]).type == "audio/mpeg"


@pytest.mark.parametrize(
    ("head", "type"),
    [
        (b"%PDF-1.7\n", "application/pdf"),
        (b"hello\n", "text/plain"),
        ("gr\u00fc\u00dfe".encode() * 2_000, "text/plain"),
        (b"<html>", "text/plain"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "text/plain"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "text/plain"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "text/plain"),
        (b"BM: a text about bitmaps, which is long enough", "text/plain"),
        (b"PK\x03\x04", "application/octet-stream"),
        (b"MZ\x90\x00", "application/octet-stream"),
        (b"\xff\xfe\x00", "application/octet-stream"),
        (b"a\x00b", "application/octet-stream"),
        (b"caf\xe9", "application/octet-stream"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(12), "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
def test_other_files_are_not_read(head, type):
    found = sniff(head[:SNIFFED_BYTES])
    assert (found.kind, found.type, found.reader) == (MediaKind.FILE, type, "")


@given(st.binary(max_size=600))
def test_anything_is_something(head):
    found = sniff(head)
    assert (found.kind is MediaKind.FILE) == (found.reader == "")


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=3_000))
def test_a_text_may_be_cut_anywhere(text):
    head = text.encode()[:SNIFFED_BYTES]
    found = sniff(head)
    assert found.type == "text/plain" or found.reader or head.startswith(b"%PDF-")
