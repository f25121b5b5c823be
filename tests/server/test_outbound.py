"""The guard of the server's own requests, against real servers on loopback."""

import asyncio
import datetime
import gzip
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from server.config import Config
from server.outbound import REDIRECTS, USER_AGENT, Outbound, OutboundError, resolve
from server.sections import Debug
from server.sections import Outbound as Settings

HERE = [ip_network("127.0.0.1/32")]
TYPES = ("text/html", "text/plain")


def page(
    body: bytes = b"hello", status: str = "200 OK", *headers: str, kind: str = "text/html"
) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


def redirect(to: str) -> bytes:
    return page(b"", "302 Found", f"Location: {to}")


class Web:
    """A server that answers with bytes, whatever they are."""

    def __init__(self, answer: Callable[[str], bytes | None]) -> None:
        self._answer = answer
        self.requests: list[str] = []
        self.port = 0

    def url(self, path: str = "/", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.requests.append(request)
        answer = self._answer(request.split()[1])
        try:
            if answer is None:
                await reader.read()  # says nothing, until the other side has had enough
            else:
                writer.write(answer)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def web(
    answer: Callable[[str], bytes | None] | bytes, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Web]:
    served = Web(answer if callable(answer) else lambda _: answer)
    server = await asyncio.start_server(served.talk, "127.0.0.1", 0, ssl=tls)
    served.port = server.sockets[0].getsockname()[1]
    async with server:
        yield served


def here(**options: object) -> Outbound:
    return Outbound(**{"allowed": HERE, "seconds": 5, **options})


async def get(outbound: Outbound, url: str, **options: object):
    return await outbound.fetch(url, **{"accept": TYPES, "max_bytes": 1000, **options})


# --- where to -----------------------------------------------------------------------------------


async def test_an_answer() -> None:
    async with web(page(b"hello", "200 OK", kind="Text/HTML; charset=utf-8")) as site:
        found = await get(here(), site.url("/a?b=c#d"))
    assert (found.body, found.media_type, found.complete) == (b"hello", "text/html", True)
    assert found.content_type == "Text/HTML; charset=utf-8"
    assert found.url == site.url("/a?b=c")
    (request,) = site.requests
    head, *headers = request.strip().split("\r\n")
    assert head == "GET /a?b=c HTTP/1.1"
    assert dict(line.split(": ") for line in headers) == {
        "Host": f"127.0.0.1:{site.port}",
        "User-Agent": USER_AGENT,
        "Accept": "text/html, text/plain",
        "Accept-Encoding": "gzip",
        "Connection": "close",
    }
    assert "Plaza" in USER_AGENT


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "0x7f.1", "2130706433", "017700000001", "[::1]"]
)
async def test_this_machine_is_refused_however_it_is_spelled(host: str) -> None:
    async with web(page()) as site:
        with pytest.raises(OutboundError, match="not public"):
            await get(Outbound(), site.url(host=host))
        assert not site.requests


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "2002:a00:1::", "64:ff9b::a9fe:a9fe"],
)
async def test_names_of_special_addresses_are_refused(address: str) -> None:
    outbound = Outbound(ask=lambda host, port: [address])
    with pytest.raises(OutboundError, match="not public"):
        await get(outbound, "http://innocent.example/")


