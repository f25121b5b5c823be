import pytest

from plaza_client.address import rest_url, socket_url


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
