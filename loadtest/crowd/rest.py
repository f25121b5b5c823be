"""Requests of users over REST, repeated as a client does it that means to get them through."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import msgspec
from msgspec import Struct

from loadtest.crowd.http import Http
from plaza_client.address import rest_url
from plaza_client.errors import PlazaRefused, Unreachable

if TYPE_CHECKING:
    from loadtest.crowd.crowd import Crowd
    from loadtest.crowd.user import User

_UNAUTHORIZED = 401
_UNAVAILABLE = "unavailable"


class _Error(Struct):
    code: str
    retry_after: float | None = None


class _Refusal(Struct):
    error: _Error


_refusal = msgspec.json.Decoder(_Refusal).decode


class Request:
    """A request that a user makes.

    Args:
        user: who.
        due: when it was due.
        kind: of latency that its answer has.
        line: such as "GET /feed", below /api/v1.
        headers: of its own, each with its line end.
        body: as JSON.
        answered: called with the body of an answer that says that it was done.

    Attributes:
        tries: how often it was lost on the way.
        is_renewed: whether a new token was got for it.
    """

    __slots__ = (
        "answered", "body", "due", "headers", "is_renewed", "kind", "line", "tries", "user",
    )  # fmt: skip

    def __init__(
        self,
        user: "User",
        due: float,
        kind: str,
        line: str,
        *,
        headers: str = "",
        body: bytes = b"",
        answered: Callable[["User", bytes], None] | None = None,
    ) -> None:
        self.user = user
        self.due = due
        self.kind = kind
        self.line = line
        self.headers = headers
        self.body = body
        self.answered = answered
        self.tries = 0
        self.is_renewed = False


class Rest:
    """The REST interface, for all users of a process.

    Args:
        crowd: whose.
    """

    def __init__(self, crowd: "Crowd") -> None:
        api = rest_url(crowd.url)
        self._http = Http(api)
        self._root = urlsplit(api).path
        self._chance = crowd.chance
        self._patience = crowd.scenario.returning
        self._tokens = crowd.tokens
        self._renewals: set[asyncio.Task[None]] = set()

    def make(self, request: Request) -> None:
        """Make a request; it may be sent more than once."""
        request.user.begin()
        self._send(request)

    def _send(self, request: Request) -> None:
        verb, path = request.line.split(" ", 1)
        token = request.user.token
        head = (
            f"{verb} {self._root}{path} HTTP/1.1\r\nHost: {self._http.host}\r\n"
            f"Authorization: Bearer {token}\r\n{request.headers}"
        )
        if request.body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(request.body)}\r\n"
        self._http.ask(
            head.encode() + b"\r\n" + request.body,
            lambda status, body: self._answered(request, token, status, body),
            lambda _: self._lost(request),
        )

    def _answered(self, request: Request, token: str, status: int, body: bytes) -> None:
        user = request.user
        if status < 300:
            user.finish(request.kind, request.due)
            if request.answered is not None:
                request.answered(user, body)
        elif status == _UNAUTHORIZED and not request.is_renewed:
            task = asyncio.get_running_loop().create_task(self._renew(request, token))
            self._renewals.add(task)
            task.add_done_callback(self._renewals.discard)
        else:
            self._refused(request, status, body)

    def _refused(self, request: Request, status: int, body: bytes) -> None:
        try:
            error = _refusal(body).error
        except msgspec.DecodeError:
            request.user.fail(f"http_{status}")
            return
        if error.code == _UNAVAILABLE and error.retry_after is not None:
            self._later(request, error.retry_after)
        else:
            request.user.fail(error.code)

    def _lost(self, request: Request) -> None:
        """The connection broke, or there was none: again, with full jitter."""
        request.tries += 1
        bound = min(self._patience.cap, self._patience.base * 2 ** min(request.tries - 1, 16))
        self._later(request, self._chance.uniform(0, bound))

    def _later(self, request: Request, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self._send, request)

    async def _renew(self, request: Request, stale: str) -> None:
        try:
            await self._tokens.renew(request.user, stale)
        except PlazaRefused as refusal:
            request.user.fail(refusal.code)
        except Unreachable:
            self._lost(request)
        else:
            request.is_renewed = True
            self._send(request)


_rests: WeakKeyDictionary["Crowd", Rest] = WeakKeyDictionary()


def rest_of(crowd: "Crowd") -> Rest:
    """The one of a process."""
    found = _rests.get(crowd)
    if found is None:
        found = _rests[crowd] = Rest(crowd)
    return found
