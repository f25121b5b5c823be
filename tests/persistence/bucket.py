"""As much of S3 as an object store asks for, over real HTTP: enough to see that a URL is enough."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, unquote

from server.listener import bind, listening, url_of

_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


class Bucket:
    """Objects by their paths, as an ASGI application.

    Attributes:
        requests: method and path of what was asked for.
        down: every request is refused.
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.down = False
        self._parts: dict[int, bytes] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        query = parse_qs(scope["query_string"].decode(), keep_blank_values=True)
        path = unquote(scope["path"]).removeprefix("/bucket").removeprefix("/")
        self.requests.append(f"{scope['method']} {path}")
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        status, content, answer = self._answer(scope["method"], path, query, headers, body)
        answer = {"content-length": str(len(content)), **answer}
        raw = [(name.encode(), value.encode()) for name, value in answer.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": content})

    def _answer(
        self, method: str, path: str, query: Any, headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes, dict[str, str]]:
        tag = {"etag": '"x"', "last-modified": "Mon, 23 Nov 2026 00:00:00 GMT"}
        match method:
            case _ if self.down:
                return 403, b"", {}
            case "GET" if "list-type" in query:
                return 200, self._listed(query["prefix"][0] if "prefix" in query else ""), {}
            case "GET" if path in self.objects:
                return self._part(self.objects[path], headers, tag)
            case "GET":
                return 404, b"", {}
            case "POST" if "uploads" in query:
                self._parts.clear()
                return 200, b"<R><UploadId>1</UploadId></R>", {}
            case "POST" if "delete" in query:
                keys = re.findall(r"<Key>([^<]+)</Key>", body.decode())
                for key in keys:
                    self.objects.pop(key, None)
                gone = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
                return 200, f"<DeleteResult>{gone}</DeleteResult>".encode(), {}
            case "PUT" if "partNumber" in query:
                self._parts[int(query["partNumber"][0])] = body
                return 200, b"", tag
            case "POST" if "uploadId" in query:
                self.objects[path] = b"".join(self._parts[n] for n in sorted(self._parts))
                return 200, b"<R><ETag>x</ETag></R>", {}
            case "PUT":
                self.objects[path] = body
                return 200, b"", tag
        return 400, b"", {}

    def _part(
        self, content: bytes, headers: dict[str, str], tag: dict[str, str]
    ) -> tuple[int, bytes, dict[str, str]]:
        found = _RANGE.fullmatch(headers.get("range", ""))
        if found is None:
            return 200, content, tag
        start, last = int(found[1]), min(int(found[2]), len(content) - 1)
        span = {"content-range": f"bytes {start}-{last}/{len(content)}"}
        return 206, content[start : last + 1], {**tag, **span}

    def _listed(self, prefix: str) -> bytes:
        found = "".join(
            f"<Contents><Key>{path}</Key><Size>{len(content)}</Size><ETag>x</ETag>"
            "<LastModified>2026-11-23T00:00:00.000Z</LastModified></Contents>"
            for path, content in sorted(self.objects.items())
            if path.startswith(prefix)
        )
        return (
            f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>".encode()
        )


@asynccontextmanager
async def serving_bucket() -> AsyncIterator[tuple[str, Bucket]]:
    """Serve an empty bucket. Gives the endpoint."""
    bucket = Bucket()
    with bind("127.0.0.1", 0) as bound:
        async with listening(bucket, bound):
            yield url_of(bound), bucket
