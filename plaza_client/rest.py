"""The REST interface: accounts, logins, and what is read page by page."""

import asyncio
from collections.abc import Iterable
from typing import Any, TypeVar
from uuid import uuid4

import httpx
import msgspec
import orjson
from msgspec import Struct

from plaza_client.address import rest_url
from plaza_client.errors import PlazaRefused, Unreachable, WireError
from plaza_client.wire import HistoryPage, room_events
from protocol.codec import from_builtins
from protocol.errors import TOKEN_EXPIRED, UNAUTHORIZED
from protocol.records import Member, Room, RoomKind, User

PAGE = 200  # the most that the server gives at once

R = TypeVar("R")


class Account(User, frozen=True):
    """One's own account."""

    email: str | None = None


class Session(Struct, frozen=True):
    """A login.

    Attributes:
        account: whose it is.
        access_token: good for some minutes; shown with every request and in hello.
        refresh_token: good for one exchange against new tokens.
    """

    account: Account
    access_token: str
    refresh_token: str


class _Page(Struct):
    items: list[Any]
    next_cursor: str | None = None


class _LogPage(Struct):
    items: list[Any]
    more: bool


class Rest:
    """Calls the REST interface of a server; an asynchronous context manager.

    An access token that has expired is refreshed on the way.

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
        self,
        url: str,
        *,
        access_token: str | None = None,
        refresh_token: str | None = None,
        timeout: float = 30.0,
    ) -> None:
        self.access_token = access_token
        self.refresh_token = refresh_token
        self._url = url
        self._http = httpx.AsyncClient(base_url=rest_url(url), timeout=timeout)
        # Two refreshes at once would show the same refresh token twice, which ends the session.
        self._refreshing = asyncio.Lock()

    async def __aenter__(self) -> "Rest":
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the HTTP connections."""
        await self._http.aclose()

    # --- sessions --------------------------------------------------------------------------------

    async def sign_up(self, username: str, email: str, password: str) -> Session:
        """Create an account, and log in.

        Raises:
            PlazaRefused: username_taken, email_taken, bad_request, rate_limited, and others.
        """
        fields = {"username": username, "email": email, "password": password}
        return self._adopt(await self._send("POST", "/accounts", fields))

    async def log_in(self, login: str, password: str) -> Session:
        """Begin a session.

        Args:
            login: username or e-mail address.
            password: of the account.

        Raises:
            PlazaRefused: invalid_credentials, rate_limited, and others.
        """
        fields = {"login": login, "password": password}
        return self._adopt(await self._send("POST", "/sessions", fields))

    async def refresh(self) -> str:
        """Exchange the refresh token for new tokens: the refresh callback of a Client.

        Returns:
            The new access token.

        Raises:
            PlazaRefused: unauthorized or refresh_reused: log in again.
        """
        async with self._refreshing:
            if self.refresh_token is None:
                raise PlazaRefused(UNAUTHORIZED.code, "There is no session to refresh. Log in.")
            fields = {"refresh_token": self.refresh_token}
            return self._adopt(await self._send("POST", "/sessions/refresh", fields)).access_token

    async def log_out(self) -> None:
        """End the session and close its sockets."""
        await self._call("DELETE", "/sessions/current")
        self.access_token = self.refresh_token = None

    def _adopt(self, answer: Any) -> Session:
        session = _shaped(answer, Session)
        self.access_token = session.access_token
        self.refresh_token = session.refresh_token
        return session

    # --- accounts --------------------------------------------------------------------------------

    async def me(self) -> Account:
        """One's own account."""
        return _shaped(await self._call("GET", "/me"), Account)

    async def account(self, account: int) -> User:
        """An account by its id. Raises PlazaRefused not_found."""
        return _shaped(await self._call("GET", f"/accounts/{account}"), User)

    async def account_named(self, username: str) -> User | None:
        """An account by its username; None if there is none."""
        answer = await self._call("GET", "/accounts", params={"username": username})
        found = _shaped(_shaped(answer, _Page).items, list[User])
        return found[0] if found else None

    # --- rooms -----------------------------------------------------------------------------------

    async def create_room(
        self,
        kind: RoomKind | str,
        title: str | None = None,
        members: Iterable[int] = (),
        *,
        key: str | None = None,
    ) -> Room:
        """Create a room; of a dm, or with a `key` used before, the room that exists is returned.

        Args:
            kind: dm, group or channel.
            title: of a group or channel.
            members: account ids besides one's own; of a dm the other one.
            key: the creator's own name for this creation.
        """
        fields: dict[str, Any] = {"kind": RoomKind(kind), "members": [str(one) for one in members]}
        if title is not None:
            fields["title"] = title
        headers = {"Idempotency-Key": key or uuid4().hex}
        return _shaped(await self._call("POST", "/rooms", fields, headers=headers), Room)

    async def rooms(self) -> list[Room]:
        """One's own rooms."""
        return _shaped(await self._all("/rooms"), list[Room])

    async def channels(self) -> list[Room]:
        """The rooms that anyone may join."""
        return _shaped(await self._all("/rooms", scope="public"), list[Room])

    async def members(self, room: int) -> list[Member]:
        """Who is in a room. Raises PlazaRefused not_found."""
        return _shaped(await self._all(f"/rooms/{room}/members"), list[Member])

    async def events(
        self,
        room: int,
        *,
        before: int | None = None,
        after: int | None = None,
        around: int | None = None,
        limit: int = 50,
    ) -> HistoryPage:
        """A part of a room's log: see `Client.history`."""
        bounds = {"before": before, "after": after, "around": around, "limit": limit}
        params = {name: bound for name, bound in bounds.items() if bound is not None}
        answer = await self._call("GET", f"/rooms/{room}/events", params=params)
        page = _shaped(answer, _LogPage)
        return HistoryPage(room_events(page.items), page.more)

    # --- requests --------------------------------------------------------------------------------

    async def _all(self, path: str, **params: str) -> list[Any]:
        """All items of a list, page by page."""
        items: list[Any] = []
        params["limit"] = str(PAGE)
        while True:
            page = _shaped(await self._call("GET", path, params=params), _Page)
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
                raise Unreachable(sentence) from None
            raise WireError(sentence) from None


def _shaped(value: Any, type_: type[R]) -> R:
    try:
        return from_builtins(value, type_)
    except msgspec.ValidationError as error:
        raise WireError(f"An answer from the server could not be read: {error}.") from None
