"""Where a client gets its access tokens from."""

from collections.abc import Awaitable, Callable

from plaza_client.errors import PlazaRefused
from plaza_client.rest import Rest

Refresh = Callable[[], Awaitable[str]]
"""Returns a new access token."""


class Tokens:
    """The access token in use.

    Args:
        token: the first one; None: `refresh` is asked for it.
        refresh: asked for another one when the server refuses the one in use. None: a refused
            token is the end.
    """

    def __init__(self, token: str | None, refresh: Refresh | None) -> None:
        if token is None and refresh is None:
            raise ValueError("A client needs a token, credentials or a refresh callback.")
        self._token = token
        self._refresh = refresh

    async def current(self) -> str:
        """The token in use."""
        if self._token is None:
            assert self._refresh is not None
            self._token = await self._refresh()
        return self._token

    async def renew(self, refusal: PlazaRefused) -> str:
        """Another token, as the one in use was refused. Raises `refusal` if there is none."""
        if self._refresh is None:
            raise refusal
        self._token = await self._refresh()
        return self._token


class PasswordLogin:
    """Gets access tokens for a name and a password: the refresh callback of `credentials`.

    Logs in the first time, and again when the session has ended; in between it refreshes.

    Args:
        url: of the server.
        login: username or e-mail address.
        password: of the account.
    """

    def __init__(self, url: str, login: str, password: str) -> None:
        self._rest = Rest(url)
        self._login = login
        self._password = password

    async def __call__(self) -> str:
        if self._rest.refresh_token is not None:
            try:
                return await self._rest.refresh()
            except PlazaRefused as refusal:
                if refusal.may_retry:
                    raise
        session = await self._rest.log_in(self._login, self._password)
        return session.access_token

    async def close(self) -> None:
        """Close the HTTP connection."""
        await self._rest.close()
