"""What lets pages of other origins publish and watch (Cross-Origin Resource Sharing, Fetch 3.2)."""

from collections.abc import Sequence

from litestar.enums import HttpMethod

from server.rest.wire import PlazaRequest

EXPOSED = "Location, ETag, Link, Accept-Patch, Accept-Post, Retry-After, WWW-Authenticate"
REQUESTED = "Authorization, Content-Type, If-Match"
PREFLIGHT_SECONDS = "7200"  # Chromium remembers no longer


def cors_headers(
    request: PlazaRequest, *, origins: Sequence[str], allow: str
) -> list[tuple[str, str]]:
    """The headers of an answer, errors included: a page that cannot read them learns nothing.

    Args:
        origins: those that may; none: any may. There are no cookies, so nothing is given away.
        allow: the methods.
    """
    origin = request.headers.get("origin", "")
    headers = [("Vary", "Origin")] if origins else []
    if origins and origin not in origins:
        return headers
    headers += [
        ("Access-Control-Allow-Origin", origin if origins else "*"),
        ("Access-Control-Expose-Headers", EXPOSED),
    ]
    if is_preflight(request):
        headers += [
            ("Access-Control-Allow-Methods", allow),
            ("Access-Control-Allow-Headers", REQUESTED),
            ("Access-Control-Max-Age", PREFLIGHT_SECONDS),
        ]
    return headers


def is_preflight(request: PlazaRequest) -> bool:
    """Whether it is what browsers ask before a request from another origin."""
    return (
        request.method == HttpMethod.OPTIONS and "access-control-request-method" in request.headers
    )
