"""What does a packet of a publisher cost, from the clear to the broadcast?

The receiving side by itself: parsed, its extensions read, found its layer, counted for reports and
transport-wide feedback, looked at for keyframes, kept in the store, and handed to a broadcast that
drops it. Feedback is written too, as often as it falls due, for a peer that drops it. Packets are
1,100 bytes, ten a picture, 3 Mbit/s by their timestamps; each one is a buffer of its own, as they
come out of SRTP.

    VP8, H264   as browsers send them, with transport-wide numbers
    plain       H264 without header extensions, as FFmpeg sends it
    lossy       VP8, of which one packet in 50 is lost, asked for and retransmitted
"""

import gc
import struct
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from loadtest.command import main
from loadtest.figures import Budget, Figure
from media import extensions, rtp
from media.description import Answer, Codec, IceCredentials, Section
from media.extensions import Extension
from media.publisher import Publisher
from media.timers import Timers

QUESTION = "What does a packet of a publisher cost, from the clear to the broadcast?"
BUDGET = Budget("at most", 6)

FEEDBACK = frozenset({"nack", "nack pli", "transport-cc", "goog-remb"})
IDS: dict[int, int] = {
    Extension.MID: 4,
    Extension.ABS_SEND_TIME: 2,
    Extension.TRANSPORT_SEQUENCE: 3,
}
PACKETS_A_FRAME = 10
FRAMES_A_KEYFRAME = 60
SECONDS_A_PACKET = 1 / 300
SSRC, RTX_SSRC = 0x1111, 0x2222


class Scale(NamedTuple):
    """How much to measure."""

    packets: int
    repetitions: int


FULL = Scale(packets=100_000, repetitions=5)
SMALL = Scale(packets=5_000, repetitions=2)


class Nobody:
    """A broadcast and a peer that drop what they get."""

    def publish(self, *_: Any) -> None:
        """Of media.ports.PacketSink, as are the next two."""

    forward = publisher_gone = send_rtcp = close = publish


def vp8(keyframe: bool, number: int) -> bytes:
    """The beginning of a payload: a descriptor with a picture id, the frame's first byte."""
    start = 0x10 if number == 0 else 0
    return bytes((0x80 | start, 0x80, 0x80, 1, 0 if keyframe else 1))


def h264(keyframe: bool, number: int) -> bytes:
    """The beginning of a fragment."""
    start = 0x80 if number == 0 else 0
    return bytes((0x7C, start | (5 if keyframe else 1), 0x88))


def sent(
    begin: Callable[[bool, int], bytes], packets: int, *, lose: int = 0, plain: bool = False
) -> list[bytes]:
    """A stream; each `lose`th packet comes three later, as a retransmission."""
    made: list[bytes] = []
    for position in range(packets):
        frame, number = divmod(position, PACKETS_A_FRAME)
        payload = begin(frame % FRAMES_A_KEYFRAME == 0, number).ljust(1100, b"\x55")
        elements = [(2, b"\x01\x02\x03"), (3, struct.pack("!H", position & 0xFFFF))]
        again = bool(lose) and position % lose == lose // 2
        data = rtp.build(
            payload_type=97 if again else 96,
            sequence=position & 0xFFFF,
            timestamp=frame * 3000,
            ssrc=RTX_SSRC if again else SSRC,
            payload=(position & 0xFFFF).to_bytes(2, "big") + payload if again else payload,
            marker=number == PACKETS_A_FRAME - 1,
            extensions=b"" if plain else extensions.write(elements),
        )
        made.append(data)
    for position in range(lose // 2, packets - 3, lose) if lose else ():
        made.insert(position + 3, made.pop(position))
    return made


def cost(name: str, packets: list[bytes], *, plain: bool) -> float:
    """Microseconds of a packet."""
    codec = Codec(name, 96, 90_000, feedback=FEEDBACK, rtx=97)
    section = Section("0", "video", (codec,), {} if plain else IDS, ssrcs=((SSRC, RTX_SSRC),))
    nobody: Any = Nobody()
    timers = Timers()
    now = 1000.0
    publisher = Publisher(
        answer=Answer("", (section,), IceCredentials("", ""), (), "client"),
        broadcast=nobody,
        timers=timers,
        ssrc=1,
        bitrate_cap=50_000_000,
        now=now,
    )
    publisher.attached(nobody)
    publisher.connected(now)
    gc.collect()
    began = time.thread_time()
    for data in packets:
        now += SECONDS_A_PACKET
        publisher.receive_rtp(data, now)
        timers.run(now)
    took = time.thread_time() - began
    assert publisher.counts.packets == len(packets), publisher.counts
    return took / len(packets) * 1e6


async def measure(scale: Scale) -> list[Figure]:
    """Each kind of stream, in turns."""
    streams = {
        "VP8": ("VP8", sent(vp8, scale.packets), False),
        "H264": ("H264", sent(h264, scale.packets), False),
        "plain": ("H264", sent(h264, scale.packets, plain=True), True),
        "lossy": ("VP8", sent(vp8, scale.packets, lose=50), False),
    }
    samples: dict[str, list[float]] = {name: [] for name in streams}
    for _ in range(scale.repetitions):
        for name, (codec, packets, plain) in streams.items():
            samples[name].append(cost(codec, packets, plain=plain))
    return [
        Figure(name=name, unit="us CPU a packet", samples=found, budget=BUDGET)
        for name, found in samples.items()
    ]


if __name__ == "__main__":
    main(QUESTION, measure, full=FULL, small=SMALL)
