"""server/proxies.py."""

import pytest
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from server.proxies import TrustedProxies

PROXIES = ["10.0.0.5", "192.168.0.0/16", "2001:db8:ff::/48"]

CASES = [
    # peer, X-Forwarded-For, whose connection it is
    ("203.0.113.9", [], "203.0.113.9"),
    ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),  # nobody's proxy
    ("10.0.0.5", [], "10.0.0.5"),
    ("10.0.0.5", ["198.51.100.1"], "198.51.100.1"),
    ("10.0.0.5", ["1.2.3.4, 198.51.100.1"], "198.51.100.1"),  # the client wrote the first one
    ("10.0.0.5", ["1.2.3.4", "198.51.100.1"], "198.51.100.1"),
    ("10.0.0.5", ["198.51.100.1, 192.168.3.4"], "198.51.100.1"),
    ("10.0.0.5", ["198.51.100.1,192.168.3.4,10.0.0.5"], "198.51.100.1"),
    ("10.0.0.5", ["192.168.3.4, 10.0.0.5"], "192.168.3.4"),  # a proxy itself is the client
    ("192.168.9.9", ["2001:db8::1"], "2001:db8::1"),
    ("2001:db8:ff::7", ["198.51.100.1:4711"], "198.51.100.1"),
    ("10.0.0.5", ["[2001:db8::1]:4711"], "2001:db8::1"),
    ("10.0.0.5", ["[2001:db8::1]"], "2001:db8::1"),
    ("10.0.0.5", ["unknown"], "unknown"),
    ("10.0.0.5", [""], "10.0.0.5"),
    ("10.0.0.5", ["1.2.3.4, "], "10.0.0.5"),
    ("somewhere", ["1.2.3.4"], "somewhere"),
]


@pytest.mark.parametrize(("peer", "forwarded", "client"), CASES)
def test_whose_connection_it_is(peer: str, forwarded: list[str], client: str) -> None:
    assert TrustedProxies(PROXIES).client(peer, forwarded) == client


@pytest.mark.parametrize(("peer", "forwarded", "client"), CASES)
async def test_uvicorn_says_the_same_of_requests(
    peer: str, forwarded: list[str], client: str
) -> None:
    seen = []

    async def app(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        seen.append(scope["client"][0])

    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    scope = {"type": "http", "client": (peer, 1), "headers": headers}
    middleware = ProxyHeadersMiddleware(app, PROXIES)  # type: ignore[arg-type]
    await middleware(scope, None, None)  # type: ignore[arg-type]
    assert seen == [client]


def test_an_ipv4_peer_of_a_socket_for_ipv6() -> None:
    assert TrustedProxies(PROXIES).client("::ffff:10.0.0.5", ["198.51.100.1"]) == "198.51.100.1"


def test_a_network_may_be_given_by_any_address_in_it() -> None:
    assert TrustedProxies(["10.0.0.5/24"]).client("10.0.0.77", ["198.51.100.1"]) == "198.51.100.1"


def test_nobody_is_trusted_without_being_named() -> None:
    assert TrustedProxies([]).client("127.0.0.1", ["198.51.100.1"]) == "127.0.0.1"
