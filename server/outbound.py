"""Requests of the server's own: the one guard that all of them pass.

Whoever posts a link makes the server ask for it, from within the operator's network. So:

- Names are resolved here, and every address that a name has must be public (server/addresses.py).
  The connection goes to the very address that was judged, by a network backend of our own below
  httpcore: a name that changes its mind between the two (DNS rebinding) gains nothing. TLS still
  asks for the name, and checks the certificate against it.
- The same holds for each redirect, of which there may be three.
- http and https alone, to the usual ports; no proxies, cookies, credentials or variables of the
  environment, for httpcore knows none of these.
- A whole request has so much time, and an answer so many bytes, before and after decompression.
"""

import asyncio
import re
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from importlib.metadata import version
from ipaddress import ip_network
from typing import Any

import httpcore
import httpx
import structlog
from msgspec import Struct

from server.addresses import Address, Network, is_public, parse_address
from server.config import Config

logger = structlog.get_logger(__name__)

USER_AGENT = f"Plaza/{version('plaza')} (link preview bot)"
REDIRECTS = 3
AT_ONCE = 8
MAX_URL = 4_096
MAX_PORT = 65_535
CONNECT_SECONDS = 3.0  # to one address, before the next one is tried
_RESOLVERS = 4  # threads: a name server that does not answer must not hold up those of the process

# A name, in Punycode if need be, or an address: httpx is not as strict.
_HOST = re.compile(rb"[a-z0-9._-]{1,253}|[0-9a-f:.]{2,45}")
_REDIRECT = {301, 302, 303, 307, 308}


class OutboundError(Exception):
    """There is no answer, or none that we would take. The message says why."""


class Fetched(Struct, frozen=True, kw_only=True):
    """An answer.

    Attributes:
        url: where it came from in the end.
        media_type: in lower case, without parameters.
        content_type: as the answer had it.
        complete: the body was not cut off.
    """

    url: str
    media_type: str
    content_type: str
    body: bytes
    complete: bool = True


