"""Datagrams on a TCP connection: 16 bits of length before each (RFC 4571, 2; RFC 6544, 10.1)."""

# Of a frame: what a datagram of WebRTC never has. Whoever announces more is no peer of ours.
FRAME_BYTES = 8192


def frame(datagram: bytes | memoryview) -> bytes:
    """A datagram as it stands in the stream.

    Args:
        datagram: of 65,535 bytes at most.
    """
    return len(datagram).to_bytes(2, "big") + datagram


class Deframer:
    """Cuts a stream into datagrams. Keeps less than a frame.

    Args:
        limit: bytes that a frame may have.
    """

    __slots__ = ("_broken", "_limit", "_rest")

    def __init__(self, limit: int = FRAME_BYTES) -> None:
        self._limit = limit
        self._rest = b""
        self._broken = False

    def feed(self, data: bytes) -> list[bytes] | None:
        """Take what has come.

        Returns:
            The datagrams that are whole now; empty frames, which mean nothing (RFC 4571, 2), are
            left out. None: one is announced that is longer than allowed. What comes after that has
            no meaning, so None is all there is from then on.
        """
        if self._broken:
            return None
        rest = self._rest + data if self._rest else data
        found = []
        position, end = 0, len(rest)
        while end - position >= 2:
            length = int.from_bytes(rest[position : position + 2], "big")
            if length > self._limit:
                self._broken = True
                self._rest = b""
                return None
            following = position + 2 + length
            if following > end:
                break
            if length:
                found.append(rest[position + 2 : following])
            position = following
        self._rest = rest[position:]
        return found
