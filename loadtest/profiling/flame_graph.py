"""Stacks as a flame graph: an SVG that needs nothing else, with all names and shares on hovering.

After Brendan Gregg, "The Flame Graph", ACM Queue 14/2, 2016: a frame is as wide as the samples in
which it was there, stands on the frame that called it, and siblings are in the order of their
names.
"""

from collections.abc import Iterator
from html import escape
from typing import NamedTuple
from zlib import crc32

from loadtest.profiling.stacks import Stacks

_WIDTH = 1200
_ROW = 17
_TITLE = 40
_LETTER = 6.6  # pixels of a letter of the font, about
_LEAST = 0.4  # pixels: what is narrower nobody sees

# The lightness is a frame's name's, so that neighbours differ.
_OURS = ("server/", "rooms/", "presence/", "feed_push/", "media/", "persistence/", "protocol/")
_HUES = {"ours": 24, "libraries": 205, "native": 48}


class Box(NamedTuple):
    """A frame in the picture.

    Attributes:
        start, samples: where it begins and how wide it is.
        depth: 0 for the outermost.
    """

    frame: str
    start: int
    samples: int
    depth: int


def boxes(stacks: Stacks) -> list[Box]:
    """Merge stacks that begin alike."""
    found: list[Box] = []
    opened: list[tuple[str, int]] = []
    position = 0

    def close(depth: int) -> None:
        while len(opened) > depth:
            frame, start = opened.pop()
            found.append(Box(frame, start, position - start, len(opened)))

    for stack in sorted(stacks):
        common = 0
        for (frame, _), other in zip(opened, stack, strict=False):
            if frame != other:
                break
            common += 1
        close(common)
        opened += [(frame, position) for frame in stack[common:]]
        position += stacks[stack]
    close(0)
    return sorted(found, key=lambda box: (box.depth, box.start))


def draw(title: str, stacks: Stacks) -> str:
    """The picture, the outermost frames at the bottom."""
    samples = stacks.total()
    found = [box for box in boxes(stacks) if box.samples * _WIDTH >= _LEAST * samples]
    height = _TITLE + _ROW * (1 + max((box.depth for box in found), default=0)) + 8
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" font-family="monospace" font-size="11">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{_WIDTH // 2}" y="24" font-size="15" text-anchor="middle">'
        f"{escape(title)}</text>",
    ]
    for box in found:
        lines += _box(box, samples, height)
    return "\n".join((*lines, "</svg>", ""))


def _box(box: Box, samples: int, height: int) -> Iterator[str]:
    left, width = box.start / samples * _WIDTH, box.samples / samples * _WIDTH
    top = height - 8 - (box.depth + 1) * _ROW
    name, letters = box.frame, int((width - 4) / _LETTER)
    yield f"<g><title>{escape(name)}: {box.samples / samples:.1%}, {box.samples} samples</title>"
    yield (
        f'<rect x="{left:.1f}" y="{top}" width="{max(width - 0.5, _LEAST):.1f}" '
        f'height="{_ROW - 1}" fill="{_colour(name)}"/>'
    )
    if letters > 2:
        text = name if len(name) <= letters else name[: letters - 1] + "…"
        yield f'<text x="{left + 3:.1f}" y="{top + 12}">{escape(text)}</text>'
    yield "</g>"


def _colour(frame: str) -> str:
    _, _, place = frame.partition(" (")
    kind = "libraries" if ".py" in place else "native"
    if place.startswith(_OURS):
        kind = "ours"
    return f"hsl({_HUES[kind]},85%,{62 + crc32(frame.encode()) % 18}%)"
