import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import uvloop

from loadtest.crowd.http import Http

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

REQUEST = b"GET /api/v1/feed HTTP/1.1\r\nHost: x\r\n\r\n"
PATIENCE_SECONDS = 20


class Server:
    """Answers requests, on as many connections as there come.

    Attributes:
        connections: how many have come.
        requests: how many have been read.
    """

    def __init__(self) -> None:
        self.connections = 0
        self.requests = 0
        self.open = asyncio.Event()  # answers wait for it
        self.open.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while await _request(reader):
            self.requests += 1
            await self.open.wait()
            await self.answer(writer)
        writer.close()

    async def answer(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


async def _request(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


@asynccontextmanager
async def serving(serve: Serve, *, at_most: int = 256) -> AsyncIterator[Http]:
    server = await asyncio.start_server(serve, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    http = Http(f"http://127.0.0.1:{port}", at_most=at_most)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            yield http
    finally:
        http.close()
        server.close()


class Answer:
    """What became of a request."""

    def __init__(self, http: Http, request: bytes = REQUEST) -> None:
        self.found: asyncio.Future[tuple[int, bytes] | str] = asyncio.Future()
        http.ask(
            request,
            lambda status, body: self.found.set_result((status, body)),
            self.found.set_result,
        )


@pytest.mark.parametrize("new_event_loop", [uvloop.new_event_loop, asyncio.new_event_loop])
def test_one_after_the_other_they_share_a_connection(
    new_event_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    server = Server()

    async def ask() -> None:
        async with serving(server.serve) as http:
            for _ in range(3):
                assert await Answer(http).found == (200, b"ok")

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(ask())
    assert server.connections == 1


async def test_what_is_due_waits_for_nothing_that_is_under_way() -> None:
    server = Server()
    server.open.clear()
    async with serving(server.serve) as http:
        answers = [Answer(http) for _ in range(5)]
        while server.requests < 5:
            await asyncio.sleep(0)
        server.open.set()
        for answer in answers:
            assert await answer.found == (200, b"ok")
        assert await Answer(http).found == (200, b"ok")

    assert server.connections == 5


async def test_beyond_the_bound_requests_wait() -> None:
    server = Server()
    server.open.clear()
    async with serving(server.serve, at_most=2) as http:
        answers = [Answer(http) for _ in range(7)]
        while server.requests < 2:
            await asyncio.sleep(0)
        server.open.set()
        for answer in answers:
            assert await answer.found == (200, b"ok")

    assert server.connections == 2
    assert server.requests == 7


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", (404, b"no")),
        (b"HTTP/1.1 204 No Content\r\n\r\n", (204, b"")),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
            (200, b"abc"),
        ),
        (
            b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 Created\r\n"
            b"Content-Length: 1\r\n\r\n1",
            (201, b"1"),
        ),
    ],
)
async def test_answers_are_read_however_they_are_cut(
    answer: bytes, found: tuple[int, bytes]
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await _request(reader):
            for byte in answer:
                writer.write(bytes((byte,)))
                await writer.drain()

    async with serving(serve) as http:
        assert await Answer(http).found == found
        assert await Answer(http).found == found


async def test_a_connection_that_was_closed_meanwhile_is_replaced() -> None:
    closed = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One answer for each connection, without a word that there is no second."""
        await _request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await _request(reader)
        writer.close()
        closed.set()

    async with serving(serve) as http:
        assert await Answer(http).found == (200, b"ok")
        assert await Answer(http).found == (200, b"ok")

    assert closed.is_set()


async def test_a_connection_is_not_used_again_whose_server_says_so() -> None:
    server = Server()

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")

    server.answer = answer  # type: ignore[method-assign]
    async with serving(server.serve) as http:
        for _ in range(3):
            assert await Answer(http).found == (200, b"ok")

    assert server.connections == 3


async def test_what_was_read_and_not_answered_is_lost() -> None:
    requests = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        await _request(reader)
        requests += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok")
        writer.close()

    async with serving(serve) as http:
        assert isinstance(await Answer(http).found, str)

    assert requests == 1


async def test_what_is_no_http_is_lost() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _request(reader)
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")

    async with serving(serve) as http:
        found = await Answer(http).found

    assert str(found).startswith("that is no HTTP")


async def test_where_nobody_listens_all_are_lost() -> None:
    server = await asyncio.start_server(Server().serve, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    http = Http(f"http://127.0.0.1:{port}", at_most=1)
    answers = [Answer(http) for _ in range(3)]

    async with asyncio.timeout(PATIENCE_SECONDS):
        for answer in answers:
            assert isinstance(await answer.found, str)
