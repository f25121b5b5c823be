"""Accounts and their sessions: sign up, log in, stay logged in, log out.

Throttles. A network may try so many logins and sign-ups. An account takes so many wrong passwords,
wherever they come from: the right one costs nothing. Where an account has a live session, wrong
passwords are counted apart for that address, so that somebody who guesses from elsewhere cannot
keep the owner out.
"""

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import NamedTuple

import asyncpg
from msgspec import Struct

from persistence import account_deletion, accounts, logins, sessions
from persistence.accounts import Account, Credentials
from persistence.database import Database
from persistence.sessions import Refreshed, Session
from protocol.errors import (
    BAD_REQUEST,
    INVALID_CREDENTIALS,
    NOT_FOUND,
    RATE_LIMITED,
    REFRESH_REUSED,
    UNAUTHORIZED,
    PlazaError,
)
from protocol.ids import Id, IdMint
from protocol.names import fold_username
from protocol.times import from_ms
from server.limits import Throttle, Throttles, client_network
from server.passwords import Passwords, check_password
from server.tokens import Claims, TokenKey, new_refresh_token, refresh_token_hash

# Whether an address exists, only a message to it can tell. 254: RFC 5321 with erratum 1690.
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_MAX_EMAIL = 254
_MAX_USER_AGENT = 200


class Origin(NamedTuple):
    """Where a request comes from."""

    address: str
    user_agent: str


class SignedIn(Struct, frozen=True):
    """A session has begun or goes on. The access token is for `Authorization: Bearer`."""

    account: Account
    access_token: str
    refresh_token: str


