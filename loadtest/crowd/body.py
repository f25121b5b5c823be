"""What virtual users say: when it was due, and a sum by which a forgery shows.

    88123456789012 5f0c1a2b xxxxxxxxxx
    |              |        padding
    |              CRC-32 of room, sender, time and length
    time.monotonic_ns(), which all processes of a machine share

Room and sender are not in it, but in the sum: a body that turns up in another room, or under
another name, is forged, as is one that was cut or changed.
"""

from zlib import crc32

_SUM_DIGITS = 8
SMALLEST = 26  # bytes: 16 digits of time, a space, the sum, a space


def body(room: str, sender: str, due: int, size: int) -> str:
    """What somebody says.

    Args:
        room, sender: ids, as on the wire.
        due: nanoseconds.
        size: bytes, at least SMALLEST; fewer than that are not possible.
    """
    size = max(size, SMALLEST)
    return f"{due} {_sum(room, sender, due, size):0{_SUM_DIGITS}x} ".ljust(size, "x")


def due_of(text: str, room: str, sender: str) -> int | None:
    """When it was due, in nanoseconds; None: nobody has said it like that."""
    due, _, rest = text.partition(" ")
    if not (due.isascii() and due.isdigit() and len(due) <= 16):
        return None
    found = f"{_sum(room, sender, int(due), len(text)):0{_SUM_DIGITS}x} "
    padding = rest.removeprefix(found)
    if len(padding) == len(rest) or padding.strip("x"):
        return None
    return int(due)


def _sum(room: str, sender: str, due: int, size: int) -> int:
    return crc32(f"{room}/{sender}/{due}/{size}".encode())
