from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from plaza_client.address import rest_url, retry_after_of, socket_url


@pytest.mark.parametrize(
    ("url", "socket", "rest"),
    [
        ("http://a:1", "ws://a:1/ws", "http://a:1/api/v1"),
        ("http://a:1/", "ws://a:1/ws", "http://a:1/api/v1"),
        ("https://a", "wss://a/ws", "https://a/api/v1"),
        ("wss://a/ws", "wss://a/ws", "https://a/api/v1"),
        ("ws://[::1]:8/chat/", "ws://[::1]:8/chat/ws", "http://[::1]:8/chat/api/v1"),
    ],
)
def test_either_address_follows_from_either(url: str, socket: str, rest: str) -> None:
    assert (socket_url(url), rest_url(url)) == (socket, rest)


@pytest.mark.parametrize("url", ["", "localhost:8080", "ftp://a", "http://", "//a"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="looks like"):
        socket_url(url)


@pytest.mark.parametrize(
    ("value", "seconds"), [("7", 7.0), (" 0 ", 0.0), ("", None), ("soon", None), ("-1", None)]
)
def test_when_to_come_back(value: str, seconds: float | None) -> None:
    assert retry_after_of({"Retry-After": value}) == seconds


@pytest.mark.parametrize(("ahead", "low", "high"), [(60, 55, 60), (-60, 0, 0)])
def test_when_to_come_back_as_a_date(ahead: int, low: int, high: int) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=ahead)
    seconds = retry_after_of({"Retry-After": format_datetime(moment, usegmt=True)})
    assert seconds is not None
    assert low <= seconds <= high


def test_a_response_may_not_say_when() -> None:
    assert retry_after_of({}) is None
