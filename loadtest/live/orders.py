"""What the harness and the processes of light peers say to each other (see `worker`).

    harness                process of publishers (`live_publisher`)
    Publish        ->      one more stream
    Send           ->      all of them send at a pace, from now on
    Tell           ->      what was sent until now
    Rest           ->      no more

    harness                process of viewers (`live_viewers`)
    Join           ->      some more
    Look           ->      what has come

To each there is one answer: Sent or Seen.
"""

import struct

from msgspec import Struct

# When a packet was due, as time.time_ns has it: behind the header of a fragment of H.264.
STAMP = struct.Struct("!2xQ")


class Publish(Struct, tag=True):
    """Publish one more stream.

    Attributes:
        url: of its WHIP endpoint.
        key: of the stream.
        payload: bytes of a packet's payload.
    """

    url: str
    key: str
    payload: int = 1100


class Send(Struct, tag=True):
    """Send bursts at a pace until Rest, with each stream; they take turns.

    Attributes:
        burst: packets.
        rate: packets a second of each stream.
    """

    burst: int
    rate: float


class Tell(Struct, tag=True):
    """Say what was sent since Send."""


class Rest(Struct, tag=True):
    """Send no more, and say what was sent since Send."""


class Sent(Struct):
    """What was sent.

    Attributes:
        packets: of all streams, since Send; what goes in front of a keyframe included.
        seconds: since Send, until Rest.
        publishing: streams that are connected.
        cpu: seconds of this process.
        problems: why a stream could not be published, in words.
    """

    packets: int = 0
    seconds: float = 0.0
    publishing: int = 0
    cpu: float = 0.0
    problems: list[str] = []


class Watch(Struct):
    """What a viewer watches.

    Attributes:
        url: of the stream's WHEP endpoint.
        token: of whose account they are.
    """

    url: str
    token: str


class Join(Struct, tag=True):
    """Have some more watch.

    Attributes:
        viewers: what each of them watches.
        sample: of so many packets of a viewer one is looked into.
    """

    viewers: list[Watch]
    sample: int = 16


class Look(Struct, tag=True):
    """Say what has come since the last look."""


class Seen(Struct, kw_only=True):
    """What has come since the last look.

    Attributes:
        packets: that were not there already.
        missing: numbers that have been left out, of all that came until now; some may still come.
        disordered: that came behind a later one.
        doubled: that were there already, or are not the server's with a number that was.
        forged: that were not the server's.
        timed: of those that were looked into, when they came: microseconds (three digits) after
            they were due -> how many.
        connects: likewise, of viewers, from their offer to the end of the DTLS handshake.
        connected: viewers that are, now.
        dropped: viewers that were connected and are not, now.
        refused: viewers that could not connect.
        problems: why, in words: some of them.
        cpu: seconds of this process.
    """

    packets: int = 0
    missing: int = 0
    disordered: int = 0
    doubled: int = 0
    forged: int = 0
    timed: dict[int, int] = {}
    connects: dict[int, int] = {}
    connected: int = 0
    dropped: int = 0
    refused: int = 0
    problems: list[str] = []
    cpu: float = 0.0


def three_digits(microseconds: int) -> int:
    """Rounded so that there are few different ones: 123456 -> 123000."""
    step = 1
    while microseconds >= 1000 * step:
        step *= 10
    return microseconds // step * step
