"""An alarm rings when it is time, not before, and for the last time that was set."""

import asyncio
import ctypes
import time

import pytest
import uvloop

from loadtest.crowd.alarm import Alarm, Pacer


@pytest.fixture(params=["timerfd", "timer of the loop"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "timerfd":
        monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: object())


async def rings(*times: float) -> float:
    """Set an alarm to these times, one after the other; when it has rung."""
    rung: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    alarm = Alarm(lambda: rung.set_result(time.monotonic()))
    for at in times:
        alarm.set(at)
    try:
        return await rung
    finally:
        alarm.close()


@pytest.mark.usefixtures("kind")
async def test_it_rings_when_it_is_time() -> None:
    at = time.monotonic() + 0.02
    assert await rings(at) >= at - 0.001


@pytest.mark.usefixtures("kind")
async def test_it_rings_at_once_where_that_has_passed() -> None:
    await rings(0.0)
    await rings(time.monotonic() - 5)


@pytest.mark.usefixtures("kind")
async def test_the_last_time_counts() -> None:
    now = time.monotonic()
    assert await rings(now + 60, now + 0.02) >= now + 0.019
    assert await rings(now, now + 0.05) >= now + 0.049


@pytest.mark.usefixtures("kind")
def test_all_that_is_due_is_called_in_order() -> None:
    async def called() -> list[float]:
        now = time.monotonic()
        times = [now - 2, now - 1, now + 0.01, now + 0.0101, now + 0.02]
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        found: list[float] = []

        def call(due: float) -> None:
            assert time.monotonic() >= due - 0.001
            found.append(due - now)
            if len(found) == len(times):
                over.set_result(None)

        pacer = Pacer(iter(times), call)
        await over
        pacer.close()
        return [round(due, 4) for due in found]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(called()) == [-2, -1, 0.01, 0.0101, 0.02]


async def test_a_pacer_that_is_closed_calls_no_more() -> None:
    found: list[float] = []
    over = asyncio.Event()
    pacer = Pacer(iter([0.0, 1.0]), lambda due: (found.append(due), pacer.close(), over.set()))
    await over.wait()
    assert found == [0.0]


async def test_others_have_their_turn_while_there_is_more_than_can_be_done() -> None:
    over = asyncio.Event()
    found: list[float] = []

    def call(due: float) -> None:
        found.append(due)
        if len(found) == 1000:
            over.set()
        end = time.monotonic() + 0.0001
        while time.monotonic() < end:
            pass

    now = time.monotonic()
    pacer = Pacer((now + number / 1e6 for number in range(10**9)), call)
    await over.wait()
    pacer.close()
    assert 1000 <= len(found) < 100_000


async def test_nothing_to_do_is_no_problem() -> None:
    Pacer(iter([]), lambda _: None).close()
