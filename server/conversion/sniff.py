"""What a file is, by its first bytes. What its name or its sender says is not asked.

Signatures as in the WHATWG's MIME Sniffing standard, sections 6 and 7, and in the formats' own
specifications where that is silent.
"""

from typing import NamedTuple

from protocol.posts import MediaKind

SNIFFED_BYTES = 4096
"""How much of the beginning of a file is looked at."""

UNKNOWN_TYPE = "application/octet-stream"


class Sniffed(NamedTuple):
    """What a file is.

    Attributes:
        type: media type of what was sent.
        reader: what reads it: a format of Pillow's for an image, demuxers of FFmpeg for video and
            audio, nothing for other files, which are not read.
    """

    kind: MediaKind
    type: str
    reader: str = ""


def sniff(head: bytes) -> Sniffed:
    """What a file is.

    Args:
        head: its first SNIFFED_BYTES bytes, or all that it has.
    """
    for prefix, found in _PREFIXES:
        if head.startswith(prefix):
            return found
    for look in (_iso_media, _riff, _iff, _mpeg_stream, _mpeg_audio):
        if found_there := look(head):
            return found_there
    return _TEXT if _is_text(head) else _UNKNOWN


def _image(subtype: str, reader: str) -> Sniffed:
    return Sniffed(MediaKind.IMAGE, f"image/{subtype}", reader)


def _video(subtype: str, reader: str) -> Sniffed:
    return Sniffed(MediaKind.VIDEO, f"video/{subtype}", reader)


def _audio(subtype: str, reader: str) -> Sniffed:
    return Sniffed(MediaKind.AUDIO, f"audio/{subtype}", reader)


_UNKNOWN = Sniffed(MediaKind.FILE, UNKNOWN_TYPE)
_TEXT = Sniffed(MediaKind.FILE, "text/plain")
_MPEG_AUDIO = _audio("mpeg", "mp3")

_MOV = "mov,mp4,m4a,3gp,3g2,mj2"

_PREFIXES = (
    (b"\xff\xd8\xff", _image("jpeg", "JPEG")),
    (b"\x89PNG\r\n\x1a\n", _image("png", "PNG")),
    (b"GIF87a", _image("gif", "GIF")),
    (b"GIF89a", _image("gif", "GIF")),
    (b"II*\x00", _image("tiff", "TIFF")),
    (b"MM\x00*", _image("tiff", "TIFF")),
    (b"\x1a\x45\xdf\xa3", _video("webm", "matroska,webm")),
    (b"FLV\x01", _video("x-flv", "flv")),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", _video("x-ms-asf", "asf")),
    (b"\x00\x00\x01\xba", _video("mpeg", "mpeg")),
    # Whether there is a picture in it is found out by who reads it.
    (b"OggS\x00", _audio("ogg", "ogg")),
    (b"fLaC", _audio("flac", "flac")),
    (b"ID3", _MPEG_AUDIO),
    (b"#!AMR", _audio("amr", "amr")),
    (b"%PDF-", Sniffed(MediaKind.FILE, "application/pdf")),
)


def _iso_media(head: bytes) -> Sniffed | None:
    """MP4, QuickTime and AVIF: a box "ftyp" that says which (ISO/IEC 14496-12)."""
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip"):
        return _video("quicktime", _MOV)  # of before there was "ftyp"
    if head[4:8] != b"ftyp":
        return None
    brand = head[8:12]
    if brand in (b"avif", b"avis"):
        return _image("avif", "AVIF")
    if brand in (b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1"):
        # An image of HEIF, which nothing here reads; but for AVIF under the general brand.
        size = int.from_bytes(head[:4], "big")
        return _image("avif", "AVIF") if b"avif" in head[16:size] else _UNKNOWN
    if brand in (b"M4A ", b"M4B "):
        return _audio("mp4", _MOV)
    return _video("quicktime" if brand == b"qt  " else "mp4", _MOV)


def _riff(head: bytes) -> Sniffed | None:
    if head[:4] != b"RIFF":
        return None
    known = {
        b"WEBP": _image("webp", "WEBP"),
        b"WAVE": _audio("wav", "wav"),
        b"AVI ": _video("x-msvideo", "avi"),
    }
    return known.get(head[8:12])


def _iff(head: bytes) -> Sniffed | None:
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _audio("aiff", "aiff")
    # "BM" begins many a text: a bitmap says next how long its own head is, and reserves 4 bytes.
    if head[:2] == b"BM" and head[6:10] == bytes(4) and head[14:18] in _BITMAP_HEADS:
        return _image("bmp", "BMP")
    return None


_BITMAP_HEADS = {size.to_bytes(4, "little") for size in (12, 40, 52, 56, 64, 108, 124)}


def _mpeg_stream(head: bytes) -> Sniffed | None:
    """MPEG-TS: packets of 188 bytes, each begun by 0x47 (ISO/IEC 13818-1)."""
    if len(head) > 2 * 188 and head[0] == head[188] == head[2 * 188] == 0x47:
        return _video("mp2t", "mpegts")
    return None


def _mpeg_audio(head: bytes) -> Sniffed | None:
    """MP3 and ADTS without a tag: two frames, one where the other ends.

    A frame begins with eleven bits that are set, which random bytes have every now and then.
    """
    for length_of, found in ((_mp3_frame, _MPEG_AUDIO), (_adts_frame, _audio("aac", "aac"))):
        length = length_of(head)
        if length and length_of(head[length:]):
            return found
    return None


_LAYER_3_RATES = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_LAYER_3_RATES_OF_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_SAMPLES_PER_SECOND = (44_100, 48_000, 32_000)


def _mp3_frame(at: bytes) -> int:
    """The length of the frame of MPEG layer 3 that begins here (ISO/IEC 11172-3); 0: none does."""
    if len(at) < 4 or at[0] != 0xFF or at[1] & 0xE6 != 0xE2:
        return 0
    version, rate, frequency = at[1] >> 3 & 3, at[2] >> 4, at[2] >> 2 & 3
    if version == 1 or rate in (0, 15) or frequency == 3:
        return 0
    is_first = version == 3
    bits = (_LAYER_3_RATES if is_first else _LAYER_3_RATES_OF_2)[rate] * 1000
    samples = _SAMPLES_PER_SECOND[frequency] // {3: 1, 2: 2, 0: 4}[version]
    return (144 if is_first else 72) * bits // samples + (at[2] >> 1 & 1)


def _adts_frame(at: bytes) -> int:
    """The length of the frame of AAC that begins here (ISO/IEC 13818-7); 0: none does."""
    if len(at) < 6 or at[0] != 0xFF or at[1] & 0xF6 != 0xF0 or at[2] >> 2 & 15 > 12:
        return 0
    length = (at[3] & 3) << 11 | at[4] << 3 | at[5] >> 5
    return length if length > 7 else 0


def _is_text(head: bytes) -> bool:
    if not head or any(byte < 0x20 and byte not in b"\t\n\r\f" for byte in head):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        # A character may be cut in two at the end.
        return len(head) >= SNIFFED_BYTES and error.start > len(head) - 4
    return True
