"""The catalogue of WebSocket close codes.

RFC 6455 section 7.4 reserves 4000-4999 for applications. Plaza splits them so that a client that
does not know a code still knows what to do: 4000-4499 reconnect (with jitter), 4500-4999 do not.
"""

import re
from typing import NamedTuple


class Close(NamedTuple):
    """One line of the catalogue: the code, the name sent as the reason, and its meaning."""

    code: int
    reason: str
    text: str


SLOW = Close(4000, "slow", "The client read too slowly and too much was waiting for it.")
RESTART = Close(4001, "restart", "The server is shutting down. Reconnect; another may take over.")
HEARTBEAT_TIMEOUT = Close(4002, "heartbeat_timeout", "Nothing came from the client, not even pong.")
OVERLOADED = Close(4003, "overloaded", "The server could not take the connection in time.")
UNAVAILABLE = Close(4004, "unavailable", "The database could not be reached during hello.")

RATE_LIMITED = Close(
    4005, "rate_limited", "The client did not heed rate_limited, or connects too often. Slow down."
)
TOO_MANY_CONNECTIONS = Close(
    4006, "too_many_connections", "The account has as many connections as it may. Close one first."
)

UNAUTHORIZED = Close(4500, "unauthorized", "The access token was refused. The error says why.")
HELLO_TIMEOUT = Close(4501, "hello_timeout", "No hello came in time.")
SESSION_REVOKED = Close(4502, "session_revoked", "The session was revoked. Log in again.")

# Of RFC 6455 section 7.4.1, those that Plaza itself sends.
PROTOCOL_ERROR = Close(1002, "protocol error", "A frame broke RFC 6455.")
UNSUPPORTED_DATA = Close(
    1003, "wrong frame type", "JSON goes in text frames, MessagePack in binary frames."
)
INVALID_PAYLOAD = Close(
    1007, "invalid payload", "A frame was not valid UTF-8, JSON or MessagePack."
)
POLICY_VIOLATION = Close(1008, "policy violation", "Too many fragments in a message.")
MESSAGE_TOO_BIG = Close(1009, "message too big", "A message was longer than limits.message_bytes.")

CATALOGUE: dict[int, Close] = {
    close.code: close for close in list(globals().values()) if isinstance(close, Close)
}


_RETRY_AFTER = re.compile(r"retry_after=(\d{1,4}(?:\.\d{1,3})?)\b")


def with_delay(close: Close, seconds: float) -> Close:
    """The same, with a hint for the client to wait that long before it connects again.

    On the wire it is part of the reason: `restart; retry_after=2.5`.
    """
    return close._replace(reason=f"{close.reason}; retry_after={seconds:.1f}")


def delay_of(reason: str) -> float | None:
    """The seconds that the reason of a close frame asks to wait; None: it does not say."""
    found = _RETRY_AFTER.search(reason)
    return None if found is None else float(found[1])


def may_reconnect(code: int) -> bool:
    """Whether a client that was closed with this code should connect again.

    Codes below 4000 come from RFC 6455 and from the network (1006: no close frame at all); of
    those, only the ones that say that the client itself sent something wrong forbid it.
    """
    if code >= 4000:
        return code < 4500
    return code not in (1002, 1003, 1007, 1008, 1009, 1010)
