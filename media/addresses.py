"""The addresses of the endpoint: which it listens on, and which it tells peers."""

import asyncio
import errno
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import TracebackType
from typing import Self

import ifaddr

BACKLOG = 128
TRIES = 32
"""To find a number that is free for UDP and TCP, IPv4 and IPv6, where any will do."""


class PortUnavailable(Exception):
    """The address cannot be listened on. The message says why, and which setting to change."""


class UnknownAddress(Exception):
    """What is to be announced has no address. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The sockets of an endpoint, all on one port number. A context that closes them.

    Attributes:
        port: the number.
        addresses: that they are bound to, one of IPv4, one of IPv6, or both.
        udp: non-blocking, one for each address.
        tcp: listening, one for each address; none where TCP is not wanted.
    """

    port: int
    addresses: tuple[str, ...]
    udp: tuple[socket.socket, ...]
    tcp: tuple[socket.socket, ...]

    def close(self) -> None:
        """Close all of them. May be called again."""
        for bound in (*self.udp, *self.tcp):
            bound.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def bind(host: str, port: int, *, tcp: bool = True) -> Bound:
    """Reserve the port, UDP and TCP.

    Args:
        host: an address, or a name: one address of each family that it has is taken. `::` is
            all addresses of both families, `0.0.0.0` those of IPv4.
        port: 0 takes any that is free.
        tcp: listen for TCP (RFC 6544) as well.

    Raises:
        PortUnavailable: it is taken, not of this machine, or not allowed.
    """
    addresses = _addresses_of(host)
    for attempt in range(TRIES):
        try:
            return _bind(addresses, port, tcp=tcp)
        except OSError as error:
            last = port or attempt == TRIES - 1
            if last or error.errno != errno.EADDRINUSE:
                raise PortUnavailable(_reason(host, port, error)) from None
    raise AssertionError  # the last try raises


def _addresses_of(host: str) -> tuple[str, ...]:
    if host == "::":
        return ("0.0.0.0", "::")  # noqa: S104 - what was asked for
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:  # the latter of what can be no host's name
        reason = error.strerror if isinstance(error, OSError) else "no host has such a name"
        raise PortUnavailable(
            f"The host {host!r} is not known: {reason}. Set media.host to an address of this "
            "machine."
        ) from None
    first = {family: str(address[0]) for family, _, _, _, address in reversed(found)}
    return tuple(first[family] for family in (socket.AF_INET, socket.AF_INET6) if family in first)


def _bind(addresses: Sequence[str], port: int, *, tcp: bool) -> Bound:
    udp: list[socket.socket] = []
    listening: list[socket.socket] = []
    taken: list[str] = []
    with ExitStack() as stack:
        for address in addresses:
            try:
                bound = stack.enter_context(_socket(address, port, socket.SOCK_DGRAM))
            except OSError as error:
                # A machine without IPv6 has `::`, and `localhost` often is ::1, all the same.
                if taken and error.errno in {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}:
                    continue
                raise
            port = bound.getsockname()[1]
            udp.append(bound)
            taken.append(address)
            if tcp:
                listening.append(stack.enter_context(_socket(address, port, socket.SOCK_STREAM)))
                listening[-1].listen(BACKLOG)
        stack.pop_all()
    return Bound(port, tuple(taken), tuple(udp), tuple(listening))


def _socket(address: str, port: int, kind: socket.SocketKind) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, kind)
    try:
        made.setblocking(False)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == socket.SOCK_STREAM:
            # What the last process's connections have left behind is not in the way. Of UDP it
            # would let two servers have the port, and each get some of the datagrams.
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
    except OSError:
        made.close()
        raise
    return made


def _reason(host: str, port: int, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return (
                f"The media port {port} of {host} (UDP and TCP) is taken by another program, such "
                "as another plaza. Stop it, or choose another one with --media-port (media.port; 0 "
                "takes any free one)."
            )
        case errno.EACCES:
            return (
                f"The media port {port} is not allowed to this user. Choose one above 1023 with "
                "media.port."
            )
        case errno.EADDRNOTAVAIL:
            return f"{host} is no address of this machine. Choose another one with media.host."
    return f"The media port {port} of {host} cannot be had: {error.strerror}. See media.port."


async def announced(names: Sequence[str], bound: Bound) -> tuple[str, ...]:
    """The addresses that peers are told, best first.

    Args:
        names: addresses, or names of hosts, which are resolved; empty: the addresses that it is
            bound to, or all of the machine's interfaces where that is a wildcard.

    Raises:
        UnknownAddress: one of the names has no address, or there is none to tell.
    """
    if names:
        found = [address for name in names for address in await _resolved(name, bound)]
    else:
        found = [address for own in bound.addresses for address in _reachable_at(own)]
    if not found:
        raise UnknownAddress(
            "There is no address that peers could be told: none of the interfaces', or none of the "
            "names' that is of a family media.host has. Set media.announced_addresses."
        )
    return tuple(dict.fromkeys(found))


async def _resolved(name: str, bound: Bound) -> list[str]:
    try:
        address = ip_address(name)
    except ValueError:
        pass
    else:
        if address.is_unspecified or address.is_multicast:
            raise UnknownAddress(
                f"media.announced_addresses: nobody is reached at {name}. Name the address at "
                "which peers find this machine."
            )
        return [str(address)]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no host has such a name"
        raise UnknownAddress(
            f"media.announced_addresses: {name!r} is neither an IP address nor a host that is "
            f"known: {reason}."
        ) from None
    # A name's address of a family that is not listened on is of no use; one that is written down
    # may be translated on the way.
    families = {":" in own for own in bound.addresses}
    return [str(address[0]) for *_, address in found if (":" in str(address[0])) in families]


def _reachable_at(own: str) -> list[str]:
    """The address itself, or those of the interfaces if it is a wildcard."""
    if not ip_address(own).is_unspecified:
        return [own]
    addresses = [ip_address(text) for text in _of_interfaces() if (":" in text) == (":" in own)]
    usable = [address for address in addresses if not address.is_link_local]
    outside = [address for address in usable if not address.is_loopback]
    # Public ones first; loopback is for machines without a network.
    return [str(address) for address in sorted(outside or usable, key=_rank)]


def _rank(address: IPv4Address | IPv6Address) -> bool:
    return not address.is_global


def _of_interfaces() -> list[str]:
    return [
        ip.ip if isinstance(ip.ip, str) else ip.ip[0]
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
    ]
