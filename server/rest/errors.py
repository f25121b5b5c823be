"""Errors of every origin become one shape, with the codes of protocol/errors.py."""

from collections import defaultdict
from collections.abc import Mapping
from math import ceil
from typing import Annotated, Any

import structlog
from litestar import Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec
from msgspec import Meta

from protocol import errors
from protocol.errors import ErrorSpec, PlazaError
from protocol.records import Record
from server.rest.wire import PlazaRequest

log = structlog.get_logger()


class Problem(Record, frozen=True):
    """What went wrong and what to do.

    `retry_after` is in seconds. `details` name what was wrong, where there is more than one thing.
    """

    code: Annotated[str, Meta(extra_json_schema={"enum": sorted(errors.CATALOGUE)})]
    message: str
    retry_after: float | None = None
    details: dict[str, str] | None = None


class ErrorBody(Record, frozen=True):
    """The body of every answer that is not a success."""

    error: Problem


# Litestar's own refusals: the routes and parameters are its business.
_BY_STATUS = {
    401: errors.UNAUTHORIZED,
    403: errors.FORBIDDEN,
    404: errors.NOT_FOUND,
    405: errors.METHOD_NOT_ALLOWED,
    413: errors.TOO_LARGE,
}


def answer_refusal(request: PlazaRequest, refusal: PlazaError) -> Response[ErrorBody]:
    """Answer a PlazaError."""
    headers = {}
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(ceil(refusal.retry_after))
    if refusal.spec.status == 401:
        headers["WWW-Authenticate"] = challenge(request, refusal)
    return answer(refusal.spec, refusal.message, headers=headers, retry_after=refusal.retry_after)


def answer_litestar(request: PlazaRequest, refusal: HTTPException) -> Response[ErrorBody]:
    """Answer an exception of Litestar itself: no such route, a wrong parameter, and so on."""
    if refusal.status_code >= 500:
        return answer_bug(request, refusal)
    spec = _BY_STATUS.get(refusal.status_code, errors.BAD_REQUEST)
    if isinstance(refusal, ValidationException):
        details = _wrong_parameters(refusal)
        message = " ".join(f"{name}: {problem}." for name, problem in details.items())
        return answer(spec, message or f"{refusal.detail}.", details=details)
    if spec is errors.BAD_REQUEST:
        return answer(spec, f"{refusal.detail}.")
    return answer(spec, spec.text, headers=refusal.headers)


def answer_bug(request: PlazaRequest, bug: Exception) -> Response[ErrorBody]:
    """Log an exception that nobody foresaw, and say no more than that to the client."""
    route = request.scope.get("path_template", "")
    log.error("request failed", method=request.method, route=route, exc_info=bug)
    return answer(errors.INTERNAL, errors.INTERNAL.text)


HANDLERS: dict[int | type[Exception], Any] = {
    PlazaError: answer_refusal,
    HTTPException: answer_litestar,
    Exception: answer_bug,
}


def refusals(*specs: ErrorSpec, anyone: bool = False) -> dict[int, ResponseSpec]:
    """What a route may answer besides success, for the OpenAPI document.

    Args:
        specs: the errors of this route; those that any route can answer are added.
        anyone: the route needs no access token.
    """
    always = [errors.BAD_REQUEST, errors.RATE_LIMITED, errors.INTERNAL, errors.UNAVAILABLE]
    if not anyone:
        always += [errors.UNAUTHORIZED, errors.TOKEN_EXPIRED]
    by_status: dict[int, list[ErrorSpec]] = defaultdict(list)
    for spec in dict.fromkeys((*always, *specs)):
        by_status[spec.status].append(spec)
    return {status: _documented(by_status[status]) for status in sorted(by_status)}


def _documented(specs: list[ErrorSpec]) -> ResponseSpec:
    return ResponseSpec(
        ErrorBody,
        generate_examples=False,
        description=" ".join(f"`{spec.code}`: {spec.text}" for spec in specs),
    )


def answer(
    spec: ErrorSpec,
    message: str,
    *,
    headers: Mapping[str, str] | None = None,
    retry_after: float | None = None,
    details: dict[str, str] | None = None,
) -> Response[ErrorBody]:
    """Return the answer to a request that failed.

    Args:
        message: what happened and what to do.
        retry_after: seconds after which another try makes sense.
        details: what was wrong, by name.
    """
    problem = Problem(
        code=spec.code,
        message=message,
        retry_after=None if retry_after is None else round(retry_after, 3),
        details=details or None,
    )
    return Response(
        ErrorBody(error=problem),
        status_code=spec.status,
        media_type="application/json",
        headers=dict(headers or {}),
    )


def challenge(request: PlazaRequest, refusal: PlazaError) -> str:
    """The value of WWW-Authenticate."""
    # RFC 6750, section 3.1: no error code when the request carried no token at all.
    if refusal.spec in (errors.UNAUTHORIZED, errors.TOKEN_EXPIRED) and request.headers.get(
        "authorization"
    ):
        description = refusal.message.replace('"', "'")
        return f'Bearer realm="plaza", error="invalid_token", error_description="{description}"'
    return 'Bearer realm="plaza"'


def _wrong_parameters(refusal: ValidationException) -> dict[str, str]:
    extra = refusal.extra if isinstance(refusal.extra, list) else []
    return {str(wrong.get("key", "request")): str(wrong["message"]) for wrong in extra}
