"""Pictures of single plots of a report's page, for documents.

    python -m loadtest.report.picture REPORT.json NAME OUT.png [--width 720] [--dark]

Needs Chromium, and Playwright for Python from the tools of development.
"""

import argparse
import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image

from loadtest.report import model, page

# Enough for antialiased lines in some colours, and a third of the bytes.
_COLOURS = 96
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


class PictureError(Exception):
    """There is no such picture, or nothing to take it with; the text says which."""


def main() -> int:
    """Write a picture."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.report.picture")
    parser.add_argument("report", type=Path, help="JSON file of a run")
    parser.add_argument("name", help='plot, such as "latency-delivery"; "?" lists them')
    parser.add_argument("out", type=Path, help="PNG file to write")
    parser.add_argument("--width", type=int, default=720, help="in pixels of the page")
    parser.add_argument("--dark", action="store_true", help="in the dark theme")
    options = parser.parse_args()
    try:
        report = model.read(options.report)
        options.out.write_bytes(
            take(report, options.name, width=options.width, is_dark=options.dark)
        )
    except (PictureError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def take(report: model.Report, name: str, *, width: int = 720, is_dark: bool = False) -> bytes:
    """A picture as PNG.

    Args:
        report: of which one plot is shown.
        name: the id of its element on the page.
        width: in pixels of the page; the picture has twice as many.
        is_dark: whether it is in the dark theme.

    Raises:
        PictureError: there is no such plot, or no browser.
        ValueError: a histogram of the report is none.
    """
    with tempfile.TemporaryDirectory(prefix="plaza-picture-") as folder:
        path = Path(folder) / "report.html"
        page.write(path, report)
        return _small(_screenshot(path, name, width=width, is_dark=is_dark))


def _screenshot(path: Path, name: str, *, width: int, is_dark: bool) -> bytes:
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - a tool of development
    except ImportError:
        raise PictureError("Install Playwright for Python: make setup.") from None
    chromium = shutil.which("chromium")
    if chromium is None:
        raise PictureError("Install Debian's package chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
        try:
            shown = browser.new_page(
                viewport={"width": width + 40, "height": 900},
                device_scale_factor=2,
                color_scheme="dark" if is_dark else "light",
            )
            shown.goto(path.as_uri())
            names = shown.evaluate("[...document.querySelectorAll('.picture')].map(one => one.id)")
            if name not in names:
                raise PictureError(f'There is no plot "{name}"; there are: {", ".join(names)}.')
            shown.evaluate(_ALONE, width)
            return shown.locator(f"[id='{name}']").screenshot(animations="disabled")
        finally:
            browser.close()


# Two frames: the plot notices its new width in the first, and has been drawn after the second.
_ALONE = """
width => new Promise(done => {
    const root = document.documentElement;
    root.classList.add("pictured");
    root.style.setProperty("--width", `${width}px`);
    requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(done)));
})
"""


def _small(png: bytes) -> bytes:
    packed = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        image.convert("RGB").quantize(_COLOURS).save(packed, "PNG", optimize=True)
    return packed.getvalue()


if __name__ == "__main__":
    sys.exit(main())
