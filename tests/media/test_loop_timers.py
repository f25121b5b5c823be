"""Timers that an event loop runs."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from media.loop_timers import LoopTimers

SECONDS = 5  # that anything may take


@pytest.fixture
async def run() -> AsyncIterator[tuple[LoopTimers, list[object]]]:
    told: list[object] = []
    timers = LoopTimers(
        asyncio.get_running_loop(),
        clock=time.monotonic,
        ran=lambda now: told.append("ran"),
        fault=lambda error: told.append(type(error)),
    )
    yield timers, told
    timers.close()


async def test_in_their_order_also_those_set_later_for_earlier(
    run: tuple[LoopTimers, list[object]],
) -> None:
    timers, told = run
    now = time.monotonic()
    last = asyncio.Event()
    timers.call_at(now + 0.03, lambda now: last.set())
    timers.call_at(now + 0.02, lambda now: told.append("second"))
    timers.call_at(now + 0.01, lambda now: told.append("first"))
    cancelled = timers.call_at(now + 0.001, lambda now: told.append("never"))
    cancelled.cancel()
    async with asyncio.timeout(SECONDS):
        await last.wait()
    assert [word for word in told if word != "ran"] == ["first", "second"]
    assert "ran" in told


async def test_one_that_sets_the_next(run: tuple[LoopTimers, list[object]]) -> None:
    timers, _ = run
    turns: list[float] = []
    last = asyncio.Event()

    def again(now: float) -> None:
        turns.append(now)
        if len(turns) == 3:
            last.set()
        else:
            timers.call_at(now + 0.002, again)

    timers.call_at(time.monotonic(), again)
    async with asyncio.timeout(SECONDS):
        await last.wait()
    assert turns == sorted(turns)
    assert turns[2] >= turns[0] + 0.004


async def test_a_bug_in_one_is_told_and_the_others_run(
    run: tuple[LoopTimers, list[object]],
) -> None:
    timers, told = run

    def broken(now: float) -> None:
        raise ZeroDivisionError

    last = asyncio.Event()
    now = time.monotonic()
    for when in (now, now, now + 0.005):
        timers.call_at(when, broken)
    timers.call_at(now + 0.01, lambda now: last.set())
    async with asyncio.timeout(SECONDS):
        await last.wait()
    assert told.count(ZeroDivisionError) == 3


async def test_none_after_the_end(run: tuple[LoopTimers, list[object]]) -> None:
    timers, told = run
    timers.call_at(time.monotonic(), lambda now: told.append("late"))
    timers.close()
    timers.call_at(time.monotonic(), lambda now: told.append("late"))
    await asyncio.sleep(0.01)
    assert told == []
