"""Images: decoded, and encoded anew.

What is served was written by our own encoders, from pixels alone: neither what a camera says of
its owner (EXIF: where and when) nor what somebody has hidden in a file for a careless reader
survives that. The orientation is applied, colours become sRGB.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import blurhash
from PIL import Image, ImageCms, ImageOps, ImageSequence

from protocol.posts import MediaKind
from server.conversion.order import Limits, Made, Order, Piece, Unconvertible

ORIGINAL = "original"
ORIGINAL_SIDE = 4096
SIDES = {"1080": 1080, "320": 320}
AVATAR, AVATAR_SIDE = "avatar", 160
ANIMATION_SIDE = 1080
FRAMES = 1_000  # of an animation
SHORTEST_FRAME_MS = 20  # browsers show shorter ones for 100 ms

BLUR = (4, 3)  # components of a blurhash, across and down
BLUR_SIDE = 32  # more has no influence that anybody could see

_LOSSLESS = {"PNG", "GIF", "BMP", "TIFF"}  # as sources
_DRAWING_COLOURS = 4_096
_SQUASHED = 200  # times as long as wide: nothing that one could look at
_TO_SRGB = ImageCms.createProfile("sRGB")


def convert_image(order: Order) -> Made:
    """Convert an image.

    Raises:
        Unconvertible: it is broken, too large or too long.
    """
    with _read(order) as image:
        if getattr(image, "n_frames", 1) > 1 and order.reader != "TIFF":
            return _convert_animation(image, order)
        return _convert_still(image, order)


def blurhash_of(picture: Image.Image) -> str:
    """A blurred picture in a few letters (https://blurha.sh)."""
    small = _flat(picture)
    small.thumbnail((BLUR_SIDE, BLUR_SIDE))
    width, height = small.size
    pixels = small.tobytes()
    rows = [
        [pixels[at : at + 3] for at in range(y * width * 3, (y + 1) * width * 3, 3)]
        for y in range(height)
    ]
    hashed: str = blurhash.encode(rows, *BLUR)
    return hashed


def write_webp(picture: Image.Image, target: Path, name: str, **options: Any) -> Piece:
    """Write a picture, and nothing but its pixels."""
    options = {"quality": 82, "method": 4, **options}
    return _write(picture, target, name, "WEBP", **options)


@contextmanager
def _read(order: Order) -> Iterator[Image.Image]:
    """Open the image; only its head has been read. What goes wrong then or later is refused."""
    Image.MAX_IMAGE_PIXELS = None  # judged below, by the setting
    named = order.reader
    try:
        with Image.open(order.source, formats=[named]) as image:
            _judge_size(*image.size, order.limits)
            yield image
    except Unconvertible:
        raise
    except MemoryError:
        raise Unconvertible("The image takes too much memory. Send a smaller one.") from None
    # Whatever a decoder stumbles over: Pillow's raise nearly everything for broken files.
    except Exception as error:
        raise Unconvertible(
            f"The file begins as a {named} image, but cannot be read as one"
            f"{_reason(error, order.source)}. Send another one."
        ) from error


def _judge_size(width: int, height: int, limits: Limits) -> None:
    if limits.pixels and width * height > limits.pixels:
        raise Unconvertible(
            f"The image has {width} x {height} pixels, more than {limits.pixels:,}. Send a "
            "smaller one."
        )
    if min(width, height) < 1 or max(width, height) > _SQUASHED * min(width, height):
        raise Unconvertible(f"The image has {width} x {height} pixels. Send one of another shape.")


def _convert_still(image: Image.Image, order: Order) -> Made:
    if order.reader == "JPEG":
        image.draft("RGB", (ORIGINAL_SIDE, ORIGINAL_SIDE))
    picture = _upright(image)
    target = Path(order.target)
    picture.thumbnail((ORIGINAL_SIDE, ORIGINAL_SIDE), Image.Resampling.LANCZOS)
    pieces = [_write_original(picture, target, order.reader)]
    longest = max(picture.size)
    smaller = picture
    for name, side in SIDES.items():
        if longest > side:
            smaller = smaller.copy()
            smaller.thumbnail((side, side), Image.Resampling.LANCZOS)
            pieces.append(write_webp(smaller, target, name))
    return _made(picture, [*pieces, _write_avatar(smaller, target)])


def _write_original(picture: Image.Image, target: Path, reader: str) -> Piece:
    """A photo stays a JPEG, of which everybody can make something. A drawing stays sharp."""
    if reader == "JPEG":
        return _write(picture, target, ORIGINAL, "JPEG", quality=90, progressive=True)
    if reader in _LOSSLESS and _flat(picture).getcolors(_DRAWING_COLOURS) is not None:
        return write_webp(picture, target, ORIGINAL, lossless=True, quality=50, method=2)
    return write_webp(picture, target, ORIGINAL, quality=90)


def _write_avatar(picture: Image.Image, target: Path) -> Piece:
    square = ImageOps.fit(picture, (AVATAR_SIDE, AVATAR_SIDE), Image.Resampling.LANCZOS)
    return write_webp(square, target, AVATAR)


def _convert_animation(image: Image.Image, order: Order) -> Made:
    count = getattr(image, "n_frames", 1)
    if count > FRAMES:
        raise Unconvertible(f"The animation has {count} frames, more than {FRAMES}. Send a video.")
    size = _size_of_frames(image.size, count, order.limits.pixels)
    frames, durations = [], []
    for frame in ImageSequence.Iterator(image):
        frame.load()
        durations.append(max(SHORTEST_FRAME_MS, int(frame.info.get("duration") or 100)))
        frames.append(_plain(frame.convert("RGBA").resize(size, Image.Resampling.BILINEAR)))
    target = Path(order.target)
    loop = int(image.info.get("loop", 1 if order.reader == "GIF" else 0))
    pieces = [_write_frames(frames, durations, loop, target, ORIGINAL)]
    if max(size) > SIDES["320"]:
        small = [_fitted(frame, SIDES["320"]) for frame in frames]
        pieces.append(_write_frames(small, durations, loop, target, "320"))
    return _made(frames[0], [*pieces, _write_avatar(frames[0], target)])


def _size_of_frames(size: tuple[int, int], count: int, pixels: int) -> tuple[int, int]:
    """All frames are in memory at the same time, so the more there are, the smaller they become."""
    scale = min(1.0, ANIMATION_SIDE / max(size))
    if pixels:
        scale = min(scale, (pixels / (count * size[0] * size[1])) ** 0.5)
    return max(1, int(size[0] * scale)), max(1, int(size[1] * scale))


def _write_frames(
    frames: list[Image.Image], durations: list[int], loop: int, target: Path, name: str
) -> Piece:
    # Methods above 0 take several times as long here, for a few per cent.
    return write_webp(
        frames[0],
        target,
        name,
        save_all=True,
        append_images=frames[1:],
        duration=durations,
        loop=loop,
        quality=75,
        method=0,
    )


def _fitted(frame: Image.Image, side: int) -> Image.Image:
    small = frame.copy()
    small.thumbnail((side, side), Image.Resampling.BILINEAR)
    return small


def _upright(image: Image.Image) -> Image.Image:
    """The pixels as they are to be seen: upright, in sRGB, 8 bits a channel."""
    profile = image.info.get("icc_profile")
    image.load()
    turned = ImageOps.exif_transpose(image)
    picture = _to_srgb(turned, profile) if profile else turned
    return _plain(_eight_bits(picture))


def _to_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    if picture.mode not in ("RGB", "RGBA", "CMYK", "L"):
        return picture
    mode = "RGBA" if picture.mode == "RGBA" else "RGB"
    try:
        given = ImageCms.ImageCmsProfile(BytesIO(profile))
        converted = ImageCms.profileToProfile(picture, given, _TO_SRGB, outputMode=mode)
    except (ImageCms.PyCMSError, OSError):  # a profile that fits neither itself nor the picture
        return picture
    return converted or picture


def _eight_bits(picture: Image.Image) -> Image.Image:
    if picture.mode in ("RGB", "RGBA"):
        return picture
    if picture.mode.startswith("I;16") or picture.mode == "I":
        # Pillow would cut off above 255 instead of scaling.
        return picture.convert("I").point(lambda value: value / 257).convert("L").convert("RGB")
    if picture.mode == "F":
        raise Unconvertible("The image has floating-point pixels. Send it as a PNG or JPEG.")
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")


def _plain(picture: Image.Image) -> Image.Image:
    """A copy that knows nothing but its pixels: encoders look into `info` for more."""
    plain = picture.copy()
    plain.info = {}
    return plain


def _flat(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture.convert("RGB") if picture.mode != "RGB" else picture.copy()
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def _write(picture: Image.Image, target: Path, name: str, format_: str, **options: Any) -> Piece:
    if format_ == "JPEG":
        picture = _flat(picture)
    path = target / name
    picture.save(path, format=format_, **options)
    return Piece(
        name=name,
        type=f"image/{format_.lower()}",
        bytes=path.stat().st_size,
        width=picture.width,
        height=picture.height,
    )


def _made(picture: Image.Image, pieces: list[Piece]) -> Made:
    return Made(
        kind=MediaKind.IMAGE,
        width=picture.width,
        height=picture.height,
        blurhash=blurhash_of(picture),
        pieces=pieces,
    )


def _reason(error: Exception, path: str) -> str:
    reason = str(error).partition("\n")[0][:200]
    return f" ({reason})" if reason and path not in reason else ""
