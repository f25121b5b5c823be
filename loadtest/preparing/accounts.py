"""Accounts over REST: signed up once, logged in again for each run."""

import base64
import secrets
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from loadtest.endpoint import TargetError
from loadtest.preparing.accounts_file import Account, AccountsFile
from loadtest.preparing.calls import Calls, each
from plaza_client.errors import PlazaRefused, WireError
from plaza_client.rest_requests import shaped
from protocol.errors import EMAIL_TAKEN, INVALID_CREDENTIALS, USERNAME_TAKEN

Progress = Callable[[str, int, int], None]
"""Is told what is being made, how many there are, and of how many: `Watcher.step`."""

# A sign-up takes a core and 64 MiB for a while; a server makes two at a time by default.
_SIGN_UPS_AT_ONCE = 4
_KEPT_AFTER = 50  # sign-ups: who is interrupted has most of them
# Of a token's life, that is left at least when a run begins.
_FRESH = 2 / 3
_LIFETIME_SECONDS = 900.0  # of a token that does not say; a server's default
# So many accounts gone, the first ones: the server has another database, and to ask for each of the
# others would cost a login.
_GONE = 3

_SIGN_UPS = "limits.signups_per_ip_hour"
_LOGINS = "limits.logins_per_ip_minute"


class _Known(Struct):
    id: str


class _Session(Struct):
    account: _Known
    access_token: str
    refresh_token: str


class _Life(Struct):
    """Of an access token: when it was issued, and when it ends."""

    iat: int
    exp: int


class RestAccounts:
    """The accounts of a server.

    Args:
        url: of the server.
        file: has those of former runs, and gets new ones.
        progress: is told how it goes.

    Attributes:
        newcomers: who was signed up by this object.
    """

    def __init__(self, url: str, file: AccountsFile, progress: Progress) -> None:
        self.newcomers: set[str] = set()
        self._url = url
        self._file = file
        self._accounts = file.of(url)
        self._progress = progress
        self._renewed_at: dict[str, float] = {}

    async def ready(self, calls: Calls, count: int) -> list[Account]:
        """So many, each with a fresh access token.

        Raises:
            TargetError: there cannot be so many.
        """
        try:
            await self._renew(calls, count)
            await self._sign_up(calls, count)
            # Who signed up first may have waited for the others for long.
            await self._renew(calls, count)
        finally:
            self._file.keep(self._url, self._accounts)
        return self._accounts[:count]

    async def _renew(self, calls: Calls, count: int) -> None:
        """Give a fresh token to those of the first `count` who need one; forget who is gone."""
        stale = [account for account in self._accounts[:count] if not self._is_fresh(account)]
        first, others = stale[:_GONE], stale[_GONE:]
        are_there = await each(partial(self._is_renewed, calls), first)
        if len(first) == _GONE and not any(are_there):
            self._accounts.clear()
            return
        done = partial(self._tell, "Logging in", len(others))
        are_there += await each(partial(self._is_renewed, calls), others, done=done)
        gone = {one.id for one, is_there in zip(stale, are_there, strict=True) if not is_there}
        self._accounts = [account for account in self._accounts if account.id not in gone]

    def _is_fresh(self, account: Account) -> bool:
        # Not whatever an old file says: since then the server may have got another database.
        renewed_at = self._renewed_at.get(account.id)
        if renewed_at is None:
            return False
        return time.monotonic() - renewed_at < (1 - _FRESH) * _lifetime(account.access_token)

    async def _is_renewed(self, calls: Calls, account: Account) -> bool:
        """Get fresh tokens; return whether the account is there."""
        token = {"refresh_token": account.refresh_token}
        try:
            self._adopt(account, await calls.call("POST", "/sessions/refresh", token))
        except PlazaRefused:
            # The session has ended; or virtual users of a long run have refreshed it, unnoticed.
            try:
                await self._log_in(calls, account)
            except PlazaRefused as refusal:
                if refusal.code == INVALID_CREDENTIALS.code:
                    return False
                raise TargetError(f"An account cannot log in: {refusal}") from None
        return True

    async def _log_in(self, calls: Calls, account: Account) -> None:
        fields = {"login": account.username, "password": account.password}
        self._adopt(account, await calls.call("POST", "/sessions", fields, limit=_LOGINS))

    async def _sign_up(self, calls: Calls, count: int) -> None:
        missing = max(count - len(self._accounts), 0)

        def done(number: int) -> None:
            self._tell("Signing up", missing, number)
            if number % _KEPT_AFTER == 0:
                self._file.keep(self._url, self._accounts)

        try:
            await each(
                lambda _: self._newcomer(calls),
                range(missing),
                done=done,
                at_once=_SIGN_UPS_AT_ONCE,
            )
        except TargetError as error:
            there = f"{len(self._accounts)} of {count} accounts are there"
            raise TargetError(f"{error} {there}.") from None

    async def _newcomer(self, calls: Calls) -> None:
        """Sign somebody up, whose name is left to chance."""
        username = f"load_{secrets.token_hex(8)}"
        account = Account("", username, secrets.token_urlsafe(18), "", "")
        # RFC 2606, section 2: mail to `invalid` goes nowhere.
        fields = {"username": username, "email": f"{username}@load.invalid"}
        fields["password"] = account.password
        try:
            self._adopt(account, await calls.call("POST", "/accounts", fields, limit=_SIGN_UPS))
        except PlazaRefused as refusal:
            if refusal.code not in (USERNAME_TAKEN.code, EMAIL_TAKEN.code):
                raise TargetError(f"Nobody can sign up: {refusal}") from None
            # By ourselves: the answer to the first try was lost.
            await self._log_in(calls, account)
        self._accounts.append(account)
        self.newcomers.add(account.id)

    def _adopt(self, account: Account, answer: Any) -> None:
        try:
            session = shaped(answer, _Session)
        except WireError as error:
            raise TargetError(str(error)) from None
        account.id = session.account.id
        account.access_token = session.access_token
        account.refresh_token = session.refresh_token
        self._renewed_at[account.id] = time.monotonic()

    def _tell(self, what: str, of: int, done: int) -> None:
        self._progress(what, done, of)


def _lifetime(token: str) -> float:
    """The seconds for which an access token is good."""
    payload = token.split(".")[1:2]
    try:
        life = msgspec.json.decode(base64.urlsafe_b64decode(f"{payload[0]}=="), type=_Life)
    except (IndexError, ValueError):
        return _LIFETIME_SECONDS
    return float(life.exp - life.iat)
