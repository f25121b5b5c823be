"""NATS messages are a stream, however the server cuts it into frames and the network into bits."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Opcode

from loadtest.frames import split_frames
from loadtest.peers.nats import NatsDialect
from loadtest.peers.text import ECHO
from loadtest.swarm import Violation

DIALECT = NatsDialect("room", ECHO)


def delivery(number: int) -> bytes:
    head = f"MSG room 1 {DIALECT.text.size}\r\n".encode()
    return head + DIALECT.text.of(number) + b"\r\n"


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def frame(payload: bytes) -> bytes:
    return b"\x82\x7e" + len(payload).to_bytes(2, "big") + payload


@given(
    frames=st.lists(st.integers(0, 10_000), max_size=6),
    pieces=st.lists(st.integers(0, 10_000), max_size=6),
)
def test_messages_come_out_of_any_pieces(frames: list[int], pieces: list[int]) -> None:
    stream = b"PING\r\n" + b"".join(map(delivery, range(8))) + b"INFO {}\r\n"
    wire = b"".join(map(frame, cut(stream, frames)))
    found: list[tuple[int, bytes]] = []
    rest = b""
    for piece in cut(wire, pieces):
        payloads, rest = DIALECT.split(rest + piece)
        found += payloads
    assert rest == b""
    assert [payload for _, payload in found] == [
        b"PING",
        *map(DIALECT.text.of, range(8)),
        b"INFO {}",
    ]


def test_a_delivery_has_the_length_that_all_have() -> None:
    (payload,) = split_frames(frame(delivery(5)))[0]
    assert len(payload[1]) == ECHO


def test_control_frames_are_not_of_the_stream() -> None:
    payloads, rest = DIALECT.split(frame(b"PI") + b"\x89\x01x" + frame(b"NG\r\n"))
    assert payloads == [(Opcode.PING, b"x"), (Opcode.BINARY, b"PING")]
    assert rest == b""


def test_pings_are_answered_and_errors_are_not() -> None:
    assert DIALECT.reply(b"PING") == b"PONG\r\n"
    assert DIALECT.reply(b"INFO {}") == b""
    with pytest.raises(Violation, match="Slow Consumer"):
        DIALECT.reply(b"-ERR 'Slow Consumer'")
    with pytest.raises(Violation, match="no message of NATS"):
        DIALECT.split(frame(b"MSG room 1 x\r\n"))
