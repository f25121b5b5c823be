"""Files that people might upload, made on the spot."""

import array
import io
import math
from pathlib import Path
from typing import Any

import av
from PIL import Image, ImageDraw

GPS = 0x8825
ORIENTATION = 0x0112


_QUICK = {
    "libx264": {"preset": "ultrafast"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
}


def picture(width: int = 640, height: int = 480) -> Image.Image:
    """A picture whose corners differ: red is above on the left."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    ImageDraw.Draw(image).rectangle((0, 0, width // 3, height // 3), fill="red")
    return image


def image_file(format: str = "JPEG", size: tuple[int, int] = (640, 480), **options: Any) -> bytes:
    """An image of a format of Pillow's."""
    file = io.BytesIO()
    picture(*size).save(file, format, **options)
    return file.getvalue()


def photo(size: tuple[int, int] = (640, 480), *, orientation: int = 6) -> bytes:
    """A JPEG as phones make them: lying on its side, with the place in it."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[0x010F] = "Analytical Engines Ltd"
    exif.get_ifd(GPS)[1] = "N"
    exif.get_ifd(GPS)[2] = (51.0, 30.0, 26.0)
    return image_file("JPEG", size, exif=exif, comment=b"taken at home")


def animation(format: str = "GIF", frames: int = 5, size: tuple[int, int] = (400, 300)) -> bytes:
    """An animated image."""
    images = [Image.new("RGB", size, (index * 40 % 256, 60, 120)) for index in range(frames)]
    file = io.BytesIO()
    images[0].save(
        file, format, save_all=True, append_images=images[1:], duration=80, loop=0, comment=b"x"
    )
    return file.getvalue()


def video_file(
    path: Path,
    format: str,
    video: str | None,
    audio: str | None,
    *,
    frames: int = 25,
    size: tuple[int, int] = (320, 240),
    rate: int = 25,
    pixels: str = "yuv420p",
    rotation: int = 0,
    metadata: dict[str, str] | None = None,
) -> Path:
    """A video, or a sound, by FFmpeg's names of its format and codecs."""
    with av.open(str(path), "w", format=format) as container:
        container.metadata.update(metadata or {})
        streams: list[Any] = []
        if video:
            stream = container.add_stream(video, rate=rate, options=_QUICK.get(video))
            stream.width, stream.height = size
            stream.pix_fmt = pixels
            if rotation:
                stream.set_display_rotation(rotation)
            streams.append((stream, _pictures(frames, size)))
        if audio:
            sound = container.add_stream(audio, rate=48_000, layout="stereo")
            streams.append((sound, _sounds(frames / rate, sound.codec_context.format.name)))
        for stream, sources in streams:
            for frame in sources:
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


def _pictures(frames: int, size: tuple[int, int]) -> Any:
    image = picture(*size)
    for index in range(frames):
        frame = av.VideoFrame.from_image(image)
        frame.pts = index
        yield frame


def _sounds(seconds: float, format: str) -> Any:
    resampler = av.AudioResampler(format, "stereo", 48_000)
    for index in range(max(1, round(seconds * 50))):
        frame = av.AudioFrame(format="s16", layout="stereo", samples=960)
        frame.rate, frame.pts = 48_000, index * 960
        wave = [int(9_000 * math.sin((index * 960 + at // 2) / 20)) for at in range(1_920)]
        frame.planes[0].update(array.array("h", wave).tobytes())
        yield from resampler.resample(frame)
