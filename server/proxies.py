"""Whose connection it is, when it comes through reverse proxies.

For HTTP requests uvicorn does this; an upgrade request goes to the gateway as it came.
"""

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class TrustedProxies:
    """The reverse proxies that are believed.

    Args:
        networks: their addresses, or networks that they are in.
    """

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = [ipaddress.ip_network(network, strict=False) for network in networks]

    def client(self, peer: str, forwarded: Iterable[str]) -> str:
        """The address that a request comes from.

        Every proxy appends the address that it was asked by. So the list is read from its end, for
        as long as those who wrote it are trusted: what stands further left, anybody may have
        written.

        Args:
            peer: the address at the other end of the connection.
            forwarded: the values of the headers X-Forwarded-For, in their order.
        """
        client = peer
        entries = [entry.strip() for value in forwarded for entry in value.split(",")]
        while entries and self._trusts(client):
            entry = _without_port(entries.pop())
            if not entry:
                break
            client = entry
        return client

    def _trusts(self, host: str) -> bool:
        if not self._networks:
            return False
        address = _parsed(host)
        return address is not None and any(address in network for network in self._networks)


def _parsed(host: str) -> Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if address.version == 6 else None
    return mapped or address  # a socket that listens on IPv6 shows IPv4 peers so


def _without_port(entry: str) -> str:
    """`192.0.2.1:4711` and `[2001:db8::1]:4711` without the port, which some proxies add."""
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    if entry.count(":") == 1:
        return entry.partition(":")[0]
    return entry
