"""The end of a server: who is sent away when, and what is waited for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest
from structlog.testing import capture_logs

from protocol import close
from server import drain
from server.background import Background
from server.drain import Drain, close_log, unheard
from server.grace import Grace
from tests.e2e.device import Device
from tests.e2e.site import Site, serving
from tests.e2e.websocket import Opcode, Rejected, frame


class Steps(Grace):
    """A grace time in which a pause lasts until the test goes on."""

    def __init__(self, seconds: float = 10_000) -> None:
        super().__init__(seconds)
        self._paused = asyncio.Event()
        self._go = asyncio.Event()

    async def pause(self, seconds: float) -> None:
        self._paused.set()
        await self._go.wait()
        self._go.clear()

    async def paused(self) -> None:
        """Wait until a step is done."""
        await self._paused.wait()

    async def go(self) -> None:
        """Do the next step, which is followed by another pause."""
        self._paused.clear()
        self._go.set()
        await self.paused()

    def go_on(self) -> None:
        """Do the last step."""
        self._go.set()


@pytest.fixture
async def site(dsn: str) -> AsyncIterator[Site]:
    async with serving(dsn) as served:
        yield served


@asynccontextmanager
async def draining(
    site: Site, grace: Grace, *, seconds: float = 5_000
) -> AsyncIterator[list[tuple[int, int]]]:
    """A drain under way, to be ended in the block. Yields what it reports."""
    told: list[tuple[int, int]] = []
    end = Drain(
        site.plaza.gateway,
        grace,
        seconds=seconds,
        report=lambda left, total: told.append((left, total)),
    )
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(end.run())
        yield told


async def devices(site: Site, count: int) -> list[Device]:
    return [await site.device(person) for person in await site.people(*["ada"] * count)]


async def new_room(device: Device) -> str:
    created = await device.do("create", kind="channel", title="Lounge", members=[])
    return str(created["room"]["id"])


@asynccontextmanager
async def locked(site: Site, room: str) -> AsyncIterator[None]:
    """Nothing can be written to the room in this block."""
    connection = await asyncpg.connect(site.database.dsn)
    try:
        async with connection.transaction():
            await connection.execute("SELECT 1 FROM rooms WHERE id = $1 FOR UPDATE", int(room))
            yield
    finally:
        await connection.close()


async def read_by_the_server(device: Device) -> None:
    """Wait until the server has looked at what was written so far."""
    device.socket.write(frame(Opcode.PING, b"read?"))
    while (await device.socket.receive()).opcode != Opcode.PONG:
        pass


async def test_batches_are_spread_and_the_others_go_on(site: Site) -> None:
    there = await devices(site, 4)
    room = await new_room(there[0])
    for device in there[1:]:
        await device.do("join", room=room)
    grace = Steps()
    async with draining(site, grace) as told:
        left = {device: asyncio.create_task(device.closed()) for device in there}
        for number in range(1, 4):
            await grace.paused()
            done, _ = await asyncio.wait(left.values(), return_when=asyncio.FIRST_COMPLETED)
            assert len(done) == 1
            assert told[-1] == (4 - number, 4)
            left = {device: closing for device, closing in left.items() if closing not in done}
            with pytest.raises(Rejected) as rejected:
                await site.connect()
            assert (rejected.value.status, rejected.value.headers["retry-after"]) == (503, "1")
            if number < 3:
                await grace.go()
        last, closing = left.popitem()
        closing.cancel()
        await asyncio.wait([closing])
        await last.do("send", room=room, body="still here")
        grace.go_on()
        assert (await last.closed()).code == close.RESTART.code


async def test_the_hints_bring_clients_back_one_by_one(site: Site) -> None:
    there = await devices(site, 20)
    async with draining(site, Grace(10), seconds=0) as told:
        pass
    assert told == [(0, 20)]
    ends = [await device.closed() for device in there]
    hints = [close.delay_of(end.reason) for end in ends]
    assert {end.code for end in ends} == {close.RESTART.code}
    assert all(hint is not None and 0 <= hint <= drain.MIN_SPREAD for hint in hints)
    assert len(set(hints)) > 3


async def test_the_more_there_are_the_longer_their_return_takes(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "RETURNS_PER_SECOND", 1)
    there = await devices(site, 20)
    async with draining(site, Grace(10), seconds=0):
        pass
    hints = [close.delay_of((await device.closed()).reason) or 0 for device in there]
    assert drain.MIN_SPREAD < max(hints) <= 20


async def test_what_was_begun_is_answered_and_nothing_new_is_begun(site: Site) -> None:
    (ada,) = await devices(site, 1)
    room = await new_room(ada)
    grace = Steps()
    async with AsyncExitStack() as stack:
        async with locked(site, room):
            begun = ada.tell("send", room=room, body="begun", nonce="n1")
            await read_by_the_server(ada)
            told = await stack.enter_async_context(draining(site, grace))
            await grace.paused()
            ada.tell("send", room=room, body="too late", nonce="n2")
            await read_by_the_server(ada)
            await grace.go()
            assert told == [(1, 1), (1, 1)]
        assert (await ada.answer(begun))["t"] == "ok"
        grace.go_on()
        _, end = await ada.to_the_end()
    assert (end.code, told[-1]) == (close.RESTART.code, (0, 1))
    bodies = await site.fetch("SELECT nonce FROM room_events WHERE nonce IS NOT NULL")
    assert [row["nonce"] for row in bodies] == ["n1"]


@pytest.mark.parametrize("hurried", [False, True])
async def test_answers_are_not_waited_for_for_ever(
    site: Site, monkeypatch: pytest.MonkeyPatch, hurried: bool
) -> None:
    if not hurried:
        monkeypatch.setattr(drain, "ANSWER_SECONDS", 0.0)
    (ada,) = await devices(site, 1)
    room = await new_room(ada)
    grace = Steps()
    async with locked(site, room):
        ada.tell("send", room=room, body="begun", nonce="n1")
        await read_by_the_server(ada)
        async with draining(site, grace):
            if hurried:
                await grace.paused()
                grace.hurried.set()
                grace.go_on()
            assert (await ada.closed()).code == close.RESTART.code


async def test_a_hurry_ends_the_batches(site: Site) -> None:
    there = await devices(site, 3)
    grace = Grace(10_000)
    async with draining(site, grace):
        grace.hurried.set()
        for device in there:
            assert (await device.closed()).code == close.RESTART.code


async def test_who_goes_by_itself_costs_no_step(site: Site) -> None:
    there = await devices(site, 5)
    grace = Steps()
    async with draining(site, grace) as told:
        await grace.paused()
        for device in there:
            device.abort()
        while site.plaza.gateway.connections:
            await asyncio.sleep(0)
        grace.go_on()
    assert told == [(4, 5), (0, 5)]


async def test_without_connections_there_is_nothing_to_wait_for(site: Site) -> None:
    async with draining(site, Steps()) as told:
        pass
    assert told == []


async def test_when_the_end_has_begun_it_shows(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.url) as http:
        before = await http.get("/readyz")
        site.plaza.grace.begin()
        during = await http.get("/readyz")
        assert (await http.get("/healthz")).status_code == 200
    assert (before.status_code, during.status_code) == (200, 503)
    assert ("connection" in before.headers, during.headers["connection"]) == (False, "close")


class StuckLog:
    """A room log whose database does not answer."""

    def __len__(self) -> int:
        return 3

    async def close(self) -> None:
        await asyncio.Event().wait()


async def test_a_database_that_does_not_answer_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drain, "LAST_SECONDS", 0.05)
    log: Any = StuckLog()
    with capture_logs() as logs:
        async with asyncio.timeout(5):
            await close_log(log, Background(), Grace(0))
    assert [(line["log_level"], line["events"]) for line in logs] == [("error", 3)]


async def test_the_grace_time_is_one_for_all() -> None:
    grace = Grace(10)
    assert (grace.begun, grace.left()) == (False, 10)
    grace.begin()
    left = grace.left()
    assert 9 < left <= 10
    grace.begin()
    assert grace.left() <= left
    spent = Grace(0)
    spent.begin()
    assert (spent.left(), spent.left(at_least=1.0)) == (0, 1.0)
    grace.hurried.set()
    await grace.pause(60)


def test_nobody_needs_to_listen_to_the_reports() -> None:
    unheard(1, 2)
