"""What does it cost to forward an RTP packet to a viewer?

One publisher, whose packets of 1,100 bytes come in the clear, and viewers for each of whom they are
rewritten, protected and sent. Extensions are those of a browser: most of a header's are different
for each viewer and packet.

    forwarded   over UDP: a socket for each viewer, which throws away what it has no room for
    python      to a path that takes what it is given: without the kernel

Each with so many packets in one read of the socket.
"""

import itertools
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from aiortc.rtcdtlstransport import SRTP_AEAD_AES_128_GCM

from loadtest.command import main
from loadtest.figures import Budget, Figure
from media import extensions, rtp
from media.broadcast import Broadcast
from media.description import Answer, Codec, Fingerprint, IceCredentials, Section
from media.extensions import Extension
from media.peer import Counters
from media.publisher import Publisher
from media.srtp import OutboundSrtp
from media.timers import Timers
from media.traffic import Traffic
from media.udp import UdpPath, UdpSocket, can_segment, enlarge
from media.viewer import Viewer

QUESTION = "What does it cost to forward an RTP packet to a viewer?"
AT_ONCE = {1: Budget("at most", 10), 8: Budget("at most", 5), 20: Budget("at most", 5)}

FEEDBACK = frozenset({"nack", "nack pli", "transport-cc", "goog-remb"})
H264 = Codec("H264", 102, 90_000, parameters=(("packetization-mode", "1"),), feedback=FEEDBACK)
IDS: dict[int, int] = {
    Extension.MID: 4,
    Extension.ABS_SEND_TIME: 2,
    Extension.TRANSPORT_SEQUENCE: 3,
    Extension.VIDEO_ORIENTATION: 13,
}
SENT = extensions.write([(4, b"0"), (2, b"\x12\x34\x56"), (3, b"\x00\x01")])
# Parameter sets, with which a keyframe begins; and slices of other pictures.
KEYFRAME, PICTURE = b"\x67\x42\xe0\x1f" + bytes(20), b"\x61" + bytes(1_050)
SECONDS_A_READ = 0.001


class Scale(NamedTuple):
    """How much is measured: packets of a repetition, and for how many viewers."""

    viewers: int
    packets: int
    repetitions: int


FULL = Scale(viewers=100, packets=2_000, repetitions=7)
SMALL = Scale(viewers=20, packets=200, repetitions=2)


class Nobody:
    """A stage, a peer and a path that do nothing with what they get."""

    peer = None
    remote = "nowhere"
    address = ("", 0)

    def live(self, *_: Any) -> None:
        """Of media.ports.Stage, as is the next one."""

    viewers = live
    send_rtcp = send = send_burst = close = live


class WatchingPeer(Nobody):
    """The peer of a viewer, connected."""

    def __init__(self, path: Any) -> None:
        self.path = path
        self.srtp_out = OutboundSrtp(SRTP_AEAD_AES_128_GCM, bytes(28))
        self.counters = Counters()


class Stream:
    """A broadcast with viewers, one for each path."""

    def __init__(self, paths: Sequence[Any]) -> None:
        self.flushes: list[Callable[[float], None]] = []
        self._now = 0.0
        self._timers = Timers()
        self._sequence = itertools.count()
        nobody: Any = Nobody()
        self._broadcast = Broadcast(
            1, relay=self, stage=nobody, timers=self._timers, grace_seconds=30, now=0
        )
        self._publisher = Publisher(
            answer=answer(Section("0", "video", (H264,), IDS)),
            broadcast=self._broadcast,
            timers=self._timers,
            ssrc=1,
            bitrate_cap=0,
            now=0,
        )
        self._publisher.attached(nobody)
        self._publisher.connected(0)
        codec = Codec(H264.name, 96, 90_000, 0, H264.parameters, FEEDBACK, rtx=97)
        for number, path in enumerate(paths):
            section = Section("0", "video", (codec,), IDS, ssrc=number + 1, rtx_ssrc=1_000_000)
            viewer = Viewer(
                answer=answer(section),
                broadcast=self._broadcast,
                cname="benchmark",
                timers=self._timers,
                now=0,
            )
            peer: Any = WatchingPeer(path)
            viewer.attached(peer)
            viewer.connected(0)
        self._read([KEYFRAME])

    def cost(self, packets: int, at_once: int) -> float:
        """Microseconds of CPU for each packet that goes to a viewer."""
        counts = self._broadcast.counts
        before = counts.packets
        began = time.thread_time()
        for _ in range(packets // at_once):
            self._read([PICTURE] * at_once)
        spent = time.thread_time() - began
        sent = counts.packets - before
        assert sent == packets // at_once * at_once * len(self._broadcast.viewers)
        return spent / sent * 1e6

    def _read(self, payloads: Sequence[bytes]) -> None:
        """So many packets come before the next flush."""
        self._now += SECONDS_A_READ
        for payload in payloads:
            sequence = next(self._sequence)
            data = rtp.build(
                payload_type=H264.payload_type,
                sequence=sequence,
                timestamp=sequence // 10 * 3_000,
                ssrc=7,
                payload=payload,
                extensions=SENT,
            )
            self._publisher.receive_rtp(data, self._now)
        flushes, self.flushes = self.flushes, []
        for flush in flushes:
            flush(self._now)


def answer(section: Section) -> Answer:
    """An answer of which nothing but the section matters."""
    fingerprints = (Fingerprint("sha-256", ""),)
    return Answer("", (section,), IceCredentials("", ""), fingerprints, "server")


async def measure(scale: Scale) -> list[Figure]:
    """Each way in turns."""
    samples: dict[tuple[str, int], list[float]] = {}
    with ExitStack() as stack:
        streams = {
            "forwarded": Stream(udp_paths(stack, scale.viewers)),
            "python": Stream([Nobody()] * scale.viewers),
        }
        for _ in range(scale.repetitions):
            for (name, stream), at_once in itertools.product(streams.items(), AT_ONCE):
                cost = stream.cost(scale.packets, at_once)
                samples.setdefault((name, at_once), []).append(cost)
    return [
        Figure(
            name=f"{name}, {at_once} at once",
            unit="us CPU a packet and viewer",
            samples=found,
            budget=AT_ONCE[at_once] if name == "forwarded" else None,
        )
        for (name, at_once), found in samples.items()
    ]


def udp_paths(stack: ExitStack, viewers: int) -> list[UdpPath]:
    """Ways to as many sockets."""
    sender = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sender.bind(("127.0.0.1", 0))
    sender.setblocking(False)
    enlarge(sender)
    udp = UdpSocket(sender, Traffic(), segmentation=can_segment())
    paths = []
    for _ in range(viewers):
        receiver = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        receiver.bind(("127.0.0.1", 0))
        paths.append(UdpPath(udp, receiver.getsockname()))
    return paths


if __name__ == "__main__":
    main(QUESTION, measure, full=FULL, small=SMALL)