async def test_a_name_with_one_special_address_is_refused() -> None:
    outbound = Outbound(ask=lambda host, port: ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(OutboundError, match=r"at 10\.0\.0\.1"):
        await get(outbound, "http://innocent.example/")


async def test_the_address_that_was_judged_is_the_one_that_is_asked() -> None:
    asked: list[str] = []

    def ask(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    async with web(page()) as site:
        await get(here(ask=ask), site.url(host="rebinding.example"))
    assert asked == ["rebinding.example"]
    assert f"Host: rebinding.example:{site.port}" in site.requests[0]


async def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    async with web(page()) as site:
        both = Outbound(
            allowed=[ip_network("127.0.0.0/8")], ask=lambda host, port: ["127.0.0.9", "127.0.0.1"]
        )
        assert (await get(both, site.url(host="two.example"))).body == b"hello"


async def test_other_ports_are_refused() -> None:
    outbound = Outbound(ask=lambda host, port: ["8.8.8.8"])
    with pytest.raises(OutboundError, match="port 6379"):
        await get(outbound, "http://redis.example:6379/")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://example.org/",
        "//example.org/",
        "example.org",
        "http://",
        "http:///path",
        "http://user:secret@example.org/",
        "http://example.org:0/",
        "http://example.org:99999/",
        "http://exa mple.org/",
        "http://exa%20mple.org/",
        "http://example.org%00.evil/",
        "http://0177.0.0.1/",
        "http://example.org/\n",
        "http://[::1/",
        "http://" + "a" * 5000,
        "",
    ],
)
async def test_what_is_no_address_for_us(url: str) -> None:
    with pytest.raises(OutboundError):
        await get(here(ask=lambda host, port: pytest.fail("resolved")), url)