class Auth:
    """Who may come in.

    Args:
        database: where accounts and sessions are.
        passwords: hashes and verifies.
        tokens: signs and reads access tokens.
        throttles: how often one may try.
        mint: makes ids.
        clock: Unix time in milliseconds.
        refresh_days: how long a session lasts that is not refreshed.
        close_sessions: closes the sockets of sessions that have ended.
    """

    def __init__(
        self,
        *,
        database: Database,
        passwords: Passwords,
        tokens: TokenKey,
        throttles: Throttles,
        mint: IdMint,
        clock: Callable[[], int],
        refresh_days: int,
        close_sessions: Callable[[Iterable[Id]], None],
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._tokens = tokens
        self._throttles = throttles
        self._mint = mint
        self._clock = clock
        self._lifetime = timedelta(days=refresh_days)
        self._close_sessions = close_sessions

    # --- in ----------------------------------------------------------------------------------

    async def sign_up(self, username: str, email: str, password: str, origin: Origin) -> SignedIn:
        """Create an account and its first session.

        Raises:
            PlazaError: bad_request, rate_limited, username_taken, email_taken, overloaded.
        """
        username, email = _clean_username(username), _clean_email(email)
        check_password(password, username=username, email=email)
        self._admit(self._throttles.signups, client_network(origin.address))
        password_hash = await self._passwords.hash(password)
        async with self._database.transaction() as connection:
            account = self._mint.mint(self._clock())
            await accounts.create_account(
                connection,
                account=account,
                username=username,
                email=email,
                password_hash=password_hash,
            )
            return await self._open_session(connection, account, origin)

    async def log_in(self, login: str, password: str, origin: Origin) -> SignedIn:
        """Begin a session.

        Args:
            login: username or e-mail address.

        Raises:
            PlazaError: invalid_credentials, rate_limited, overloaded.
        """
        self._admit(self._throttles.logins, client_network(origin.address))
        async with self._database.connection() as connection:
            credentials = await accounts.credentials(connection, login)
        credentials = await self._check(credentials, login, password, origin)
        better = None
        if self._passwords.outdated(credentials.password_hash):
            better = await self._passwords.hash(password)
        async with self._database.transaction() as connection:
            await _confirm(connection, credentials)
            if better is not None:
                await accounts.set_password_hash(connection, credentials.account, better)
            return await self._open_session(connection, credentials.account, origin)

    async def refresh(self, refresh_token: str) -> SignedIn:
        """Exchange a refresh token for fresh tokens of the same session.

        Raises:
            PlazaError: unauthorized; refresh_reused, and the session has ended.
        """
        next_token = new_refresh_token()
        now = from_ms(self._clock())
        async with self._database.connection() as connection:
            outcome = await sessions.rotate(
                connection,
                refresh_hash=refresh_token_hash(refresh_token),
                new_hash=refresh_token_hash(next_token),
                now=now,
                expires_at=now + self._lifetime,
            )
            if isinstance(outcome, Refreshed):
                return await self._signed_in(
                    connection, outcome.user.id, outcome.session, next_token
                )
        self._close_sessions([outcome.session])
        raise PlazaError(REFRESH_REUSED)

    def read(self, token: str) -> Claims:
        """Whom an access token speaks for.

        Raises:
            PlazaError: unauthorized or token_expired.
        """
        return self._tokens.read(token, self._clock() / 1000)

    async def confirm(self, claims: Claims) -> None:
        """See that the session of a token still stands.

        Raises:
            PlazaError: unauthorized.
        """
        async with self._database.connection() as connection:
            owner = await sessions.session_owner(connection, claims.session)
        if owner is None or owner.id != claims.account:
            raise PlazaError(UNAUTHORIZED, "The session has ended. Log in again.")

    # --- out ---------------------------------------------------------------------------------

    async def change_password(
        self, account: Id, current: str, new: str, origin: Origin
    ) -> SignedIn:
        """Replace the password, end all sessions of the account, and begin a new one.

        Raises:
            PlazaError: bad_request, invalid_credentials, rate_limited, overloaded.
        """
        async with self._database.connection() as connection:
            credentials = await accounts.credentials_of(connection, account)
            own = await accounts.own_account(connection, account)
        if credentials is None or own is None:
            raise PlazaError(UNAUTHORIZED)
        check_password(new, username=own.username, email=own.email)
        credentials = await self._check(credentials, own.username, current, origin)
        password_hash = await self._passwords.hash(new)
        async with self._database.transaction() as connection:
            await _confirm(connection, credentials)
            await accounts.set_password_hash(connection, account, password_hash)
            ended = await sessions.revoke_all(connection, account)
            signed_in = await self._open_session(connection, account, origin)
        self._close_sessions(ended)
        return signed_in

    async def delete_account(self, account: Id, password: str, origin: Origin) -> None:
        """Delete the account: its sessions end now, what it has left goes by a job.

        Raises:
            PlazaError: invalid_credentials, rate_limited, overloaded.
        """
        async with self._database.connection() as connection:
            credentials = await accounts.credentials_of(connection, account)
        login = "" if credentials is None else credentials.username
        credentials = await self._check(credentials, login, password, origin)
        async with self._database.transaction() as connection:
            await _confirm(connection, credentials)
            await account_deletion.begin(connection, account)
            ended = await sessions.revoke_all(connection, account)
        self._close_sessions(ended)

    async def sessions(self, account: Id) -> list[Session]:
        """The sessions of an account that have not ended."""
        async with self._database.connection() as connection:
            return await sessions.sessions_of(connection, account)

    async def revoke(self, account: Id, session: Id) -> None:
        """End a session of the account.

        Raises:
            PlazaError: not_found.
        """
        async with self._database.connection() as connection:
            if not await sessions.revoke(connection, account=account, session=session):
                raise PlazaError(NOT_FOUND, "You have no such session, or it has ended.")
        self._close_sessions([session])

    # --- parts -------------------------------------------------------------------------------

    async def _check(
        self, credentials: Credentials | None, login: str, password: str, origin: Origin
    ) -> Credentials:
        """Return the credentials if the password is theirs; an unknown name takes as long."""
        # Taken before the password is verified and given back if it was right: counted only
        # afterwards, a hundred guesses at the same time would all be let through.
        key = await self._password_key(credentials, login, origin)
        self._admit(self._throttles.passwords, key)
        stored = None if credentials is None else credentials.password_hash
        right = await self._passwords.verify(stored, password)
        if credentials is None or not right:
            raise PlazaError(INVALID_CREDENTIALS)
        self._throttles.passwords.put_back(key)
        return credentials

    async def _password_key(
        self, credentials: Credentials | None, login: str, origin: Origin
    ) -> str:
        if credentials is None:
            return f"name {login.strip().lower()[:100]}"
        network = client_network(origin.address)
        for session in await self.sessions(credentials.account):
            if client_network(session.address) == network:
                return f"account {credentials.account} at {network}"
        return f"account {credentials.account}"

    def _admit(self, throttle: Throttle, key: str) -> None:
        retry_after = throttle.take(key, self._clock() / 1000)
        if retry_after:
            raise PlazaError(RATE_LIMITED, retry_after=retry_after)

    async def _open_session(
        self, connection: asyncpg.Connection, account: Id, origin: Origin
    ) -> SignedIn:
        session, refresh_token = self._mint.mint(self._clock()), new_refresh_token()
        await sessions.open_session(
            connection,
            session=session,
            account=account,
            refresh_hash=refresh_token_hash(refresh_token),
            user_agent=_clean_user_agent(origin.user_agent),
            address=origin.address,
            expires_at=from_ms(self._clock()) + self._lifetime,
        )
        return await self._signed_in(connection, account, session, refresh_token)

    async def _signed_in(
        self, connection: asyncpg.Connection, account: Id, session: Id, refresh_token: str
    ) -> SignedIn:
        own = await accounts.own_account(connection, account)
        if own is None:
            raise PlazaError(UNAUTHORIZED)
        access_token = self._tokens.issue(account, session, self._clock() / 1000)
        return SignedIn(own, access_token, refresh_token)


async def _confirm(connection: asyncpg.Connection, credentials: Credentials) -> None:
    if not await logins.confirm_password_hash(
        connection, credentials.account, credentials.password_hash
    ):
        raise PlazaError(INVALID_CREDENTIALS, "The password has just been changed. Log in again.")


def _clean_username(username: str) -> str:
    try:
        return fold_username(username)
    except ValueError as problem:
        raise PlazaError(BAD_REQUEST, f"{str(problem).capitalize()}.") from None


def _clean_email(email: str) -> str:
    email = email.strip()
    if len(email) > _MAX_EMAIL or not email.isprintable() or _EMAIL.fullmatch(email) is None:
        raise PlazaError(BAD_REQUEST, "An e-mail address looks like name@example.org.")
    return email


def _clean_user_agent(user_agent: str) -> str:
    return "".join(filter(str.isprintable, user_agent))[:_MAX_USER_AGENT]
