"""The opening handshake: which protocol a connection speaks, and who is not let in.

`websockets` judges the request itself (RFC 6455 section 4.2); what it leaves to the server is here.
"""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import NamedTuple

from websockets.exceptions import NegotiationError
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.server import ServerProtocol
from websockets.typing import Origin, Subprotocol

from protocol.codec import CODECS
from server.config import Config

# websockets logs a line per connection at INFO; what matters of it is logged by the gateway.
_QUIET = logging.getLogger("websockets.server.plaza")
_QUIET.setLevel(logging.ERROR)

_ORIGINS_OF_PROGRAMS: list[Origin | None] = [None]


class TurnedAway(NamedTuple):
    """Why a handshake is refused that is right in itself: another try may succeed.

    Attributes:
        reason: a word, for the metrics.
        status: of HTTP.
        sentence: for whoever reads the response.
        retry_after: seconds; the header has whole ones.
    """

    reason: str
    status: HTTPStatus
    sentence: str
    retry_after: int

    def response(self, protocol: ServerProtocol) -> Response:
        """The answer to the request."""
        response = protocol.reject(self.status, f"{self.sentence}\n")
        response.headers["Retry-After"] = str(self.retry_after)
        return response


DRAINING = TurnedAway(
    "draining", HTTPStatus.SERVICE_UNAVAILABLE, "The server is shutting down. Retry.", 1
)


class _Protocol(ServerProtocol):
    """websockets' protocol, but for two rules: ours, and one of RFC 6455 that it does not know."""

    def select_subprotocol(self, subprotocols: Sequence[Subprotocol]) -> Subprotocol | None:
        """The first of the client's subprotocols that Plaza speaks; none offered means JSON."""
        for subprotocol in subprotocols:
            if subprotocol in CODECS:
                return subprotocol
        if subprotocols:
            raise NegotiationError(f"offer one of the subprotocols {', '.join(CODECS)}")
        return None

    def recv_frame(self, frame: Frame) -> None:
        """Process a frame."""
        if frame.opcode is Opcode.CLOSE:  # may come between fragments: section 5.4
            self.current_size = None
        super().recv_frame(frame)


class Handshakes:
    """Makes the protocol of each connection, with what the configuration allows.

    Args:
        config: of the process.
    """

    def __init__(self, config: Config) -> None:
        self._max_size = config.limits.message_bytes or None
        self._origins: Sequence[Origin | None] | None = None
        if config.server.origins:
            self._origins = [*map(Origin, config.server.origins), *_ORIGINS_OF_PROGRAMS]
        self._extensions = None
        if config.gateway.deflate:
            self._extensions = [
                ServerPerMessageDeflateFactory(
                    server_no_context_takeover=True, client_no_context_takeover=True
                )
            ]

    def protocol(self) -> ServerProtocol:
        """A new connection's."""
        return _Protocol(
            origins=self._origins,
            extensions=self._extensions,
            max_size=self._max_size,
            logger=_QUIET,
        )
