"""How a run is ended before its time: the first Ctrl-C has the report so far, the second has none.

SIGTERM and the loss of the terminal are as the second: whoever sends them does not want to wait.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

_AT_ONCE = (signal.SIGTERM, signal.SIGHUP)


class Ended(Exception):
    """It was ended before there was anything to report."""


@contextmanager
def heeded(ended: asyncio.Event) -> Iterator[None]:
    """Let signals end what this task does.

    Args:
        ended: is set by the first Ctrl-C. The second one cancels the task; later ones do nothing,
            so that what is being cleaned up then is.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None

    def leave() -> None:
        for one in (*_AT_ONCE, signal.SIGINT):
            loop.add_signal_handler(one, lambda: None)
        task.cancel()

    def interrupt() -> None:
        if ended.is_set():
            leave()
        ended.set()

    loop.add_signal_handler(signal.SIGINT, interrupt)
    for one in _AT_ONCE:
        loop.add_signal_handler(one, leave)
    try:
        yield
    finally:
        for one in (*_AT_ONCE, signal.SIGINT):
            loop.remove_signal_handler(one)


@asynccontextmanager
async def ending(ended: asyncio.Event) -> AsyncIterator[None]:
    """Cancel what stands in the block when it is to end.

    Raises:
        Ended: it was.
    """
    if ended.is_set():
        raise Ended
    loop = asyncio.get_running_loop()
    is_open = True
    scope = asyncio.timeout(None)

    def expire(_: object) -> None:
        if is_open:
            scope.reschedule(loop.time())

    waiting = asyncio.ensure_future(ended.wait())
    waiting.add_done_callback(expire)
    try:
        async with scope:
            try:
                yield
            finally:
                is_open = False
    except TimeoutError:
        if scope.expired():
            raise Ended from None
        raise
    finally:
        waiting.cancel()