async def test_a_name_that_nobody_knows() -> None:
    def ask(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(OutboundError, match="cannot be resolved"):
        await get(here(ask=ask), "http://nowhere.example/")


async def test_nobody_listens() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(OutboundError, match="connection failed"):
            await get(here(), f"http://127.0.0.1:{bound.getsockname()[1]}/")


def test_the_systems_resolver() -> None:
    assert "127.0.0.1" in resolve("127.0.0.1", 80)


# --- redirects ----------------------------------------------------------------------------------


async def test_redirects_are_followed_up_to_a_number() -> None:
    def answer(path: str) -> bytes:
        step = int(path[1:])
        return page(b"there") if step == 0 else redirect(f"/{step - 1}")

    async with web(answer) as site:
        found = await get(here(), site.url(f"/{REDIRECTS}"))
        assert (found.body, found.url) == (b"there", site.url("/0"))
        with pytest.raises(OutboundError, match="redirects"):
            await get(here(), site.url(f"/{REDIRECTS + 1}"))


@pytest.mark.parametrize(
    "to", ["http://127.0.0.2/", "http://[::1]/", "http://169.254.169.254/latest/meta-data/"]
)
async def test_a_redirect_is_judged_like_any_address(to: str) -> None:
    async with web(redirect(to)) as site:
        with pytest.raises(OutboundError, match="not public"):
            await get(here(), site.url())


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://127.0.0.1/", "http://a:b@127.0.0.1/"])
async def test_a_redirect_to_what_is_no_address_for_us(to: str) -> None:
    async with web(redirect(to)) as site:
        with pytest.raises(OutboundError):
            await get(here(), site.url())


async def test_nothing_is_carried_from_answer_to_request() -> None:
    def answer(path: str) -> bytes:
        if path == "/":
            return page(b"", "302 Found", "Location: /next", "Set-Cookie: a=b")
        return page()

    async with web(answer) as site:
        await get(here(), site.url())
    assert "ookie" not in site.requests[1]


async def test_the_environment_is_not_asked_for_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    async with web(page()) as site:
        assert (await get(here(), site.url())).body == b"hello"


# --- how much, how long, what -------------------------------------------------------------------


async def test_longer_answers_are_refused_or_cut_off() -> None:
    async with web(page(b"x" * 1001)) as site:
        with pytest.raises(OutboundError, match="longer than 1000"):
            await get(here(), site.url())
        found = await get(here(), site.url(), cut=True)
        assert (len(found.body), found.complete) == (1000, False)


async def test_an_answer_that_may_be_just_as_long() -> None:
    async with web(page(b"x" * 1000)) as site:
        assert (await get(here(), site.url())).complete


async def test_an_endless_answer_is_not_read_to_its_end() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
    async with web(head + b"x" * 50_000_000) as site:
        assert len((await get(here(), site.url(), cut=True)).body) == 1000


async def test_compressed_answers() -> None:
    squeezed = gzip.compress(b"hello " * 100)
    async with web(page(squeezed, "200 OK", "Content-Encoding: gzip")) as site:
        assert (await get(here(), site.url())).body == b"hello " * 100


async def test_a_bomb_becomes_no_longer_than_any_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < 100_000
    async with web(page(bomb, "200 OK", "Content-Encoding: gzip")) as site:
        with pytest.raises(OutboundError, match="longer than 200000"):
            await get(here(), site.url(), max_bytes=200_000)
        assert (await get(here(), site.url(), cut=True)).body == bytes(1000)


@pytest.mark.parametrize(
    ("encoding", "body"), [("gzip", b"not at all"), ("br", b"whatever"), ("gzip, gzip", b"")]
)
async def test_what_cannot_be_decompressed(encoding: str, body: bytes) -> None:
    async with web(page(body, "200 OK", f"Content-Encoding: {encoding}")) as site:
        with pytest.raises(OutboundError, match="compressed"):
            await get(here(), site.url())


async def test_a_silent_server_is_left() -> None:
    async with web(lambda _: None) as site:
        with pytest.raises(OutboundError, match=r"within 0\.2 s"):
            await get(here(seconds=0.2), site.url())


async def test_the_time_is_that_of_all_redirects_together() -> None:
    async with web(lambda path: redirect("/on") if path == "/" else None) as site:
        with pytest.raises(OutboundError, match=r"within 0\.2 s"):
            await get(here(seconds=0.2), site.url())
    assert len(site.requests) == 2


@pytest.mark.parametrize("kind", ["image/svg+xml", "application/octet-stream", ""])
async def test_what_was_not_asked_for_is_not_read(kind: str) -> None:
    async with web(page(kind=kind)) as site:
        with pytest.raises(OutboundError, match="the answer is"):
            await get(here(), site.url())


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oh no", "204 No Content", "304 Same"])
async def test_only_an_answer_counts(status: str) -> None:
    async with web(page(b"", status)) as site:
        with pytest.raises(OutboundError, match="status"):
            await get(here(), site.url())


@pytest.mark.parametrize("nonsense", [b"", b"what?\r\n\r\n", b"HTTP/1.1 200 OK\r\nA" * 20_000])
async def test_what_is_no_http(nonsense: bytes) -> None:
    async with web(nonsense) as site:
        with pytest.raises(OutboundError, match="connection failed"):
            await get(here(), site.url())


# --- TLS ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of plaza.example, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "plaza.example")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("plaza.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


async def test_certificates_are_checked_by_name(certificate: Path) -> None:
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(certificate)
    names: list[str | None] = []
    served.sni_callback = lambda _socket, name, _context: names.append(name)
    trust = ssl.create_default_context(cafile=str(certificate))
    outbound = here(ask=lambda host, port: ["127.0.0.1"], trust=trust)
    async with web(page(), tls=served) as site:
        found = await get(outbound, site.url(host="plaza.example", scheme="https"))
        assert found.body == b"hello"
        with pytest.raises(OutboundError, match="connection failed"):
            await get(outbound, site.url(host="other.example", scheme="https"))
        with pytest.raises(OutboundError, match="connection failed"):
            await get(here(), site.url(scheme="https"))
    assert names[:2] == ["plaza.example", "other.example"]


# --- settings -----------------------------------------------------------------------------------


async def test_the_settings_say_where_requests_may_go() -> None:
    allowed = Config(debug=Debug(outbound_networks=["127.0.0.1"]), outbound=Settings(seconds=5))
    async with web(page()) as site:
        assert (await get(Outbound.of(allowed), site.url())).body == b"hello"
        with pytest.raises(OutboundError, match="not public"):
            await get(Outbound.of(Config()), site.url())
