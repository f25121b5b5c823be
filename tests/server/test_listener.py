"""The port: what keeps it from being had, and who is served on it."""

import asyncio
import errno
import os
import socket
from typing import Any

import httpx
import pytest

from server.exits import AddressUnavailable
from server.listener import bind, listening, url_of


class TestBind:
    def test_any_free_port(self) -> None:
        with bind("127.0.0.1", 0) as bound:
            host, port = bound.getsockname()
            assert host == "127.0.0.1"
            assert port > 0
            assert url_of(bound) == f"http://127.0.0.1:{port}"
            assert not bound.getblocking()
            with socket.create_connection((host, port)):  # the kernel accepts already
                pass

    def test_what_is_written_leaves_at_once(self) -> None:
        with bind("127.0.0.1", 0) as bound, socket.create_connection(bound.getsockname()):
            bound.setblocking(True)
            accepted, _ = bound.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    def test_a_name(self) -> None:
        with bind("localhost", 0) as bound:
            assert bound.getsockname()[0] in ("127.0.0.1", "::1")

    def test_ipv6(self) -> None:
        try:
            bound = bind("::1", 0)
        except AddressUnavailable:
            pytest.skip("no IPv6 here")
        with bound:
            assert url_of(bound) == f"http://[::1]:{bound.getsockname()[1]}"

    def test_a_port_that_is_taken(self) -> None:
        with bind("127.0.0.1", 0) as bound:
            port = bound.getsockname()[1]
            with pytest.raises(AddressUnavailable, match=rf"Port {port} .* is taken .* --port"):
                bind("127.0.0.1", port)

    def test_a_port_that_was_in_use_a_moment_ago(self) -> None:
        with bind("127.0.0.1", 0) as bound:
            address = bound.getsockname()
            with socket.create_connection(address) as client:
                bound.setblocking(True)
                accepted, _ = bound.accept()
                accepted.close()  # first, so that it is the server's side that lingers
                assert client.recv(1) == b""
        with bind(*address) as again:
            assert again.getsockname() == address

    def test_an_address_of_another_machine(self) -> None:
        with pytest.raises(AddressUnavailable, match=r"192\.0\.2\.1 is no address of this machine"):
            bind("192.0.2.1", 0)

    @pytest.mark.parametrize("host", ["::1%no-such-interface", "a..b", "x" * 64])
    def test_a_host_that_is_not_known(self, host: str) -> None:
        with pytest.raises(AddressUnavailable, match=r"is not known: .* Set server\.host"):
            bind(host, 0)

    @pytest.mark.parametrize(
        ("number", "sentence"),
        [
            (errno.EACCES, r"Port 0 is not allowed to this user\. Choose one above 1023"),
            (errno.ENOMEM, r"127\.0\.0\.1, port 0 cannot be listened on: Cannot allocate memory"),
        ],
    )
    def test_other_refusals_of_the_system(
        self, number: int, sentence: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Tests may run as root, who is allowed any port.
        def refuse(*_: object) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(socket.socket, "listen", refuse)
        with pytest.raises(AddressUnavailable, match=sentence):
            bind("127.0.0.1", 0)


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    body = f"{scope['client'][0]} {scope['scheme']}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


class TestListening:
    async def test_http_is_served_until_the_block_ends(self) -> None:
        with bind("127.0.0.1", 0) as bound:
            url = url_of(bound)
            async with httpx.AsyncClient() as client:
                async with listening(application, bound):
                    answer = await client.get(url, headers={"X-Forwarded-For": "203.0.113.9"})
                    assert answer.text == "127.0.0.1 http"  # nobody is believed
                    assert "server" not in answer.headers
                with pytest.raises(httpx.ConnectError):
                    await client.get(url)

    async def test_proxies_are_believed_if_they_are_trusted(self) -> None:
        forwarded = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
        with bind("127.0.0.1", 0) as bound:
            async with (
                listening(application, bound, trusted_proxies=["127.0.0.1"]),
                httpx.AsyncClient() as client,
            ):
                answer = await client.get(url_of(bound), headers=forwarded)
        assert answer.text == "203.0.113.9 https"

    async def test_upgraded_connections_are_handed_on(self) -> None:
        class Upgraded(asyncio.Protocol):
            def __init__(self, *, server_state: Any, **_: Any) -> None:
                self.received = b""

            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                self.transport = transport

            def data_received(self, data: bytes) -> None:
                assert isinstance(self.transport, asyncio.Transport)
                self.transport.write(data)
                self.transport.close()

        request = (
            b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\n\r\n"
        )
        with bind("127.0.0.1", 0) as bound:
            async with listening(application, bound, websocket=Upgraded):
                reader, writer = await asyncio.open_connection(*bound.getsockname())
                writer.write(request)
                assert (await reader.read()).startswith(b"GET /ws HTTP/1.1\r\n")
                writer.close()