Resolve = Callable[[str, int], Sequence[str]]


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, as the system finds them; blocks.

    Raises:
        OSError: it has none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class _PinnedBackend(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were judged, and to nothing else."""

    def __init__(self, *, ports: Collection[int], allowed: Sequence[Network], ask: Resolve) -> None:
        self._ports = frozenset(ports)
        self._allowed = allowed
        self._ask = ask
        self._network = httpcore.AnyIOBackend()
        self._threads = ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="resolver")

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a name. Whatever it is called, no address is asked for again after this."""
        addresses = await self._judged(host, port)
        problem: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                return await self._network.connect_tcp(
                    str(address), port, timeout or CONNECT_SECONDS, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Refuse.

        Raises:
            OutboundError: always.
        """
        raise OutboundError("sockets of this machine are not for requests")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def _judged(self, host: str, port: int) -> list[Address]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._threads, self._ask, host, port)
        except (OSError, UnicodeError) as error:
            raise OutboundError(f"{host} cannot be resolved") from error
        addresses = [parse_address(text) for text in found]
        for address in addresses:
            # All of them: a name with a public and a private address is up to something.
            if not any(address in network for network in self._allowed):
                if not is_public(address):
                    raise OutboundError(f"{host} is at {address}, which is not public")
                if port not in self._ports:
                    raise OutboundError(f"requests to port {port} are not allowed")
        return addresses


class Outbound:
    """Makes requests.

    Args:
        ports: to which they may go.
        allowed: networks that they may go to, on any port, although they are not public.
        seconds: that a whole request may take, redirects included.
        ask: the addresses of a name; called in a thread.
        trust: which certificates are believed; the system's by default.
    """

    def __init__(
        self,
        *,
        ports: Collection[int] = (80, 443),
        allowed: Sequence[Network] = (),
        seconds: float = 10,
        ask: Resolve = resolve,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._backend = _PinnedBackend(ports=ports, allowed=allowed, ask=ask)
        self._seconds = seconds
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._trust = trust

    @classmethod
    def of(cls, config: Config) -> "Outbound":
        """Make requests as the configuration allows."""
        return cls(
            ports=config.outbound.ports,
            allowed=[ip_network(net, strict=False) for net in config.debug.outbound_networks],
            seconds=config.outbound.seconds,
        )

    async def fetch(
        self, url: str, *, accept: Sequence[str], max_bytes: int, cut: bool = False
    ) -> Fetched:
        """Ask for what is at an address.

        Args:
            url: http or https.
            accept: media types, such as text/html; an answer of another is not read.
            max_bytes: of the body, decompressed.
            cut: a longer body is cut off there, rather than refused.

        Raises:
            OutboundError: it is not allowed, fails, takes too long, or is not what was asked for.
        """
        async with self._turns:
            try:
                async with asyncio.timeout(self._seconds):
                    return await self._follow(url, accept, max_bytes, cut=cut)
            except TimeoutError:
                raise OutboundError(f"no answer within {self._seconds:g} s") from None
            except (
                httpcore.NetworkError,
                httpcore.ProtocolError,
                httpcore.TimeoutException,
                httpcore.UnsupportedProtocol,
                ssl.SSLError,
                OSError,
            ) as error:
                raise OutboundError(f"the connection failed: {error}") from error

    async def _follow(
        self, url: str, accept: Sequence[str], max_bytes: int, *, cut: bool
    ) -> Fetched:
        target = _checked(url)
        for _ in range(REDIRECTS + 1):
            found = await self._ask_once(target, accept, max_bytes, cut=cut)
            if isinstance(found, Fetched):
                return found
            target = _checked(found, target)
        raise OutboundError(f"more than {REDIRECTS} redirects")

    async def _ask_once(
        self, target: httpx.URL, accept: Sequence[str], max_bytes: int, *, cut: bool
    ) -> Fetched | str:
        """One request. Returns the answer, or where to ask instead."""
        headers = [
            (b"Host", target.netloc),
            (b"User-Agent", USER_AGENT.encode()),
            (b"Accept", ", ".join(accept).encode()),
            (b"Accept-Encoding", b"gzip"),
            (b"Connection", b"close"),
        ]
        if self._trust is None:
            self._trust = ssl.create_default_context()
        async with (
            # A pool for each request: a connection that stays open would be one that is not judged.
            httpcore.AsyncConnectionPool(
                ssl_context=self._trust, network_backend=self._backend, max_keepalive_connections=0
            ) as pool,
            pool.stream("GET", _core_url(target), headers=headers) as response,
        ):
            fields = {name.lower(): value for name, value in response.headers}
            if response.status in _REDIRECT and b"location" in fields:
                return fields[b"location"].decode("latin-1")
            if response.status != 200:
                raise OutboundError(f"the answer's status is {response.status}")
            content_type = fields.get(b"content-type", b"").decode("latin-1")
            media_type = content_type.partition(";")[0].strip().lower()
            if media_type not in accept:
                raise OutboundError(f"the answer is {media_type[:80] or 'of no type'}")
            encoding = fields.get(b"content-encoding", b"").decode("latin-1").strip().lower()
            body, complete = await _bounded(response.aiter_stream(), encoding, max_bytes)
        if not complete and not cut:
            raise OutboundError(f"the answer is longer than {max_bytes} bytes")
        return Fetched(
            url=str(target),
            media_type=media_type,
            content_type=content_type,
            body=body,
            complete=complete,
        )


def _checked(url: str, base: httpx.URL | None = None) -> httpx.URL:
    """Read an address, relative to another one or not.

    Raises:
        OutboundError: it is malformed, or not of a kind that we ask for.
    """
    if len(url) > MAX_URL:
        raise OutboundError("the address is too long")
    try:
        found = httpx.URL(url) if base is None else base.join(url)
        port = found.port
    except (httpx.InvalidURL, ValueError, UnicodeError) as error:
        raise OutboundError(f"the address is malformed: {error}") from error
    if found.scheme not in ("http", "https"):
        raise OutboundError("the address is neither http nor https")
    if not _HOST.fullmatch(found.raw_host) or port == 0 or (port or 80) > MAX_PORT:
        raise OutboundError("the address has no proper host or port")
    if found.userinfo:
        raise OutboundError("the address has credentials in it")
    return found.copy_with(fragment=None)


def _core_url(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )


async def _bounded(
    chunks: AsyncIterator[bytes], encoding: str, max_bytes: int
) -> tuple[bytes, bool]:
    """Read a body up to a length. Returns it, and whether it is whole."""
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise OutboundError(f"the answer is compressed by {encoding[:40]}")
    # 31: a gzip header and trailer around deflate.
    unzip = zlib.decompressobj(31) if encoding.endswith("gzip") else None
    body, received = bytearray(), 0
    async with aclosing(chunks) as pieces:  # type: ignore[type-var]
        async for chunk in pieces:
            received += len(chunk)
            try:
                # One byte too many tells that there are more. What a bomb would become is never
                # made.
                room = max_bytes + 1 - len(body)
                body += chunk[:room] if unzip is None else unzip.decompress(chunk, room)
            except zlib.error as error:
                raise OutboundError("the answer is not compressed as it says") from error
            # Compressed nothing is not nothing to read.
            if len(body) > max_bytes or received > max_bytes + 1024:
                return bytes(body[:max_bytes]), False
    return bytes(body), True
