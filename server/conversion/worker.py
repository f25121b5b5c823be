"""The process that converts: `python -m server.conversion.worker`.

It reads orders from its standard input and writes outcomes to its standard output, each with its
length before it. For each order it forks: the child finds the libraries loaded, and whatever a file
does to it, or leaves behind in memory, ends with it. This process is a single thread, so forking is
safe.
"""

import os
import resource
import signal
import struct
import sys
import traceback
from collections.abc import Callable
from typing import BinaryIO

import msgspec

from protocol.posts import MediaKind
from server.conversion.images import convert_image
from server.conversion.order import Made, Order, Outcome, Refused, Unconvertible
from server.conversion.videos import convert_video

LENGTH = struct.Struct(">I")
NICENESS = 10  # chat goes first
FILE_BYTES = 8 * 2**30  # of what is written
BROKEN = "The file makes its decoder fail: it is broken. Send another one."

_CONVERTERS: dict[MediaKind, Callable[[Order], Made]] = {
    MediaKind.IMAGE: convert_image,
    MediaKind.VIDEO: convert_video,
    MediaKind.AUDIO: convert_video,
}


def main() -> None:
    """Take orders until the input ends."""
    orders, outcomes = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # Libraries that print would be taken for outcomes.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.nice(NICENESS)
    while (content := read_frame(orders)) is not None:
        order = msgspec.msgpack.decode(content, type=Order)
        outcomes.write(framed(_outcome_of(order)))
        outcomes.flush()


def read_frame(file: BinaryIO) -> bytes | None:
    """What somebody has written with its length before it; None at the end."""
    head = file.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    return file.read(LENGTH.unpack(head)[0])


def framed(content: bytes) -> bytes:
    """Something with its length before it."""
    return LENGTH.pack(len(content)) + content


def _outcome_of(order: Order) -> bytes:
    """Have a child convert; its outcome as it wrote it, or what can be said without it."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _convert(order, write)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        content = pipe.read()
    _, status = os.waitpid(child, 0)
    return content or msgspec.msgpack.encode(_epitaph(status, order))


def _convert(order: Order, write: int) -> None:
    """Convert, tell, and end the process."""
    try:
        _confine(order)
        outcome: Outcome
        try:
            outcome = _CONVERTERS[order.kind](order)
        except Unconvertible as refusal:
            outcome = Refused(str(refusal))
        except Exception:
            outcome = Refused(BROKEN, traceback.format_exc(limit=-5))
        with os.fdopen(write, "wb") as pipe:
            pipe.write(msgspec.msgpack.encode(outcome))
    finally:
        os._exit(0)


def _confine(order: Order) -> None:
    limits = order.limits
    signal.alarm(2 * limits.cpu_seconds)  # nobody else may be there to end us
    for what, most in (
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (bound, bound))


def _epitaph(status: int, order: Order) -> Refused:
    """What to say when a child ended without a word."""
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if number in (signal.SIGXCPU, signal.SIGALRM, signal.SIGKILL):
        return Refused(
            f"Converting it takes more than {order.limits.cpu_seconds} seconds. Send a shorter or "
            "smaller one."
        )
    return Refused(BROKEN, f"its process ended with wait status {status}")


if __name__ == "__main__":
    main()
