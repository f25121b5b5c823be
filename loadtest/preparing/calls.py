"""REST requests for many accounts: over one pool of connections, patient, and bounded in number."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NoReturn, TypeVar

from loadtest.endpoint import TargetError
from plaza_client.errors import PlazaClientError, PlazaRefused, Unreachable, WireError
from plaza_client.rest_requests import PAGE, ListPage, Requests, shaped
from protocol.errors import OVERLOADED, RATE_LIMITED, UNAVAILABLE

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 16
# Whoever is asked to wait for longer than the first, or has waited for the second, gives up.
_LONG_WAIT_SECONDS = 10.0
_PATIENCE_SECONDS = 60.0
_FIRST_PAUSE_SECONDS = 0.2

_PASSING = {RATE_LIMITED.code, OVERLOADED.code, UNAVAILABLE.code}
_ANY_REQUEST = "limits.commands_per_account_second and limits.commands_per_ip_second"


class Calls(Requests):
    """Makes requests, each with the token of whose it is.

    Args:
        url: of the server.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, access_token=None, refresh_token=None, timeout=30.0)

    async def __aenter__(self) -> "Calls":
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def refresh(self) -> NoReturn:
        """There is no account of its own."""
        raise NotImplementedError

    async def call(
        self,
        method: str,
        path: str,
        fields: Any = None,
        *,
        token: str | None = None,
        limit: str = _ANY_REQUEST,
        **options: Any,
    ) -> Any:
        """Make a request that may be made twice; again, later, as long as the server asks for it.

        Args:
            method, path, fields: of the request.
            token: of whose it is.
            limit: the setting that bounds such requests.
            options: `headers` and `params`.

        Raises:
            PlazaRefused: it is refused for another reason than the number of requests.
            TargetError: the server does not answer, not as Plaza, or lets too few requests in.
        """
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self._send(method, path, fields, token=token, **options)
            except (PlazaRefused, Unreachable) as refusal:
                wait = _wait_after(refusal, pause)
                if wait is None:
                    raise
                if wait > _LONG_WAIT_SECONDS or time.monotonic() + wait > give_up_at:
                    raise _given_up(method, path, refusal, limit) from None
            except PlazaClientError as error:
                raise TargetError(f"{method} {path}: {error}") from None
            await asyncio.sleep(wait)
            pause *= 2

    async def items(self, path: str, *, token: str) -> list[Any]:
        """All items of a list, page by page.

        Raises:
            TargetError: as `call`; or it is refused.
        """
        items: list[Any] = []
        params = {"limit": str(PAGE)}
        while True:
            try:
                answer = await self.call("GET", path, token=token, params=params)
                page = shaped(answer, ListPage)
            except (PlazaRefused, WireError) as error:
                raise TargetError(f"GET {path}: {error}") from None
            items += page.items
            if page.next_cursor is None:
                return items
            params["cursor"] = page.next_cursor


async def each(
    work: Callable[[T], Awaitable[R]],
    items: Sequence[T],
    *,
    done: Callable[[int], None] = lambda _: None,
    at_once: int = AT_ONCE,
) -> list[R]:
    """Do the same with each item, so many at once; return what comes of it, in their order.

    Args:
        work: is done with each.
        items: all of them.
        done: is told how many are done.
        at_once: how many.

    Raises:
        Exception: the first one that the work raises, when what was under way then is finished: a
            sign-up that is cancelled costs the server as much, and is of no use to anybody.
    """
    results: dict[int, R] = {}
    failures: list[Exception] = []
    waiting = iter(enumerate(items))

    async def take() -> None:
        for number, item in waiting:
            if failures:
                return
            try:
                results[number] = await work(item)
            except Exception as failure:
                failures.append(failure)
            else:
                done(len(results))

    async with asyncio.TaskGroup() as group:
        for _ in range(min(at_once, len(items))):
            group.create_task(take())
    if failures:
        raise failures[0]
    return [results[number] for number in range(len(items))]


def _wait_after(refusal: PlazaRefused | Unreachable, pause: float) -> float | None:
    """Seconds until the next try; None: there is no point in one."""
    if isinstance(refusal, PlazaRefused) and refusal.code not in _PASSING:
        return None
    return pause if refusal.retry_after is None else max(refusal.retry_after, 0.0)


def _given_up(
    method: str, path: str, refusal: PlazaRefused | Unreachable, limit: str
) -> TargetError:
    wait = refusal.retry_after
    if isinstance(refusal, PlazaRefused) and refusal.code == RATE_LIMITED.code:
        until = "" if wait is None else f" for {wait:.0f} s"
        return TargetError(
            f"{method} {path}: the server takes no more of these{until}. For the test, raise "
            f"{limit} of it (0: no limit), or use fewer users."
        )
    later = "" if wait is None else f" It asks to wait for {wait:.0f} s."
    return TargetError(f"{method} {path}: {refusal}{later}")
