"""Bytes of one connection to whole messages.

`websockets` reads the opening handshake, control frames, fragments, compressed frames, and whatever
is wrong; its verdict on those is the protocol's. But nearly every frame is none of these: a message
in one piece, masked, complete in the read that brings it. Such a frame is taken here, which makes a
command a third cheaper (`python -m tests.benchmarks.inbound`): `websockets` sees whole other frames
before and after it, and nothing of it.
"""

from typing import Protocol

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

try:  # as websockets itself does: where its C is not to be had, Python does the work
    from websockets.speedups import apply_mask
except ImportError:  # pragma: no cover
    from websockets.utils import apply_mask

# First bytes (RFC 6455 section 5.2): FIN, no RSV bit, and the opcode.
_TEXT = 0x80 | Opcode.TEXT
_WHOLE = (_TEXT, 0x80 | Opcode.BINARY)

_MASKED = 0x80
_KEY_BYTES = 4


class Sink(Protocol):
    """Gets what was read."""

    def opening(self, request: Request) -> None:
        """The upgrade request has come."""

    def message(self, payload: bytes, *, text: bool) -> None:
        """A message has come, in one piece."""

    def fragmented(self) -> None:
        """A message has come in more pieces than are allowed; the rest of it is dropped."""


class FrameReader:
    """Reads one connection.

    Args:
        protocol: of the connection; the reader feeds it, and reads its events.
        sink: gets what was read.
        fragments: that a message may come in; 0: any number.
    """

    __slots__ = ("_due", "_fragments", "_limit", "_pieces", "_protocol", "_rest", "_sink", "_text")

    def __init__(self, protocol: ServerProtocol, sink: Sink, *, fragments: int) -> None:
        self._protocol = protocol
        self._sink = sink
        self._fragments = fragments
        self._limit = protocol.max_message_size
        self._pieces: list[bytes] | None = None
        self._text = False
        self._rest = b""  # of a header that is cut off
        self._due = 0  # bytes of a frame whose beginning the protocol has seen

    def feed(self, data: bytes) -> None:
        """Take in bytes as they come from the socket.

        The upgrade request comes alone: uvicorn writes it anew.
        """
        protocol = self._protocol
        if self._rest:
            data, self._rest = self._rest + data, b""
        if self._due and protocol.state is OPEN:
            due = self._due
            self._due = max(0, due - len(data))
            self._to_protocol(data[:due])
            data = data[due:]
        if protocol.state is OPEN:
            self._frames(data)
        elif data:
            self._to_protocol(data)

    def _frames(self, data: bytes) -> None:
        """Take in bytes that begin with a frame."""
        protocol, size, at = self._protocol, len(data), 0
        while at < size:
            if size - at > 1 and data[at + 1] < _MASKED:  # which section 5.1 forbids
                self._to_protocol(data[at:])
                return
            begin, end = _extent(data, at)
            if not begin:
                self._rest = data[at:]
                return
            if end > size:
                self._due = end - size
                self._to_protocol(data[at:])
                return
            first = data[at]
            if (
                first in _WHOLE
                and (self._limit is None or end - begin <= self._limit)
                and protocol.current_size is None  # no fragments are under way
            ):
                payload = apply_mask(data[begin:end], data[begin - _KEY_BYTES : begin])
                self._sink.message(payload, text=first == _TEXT)
            else:
                self._to_protocol(data[at:end])
            at = end
            if at < size and protocol.state is not OPEN:
                self._to_protocol(data[at:])
                return

    def _to_protocol(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._frame(event)
            elif isinstance(event, Request):
                self._sink.opening(event)

    def _frame(self, frame: Frame) -> None:
        opcode = frame.opcode
        if opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            self._text = opcode is Opcode.TEXT
            if frame.fin:
                self._sink.message(bytes(frame.data), text=self._text)
            else:
                self._pieces = [bytes(frame.data)]
        elif opcode is Opcode.CONT and self._pieces is not None:
            self._pieces.append(bytes(frame.data))
            if frame.fin:
                message, self._pieces = b"".join(self._pieces), None
                self._sink.message(message, text=self._text)
            elif 0 < self._fragments <= len(self._pieces):
                self._pieces = None
                self._sink.fragmented()


def _extent(data: bytes, at: int) -> tuple[int, int]:
    """Where the payload of the client's frame at `at` begins and ends.

    Returns:
        (0, 0): its header is cut off.
    """
    header = at + 2 + _KEY_BYTES
    if len(data) < header:
        return 0, 0
    length = data[at + 1] & 0x7F
    if length < 126:
        return header, header + length
    header += 2 if length == 126 else 8
    if len(data) < header:
        return 0, 0
    length = int.from_bytes(data[at + 2 : header - _KEY_BYTES], "big")
    return header, header + length
