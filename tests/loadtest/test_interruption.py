"""Signals: the first Ctrl-C sets the end, the second one cancels, and so does SIGTERM."""

import asyncio
import os
import signal

import pytest

from loadtest.interruption import Ended, ending, heeded


async def waiting(ended: asyncio.Event, begun: asyncio.Event, cleaned: asyncio.Event) -> None:
    with heeded(ended):
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0)
            cleaned.set()


@pytest.mark.parametrize(
    "signals", [[signal.SIGINT, signal.SIGINT], [signal.SIGTERM], [signal.SIGHUP]]
)
async def test_signals_cancel_and_do_not_disturb_the_cleaning_up(
    signals: list[signal.Signals],
) -> None:
    ended, begun, cleaned = asyncio.Event(), asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(waiting(ended, begun, cleaned))
    await begun.wait()
    for one in signals:
        os.kill(os.getpid(), one)
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned.is_set()


async def test_the_first_ctrl_c_only_asks() -> None:
    ended = asyncio.Event()
    with heeded(ended):
        os.kill(os.getpid(), signal.SIGINT)
        await ended.wait()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


async def test_what_stands_in_the_block_is_cancelled() -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().call_soon(ended.set)
    with pytest.raises(Ended):
        async with ending(ended):
            await asyncio.Event().wait()


async def test_there_is_no_beginning_after_the_end() -> None:
    ended = asyncio.Event()
    ended.set()
    with pytest.raises(Ended):
        async with ending(ended):
            raise AssertionError


async def test_other_failures_pass() -> None:
    ended = asyncio.Event()
    with pytest.raises(TimeoutError, match="another"):
        async with ending(ended):
            raise TimeoutError("another")
    async with ending(ended):
        pass
    ended.set()
    await asyncio.sleep(0)
