"""What can go wrong for a client, one class per kind of culprit.

PlazaClientError
    PlazaRefused     the server said no, and why: look at the code
    ConnectionLost   the connection ended; a Client makes another one by itself
    Unreachable      there is no connection to be had (also a ConnectionError)
    AnswerTimeout    a command found no answer in time (also a TimeoutError)
    WireError        the peer does not speak Plaza's protocol
    ClientClosed     the client was used after it was closed
"""

from protocol import close
from protocol.errors import CATALOGUE


class PlazaClientError(Exception):
    """Base of all that this package raises."""


class PlazaRefused(PlazaClientError):
    """The server refused a command or request.

    Args:
        code: from the catalogue in protocol/errors.py, or a newer server's.
        message: a sentence for people.
        retry_after: seconds after which another try makes sense.
    """

    def __init__(self, code: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after

    @property
    def may_retry(self) -> bool:
        """Whether the same request can succeed later, unchanged."""
        spec = CATALOGUE.get(self.code)
        return self.retry_after is not None if spec is None else spec.retry


class ConnectionLost(PlazaClientError):
    """A WebSocket connection ended.

    Args:
        code: of the close frame (RFC 6455 section 7.4, protocol/close.py); 1006: there was none.
        reason: of the close frame.
    """

    def __init__(self, code: int, reason: str = "") -> None:
        known = close.CATALOGUE.get(code)
        text = known.text if known else (reason or "It broke off.")
        super().__init__(f"The connection ended ({code}). {text}")
        self.code = code
        self.reason = reason

    @property
    def may_retry(self) -> bool:
        """Whether to connect again."""
        return close.may_reconnect(self.code)

    @property
    def retry_after(self) -> float | None:
        """The seconds that the server asks to wait before that; None: it does not say."""
        return close.delay_of(self.reason)


class Unreachable(PlazaClientError, ConnectionError):
    """Nothing answers at the server's address, a proxy answers for it, or the server wants no more
    connections at the moment.

    Args:
        message: a sentence for people.
        retry_after: the seconds to wait that the answer named, if it did.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class AnswerTimeout(PlazaClientError, TimeoutError):
    """A command found no answer in time. Whether it was carried out is not known."""


class WireError(PlazaClientError):
    """The peer does not speak Plaza's protocol."""


class ClientClosed(PlazaClientError):
    """The client has been closed."""

    def __init__(self) -> None:
        super().__init__("The client is closed. Make another one.")
