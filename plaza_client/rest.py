"""The REST interface: accounts, logins, and what is read page by page."""

import asyncio
from typing import Any

from msgspec import Struct

from plaza_client.errors import PlazaRefused
from plaza_client.rest_account import AccountRequests
from plaza_client.rest_engagement import EngagementRequests
from plaza_client.rest_feed import FeedRequests
from plaza_client.rest_people import Account, PeopleRequests
from plaza_client.rest_posts import PostRequests
from plaza_client.rest_profiles import ProfileRequests
from plaza_client.rest_requests import shaped
from plaza_client.rest_rooms import RoomRequests
from plaza_client.rest_streams import StreamRequests
from plaza_client.rest_uploads import UploadRequests
from protocol.errors import UNAUTHORIZED


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


class Rest(
    PeopleRequests,
    ProfileRequests,
    RoomRequests,
    PostRequests,
    EngagementRequests,
    FeedRequests,
    UploadRequests,
    StreamRequests,
    AccountRequests,
):
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
        super().__init__(
            url, access_token=access_token, refresh_token=refresh_token, timeout=timeout
        )
        # Two refreshes at once would show the same refresh token twice, which ends the session.
        self._refreshing = asyncio.Lock()

    async def __aenter__(self) -> "Rest":
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

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
        session = shaped(answer, Session)
        self.access_token = session.access_token
        self.refresh_token = session.refresh_token
        return session
