"""How events become WebSocket frames (RFC 6455 section 5.2).

The frames of a server are not masked, so one frame serves all receivers of the same format. That
holds for compressed ones too, because `server_no_context_takeover` (RFC 7692) makes every message
independent of those before it.
"""

import struct
import zlib

from protocol.codec import Codec
from protocol.events import Event

_FIN = 0x80
_RSV1 = 0x40  # compressed (RFC 7692 section 6)
_TEXT = 0x1
_BINARY = 0x2

_LENGTH_16 = struct.Struct("!BBH").pack
_LENGTH_64 = struct.Struct("!BBQ").pack


def frame_header(first: int, length: int) -> bytes:
    """The header of an unmasked frame.

    Args:
        first: the first byte: FIN, RSV bits and opcode.
        length: of the payload, in bytes.
    """
    if length < 126:
        return bytes((first, length))
    if length < 65_536:
        return _LENGTH_16(first, 126, length)
    return _LENGTH_64(first, 127, length)


class FramedCodec:
    """The wire format of a connection that negotiated no compression."""

    __slots__ = ("_encode", "_first", "codec")

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self._encode = codec.encode
        self._first = _FIN | (_TEXT if codec.text else _BINARY)

    def frame(self, event: Event) -> bytes:
        """The event as a frame."""
        payload = self._encode(event)
        return frame_header(self._first, len(payload)) + payload


class DeflatedCodec:
    """The wire format of a connection that negotiated permessage-deflate.

    Args:
        min_bytes: shorter payloads are sent as they are: they would hardly shrink.
    """

    __slots__ = ("_encode", "_first", "_min_bytes", "codec")

    def __init__(self, codec: Codec, *, min_bytes: int) -> None:
        self.codec = codec
        self._encode = codec.encode
        self._first = _FIN | (_TEXT if codec.text else _BINARY)
        self._min_bytes = min_bytes

    def frame(self, event: Event) -> bytes:
        """The event as a frame, compressed if it is long enough."""
        payload = self._encode(event)
        if len(payload) < self._min_bytes:
            return frame_header(self._first, len(payload)) + payload
        deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        payload = deflate.compress(payload) + deflate.flush(zlib.Z_SYNC_FLUSH)
        payload = payload[:-4]  # the empty block that every flush ends with: RFC 7692 section 7.2.1
        return frame_header(self._first | _RSV1, len(payload)) + payload
