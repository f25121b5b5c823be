"""The debug session at /ws/echo: sends every message back.

So conformance suites can be run against the gateway's own protocol class.
"""

from websockets.http11 import Request

from protocol.close import INVALID_PAYLOAD
from server.gateway import GatewayProtocol


class EchoSession:
    """Sends back what comes. No hello needed."""

    __slots__ = ("_connection",)

    def __init__(self, connection: GatewayProtocol, _: Request) -> None:
        self._connection = connection
        connection.settle()

    def message(self, payload: bytes, *, text: bool) -> None:
        """Send the message back; text has to be UTF-8 (RFC 6455 section 8.1)."""
        if text:
            try:
                payload.decode()
            except UnicodeDecodeError:
                self._connection.close(INVALID_PAYLOAD)
                return
        self._connection.reply(payload, text=text)

    def lost(self) -> None:
        """Nothing is kept."""

    @property
    def busy(self) -> bool:
        """Every message is answered at once."""
        return False
