"""Images, encoded anew."""

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from server.conversion.images import FRAMES, convert_image
from server.conversion.order import Unconvertible
from tests.files import animation, image_file, photo, picture


def made(order):
    return convert_image(order), Path(order.target)


def encoded(image, format="PNG", **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_applied(ordered, orientation):
    """The red corner is where a viewer that reads the orientation shows it."""
    content = photo((640, 480), orientation=orientation)
    done, folder = made(ordered(content))
    assert (done.width, done.height) == ((640, 480) if orientation < 5 else (480, 640))
    image = Image.open(folder / "original").convert("RGB")
    corners = {
        (x, y): image.getpixel((x * (image.width - 9) + 4, y * (image.height - 9) + 4))
        for x in (0, 1)
        for y in (0, 1)
    }
    expected = {
        1: (0, 0),
        2: (1, 0),
        3: (1, 1),
        4: (0, 1),
        5: (0, 0),
        6: (1, 0),
        7: (1, 1),
        8: (0, 1),
    }
    reddest = max(corners, key=lambda at: corners[at][0] - corners[at][2])
    assert reddest == expected[orientation]


def test_the_original_is_capped(ordered):
    done, folder = made(ordered(image_file("JPEG", (6000, 3000))))
    assert (done.width, done.height) == (4096, 2048)
    assert Image.open(folder / "original").size == (4096, 2048)


def test_small_images_have_no_copies_of_themselves(ordered):
    done, _ = made(ordered(image_file("PNG", (300, 200))))
    assert [piece.name for piece in done.pieces] == ["original", "avatar"]


def test_a_drawing_stays_as_it_is(ordered):
    drawing = Image.new("RGBA", (500, 500), (0, 0, 0, 0))
    drawing.paste((200, 30, 30, 255), (100, 100, 200, 200))
    _, folder = made(ordered(encoded(drawing)))
    kept = Image.open(folder / "original").convert("RGBA")
    assert kept.getpixel((150, 150)) == (200, 30, 30, 255)
    assert kept.getpixel((10, 10))[3] == 0


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "I;16", "I", "YCbCr", "F"]
)
def test_every_kind_of_pixels(ordered, mode):
    format = "TIFF" if mode in ("CMYK", "YCbCr", "F", "I") else "PNG"
    image = picture(64, 48).convert("RGBA" if mode == "PA" else "RGB")
    image = (
        image.quantize() if mode in ("P", "PA") else image.convert("L" if mode == "I;16" else mode)
    )
    image = image.convert("I;16") if mode == "I;16" else image
    order = ordered(encoded(image, format))
    if mode == "F":
        with pytest.raises(Unconvertible):
            convert_image(order)
        return
    done, folder = made(order)
    assert Image.open(folder / "original").size == (64, 48)
    assert done.blurhash


def test_deep_pixels_are_scaled_and_not_cut_off(ordered):
    deep = Image.new("I;16", (40, 40), 32_768)
    _, folder = made(ordered(encoded(deep)))
    assert abs(Image.open(folder / "original").convert("L").getpixel((5, 5)) - 128) < 3


def test_colours_become_srgb(ordered):
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    done, folder = made(ordered(image_file("JPEG", icc_profile=lab)))
    assert "icc_profile" not in Image.open(folder / "original").info
    broken, _ = made(ordered(image_file("JPEG", icc_profile=b"nonsense")))
    assert (broken.width, broken.height) == (done.width, done.height)


def test_a_bomb_is_refused_by_what_its_head_says(ordered):
    """A megabyte of zeros would unpack to 10 GB: nobody does."""
    order = ordered(_bomb(60_000, 60_000), cpu_seconds=1)
    with pytest.raises(Unconvertible, match="60000 x 60000 pixels, more than 50,000,000"):
        convert_image(order)


def _bomb(width, height):
    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(2**20))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_a_ribbon_is_refused(ordered):
    with pytest.raises(Unconvertible, match="another shape"):
        convert_image(ordered(encoded(Image.new("L", (5_000, 4)))))


def test_an_animation_keeps_its_frames_and_their_times(ordered):
    done, folder = made(ordered(animation("GIF", frames=6, size=(400, 300))))
    kept = Image.open(folder / "original")
    assert kept.n_frames == 6
    kept.seek(3)
    kept.load()
    assert kept.info["duration"] == 80
    assert Image.open(folder / "320").n_frames == 6
    assert not getattr(Image.open(folder / "avatar"), "is_animated", False)
    assert (done.width, done.height) == (400, 300)


def test_an_animation_shrinks_to_what_memory_allows(ordered):
    done, _ = made(ordered(animation("GIF", frames=10, size=(400, 400)), pixels=400_000))
    assert done.width * done.height * 10 <= 400_000


def test_an_animation_has_so_many_frames(ordered):
    images = [Image.new("L", (2, 2), index % 256) for index in range(FRAMES + 1)]
    file = io.BytesIO()
    images[0].save(file, "GIF", save_all=True, append_images=images[1:], duration=20)
    with pytest.raises(Unconvertible, match="1001 frames"):
        convert_image(ordered(file.getvalue()))


def test_a_broken_file_names_no_path(ordered):
    for content in (b"\x89PNG\r\n\x1a\n", image_file("JPEG")[:300], image_file("WEBP")[:200]):
        order = ordered(content)
        with pytest.raises(Unconvertible) as caught:
            convert_image(order)
        assert "/" not in str(caught.value)
