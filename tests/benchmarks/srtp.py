"""What does encrypting and decrypting a packet cost?

Both beside `pylibsrtp.Session` on the same packets: media/srtp.py does without its copies and ints
where packets are sent, and counts the sources of those that are received.
"""

import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

from aiortc.rtcdtlstransport import SRTP_AEAD_AES_128_GCM, SRTPProtectionProfile
from pylibsrtp import Policy, Session
from pylibsrtp._binding import ffi

from loadtest.command import main
from loadtest.figures import Budget, Figure
from media.srtp import PROFILES, TRAILER, InboundSrtp, OutboundSrtp

QUESTION = "What does encrypting and decrypting a packet of 1,100 bytes cost?"
PAYLOAD = bytes(1088)


@dataclass(frozen=True, slots=True)
class Scale:
    """How much to measure.

    Attributes:
        packets: of each repetition.
        repetitions: each with sessions of its own.
    """

    packets: int
    repetitions: int


FULL = Scale(packets=20_000, repetitions=15)
SMALL = Scale(packets=1_000, repetitions=3)


def key_of(profile: SRTPProtectionProfile) -> bytes:
    """Any master key and salt."""
    return bytes(range(profile.key_length + profile.salt_length))


def rtp(sequence: int) -> bytes:
    """A packet in the clear."""
    return struct.pack("!BBHII", 0x80, 96, sequence & 0xFFFF, 0, 7) + PAYLOAD


def cost(call: Callable[[bytes], object], packets: list[bytes]) -> float:
    """Microseconds a packet, of this process's CPU."""
    started = time.process_time()
    for packet in packets:
        call(packet)
    return (time.process_time() - started) / len(packets) * 1e6


def in_place(out: OutboundSrtp, cdata: object, view: memoryview, packet: bytes) -> bytes:
    """Protect a packet in the buffer, and take it out."""
    view[: len(packet)] = packet
    return bytes(view[: out.protect_rtp(cdata, 0, len(packet))])


def once(profile: SRTPProtectionProfile, packets: int) -> dict[str, float]:
    """Everything once, on the same packets."""
    key = key_of(profile)
    clear = [rtp(sequence) for sequence in range(packets)]
    cdata = ffi.new("char[]", len(clear[0]) + TRAILER)
    view = memoryview(ffi.buffer(cdata))
    out, maker = OutboundSrtp(profile, key), OutboundSrtp(profile, key)
    protected = [in_place(maker, cdata, view, packet) for packet in clear]
    view[: len(clear[0])] = clear[0]
    inbound = InboundSrtp(profile, key)
    policy = Policy(key, Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile.libsrtp_profile)
    sender = Session(policy)
    policy.ssrc_type = Policy.SSRC_ANY_INBOUND
    receiver = Session(policy)
    length = len(clear[0])

    def protect(packet: bytes) -> None:
        view[:12] = packet[
            :12
        ]  # where it is made: the rest is encrypted again, which costs as much
        out.protect_rtp(cdata, 0, length)

    return {
        "protect": cost(protect, clear),
        "protect, pylibsrtp": cost(sender.protect, clear),
        "unprotect": cost(inbound.unprotect_rtp, protected),
        "unprotect, pylibsrtp": cost(receiver.unprotect, protected),
    }


async def measure(scale: Scale) -> list[Figure]:
    """All of it for each profile, in turns; and how the two ways compare for the preferred one."""
    samples: dict[tuple[bytes, str], list[float]] = {}
    for _ in range(scale.repetitions):
        for profile in PROFILES:
            for name, found in once(profile, scale.packets).items():
                samples.setdefault((profile.openssl_profile, name), []).append(found)
    figures = [
        Figure(name=f"{name}, {profile.decode()}", unit="us CPU a packet", samples=found)
        for (profile, name), found in samples.items()
    ]
    preferred = SRTP_AEAD_AES_128_GCM.openssl_profile
    for name, limit in (("protect", 0.9), ("unprotect", 1.1)):
        pairs = zip(samples[preferred, name], samples[preferred, f"{name}, pylibsrtp"], strict=True)
        figures.append(
            Figure(
                name=f"{name}, AES-128-GCM",
                unit="x pylibsrtp",
                samples=[ours / theirs for ours, theirs in pairs],
                budget=Budget("at most", limit),
            )
        )
    return figures


if __name__ == "__main__":
    main(QUESTION, measure, full=FULL, small=SMALL)
