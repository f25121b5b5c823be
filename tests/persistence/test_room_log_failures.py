"""Drafts that the room log cannot write, and callers that fail: the log goes on, for all others."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from structlog.testing import capture_logs

from persistence.embedded import EmbeddedPostgres
from persistence.room_log import Outcome
from protocol.drafts import Draft, Written
from protocol.errors import INTERNAL, ErrorSpec, PlazaError
from protocol.events import Message, RoomEvent
from protocol.ids import Id
from protocol.records import Role, User
from rooms import conversation
from tests.rooms.desk import Desk, opened
from tests.rooms.town import Town, founded


@pytest.fixture(scope="module")
async def town(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Town]:
    async with founded(postgres, template) as town:
        yield town


@pytest.fixture
async def desk(town: Town) -> AsyncIterator[Desk]:
    async with opened(town) as desk:
        yield desk


@pytest.fixture
async def ada(town: Town) -> User:
    (ada,) = await town.people("ada")
    return ada


@pytest.fixture
async def room(town: Town, ada: User) -> Id:
    """Ada's."""
    return await town.room({ada.id: Role.OWNER})


def spec(outcome: Outcome) -> ErrorSpec:
    assert isinstance(outcome, PlazaError)
    return outcome.spec


def written(outcome: Outcome) -> Written:
    assert isinstance(outcome, Written)
    return outcome


def fail(_: object) -> None:
    raise ZeroDivisionError


SURROGATE = "half \ud83d"


class TestPoison:
    """A draft that cannot be written takes nobody along."""

    @pytest.mark.parametrize(
        "poison",
        [
            lambda ada, room: Draft(Message(room=room, sender=ada, body="\0")),
            lambda ada, room: Draft(Message(room=room, sender=ada, body=SURROGATE)),
            lambda ada, room: conversation.message(ada, room, "hi", nonce="\0"),
            lambda ada, room: conversation.message(ada, room, "hi", nonce=SURROGATE),
            lambda ada, room: conversation.message(ada, room, "@nobody", nonce="\0"),
            lambda ada, room: conversation.edit(ada, room, 2, "hi", nonce="\0"),
            lambda ada, room: conversation.edit(ada, room, 2, "hi", nonce=SURROGATE),
            lambda ada, room: conversation.message(ada, Id(2**64), "no such id"),
            lambda ada, room: conversation.react(ada, room, 2**63, "👍"),
            lambda ada, room: Draft(Message(room=room, sender=ada, body="hi"), fail),
        ],
        ids=[
            "NUL in a body", "surrogate in a body", "NUL in a nonce", "surrogate in a nonce",
            "NUL in a nonce with a mention", "NUL in an edit's nonce",
            "surrogate in an edit's nonce", "an id too large",
            "a seq too large", "a guard that fails",
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("others", ["plain", "@nobody"])
    async def test_fails_alone(
        self,
        town: Town,
        desk: Desk,
        ada: User,
        room: Id,
        poison: Callable[[Id, Id], Draft],
        others: str,
    ) -> None:
        await desk.write(conversation.message(ada.id, room, "two", nonce="two"))
        drafts = [
            conversation.message(ada.id, room, f"{others} {n}", nonce=f"n{n}") for n in range(9)
        ]
        drafts.insert(5, poison(ada.id, room))
        drafts.append(conversation.message(ada.id, room, "two", nonce="two"))
        with capture_logs() as logs:
            outcomes = await desk.write(*drafts)
        assert spec(outcomes.pop(5)) is INTERNAL
        assert [written(outcome).event.seq for outcome in outcomes] == [*range(3, 12), 2]
        assert desk.seqs(room) == list(range(2, 12))
        assert len(await town.log(room)) == 11
        assert [entry["event"] for entry in logs] == ["a draft could not be written"]

    async def test_in_a_room_whose_log_is_damaged(
        self, town: Town, desk: Desk, ada: User, room: Id
    ) -> None:
        damaged = await town.room({ada.id: Role.OWNER})
        await desk.write(conversation.message(ada.id, damaged, "hi"))
        await town.fetch("UPDATE rooms SET last_seq = 0 WHERE id = $1", damaged)
        async with asyncio.timeout(5):
            outcomes = await desk.write(
                conversation.message(ada.id, damaged, "hi", nonce="n"),
                conversation.message(ada.id, room, "hi"),
            )
        assert spec(outcomes[0]) is INTERNAL
        assert isinstance(outcomes[1], Written)


class BrokenList(list[RoomEvent]):
    def append(self, _: RoomEvent) -> None:
        raise ZeroDivisionError


class TestBugsOfCallers:
    """What is called by the log may fail; the log goes on."""

    async def test_an_answer(self, desk: Desk, ada: User, room: Id) -> None:
        outcomes: list[Outcome] = []
        with capture_logs() as logs:
            for done in (fail, outcomes.append, fail, outcomes.append):
                desk.log.append(conversation.message(ada.id, room, "hi", nonce="n"), done)
            await desk.write(conversation.message(ada.id, room, "next"))
        assert [written(outcome).repeated for outcome in outcomes] == [True, True]
        assert [entry["event"] for entry in logs] == ["a listener of the room log failed"] * 2
        assert desk.seqs(room) == [2, 3]

    async def test_a_listener(self, desk: Desk, ada: User, room: Id) -> None:
        desk.published = BrokenList()
        with capture_logs() as logs:
            outcomes = await desk.write(conversation.message(ada.id, room, "hi"))
        assert written(outcomes[0]).event.seq == 2
        assert [entry["event"] for entry in logs] == ["a listener of the room log failed"]

    async def test_a_caller_who_gave_up(self, desk: Desk, ada: User, room: Id) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await desk.log.write(conversation.message(ada.id, room, "hi"))
        (outcome,) = await desk.write(conversation.message(ada.id, room, "next"))
        assert written(outcome).event.seq == 3
