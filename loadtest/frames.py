"""WebSocket frames (RFC 6455 section 5.2) as a load generator wants them: made once, read cheaply.

A load generator must cost less than the server that it measures, on the core next to it. So frames
are made ahead of time and sent again and again, and what the server sends is split with a handful
of operations a frame: a server neither masks nor, in Plaza, fragments, and no extension is offered.
"""

import struct

from websockets.frames import Opcode

_FIN = 0x80
_MASKED = 0x80

# A mask is to keep a browser's script from writing bytes of its choice to the network (section
# 10.3). There is none here, and a key of zero leaves the payload as it is; the server does the
# work of unmasking all the same.
_KEY = bytes(4)

_LENGTH_16 = struct.Struct("!BBH").pack
_LENGTH_64 = struct.Struct("!BBQ").pack


def client_frame(payload: bytes, opcode: Opcode = Opcode.TEXT) -> bytes:
    """A message of one frame, as a client sends it."""
    first, length = _FIN | opcode, len(payload)
    if length < 126:
        header = bytes((first, _MASKED | length))
    elif length < 65_536:
        header = _LENGTH_16(first, _MASKED | 126, length)
    else:
        header = _LENGTH_64(first, _MASKED | 127, length)
    return header + _KEY + payload


def split_frames(received: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Take apart what a server has sent.

    Returns:
        The opcode and payload of each frame, and the bytes of the one that is not complete yet.
    """
    frames: list[tuple[int, bytes]] = []
    start, end = 0, len(received)
    while end - start >= 2:
        payload = start + 2
        length = received[start + 1]
        if length >= 126:
            payload = start + (4 if length == 126 else 10)
            # Of a header that is cut off, too: its payload cannot be there in full either.
            length = int.from_bytes(received[start + 2 : payload], "big")
        if payload + length > end:
            break
        frames.append((received[start] & 0x0F, received[payload : payload + length]))
        start = payload + length
    return frames, received[start:]
