"""An HTTP server that answers as it is told: what a Plaza would say seldom, or never."""

import json
from asyncio import StreamReader, StreamWriter, start_server
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, NamedTuple


class Request(NamedTuple):
    """What was asked for."""

    method: str
    path: str
    fields: Any


class Answer(NamedTuple):
    """What is answered; a body that is no text is written as JSON. None for the status: hang up."""

    status: int | None
    body: Any = ""
    headers: tuple[str, ...] = ()


def refusal(status: int, code: str, message: str = "No.", **more: Any) -> Answer:
    """As Plaza refuses."""
    return Answer(status, {"error": {"code": code, "message": message, **more}})


NOT_LOGGED_IN = refusal(401, "unauthorized")._replace(
    headers=('WWW-Authenticate: Bearer realm="plaza"',)
)


@asynccontextmanager
async def answering(answer: Callable[[Request], Answer]) -> AsyncIterator[str]:
    """Serve; yields the URL."""

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        try:
            while head := await reader.readline():
                method, path, _ = head.decode().split(" ")
                length = 0
                while (line := await reader.readline()) not in (b"\r\n", b""):
                    name, _, value = line.decode().partition(":")
                    if name.lower() == "content-length":
                        length = int(value)
                content = await reader.readexactly(length)
                fields = json.loads(content) if content else None
                told = answer(Request(method, path.partition("?")[0], fields))
                if told.status is None:
                    break
                writer.write(_response(told))
        finally:
            writer.close()

    server = await start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def _response(answer: Answer) -> bytes:
    assert answer.status is not None
    body = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
    content = body.encode()
    head = [
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
        f"Content-Length: {len(content)}",
        *answer.headers,
    ]
    return "\r\n".join([*head, "", ""]).encode() + content
