"""Requests to the REST interface: with the access token, page by page, and refused with a code."""

from abc import ABC, abstractmethod
from typing import Any, TypeVar

import httpx
import msgspec
import orjson
from msgspec import Struct

from plaza_client.address import rest_url, retry_after_of
from plaza_client.errors import PlazaRefused, Unreachable, WireError
from protocol.codec import from_builtins
from protocol.errors import TOKEN_EXPIRED

PAGE = 200  # the most that the server gives at once

R = TypeVar("R")


class ListPage(Struct):
    """A part of a list."""

    items: list[Any]
    next_cursor: str | None = None


class Requests(ABC):
    """Base of Rest: makes the requests.

    Args:
        url: of the server, such as http://127.0.0.1:8080.
        access_token: of a session that exists already.
        refresh_token: likewise.
        timeout: for one request, in seconds.

    Attributes:
        access_token: the present one; None: not logged in.
        refresh_token: likewise.
    """

    def __init__(
        self, url: str, *, access_token: str | None, refresh_token: str | None, timeout: float
    ) -> None:
        self.access_token = access_token
        self.refresh_token = refresh_token
        self._url = url
        self._http = httpx.AsyncClient(base_url=rest_url(url), timeout=timeout)

    async def close(self) -> None:
        """Close the HTTP connections."""
        await self._http.aclose()

    @abstractmethod
    async def refresh(self) -> str:
        """Exchange the refresh token for new tokens."""

    async def _all(self, path: str, **params: str) -> list[Any]:
        """All items of a list, page by page."""
        items: list[Any] = []
        params["limit"] = str(PAGE)
        while True:
            page = shaped(await self._call("GET", path, params=params), ListPage)
            items += page.items
            if page.next_cursor is None:
                return items
            params["cursor"] = page.next_cursor

    async def _call(self, method: str, path: str, fields: Any = None, **options: Any) -> Any:
        """Make a request with the access token, refreshing it if it has expired."""
        token = self.access_token
        try:
            return await self._send(method, path, fields, token=token, **options)
        except PlazaRefused as refusal:
            if refusal.code != TOKEN_EXPIRED.code or self.refresh_token is None:
                raise
        if self.access_token == token:
            await self.refresh()
        return await self._send(method, path, fields, token=self.access_token, **options)

    async def _send(
        self,
        method: str,
        path: str,
        fields: Any = None,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        params: dict[str, Any] | None = None,
    ) -> Any:
        headers = dict(headers or {})
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        content = None
        if fields is not None:
            headers["Content-Type"] = "application/json"
            content = orjson.dumps(fields)
        try:
            response = await self._http.request(
                method, path, content=content, headers=headers, params=params
            )
        except httpx.TransportError as error:
            problem = str(error) or type(error).__name__
            raise Unreachable(f"Nothing answers at {self._url}: {problem}.") from None
        return self._body(response)

    def _body(self, response: httpx.Response) -> Any:
        if response.status_code == 204:
            return None
        try:
            body = orjson.loads(response.content)
            if response.is_success:
                return body
            error = body["error"]
            raise PlazaRefused(error["code"], error["message"], error.get("retry_after"))
        except (ValueError, KeyError, TypeError):
            sentence = (
                f"{self._url} answered with HTTP status {response.status_code}, not as Plaza."
            )
            if response.status_code >= 500:
                raise Unreachable(sentence, retry_after_of(response.headers)) from None
            raise WireError(sentence) from None


def shaped(value: Any, type_: type[R]) -> R:
    """A part of an answer as a type. Raises WireError for what it is not."""
    try:
        return from_builtins(value, type_)
    except msgspec.ValidationError as error:
        raise WireError(f"An answer from the server could not be read: {error}.") from None
