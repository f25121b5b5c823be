"""Who sits at the terminal: saved sessions, logging in, signing up."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

from plaza_client.errors import PlazaRefused
from plaza_client.rest import Rest
from protocol.errors import INVALID_CREDENTIALS, USERNAME_TAKEN
from protocol.names import fold_username

Ask = Callable[..., Awaitable[str]]
"""`await ask(question, hidden=False)`: what the person answers."""


class NobodyToAsk(Exception):
    """Something has to be asked, and there is no person at the terminal. The message says what."""


class SavedToken:
    """The refresh token of an account at a server, in a file that only its owner can read.

    Terminals that share it take turns: a refresh token is good for one use, and using it twice ends
    the session.

    Args:
        url: of the server.
        username: of the account.

    Attributes:
        path: of the file.
    """

    def __init__(self, url: str, username: str) -> None:
        parts = urlsplit(url)
        server = quote(parts.netloc + parts.path.rstrip("/"), safe="[]:")
        self.path = state_folder() / server / username

    @asynccontextmanager
    async def turn(self) -> AsyncIterator["Turn"]:
        """Hold the token while it is exchanged."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            await asyncio.to_thread(fcntl.flock, descriptor, fcntl.LOCK_EX)
            yield Turn(descriptor)
        finally:
            os.close(descriptor)

    def exists(self) -> bool:
        """Whether there is a token."""
        return self.path.exists() and self.path.stat().st_size > 0


class Turn:
    """Exclusive access to a saved token."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self) -> str | None:
        """The token, if there is one."""
        return os.pread(self._descriptor, 1_000, 0).decode().strip() or None

    def write(self, token: str | None) -> None:
        """Replace the token; None: there is none any more."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, (token or "").encode(), 0)


class RememberedRest(Rest):
    """A Rest whose session outlives the process, and is shared with other terminals.

    Args:
        url: of the server.
        saved: where the refresh token is.
    """

    def __init__(self, url: str, saved: SavedToken) -> None:
        super().__init__(url)
        self._saved = saved

    async def refresh(self) -> str:
        """Exchange the saved refresh token, whoever saved it last."""
        async with self._saved.turn() as turn:
            self.refresh_token = turn.read()
            token = await super().refresh()
            turn.write(self.refresh_token)
            return token

    async def remember(self) -> None:
        """Save the session that has just begun."""
        async with self._saved.turn() as turn:
            turn.write(self.refresh_token)


def state_folder() -> Path:
    """Where the chat keeps what has to outlive it (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_STATE_HOME", "")
    return (Path(base) if base else Path.home() / ".local" / "state") / "plaza"


async def sign_in(
    url: str, ask: Ask, *, username: str | None = None, password: str | None = None
) -> Rest:
    """Begin or go on with a session.

    Args:
        url: of the server.
        ask: asks the person.
        username: asked for if None.
        password: asked for if None and no session is saved.

    Raises:
        NobodyToAsk: an answer is needed and there is nobody.
        PlazaClientError: the server refuses, or cannot be reached.
    """
    name = await _username(ask, username)
    saved = SavedToken(url, name)
    rest = RememberedRest(url, saved)
    try:
        if password is not None or not await _resumed(rest, saved):
            await _log_in(rest, ask, name, password)
            await rest.remember()
    except BaseException:
        await rest.close()
        raise
    return rest


async def _username(ask: Ask, given: str | None) -> str:
    while True:
        name = given or await ask("Username: ")
        try:
            return fold_username(name)
        except ValueError as error:
            if given is not None:
                raise PlazaRefused("bad_request", f"{name!r} does not do: {error}.") from None


async def _resumed(rest: Rest, saved: SavedToken) -> bool:
    if not saved.exists():
        return False
    try:
        await rest.refresh()
    except PlazaRefused as refusal:
        if refusal.may_retry:
            raise
        return False  # expired or revoked
    return True


async def _log_in(rest: Rest, ask: Ask, name: str, given: str | None) -> None:
    password = given
    while True:
        if password is None:
            password = await ask("Password: ", hidden=True)
        try:
            await rest.log_in(name, password)
            return
        except PlazaRefused as refusal:
            if refusal.code != INVALID_CREDENTIALS.code:
                raise
            # That a name is free is not told to strangers, so it is found out by trying.
            if await _signed_up(rest, ask, name, password, refusal):
                return
        password = None


async def _signed_up(rest: Rest, ask: Ask, name: str, password: str, refusal: PlazaRefused) -> bool:
    try:
        answer = await ask(f"No account {name} with this password. Create it? [y/N] ")
        if not answer.lower().startswith("y"):
            return False
        email = await ask("E-mail address: ")
        if await ask("The password again: ", hidden=True) != password:
            raise PlazaRefused("bad_request", "The passwords differ. Start again.")
    except NobodyToAsk:
        raise refusal from None
    try:
        await rest.sign_up(name, email, password)
    except PlazaRefused as taken:
        if taken.code != USERNAME_TAKEN.code:
            raise
        return False
    return True
