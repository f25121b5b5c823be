"""A light viewer counts what a line does to packets, and what is not the server's."""

import socket
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pylibsrtp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.live.orders import STAMP, three_digits
from loadtest.live.viewer import Viewer
from loadtest.webrtc import rtp
from loadtest.webrtc.batches import Batch, timed_socket
from loadtest.webrtc.connection import Connection
from loadtest.webrtc.description import H264, TRANSPORT_SEQUENCE, Answer, Section
from loadtest.webrtc.srtp import Keys, Srtp

SOURCE = 77
PROFILE = pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM
ONE, OTHER = bytes(range(28)), bytes(range(28, 56))  # a key of 16 bytes, a salt of 12
ANSWER = Answer(
    (Section("0", "video", {H264.payload_type: H264}, {TRANSPORT_SEQUENCE: 3}, SOURCE),),
    "ufrag", "pwd", (), (), "active",
)  # fmt: skip


class Line:
    """A server's source, a line, and a viewer at its end.

    Args:
        first: the number of the first packet.
        sample: see Viewer.
    """

    def __init__(self, first: int = 0, *, sample: int = 4) -> None:
        self._next = first
        self._transport = 0
        self._source = Srtp(Keys(PROFILE, ONE, OTHER))
        self._sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._receiver = timed_socket("127.0.0.1", buffer=1 << 20)
        self._batch = Batch()
        self.timed: dict[int, int] = {}
        self.viewer = Viewer(self._batch, self.timed, ANSWER, number=0, sample=sample)
        connection = SimpleNamespace(
            srtp=Srtp(Keys(PROFILE, OTHER, ONE)), close=lambda: None, take=list
        )
        self.viewer.connection = cast(Connection, connection)

    def packet(self, *, due: int = 0) -> bytes:
        """The next one, as it leaves the server."""
        payload = bytearray(64)
        STAMP.pack_into(payload, 0, due)
        payload[0] = 0x7C
        self._transport += 1
        packet = rtp.Packet(
            H264.payload_type, False, self._next & 0xFFFF, 0, SOURCE,
            {3: self._transport.to_bytes(2, "big")}, bytes(payload),
        )  # fmt: skip
        self._next += 1
        return self._source.protect(rtp.build(packet))

    def deliver(self, *datagrams: bytes) -> None:
        for datagram in datagrams:
            self._sender.sendto(datagram, self._receiver.getsockname())
        while self._batch.receive(self._receiver.fileno()):
            self.viewer.take(self._batch, time.monotonic())

    def close(self) -> None:
        for one in (self._sender, self._receiver, self.viewer):
            one.close()


@pytest.fixture
def line() -> Iterator[Line]:
    opened = Line()
    yield opened
    opened.close()


def counted(viewer: Viewer) -> tuple[int, int, int, int, int]:
    return viewer.packets, viewer.missing, viewer.disordered, viewer.doubled, viewer.forged


FAULTS = st.lists(st.sampled_from(["come", "come", "lost", "doubled", "late", "forged"]))


@given(FAULTS, st.integers(0, 0xFFFF), st.integers(1, 16))
def test_what_a_line_does_is_counted(faults: list[str], first: int, sample: int) -> None:
    line = Line(first, sample=sample)
    # Of each packet that is delivered its number; None: it is forged.
    numbers: list[int | None] = []
    held: list[tuple[int, bytes]] = []
    # The first and the last one always come: nothing else says that there was one.
    for number, fault in enumerate(["come", *faults, "come"]):
        packet = line.packet()
        if fault == "late":
            held.append((number, packet))
            continue
        times = {"lost": 0, "doubled": 2}.get(fault, 1)
        line.deliver(*[packet] * times)
        numbers += [number] * times
        if fault == "forged":
            ahead = (int.from_bytes(packet[2:4], "big") + 100) & 0xFFFF
            line.deliver(packet[:2] + ahead.to_bytes(2, "big") + packet[4:])
            numbers.append(None)
        for late_number, late in held[:1] if times else ():
            line.deliver(late)
            numbers.append(late_number)
            del held[0]
    for late_number, late in held:
        line.deliver(late)
        numbers.append(late_number)
    line.close()
    assert counted(line.viewer) == expected(numbers)


def expected(numbers: list[int | None]) -> tuple[int, int, int, int, int]:
    seen: set[int] = set()
    disordered = doubled = forged = 0
    for number in numbers:
        if number is None:
            forged += 1
        elif number in seen:
            doubled += 1
        else:
            disordered += bool(seen) and number < max(seen)
            seen.add(number)
    return len(seen), max(seen) + 1 - len(seen), disordered, doubled, forged


def test_another_source_is_forged(line: Line) -> None:
    packet = line.packet()
    line.deliver(packet[:8] + bytes(4) + packet[12:])
    assert counted(line.viewer) == (0, 0, 0, 0, 1)
    line.deliver(packet)
    assert counted(line.viewer) == (1, 0, 0, 0, 1)


def test_a_forged_packet_in_the_place_of_the_next_is_noticed(line: Line) -> None:
    line.deliver(line.packet())
    packet = line.packet()
    line.deliver(packet[:-1] + bytes([packet[-1] ^ 1]), packet)
    # One that is not looked into is believed; then the true one has its number.
    assert line.viewer.forged + line.viewer.doubled == 1


def test_each_of_a_sample_is_looked_into() -> None:
    line = Line(sample=1)
    line.deliver(line.packet())
    packet = line.packet()
    line.deliver(packet[:-1] + bytes([packet[-1] ^ 1]))
    line.close()
    assert line.viewer.forged == 1


def test_latency_is_from_when_a_packet_was_due() -> None:
    line = Line(sample=1)
    begin = time.time_ns()
    due = begin - 5_000_000_000
    line.deliver(line.packet())  # the first one is not timed
    line.deliver(line.packet(due=due))
    end = time.time_ns()
    line.close()
    [(took, times)] = line.timed.items()
    assert times == 1
    assert three_digits(5_000_000) <= took <= (end - due) // 1000


@given(st.integers(0, 10**12))
def test_three_digits_are_kept(microseconds: int) -> None:
    rounded = three_digits(microseconds)
    assert rounded <= microseconds < rounded + max(1, microseconds // 100)
    assert len(str(rounded).rstrip("0")) <= 3
