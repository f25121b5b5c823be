"""What is said: texts with a number in them, all of one length, so that each can be told apart."""

import re

# Bytes of a delivery as it comes out of a WebSocket frame, the server's own words around the text
# included: of a message of some 90 bytes, with what Plaza says of it.
DELIVERY = 240
# Bytes of a message that comes back.
ECHO = 120

_DIGITS = 10
_HEAD = re.compile(rb"#(\d{%d})" % _DIGITS)


class Text:
    """Makes texts, and finds them again in what a server sends.

    Args:
        size: bytes of each; at least 11.
    """

    __slots__ = ("_filling", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        words = b" A message as people write them: a line, more or less." * (size // 50 + 1)
        self._filling = words[: size - _DIGITS - 1]

    def of(self, number: int) -> bytes:
        """The text with this number."""
        return b"#%010d%b" % (number, self._filling)

    def number(self, payload: bytes) -> int | None:
        """The number of the text in a payload; None: it has none, or one that was changed."""
        head = _HEAD.search(payload)
        if head is None or not payload.startswith(self._filling, head.end()):
            return None
        return int(head[1])
