"""/media: what was uploaded, for whoever knows its address."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from litestar import Request, Response, route
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Stream

from persistence.media_rows import StoredVariant
from persistence.uploads import Served
from protocol.errors import NOT_FOUND, RANGE_NOT_SATISFIABLE, PlazaError
from protocol.posts import MediaKind
from server.media import Media
from server.rest.errors import answer
from server.rest.ranges import Span, Unsatisfiable, span_of

# Whatever it is, it runs nothing, loads nothing, and has no origin; and nobody takes it for
# something else (nosniff, which every answer has). An image or video that is opened by itself is a
# document that shows it, with a style of the browser's.
POLICY = (
    "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Accept-Ranges": "bytes",
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": POLICY,
    # Pages of other origins may talk to the server (server.origins) and so show what is here.
    # Whoever knows the address may fetch it, and no cookie opens anything more.
    "Cross-Origin-Resource-Policy": "cross-origin",
}


def media_files(media: Media) -> HTTPRouteHandler:
    """The route of all variants."""

    @route(
        "/media/{key:str}/{name:str}",
        http_method=[HttpMethod.GET, HttpMethod.HEAD],
        include_in_schema=False,
    )
    async def fetch_media(
        key: FromPath[str], name: FromPath[str], request: Request[Any, Any, Any]
    ) -> Response[Any]:
        """Send a variant of an upload, or a part of it."""
        if not (key.isascii() and name.isascii() and key.isprintable() and name.isprintable()):
            raise PlazaError(NOT_FOUND)
        served, variant = await media.find(key, name)
        tag = f'"{key}-{name}"'
        headers = {**HEADERS, "ETag": tag}
        if served.kind is MediaKind.FILE:
            headers["Content-Disposition"] = _attachment(served)
        if _is_known(request.headers.get("if-none-match", ""), tag):
            return Response(b"", status_code=304, headers=headers, media_type=variant.type)
        is_head = request.method == HttpMethod.HEAD
        try:
            # Only GET knows of ranges (RFC 9110, section 14.2).
            span = None if is_head else _span(request, variant, tag)
        except Unsatisfiable:
            unsatisfied = {"Content-Range": f"bytes */{variant.bytes}"}
            return answer(RANGE_NOT_SATISFIABLE, RANGE_NOT_SATISFIABLE.text, headers=unsatisfied)
        start, stop = span or Span(0, variant.bytes)
        headers["Content-Length"] = str(stop - start)
        if span is not None:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{variant.bytes}"
        content = _nothing() if is_head else await media.read(key, name, start, stop)
        return Stream(
            content,
            status_code=200 if span is None else 206,
            headers=headers,
            media_type=variant.type,
        )

    return fetch_media


def _span(request: Request[Any, Any, Any], variant: StoredVariant, tag: str) -> Span | None:
    # Whoever has a part of something else gets the whole (section 13.1.5).
    if request.headers.get("if-range", tag) != tag:
        return None
    return span_of(request.headers.get("range"), variant.bytes)


def _is_known(asked: str, tag: str) -> bool:
    tags = {each.strip().removeprefix("W/") for each in asked.split(",")}
    return "*" in tags or tag in tags


def _attachment(served: Served) -> str:
    """To be saved, not shown, under its name (RFC 6266, with RFC 8187 for the name)."""
    if not served.name:
        return "attachment"
    return f"attachment; filename*=UTF-8''{quote(served.name, safe='')}"


async def _nothing() -> AsyncIterator[bytes]:
    yield b""
