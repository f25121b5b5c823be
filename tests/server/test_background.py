"""Work that nobody waits for."""

import asyncio
import gc

from structlog.testing import capture_logs

from server.background import Background


async def test_work_is_kept_alive_until_it_ends() -> None:
    background, go, done = Background(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await go.wait()
        done.set()

    background.spawn(work())
    assert len(background) == 1
    await asyncio.sleep(0)
    gc.collect()
    go.set()
    await done.wait()
    await asyncio.sleep(0)
    assert len(background) == 0


async def test_a_failure_is_logged_and_harms_no_other_work() -> None:
    background, done = Background(), asyncio.Event()

    async def fail() -> None:
        raise ZeroDivisionError

    async def work() -> None:
        await asyncio.sleep(0)
        done.set()

    with capture_logs() as logs:
        background.spawn(fail())
        background.spawn(work())
        await done.wait()
        await asyncio.sleep(0)
    assert [entry["event"] for entry in logs] == ["background work failed"]
    assert isinstance(logs[0]["exc_info"], ZeroDivisionError)
    assert len(background) == 0


async def test_cancelling_ends_all_and_waits_for_it() -> None:
    background, tidied = Background(), []

    async def work(number: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            tidied.append(number)

    with capture_logs() as logs:
        for number in range(3):
            background.spawn(work(number))
        await asyncio.sleep(0)
        await background.cancel()
    assert sorted(tidied) == [0, 1, 2]
    assert len(background) == 0
    assert logs == []


async def test_finishing_waits_for_all_to_end() -> None:
    background, go, done = Background(), asyncio.Event(), []

    async def work(number: int) -> None:
        await go.wait()
        done.append(number)

    for number in range(3):
        background.spawn(work(number))
    finishing = asyncio.create_task(background.finish(within=60))
    await asyncio.sleep(0)
    assert not finishing.done()
    go.set()
    await finishing
    assert sorted(done) == [0, 1, 2]


async def test_finishing_has_an_end_of_its_own() -> None:
    background = Background()
    background.spawn(asyncio.Event().wait())  # type: ignore[arg-type]
    await background.finish(within=0)
    assert len(background) == 1  # it is not cancelled
    await background.cancel()


async def test_ending_nothing_is_fine() -> None:
    await Background().finish(within=60)
    await Background().cancel()
