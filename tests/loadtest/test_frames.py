"""Frames are what websockets, which knows the RFC, makes and reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side

from loadtest.frames import client_frame, split_frames

SIZES = (0, 1, 125, 126, 65_535, 65_536, 100_000)
PAYLOADS = st.lists(st.binary(max_size=300), max_size=5)


def server_frame(payload: bytes, opcode: Opcode = Opcode.TEXT) -> bytes:
    return Frame(opcode, payload).serialize(mask=False)


@pytest.mark.parametrize("size", SIZES)
def test_a_server_reads_our_frames(size: int) -> None:
    server = Protocol(Side.SERVER)
    server.receive_data(client_frame(b"x" * size))
    (frame,) = server.events_received()
    assert isinstance(frame, Frame)
    assert (frame.opcode, frame.fin, frame.data) == (Opcode.TEXT, True, b"x" * size)


@pytest.mark.parametrize("size", SIZES)
def test_we_read_a_server_s_frames(size: int) -> None:
    assert split_frames(server_frame(b"x" * size)) == ([(Opcode.TEXT, b"x" * size)], b"")


@given(payloads=PAYLOADS, data=st.data())
def test_wherever_the_network_cuts_them(payloads: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(map(server_frame, payloads))
    cut = data.draw(st.integers(0, len(stream)))
    first, rest = split_frames(stream[:cut])
    second, nothing = split_frames(rest + stream[cut:])
    assert [payload for _, payload in first + second] == payloads
    assert nothing == b""
