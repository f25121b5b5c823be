"""Hellos that come together are looked up together, and each sees what was before it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from persistence.arrivals import Arrival
from persistence.database import Database
from persistence.relations import Standing
from protocol.errors import UNAVAILABLE, PlazaError
from protocol.ids import Id
from protocol.records import User
from server import arrivals as module
from server.arrivals import AT_ONCE, STATEMENTS, Arrivals
from server.background import Background
from server.log_reader import ReadCounts


class Desk:
    """A database that answers when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.batches: list[list[tuple[Id, Id]]] = []
        self.answers: list[asyncio.Future[None]] = []
        self.moved = asyncio.Event()
        self.away = False
        self.counts = ReadCounts()
        self.background = Background()
        self.arrivals = Arrivals(cast(Database, self), self.background, self.counts)
        monkeypatch.setattr(module, "arrivals", self._read)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        if self.away:
            raise PlazaError(UNAVAILABLE)
        yield None

    async def _read(self, _: Any, sessions: list[tuple[Id, Id]]) -> dict[Id, Arrival]:
        self.batches.append(list(sessions))
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.answers.append(answer)
        self.moved.set()
        await answer
        return {
            session: Arrival(User(id=account, username="x"), [], Standing())
            for account, session in sessions
            if session % 10
        }

    async def statements(self, count: int) -> None:
        while len(self.batches) < count:
            self.moved.clear()
            await self.moved.wait()

    def ask(self, *sessions: int) -> list[asyncio.Task[Arrival | None]]:
        return [
            asyncio.ensure_future(self.arrivals.look_up(Id(1000 + session), Id(session)))
            for session in sessions
        ]


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


async def test_who_comes_meanwhile_is_asked_for_together(desk: Desk) -> None:
    first = desk.ask(1)
    await desk.statements(1)
    second = desk.ask(2)
    await desk.statements(STATEMENTS)
    rest = desk.ask(*range(3, 3 + AT_ONCE + 1))
    await asyncio.sleep(0)
    assert len(desk.batches) == STATEMENTS  # the rest waits
    desk.answers[0].set_result(None)
    await desk.statements(STATEMENTS + 1)
    assert [session for _, session in desk.batches[2]] == list(range(3, 3 + AT_ONCE))
    desk.answers[1].set_result(None)
    await desk.statements(STATEMENTS + 2)
    for answer in desk.answers[2:]:
        answer.set_result(None)
    found = await asyncio.gather(*first, *second, *rest)
    assert [arrival and arrival.user.id for arrival in found] == [
        1000 + session if session % 10 else None for session in range(1, 3 + AT_ONCE + 1)
    ]
    assert desk.counts.queries == STATEMENTS + 2


async def test_an_answer_is_never_older_than_its_question(desk: Desk) -> None:
    (before,) = desk.ask(7)
    await desk.statements(1)
    (after, twin) = desk.ask(7, 7)
    await desk.statements(2)
    assert desk.batches == [[(1007, 7)], [(1007, 7)]]
    desk.answers[0].set_result(None)
    await before
    assert not after.done()
    twin.cancel()  # the other one still gets its answer
    desk.answers[1].set_result(None)
    assert await after is not None


async def test_a_failure_is_told_to_all_whom_it_concerns(desk: Desk) -> None:
    (first,) = desk.ask(1)
    await desk.statements(1)
    desk.answers[0].set_exception(PlazaError(UNAVAILABLE))
    with pytest.raises(PlazaError):
        await first
    desk.away = True
    for outcome in await asyncio.gather(*desk.ask(2, 3), return_exceptions=True):
        assert isinstance(outcome, PlazaError)
    desk.away = False
    (again,) = desk.ask(4)
    await desk.statements(2)
    desk.answers[1].set_result(None)
    assert await again is not None
