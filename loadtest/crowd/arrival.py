"""How a user comes, and comes back: the only thing that takes a task, while it lasts.

A connection that is lost, and a try that is refused, are followed by another one after a random
delay that is bounded by twice as much each time (plaza_client/backoff.py); where the server says
how long to stay away, after that and up to half as much on top. Close codes of 4500 and above, and
those of the client's own mistakes, are the end, but for an access token that can be renewed.
"""

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Final

from loadtest.crowd.connection import Refused
from loadtest.frames import client_frame
from plaza_client import PlazaRefused, Rest, Unreachable
from plaza_client.backoff import FullJitter
from protocol.close import UNAUTHORIZED, may_reconnect
from protocol.errors import TOKEN_EXPIRED
from protocol.errors import UNAUTHORIZED as TOKEN_REFUSED

if TYPE_CHECKING:
    from loadtest.crowd.user import User

_CONNECT_SECONDS: Final = 30.0
_RENEWED: Final = {TOKEN_EXPIRED.code, TOKEN_REFUSED.code}


class _TokenRefused(Exception):
    """The access token has run out."""


class Tokens:
    """Renews access tokens, for all users of the process, one at a time.

    Args:
        url: of the server.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._rest: Rest | None = None
        self._turn = asyncio.Lock()

    async def renew(self, user: "User", stale: str) -> str:
        """A token other than this one.

        Raises:
            PlazaRefused: there is none; the session has ended.
            Unreachable: the server does not answer.
        """
        async with self._turn:
            if user.token != stale:
                return user.token  # somebody else has asked for the same
            if not user.refresh_token:
                raise PlazaRefused(TOKEN_REFUSED.code, "There is no refresh token.")
            if self._rest is None:
                self._rest = Rest(self._url)
            self._rest.refresh_token = user.refresh_token
            user.token = await self._rest.refresh()
            user.refresh_token = self._rest.refresh_token
            return user.token

    async def close(self) -> None:
        """Close the HTTP connection."""
        if self._rest is not None:
            await self._rest.close()


def come(user: "User", *, delay: float = 0.0) -> None:
    """Let a user connect for the first time, after a delay in seconds."""
    user.arriving = asyncio.create_task(_arrive(user, delay, _patience(user)))


def come_back(user: "User", *, after: float | None = None) -> None:
    """Let a user connect again.

    Args:
        after: seconds that it stays away by its own will; None: it comes as soon as it may.
    """
    patience = _patience(user)
    user.back_since = monotonic() + (after or 0.0)
    delay = patience.next() if after is None else after
    user.arriving = asyncio.create_task(_arrive(user, delay, patience))


def lost(user: "User", code: int, delay: float | None) -> None:
    """A connection was closed or lost; `delay`: how long the server says to stay away."""
    if not user.is_wanted:
        return
    if not may_reconnect(code):
        user.is_wanted = False
        return
    patience = _patience(user)
    user.back_since = monotonic()
    user.arriving = asyncio.create_task(_arrive(user, _delay(user, patience, delay), patience))


def refused_hello(user: "User", code: str) -> None:
    """The server has answered hello with an error; it closes the connection."""
    if code in _RENEWED and user.welcome is not None and not user.welcome.done():
        user.welcome.set_exception(_TokenRefused())


async def _arrive(user: "User", delay: float, patience: FullJitter) -> None:
    meter = user.meter
    try:
        while True:
            await asyncio.sleep(delay)
            try:
                await _try(user)
                return
            except Refused as refusal:
                if not _may_return(refusal.code):
                    _is_out(user)
                    return
                meter.count("refused")
                delay = _delay(user, patience, refusal.delay)
            except _TokenRefused:
                if not await _renew(user):
                    _is_out(user)
                    return
                delay = 0.0
            except OSError:  # time that has run out is one, too
                meter.count("refused")
                delay = patience.next()
    finally:
        if user.arriving is asyncio.current_task():
            user.arriving = None


async def _try(user: "User") -> None:
    crowd = user.crowd
    welcome = user.welcome = asyncio.get_running_loop().create_future()
    user.came_at = monotonic()
    buffer = crowd.scenario.slow.receive_buffer if user.is_slow else None
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            connection = await crowd.door.open(user, receive_buffer=buffer)
            if crowd.is_echo:
                user.enter()
            else:
                connection.write(client_frame(user.hello))
            await welcome
    except BaseException:
        user.drop()
        raise
    finally:
        user.welcome = None
        if not welcome.cancel():
            welcome.exception()  # of a try that has failed otherwise already


async def _renew(user: "User") -> bool:
    """Get another token; whether there is one, or may be later."""
    try:
        await user.crowd.tokens.renew(user, user.token)
    except PlazaRefused as refusal:
        user.meter.error(refusal.code)
        return refusal.may_retry
    except Unreachable:
        user.meter.count("refused")
    return True


def _is_out(user: "User") -> None:
    user.meter.count("dropped")
    user.is_wanted = False


def _may_return(code: int) -> bool:
    """Whether to try again after a close code, or the status of an HTTP response."""
    if code == UNAUTHORIZED.code or 400 <= code < 500:
        return code == 429
    return may_reconnect(code)


def _patience(user: "User") -> FullJitter:
    returning = user.crowd.scenario.returning
    return FullJitter(user.crowd.chance.random, base=returning.base, cap=returning.cap)


def _delay(user: "User", patience: FullJitter, told: float | None) -> float:
    own = patience.next()
    return own if told is None else told * (1 + user.crowd.chance.random() / 2)
