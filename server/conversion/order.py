"""What the process says to a worker, and what it is answered."""

from msgspec import Struct

from protocol.posts import MediaKind


class Limits(Struct, frozen=True, kw_only=True):
    """What one conversion may take.

    Attributes:
        pixels: width times height of an image, or of a picture of a video; of an animation, all
            its frames together are scaled down to it.
        seconds: how long a video or sound may be.
        cpu_seconds: of the processor; in real time twice as long.
        memory: bytes of address space.
    """

    pixels: int
    seconds: int
    cpu_seconds: int
    memory: int = 4 * 2**30


class Order(Struct, frozen=True, kw_only=True):
    """A file that is to be converted.

    Attributes:
        source: path of the file.
        target: folder for what comes out of it; it exists and is empty.
        reader: as `sniff` gave it.
    """

    source: str
    target: str
    kind: MediaKind
    reader: str
    limits: Limits


class Piece(Struct, frozen=True, kw_only=True):
    """A file that came out, in the target folder, by its name."""

    name: str
    type: str
    bytes: int
    width: int | None = None
    height: int | None = None


class Made(Struct, frozen=True, kw_only=True, tag=True):
    """The conversion succeeded. `pieces`: the best one first. `width`, `height`: upright."""

    kind: MediaKind
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    blurhash: str | None = None
    pieces: list[Piece]


class Refused(Struct, frozen=True, tag=True):
    """The file cannot be converted.

    Attributes:
        problem: why, and what to do, for whoever sent it.
        detail: for the log: what nobody foresaw.
    """

    problem: str
    detail: str = ""


class Unconvertible(Exception):
    """Raised while converting; becomes Refused. The message is for whoever sent the file."""


Outcome = Made | Refused
