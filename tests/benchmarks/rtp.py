"""What does it cost to take a packet that comes in apart?

Header, header extensions, and whether a keyframe begins: what is done to each packet before it is
known what it is good for. Beside it aiortc's `RtpPacket.parse`, on the same packets.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, RtpPacket

from loadtest.command import main
from loadtest.figures import Budget, Figure
from media import extensions, rtcp, rtp, twcc
from media.extensions import URIS, Extension
from media.keyframes import is_keyframe

QUESTION = "What does it cost to take a packet that comes in apart?"
IDS = {Extension.MID: 4, Extension.ABS_SEND_TIME: 2, Extension.TRANSPORT_SEQUENCE: 3}
VALUES = [(4, b"1"), (2, b"\x12\x34\x56"), (3, b"\x00\x01")]
# As VP8, the middle of a frame; as H.264, of a fragmented slice.
PAYLOADS = {"VP8": b"\x80\xe0\x80\x01\x02\x20" + bytes(1094), "H264": b"\x7c\x05" + bytes(1098)}
# Arrivals of the 50 packets that a feedback tells of, one of them lost.
ARRIVALS = [None if number == 7 else number / 500 for number in range(50)]


@dataclass(frozen=True, slots=True)
class Scale:
    """How much to measure.

    Attributes:
        packets: of each repetition.
    """

    packets: int
    repetitions: int


FULL = Scale(packets=50_000, repetitions=15)
SMALL = Scale(packets=1_000, repetitions=3)


def packet(payload: bytes, elements: list[tuple[int, bytes]]) -> bytes:
    """One as browsers send them."""
    block = extensions.write(elements)
    return rtp.build(
        payload_type=96, sequence=1, timestamp=2, ssrc=3, payload=payload, extensions=block
    )


def cost(call: Callable[[], object], times: int) -> float:
    """Microseconds of this process's CPU, each time."""
    started = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - started) / times * 1e6


def calls() -> dict[str, Callable[[], object]]:
    """What is measured, by name."""
    known = extensions.names(IDS)
    two = packet(PAYLOADS["VP8"], VALUES[:2])
    three = packet(PAYLOADS["VP8"], VALUES)
    ids = HeaderExtensionsMap()
    ids.configure(
        RTCRtpParameters(
            headerExtensions=[
                RTCRtpHeaderExtensionParameters(id=number, uri=URIS[name])
                for name, number in IDS.items()
            ]
        )
    )

    def take(data: bytes) -> dict[int, bytes] | None:
        header = rtp.parse(data)
        if header is None:
            return None
        _, _, _, _, _, profile, elements, start, _ = header
        return extensions.read(data, profile, elements, start, known)

    [feedback] = twcc.feedbacks(1, 2, 3, 4, ARRIVALS)
    written = bytes(feedback)
    return {
        "header": lambda: rtp.parse(three),
        "header, two extensions": lambda: take(two),
        "header, three extensions": lambda: take(three),
        "the same, aiortc": lambda: RtpPacket.parse(three, ids),
        "keyframe?, VP8": lambda: is_keyframe("VP8", PAYLOADS["VP8"]),
        "keyframe?, H264": lambda: is_keyframe("H264", PAYLOADS["H264"]),
        "feedback on 50 packets, read": lambda: rtcp.parse(written),
        "feedback on 50 packets, written": lambda: bytes(feedback),
    }


async def measure(scale: Scale) -> list[Figure]:
    """All of it, in turns."""
    samples: dict[str, list[float]] = {}
    for _ in range(scale.repetitions):
        for name, call in calls().items():
            samples.setdefault(name, []).append(cost(call, scale.packets))
    budgets = {"header, three extensions": Budget("at most", 1.5)}
    return [
        Figure(name=name, unit="us CPU", samples=found, budget=budgets.get(name))
        for name, found in samples.items()
    ]


if __name__ == "__main__":
    main(QUESTION, measure, full=FULL, small=SMALL)
