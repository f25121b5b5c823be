"""A client's end of a WebSocket, frame by frame (RFC 6455). It corrects nothing: tests can say with
it what no proper client would.
"""

import asyncio
import socket
import struct
import zlib
from enum import IntEnum
from typing import NamedTuple
from urllib.parse import urlsplit

from websockets.frames import apply_mask

# Long for an event on the same machine, short for whoever waits for a test to fail.
PATIENCE = 10.0

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # of RFC 6455 section 1.3, and its answer
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

FIN = 0x80
RSV1, RSV2, RSV3 = 0x40, 0x20, 0x10

# Of a client that would like its messages compressed.
DEFLATE = {"Sec-WebSocket-Extensions": "permessage-deflate"}


class Opcode(IntEnum):
    CONT, TEXT, BINARY = 0x0, 0x1, 0x2
    CLOSE, PING, PONG = 0x8, 0x9, 0xA


class Frame(NamedTuple):
    """A frame as it was received. `first` is the header's first byte: FIN, RSV bits and opcode."""

    first: int
    payload: bytes

    @property
    def opcode(self) -> int:
        return self.first & 0x0F


class Closed(Exception):
    """The server has closed the connection; 1006: without a close frame."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class Rejected(Exception):
    """The server did not upgrade the connection."""

    def __init__(self, status: int, headers: dict[str, str], body: str) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.headers = headers
        self.body = body


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    """A client's frame, which is masked."""
    first, length = (FIN if fin else 0) | rsv | opcode, len(payload)
    if length < 126:
        header = struct.pack("!BB", first, 0x80 | length)
    elif length < 65_536:
        header = struct.pack("!BBH", first, 0x80 | 126, length)
    else:
        header = struct.pack("!BBQ", first, 0x80 | 127, length)
    mask = b"\xa5\x5a\x3c\xc3"
    return header + mask + apply_mask(payload, mask)


def text(payload: str | bytes, *, rsv: int = 0) -> bytes:
    payload = payload.encode() if isinstance(payload, str) else payload
    return frame(Opcode.TEXT, payload, rsv=rsv)


def close_frame(code: int, reason: str = "") -> bytes:
    return frame(Opcode.CLOSE, struct.pack("!H", code) + reason.encode())


def deflated(payload: bytes) -> bytes:
    """A compressed message's payload (RFC 7692 section 7.2.1)."""
    compress = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return (compress.compress(payload) + compress.flush(zlib.Z_SYNC_FLUSH))[:-4]


def inflated(payload: bytes, *, window: int = zlib.MAX_WBITS) -> bytes:
    """The reverse of `deflated`, for somebody who keeps so many bits of window."""
    return zlib.decompressobj(wbits=-window).decompress(payload + b"\x00\x00\xff\xff")


class WebSocket:
    """A connection, after the opening handshake. Made by `open`.

    Attributes:
        headers: of the server's answer to the handshake, names in lower case.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        headers: dict[str, str],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self.headers = headers

    @classmethod
    async def open(
        cls,
        url: str,
        path: str = "/ws",
        *,
        subprotocol: str | None = None,
        headers: dict[str, str] | None = None,
        receive_buffer: int | None = None,
    ) -> "WebSocket":
        """Connect.

        Args:
            receive_buffer: bytes that the kernel takes in for a reader that does not read.

        Raises:
            Rejected: the answer is not 101.
        """
        address = urlsplit(url)
        # Named as TCP, so that asyncio turns Nagle's algorithm off.
        connection = socket.socket(proto=socket.IPPROTO_TCP)
        if receive_buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.setblocking(False)
        async with asyncio.timeout(PATIENCE):
            await asyncio.get_running_loop().sock_connect(
                connection, (address.hostname, address.port)
            )
            # The stream pauses the socket at twice its limit: it must not read for a slow reader.
            reader, writer = await asyncio.open_connection(
                sock=connection, limit=receive_buffer or 2**16
            )
            writer.write(_request(address.netloc, path, subprotocol, headers or {}))
            status, answer = await _head(reader)
            if status != 101:
                body = (await reader.read()).decode()
                writer.close()
                raise Rejected(status, answer, body)
        return cls(reader, writer, answer)

    def write(self, data: bytes) -> None:
        """Write bytes as they are."""
        self._writer.write(data)

    async def flushed(self) -> None:
        """Let what was written leave, in a packet of its own as far as that is in our hands."""
        await self._writer.drain()
        await asyncio.sleep(0)

    async def receive(self) -> Frame:
        """The next frame, whatever it is. Raises Closed at the end of the stream."""
        try:
            async with asyncio.timeout(PATIENCE):
                first, length = await self._reader.readexactly(2)
                if length == 126:
                    (length,) = struct.unpack("!H", await self._reader.readexactly(2))
                elif length == 127:
                    (length,) = struct.unpack("!Q", await self._reader.readexactly(8))
                return Frame(first, await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            raise Closed(1006) from None

    async def closed(self) -> Closed:
        """Read up to the close frame, answer it, and wait for the end of the stream."""
        try:
            while (received := await self.receive()).opcode != Opcode.CLOSE:
                pass
            closed = closed_by(received)
            self.write(frame(Opcode.CLOSE, received.payload[:2]))
            self._writer.write_eof()
            async with asyncio.timeout(PATIENCE):
                rest = await self._reader.read()
            assert rest == b"", f"after the close frame: {rest!r}"
        except (Closed, ConnectionError) as end:
            closed = end if isinstance(end, Closed) else closed
        self.abort()
        return closed

    def write_eof(self) -> None:
        """End our side of the TCP connection."""
        self._writer.write_eof()

    def abort(self) -> None:
        """End the TCP connection at once, without a word."""
        self._writer.transport.abort()


def closed_by(received: Frame) -> Closed:
    """What a close frame says; 1005: nothing."""
    if not received.payload:
        return Closed(1005)
    (code,) = struct.unpack("!H", received.payload[:2])
    return Closed(code, received.payload[2:].decode())


def _request(host: str, path: str, subprotocol: str | None, headers: dict[str, str]) -> bytes:
    fields = {
        "Host": host,
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": KEY,
    }
    if subprotocol is not None:
        fields["Sec-WebSocket-Protocol"] = subprotocol
    fields |= headers
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode()


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    status_line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return int(status_line.split()[1]), headers
