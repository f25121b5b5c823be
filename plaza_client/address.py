"""The two addresses of a server, from whichever a person gave; and when to call there again."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit, urlunsplit

_SOCKET_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_REST_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


def socket_url(url: str) -> str:
    """Where the WebSocket is. Raises ValueError for what is no address of a server."""
    return _with_path(url, _SOCKET_SCHEMES, "/ws")


def rest_url(url: str) -> str:
    """Where the REST interface is. Raises ValueError for what is no address of a server."""
    return _with_path(url, _REST_SCHEMES, "/api/v1")


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """The seconds that a response's header Retry-After (RFC 9110 section 10.2.3) asks to wait."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _with_path(url: str, schemes: dict[str, str], path: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.netloc:
        raise ValueError(f"A server's address looks like http://127.0.0.1:8080, not like {url!r}.")
    root = parts.path.rstrip("/").removesuffix("/ws")
    return urlunsplit((schemes[parts.scheme], parts.netloc, root + path, "", ""))
