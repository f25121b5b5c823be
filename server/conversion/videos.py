"""Videos and sounds: looked at, and written anew in a form that browsers play.

What a browser can play already is copied packet by packet, without loss, into a file of our own:
its index comes first, so that it plays while it loads (faststart), and what a phone notes on the
side, such as the place, is left behind. All else is decoded and encoded: H.264 and AAC in MP4.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from protocol.posts import MediaKind
from server.conversion.images import blurhash_of, write_webp
from server.conversion.order import Limits, Made, Order, Piece, Unconvertible
from server.conversion.streams import Plan, Target, write

ORIGINAL, POSTER = "original", "poster"
POSTER_SIDE = 1280

_MP4 = Target("mp4", "video/mp4")
_WEBM = Target("webm", "video/webm")
_M4A = Target("mp4", "audio/mp4")

# Codecs that every current browser plays, by the container in which it does.
_WEBM_VIDEO, _WEBM_AUDIO = {"vp8", "vp9"}, {"opus", "vorbis"}
_MP4_VIDEO, _MP4_AUDIO = {"h264"}, {"aac"}
_PLAIN_PIXELS = {"yuv420p", "yuvj420p"}  # others, such as 10 bits, are in few decoders
_SOUNDS = {
    ("mp3", "mp3"): Target("mp3", "audio/mpeg"),
    ("ogg", "opus"): Target("ogg", "audio/ogg"),
    ("ogg", "vorbis"): Target("ogg", "audio/ogg"),
    ("flac", "flac"): Target("flac", "audio/flac"),
    ("wav", "pcm_s16le"): Target("wav", "audio/wav"),
    ("matroska,webm", "opus"): Target("webm", "audio/webm"),
    ("matroska,webm", "vorbis"): Target("webm", "audio/webm"),
}


def convert_video(order: Order) -> Made:
    """Convert a video, or a sound.

    Raises:
        Unconvertible: it is broken, too long or too large, or nothing in it can be decoded.
    """
    target = Path(order.target) / ORIGINAL
    with _read(order.source, order.reader) as source:
        plan = _plan(source, order)
        write(source, target, plan, order.limits)
    if plan.video is None:
        return _sound(target, plan)
    return _video(target, plan)


@contextmanager
def _read(path: str, reader: str) -> Iterator[InputContainer]:
    """Open a file with the one demuxer that its first bytes call for.

    Not with whichever FFmpeg takes it for: playlists and the like read other files, and fetch
    addresses, for whoever wrote them.
    """
    confined = {"protocol_whitelist": "file", "format_whitelist": reader, "enable_drefs": "0"}
    try:
        with av.open(path, format=reader.partition(",")[0], container_options=confined) as source:
            yield source
    except Unconvertible:
        raise
    except (av.FFmpegError, ValueError, MemoryError, ArithmeticError) as error:
        raise Unconvertible(
            "The file begins as a video or sound, but cannot be read as one "
            f"({getattr(error, 'strerror', None) or type(error).__name__}). Send another one."
        ) from error


def _plan(source: InputContainer, order: Order) -> Plan:
    """What is to become of which streams."""
    limits = order.limits
    seconds = (source.duration or 0) / av.time_base
    if limits.seconds and seconds > limits.seconds:
        raise Unconvertible(
            f"It is {seconds:.0f} seconds long, more than {limits.seconds}. Send a shorter one."
        )
    video = next((stream for stream in source.streams.video if not _is_cover(stream)), None)
    audio = next(iter(source.streams.audio), None)
    if video is None and audio is None:
        raise Unconvertible("There is neither a picture nor a sound in it. Send another one.")
    if video is not None:
        _judge_pictures(video, limits)
    codecs = (video and _codec(video), audio and _codec(audio))
    if video is None:
        target = _SOUNDS.get((order.reader, codecs[1] or ""))
        keep = target is not None or codecs[1] == "aac"
        return Plan(None, audio, target or _M4A, copy_audio=keep)
    plain = video.codec_context.pix_fmt in _PLAIN_PIXELS
    if (
        order.reader == "matroska,webm"
        and plain
        and codecs[0] in _WEBM_VIDEO
        and (codecs[1] is None or codecs[1] in _WEBM_AUDIO)
    ):
        return Plan(video, audio, _WEBM, copy_audio=True)
    copy_video = plain and codecs[0] in _MP4_VIDEO
    picture = None if copy_video else _first_picture(order, video.index)
    return Plan(video, audio, _MP4, copy_audio=codecs[1] in _MP4_AUDIO, picture=picture)


def _first_picture(order: Order, index: int) -> VideoFrame:
    with _read(order.source, order.reader) as source:
        for packet in source.demux(source.streams[index]):
            with suppress(av.InvalidDataError):
                for frame in packet.decode():
                    assert isinstance(frame, VideoFrame)
                    return frame
    raise Unconvertible("No picture of the video can be decoded. Send another one.")


def _codec(stream: VideoStream | AudioStream) -> str:
    """The codec, not which of its decoders is used."""
    return stream.codec_context.codec.canonical_name


def _is_cover(stream: VideoStream) -> bool:
    """Whether it is a sound's picture, and no video."""
    return bool(stream.disposition & Disposition.attached_pic)


