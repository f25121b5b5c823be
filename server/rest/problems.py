"""Refusals as problem details (RFC 9457), for WHIP and WHEP, whose texts say so.

The code is that of protocol/errors.py, as everywhere; `type` is `about:blank`, so `title` is the
status in words.
"""

from collections.abc import Mapping
from http import HTTPStatus
from math import ceil

from protocol.errors import PlazaError
from protocol.records import Record
from server.rest.errors import challenge
from server.rest.wire import PlazaRequest

PROBLEM = "application/problem+json"


class ProblemDetails(Record, frozen=True):
    """What went wrong and what to do (`detail`), by which code."""

    type: str
    title: str
    status: int
    detail: str
    code: str


def details_of(refusal: PlazaError) -> ProblemDetails:
    """The body of the answer."""
    status = refusal.spec.status
    return ProblemDetails(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=refusal.message,
        code=refusal.spec.code,
    )


def headers_of(request: PlazaRequest, refusal: PlazaError) -> Mapping[str, str]:
    """The headers that belong to it."""
    headers = {}
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(ceil(refusal.retry_after))
    if refusal.spec.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = challenge(request, refusal)
    return headers
