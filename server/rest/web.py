"""/: the browser client, the files of web/ as they are.

They are read once, at the start: what is not among them cannot be asked for, whatever the path
says. There is no build step, and so no digest in their names: browsers keep them, and ask each time
whether they are still the same, which an ETag answers.
"""

import gzip
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

from litestar import Request, Response, route
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

import web

FOLDER = Path(web.__file__).parent
INDEX = "index.html"
STUDIO = "new.html"

PAGES = {
    "/live": "live/index.html",
    "/live/new": "live/new.html",
    "/live/{stream}": "live/watch.html",
}
"""Further pages, by their paths."""

MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
"""What is served of web/, by suffix: nothing else is. Litestar adds that texts are UTF-8."""

# Scripts, styles and data from here alone, none of them inline; and the browser itself sees to it
# that no text becomes markup (Trusted Types). 'self' covers the WebSocket: CSP level 3, section
# 6.7.2.8, matches ws: and wss: with the host and port of the page.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
PAGE_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), "
    "payment=(), usb=()",
}
# The page that streams asks for the camera, the microphone or the screen.
STUDIO_HEADERS = {
    **PAGE_HEADERS,
    "Permissions-Policy": "camera=(self), display-capture=(self), geolocation=(), "
    "microphone=(self), payment=(), usb=()",
}
# An image that is opened by itself is a document, which must not run anything either.
IMAGE_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}


class Asset(Struct, frozen=True):
    """A file, ready to be sent.

    Attributes:
        packed: the same, compressed with gzip; None: that would not make it smaller.
        tag: the ETag (RFC 9110, section 8.8.3).
        headers: that belong to it besides those of caching.
    """

    content: bytes
    packed: bytes | None
    media_type: str
    tag: str
    headers: dict[str, str]


def read_folder(folder: Path) -> dict[str, Asset]:
    """The files of a folder by the paths at which they are served: pages at theirs.

    Symbolic links are left out: they could point to anything.
    """
    files = {
        path.relative_to(folder).as_posix(): _read(path)
        for path in sorted(folder.rglob("*"))
        if path.suffix in MEDIA_TYPES and path.is_file() and not path.is_symlink()
    }
    pages = {path: files.pop(name) for path, name in PAGES.items() if name in files}
    return {_served_at(Path(name)): asset for name, asset in files.items()} | pages


def _served_at(path: Path) -> str:
    if path.name == INDEX:
        return "/" if path.parent == Path() else f"/{path.parent.as_posix()}/"
    return f"/{path.as_posix()}"


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    packed = gzip.compress(content, mtime=0)  # the same at each start, and in each process
    headers: dict[str, str] = {}
    if path.suffix == ".html":
        headers = STUDIO_HEADERS if path.name == STUDIO else PAGE_HEADERS
    elif path.suffix == ".svg":
        headers = IMAGE_HEADERS
    return Asset(
        content=content,
        packed=packed if len(packed) < len(content) else None,
        media_type=MEDIA_TYPES[path.suffix],
        tag=urlsafe_b64encode(sha256(content).digest()[:15]).decode(),
        headers=headers,
    )


def web_files(folder: Path = FOLDER) -> HTTPRouteHandler:
    """The route of all files of the folder, as they are now."""
    assets = read_folder(folder)

    @route(
        [path.replace("}", ":str}") for path in sorted(assets)],
        http_method=[HttpMethod.GET, HttpMethod.HEAD],
        include_in_schema=False,
        sync_to_thread=False,
    )
    def show_file(request: Request[Any, Any, Any]) -> Response[Any]:
        """Send a file."""
        return _answer(request, assets[request.scope["path_template"] or "/"])

    return show_file


def _answer(request: Request[Any, Any, Any], asset: Asset) -> Response[Any]:
    headers = {
        **asset.headers,
        "Cache-Control": "no-cache",
        "Vary": "Accept-Encoding",
    }
    content, tag = asset.content, asset.tag
    if asset.packed is not None and _accepts_gzip(request.headers.get("accept-encoding", "")):
        content, tag = asset.packed, f"{asset.tag}-gzip"
        headers["Content-Encoding"] = "gzip"
    headers["ETag"] = f'"{tag}"'
    if _matches(request.headers.get("if-none-match", ""), tag):
        headers.pop("Content-Encoding", None)
        return Response(b"", status_code=304, headers=headers, media_type=asset.media_type)
    return Response(content, headers=headers, media_type=asset.media_type)


def _accepts_gzip(accepted: str) -> bool:
    """Whether Accept-Encoding allows gzip (RFC 9110, section 12.5.3)."""
    for choice in accepted.lower().split(","):
        coding, _, weight = choice.partition(";")
        if coding.strip() in ("gzip", "x-gzip"):
            return weight.replace(" ", "").rstrip("0.") != "q="
    return False


def _matches(asked: str, tag: str) -> bool:
    """Whether If-None-Match names the tag; weakly, as RFC 9110, section 13.1.2, wants it."""
    tags = {each.strip().removeprefix("W/") for each in asked.split(",")}
    return "*" in tags or f'"{tag}"' in tags