def _judge_pictures(video: VideoStream, limits: Limits) -> None:
    width, height = video.codec_context.width, video.codec_context.height
    if not width or not height:
        raise Unconvertible("The pictures have no size: the video is broken. Send another one.")
    if limits.pixels and width * height > limits.pixels:
        raise Unconvertible(
            f"Its pictures have {width} x {height} pixels, more than {limits.pixels:,}. Send a "
            "smaller video."
        )


def _video(target: Path, plan: Plan) -> Made:
    poster, duration_ms = _look(target, plan.target.format)
    width, height = poster.size
    original = Piece(
        name=ORIGINAL,
        type=plan.target.type,
        bytes=target.stat().st_size,
        width=width,
        height=height,
    )
    poster.thumbnail((POSTER_SIDE, POSTER_SIDE), Image.Resampling.LANCZOS)
    return Made(
        kind=MediaKind.VIDEO,
        width=width,
        height=height,
        duration_ms=duration_ms,
        blurhash=blurhash_of(poster),
        pieces=[original, write_webp(poster, target.parent, POSTER)],
    )


def _sound(target: Path, plan: Plan) -> Made:
    reader = {"mp4": "mov,mp4,m4a,3gp,3g2,mj2", "webm": "matroska,webm"}
    format_ = plan.target.format
    with _read(str(target), reader.get(format_, format_)) as sound:
        duration_ms = _duration_ms(sound)
    original = Piece(name=ORIGINAL, type=plan.target.type, bytes=target.stat().st_size)
    return Made(kind=MediaKind.AUDIO, duration_ms=duration_ms, pieces=[original])


def _look(path: Path, format_: str) -> tuple[Image.Image, int]:
    """The picture that stands for a video that we have written, and its duration.

    Raises:
        Unconvertible: it has none that can be decoded.
    """
    with _read(str(path), "matroska,webm" if format_ == "webm" else "mov,mp4,m4a") as video:
        duration_ms = _duration_ms(video)
        # Many a video fades in from black.
        for at_ms in (min(1_000, duration_ms // 10), 0):
            video.seek(at_ms * 1_000)
            frame = next(video.decode(video=0), None)
            if frame is not None:
                return _upright(frame), duration_ms
    raise Unconvertible("No picture of the video can be decoded. Send another one.")


def _duration_ms(container: InputContainer) -> int:
    return (container.duration or 0) * 1_000 // av.time_base


def _upright(frame: VideoFrame) -> Image.Image:
    picture: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
    return picture.rotate(frame.rotation, expand=True) if frame.rotation else picture
