"""What the reader makes of bytes is what `websockets` alone makes of them, however they are cut."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN, State
from websockets.server import ServerProtocol

from server.frame_reader import FrameReader

LIMIT = 1000
FRAGMENTS = 4
KEY = bytes((1, 2, 3, 4))

UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)


class Seen(NamedTuple):
    """What a connection's bytes have led to."""

    messages: list[tuple[bytes, bool]]
    too_many: int
    said: bytes
    state: State


class Sink:
    """Lets the connection in, and notes what comes."""

    def __init__(self, protocol: ServerProtocol) -> None:
        self._protocol = protocol
        self.messages: list[tuple[bytes, bool]] = []
        self.too_many = 0

    def opening(self, request: Request) -> None:
        self._protocol.send_response(self._protocol.accept(request))

    def message(self, payload: bytes, *, text: bool) -> None:
        self.messages.append((payload, text))

    def fragmented(self) -> None:
        self.too_many += 1


class Alone:
    """`websockets`, and nothing between it and the sink."""

    def __init__(self, protocol: ServerProtocol, sink: Sink) -> None:
        self._protocol = protocol
        self._sink = sink
        self._pieces: list[bytes] | None = None
        self._text = False

    def feed(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._sink.opening(event)
            elif isinstance(event, Frame):
                self._frame(event)

    def _frame(self, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._pieces, self._text = [], frame.opcode is Opcode.TEXT
        elif frame.opcode is not Opcode.CONT:
            return
        if self._pieces is None:
            return
        self._pieces.append(bytes(frame.data))
        if frame.fin:
            self._sink.message(b"".join(self._pieces), text=self._text)
            self._pieces = None
        elif len(self._pieces) >= FRAGMENTS:
            self._pieces = None
            self._sink.fragmented()


def seen(chunks: list[bytes], *, alone: bool, deflate: bool = False) -> Seen:
    extensions = [ServerPerMessageDeflateFactory()] if deflate else None
    protocol = ServerProtocol(max_size=LIMIT, extensions=extensions)
    sink = Sink(protocol)
    reader = Alone(protocol, sink) if alone else FrameReader(protocol, sink, fragments=FRAGMENTS)
    reader.feed(UPGRADE)
    protocol.data_to_send()
    said = b""
    for chunk in chunks:
        reader.feed(chunk)
        said += b"".join(protocol.data_to_send())
    return Seen(sink.messages, sink.too_many, said, protocol.state)


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, mask: bool = True
) -> bytes:
    length = len(payload)
    if length < 126:
        head = bytes((fin << 7 | rsv | opcode, mask << 7 | length))
    elif length < 65_536:
        head = bytes((fin << 7 | rsv | opcode, mask << 7 | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((fin << 7 | rsv | opcode, mask << 7 | 127)) + length.to_bytes(8, "big")
    if not mask:
        return head + payload
    masked = bytes(byte ^ KEY[index % 4] for index, byte in enumerate(payload))
    return head + KEY + masked


payloads = st.binary(max_size=200) | st.sampled_from([b"x" * 125, b"x" * 126, b"x" * LIMIT])
whole = st.builds(frame, st.sampled_from([1, 2]), payloads)
control = st.builds(frame, st.sampled_from([9, 10]), st.binary(max_size=125))
pieces = st.lists(payloads, min_size=2, max_size=5).map(
    lambda parts: b"".join(
        frame(1 if n == 0 else 0, part, fin=n == len(parts) - 1) for n, part in enumerate(parts)
    )
)
closing = st.just(frame(8, b"\x03\xe8"))
wrong = st.one_of(
    st.builds(frame, st.integers(0, 15), payloads, fin=st.booleans(), rsv=st.sampled_from([0, 64])),
    st.builds(frame, st.sampled_from([1, 2]), st.just(b"six or more"), mask=st.just(False)),
    st.just(frame(2, b"x" * (LIMIT + 1))),
    st.just(frame(2, b"x" * 66_000)),
)


@st.composite
def streams(draw: st.DrawFn) -> list[bytes]:
    """Frames, mostly right ones, cut anywhere."""
    frames = draw(st.lists(whole | whole | control | pieces, max_size=8))
    frames += draw(st.lists(wrong | closing, max_size=1)) + draw(st.lists(whole, max_size=2))
    data = b"".join(frames)
    cuts = sorted(draw(st.sets(st.integers(0, len(data)), max_size=12)))
    return [
        data[begin:end]
        for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True)
        if begin < end
    ]


@given(streams())
def test_it_reads_as_websockets_does(chunks: list[bytes]) -> None:
    assert seen(chunks, alone=False) == seen(chunks, alone=True)


@given(streams())
def test_and_with_compression_offered(chunks: list[bytes]) -> None:
    assert seen(chunks, alone=False, deflate=True) == seen(chunks, alone=True, deflate=True)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 999, LIMIT])
def test_byte_by_byte(size: int) -> None:
    data = frame(1, b"a" * size) + frame(9, b"ping") + frame(2, b"b" * size)
    found = seen([bytes((byte,)) for byte in data], alone=False)
    assert found.messages == [(b"a" * size, True), (b"b" * size, False)]
    assert found.state is OPEN


def test_a_plain_message_passes_websockets_by() -> None:
    protocol = ServerProtocol(max_size=LIMIT, state=OPEN)
    sink = Sink(protocol)
    reader = FrameReader(protocol, sink, fragments=FRAGMENTS)
    protocol.receive_data = None  # type: ignore[method-assign, assignment]
    reader.feed(frame(1, b"one") + frame(2, b"two"))
    assert sink.messages == [(b"one", True), (b"two", False)]


def test_what_comes_behind_our_own_close_is_the_protocol_s() -> None:
    protocol = ServerProtocol(max_size=LIMIT, state=OPEN)
    sink = Sink(protocol)
    reader = FrameReader(protocol, sink, fragments=FRAGMENTS)
    reader.feed(frame(1, b"cut")[:3])
    protocol.send_close(1001)
    reader.feed(frame(1, b"cut")[3:] + frame(8, b"\x03\xe9"))
    assert protocol.close_rcvd is not None
    assert sink.messages == [(b"cut", True)]
