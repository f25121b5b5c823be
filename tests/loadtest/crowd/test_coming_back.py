"""Users whose connection is refused, closed, lost or dropped: they come back, and miss nothing."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Response

from loadtest.scenario import Churn, Happening, Load, Mix
from plaza_client import PlazaRefused
from tests.loadtest.crowd.fake_plaza import ROOM, FakePlaza, Frame, Run, enlist, fake_plaza

ENOUGH = 12


@pytest.fixture
async def plaza() -> AsyncIterator[FakePlaza]:
    async with fake_plaza() as running:
        yield running


def close(plaza: FakePlaza, account: str, code: int, reason: str = "", *last: Frame) -> None:
    """Close a member's connection, after some last words."""
    plaza.say(account, *last)
    connection = plaza.members.pop(account)
    plaza.tasks.add(asyncio.ensure_future(connection.close(code, reason)))


@pytest.mark.parametrize("code", [4000, 4001, 1011, 1006])
async def test_who_was_closed_comes_back_and_catches_up(plaza: FakePlaza, code: int) -> None:
    async with Run(enlist(plaza.url)) as run:
        await plaza.until(lambda: len(plaza.log) >= ENOUGH and len(plaza.hellos) == 3)
        if code == 1006:
            plaza.members.pop("2").transport.abort()
        else:
            close(plaza, "2", code, "retry_after=0.02")
        await plaza.until(lambda: len(plaza.hellos) == 4)
        at = plaza.hellos[3]["cursors"][ROOM]
        await plaza.until(lambda: len(plaza.log) >= at + ENOUGH)
        seen = await run.end()
    assert plaza.hellos[3]["token"] == "2"
    assert (seen.wrong, seen.lost) == ({}, 0)
    assert (seen.counts["dropped"], seen.counts["reconnects"]) == (1, 1)
    assert sum(seen.latencies["back"].values()) == 1
    assert sum(seen.latencies["connect"].values()) == 4


@pytest.mark.parametrize("code", [4502, 1002])
async def test_who_is_sent_away_for_good_stays_away(plaza: FakePlaza, code: int) -> None:
    async with Run(enlist(plaza.url)) as run:
        await plaza.until(lambda: len(plaza.log) >= ENOUGH and len(plaza.hellos) == 3)
        close(plaza, "2", code)
        at = len(plaza.log)
        await plaza.until(lambda: len(plaza.log) >= at + ENOUGH)
        seen = await run.end()
    assert len(plaza.hellos) == 3
    assert seen.counts["dropped"] == 1
    assert seen.lost == len(plaza.log) - at  # it should have had them


async def test_a_send_without_an_answer_is_repeated_with_its_nonce(plaza: FakePlaza) -> None:
    def answer(command: Frame, answer: Frame) -> list[Frame]:
        if command["t"] == "send" and len(plaza.log) == 6:
            plaza.publish({"t": "title", "room": ROOM, "sender": "3"})  # the next one is answered
            close(plaza, "1", 4001, "restart; retry_after=0.01")
            return []
        return [answer]

    plaza.answer = answer
    async with Run(enlist(plaza.url)) as run:
        await plaza.until(lambda: len(plaza.log) >= ENOUGH)
        seen = await run.end()
    nonces = [command["nonce"] for command in plaza.commands]
    [twice] = {nonce for nonce in nonces if nonces.count(nonce) == 2}
    assert [entry["seq"] for entry in plaza.log if entry.get("nonce") == twice] == [6]
    assert seen.counts["acknowledged"] == len(plaza.log) - 2
    assert (seen.wrong, seen.lost, seen.unanswered) == ({}, 0, 0)
    assert seen.counts["reconnects"] == 1


async def test_a_send_that_can_succeed_later_is_repeated(plaza: FakePlaza) -> None:
    refused: list[str] = []

    def answer(command: Frame, answer: Frame) -> list[Frame]:
        if len(plaza.log) == 6 and not refused:
            refused.append(command["nonce"])
            error = {"t": "error", "code": "unavailable", "message": "", "retry_after": 0.01}
            return [{**error, "id": command["id"]}]
        return [answer]

    plaza.answer = answer
    async with Run(enlist(plaza.url)) as run:
        await plaza.until(lambda: len(plaza.log) >= ENOUGH)
        seen = await run.end()
    assert [command["nonce"] for command in plaza.commands].count(refused[0]) == 2
    assert (seen.wrong, seen.lost, seen.unanswered) == ({}, 0, 0)
    assert seen.errors == {"unavailable": 1}


async def test_a_send_that_cannot_succeed_is_given_up(plaza: FakePlaza) -> None:
    def answer(command: Frame, answer: Frame) -> list[Frame]:
        if len(plaza.commands) == 3:
            error = {"t": "error", "code": "forbidden", "message": ""}
            return [{**error, "id": command["id"]}]
        return [answer]

    plaza.answer = answer
    async with Run(enlist(plaza.url)) as run:
        await plaza.until(lambda: len(plaza.commands) >= ENOUGH)
        seen = await run.end()
    assert seen.errors == {"forbidden": 1}
    assert seen.unanswered == 0


async def test_a_gap_is_closed_by_history(plaza: FakePlaza) -> None:
    plaza.replay = 5
    async with Run(enlist(plaza.url)) as run:
        await plaza.until(lambda: len(plaza.log) >= ENOUGH and len(plaza.hellos) == 3)
        plaza.members.pop("2").transport.abort()
        for _ in range(450):  # three pages
            plaza.publish({"t": "title", "room": ROOM, "sender": "1"})
        await plaza.until(lambda: any(command["t"] == "history" for command in plaza.commands))
        seen = await run.end()
    pages = [command for command in plaza.commands if command["t"] == "history"]
    assert len(pages) >= 3
    assert (seen.wrong, seen.lost, seen.unanswered) == ({}, 0, 0)
    assert seen.counts["gaps"] == 1
    assert sum(seen.latencies["back"].values()) == 1


async def test_a_page_that_lacks_an_entry_is_a_loss(plaza: FakePlaza) -> None:
    plaza.replay = 5

    def answer(command: Frame, answer: Frame) -> list[Frame]:
        if command["t"] == "history":
            answer = {**answer, "events": answer["events"][:3] + answer["events"][4:]}
        return [answer]

    plaza.answer = answer
    async with Run(enlist(plaza.url)) as run:
        await plaza.until(lambda: len(plaza.log) >= ENOUGH and len(plaza.hellos) == 3)
        plaza.members.pop("2").transport.abort()
        for _ in range(20):
            plaza.publish({"t": "title", "room": ROOM, "sender": "1"})
        await plaza.until(lambda: any(command["t"] == "history" for command in plaza.commands))
        seen = await run.end()
    assert seen.lost == 1


async def test_a_refused_upgrade_is_tried_again(plaza: FakePlaza) -> None:
    left = [Headers({"Retry-After": "0", "Content-Length": "0"})] * 4

    def upgrade(_: ServerConnection) -> Response | None:
        return Response(503, "Service Unavailable", left.pop(), b"") if left else None

    plaza.upgrade = upgrade
    async with Run(enlist(plaza.url)) as run:
        await plaza.until(lambda: len(plaza.log) >= ENOUGH and len(plaza.hellos) == 3)
        seen = await run.end()
    assert (seen.counts["refused"], seen.counts["connects"]) == (4, 3)
    assert (seen.wrong, seen.lost) == ({}, 0)


async def test_an_upgrade_that_is_forbidden_is_the_end(plaza: FakePlaza) -> None:
    asked: list[ServerConnection] = []

    def upgrade(connection: ServerConnection) -> Response | None:
        asked.append(connection)
        plaza.changed()
        headers = Headers({"Content-Length": "0"})
        return Response(403, "Forbidden", headers, b"") if len(asked) == 1 else None

    plaza.upgrade = upgrade
    async with Run(enlist(plaza.url, senders=3)) as run:
        await plaza.until(lambda: len(plaza.log) >= ENOUGH)
        seen = await run.end()
    assert len(asked) == 3
    assert (seen.counts["dropped"], seen.counts["connects"]) == (1, 2)


def refuse_token(plaza: FakePlaza, token: str) -> None:
    ready = plaza.greet

    def greet(account: str) -> list[Frame]:
        if account != token:
            return ready(account)
        expired = {"t": "error", "id": 1, "code": "token_expired", "message": ""}
        close(plaza, token, 4500, "unauthorized", expired)
        return []

    plaza.greet = greet


class Tokens:
    """Gives out these, and then none."""

    def __init__(self, *tokens: str) -> None:
        self.tokens = list(tokens)

    async def renew(self, user: object, stale: str) -> str:
        if not self.tokens:
            raise PlazaRefused("refresh_reused", "No more.")
        user.token = self.tokens.pop()  # type: ignore[attr-defined]
        return stale

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("tokens", [["3 renewed"], []])
async def test_an_access_token_that_has_run_out_is_renewed(
    plaza: FakePlaza, tokens: list[str]
) -> None:
    refuse_token(plaza, "3")
    run = Run(enlist(plaza.url))
    run.crowd.tokens = Tokens(*tokens)  # type: ignore[assignment]
    async with run:
        await plaza.until(lambda: len(plaza.log) >= ENOUGH and len(plaza.hellos) >= 3)
        await plaza.until(lambda: len(plaza.members) == 2 + len(tokens))
        seen = await run.end()
    assert seen.errors["token_expired"] == 1
    assert seen.counts["connects"] == 2 + len(tokens)
    assert seen.counts.get("dropped", 0) == 1 - len(tokens)


async def test_who_is_dropped_with_all_others_comes_back(plaza: FakePlaza) -> None:
    happenings = [Happening(at=0.05, do="drop")]
    async with Run(enlist(plaza.url, happenings=happenings)) as run:
        await plaza.until(lambda: len(plaza.hellos) == 6)
        at = len(plaza.log)
        await plaza.until(lambda: len(plaza.log) >= at + ENOUGH)
        seen = await run.end()
    assert (seen.wrong, seen.lost, seen.unanswered) == ({}, 0, 0)
    assert seen.counts["reconnects"] == 3
    assert "dropped" not in seen.counts  # it was their own doing
    assert sum(seen.latencies["back"].values()) == 3


async def test_who_goes_by_their_own_will_comes_back(plaza: FakePlaza) -> None:
    load = Load(users=3, ramp=0.0, duration=60.0, rate=400.0)
    churn = Churn(rate=100.0, away=0.01)
    async with Run(enlist(plaza.url, senders=3, load=load, churn=churn)) as run:
        await plaza.until(lambda: len(plaza.hellos) >= ENOUGH and len(plaza.log) >= ENOUGH)
        seen = await run.end()
    assert (seen.wrong, seen.lost, seen.unanswered) == ({}, 0, 0)
    assert seen.counts["reconnects"] >= ENOUGH - 4
    assert "dropped" not in seen.counts


async def test_echoes_go_on_after_a_connection_was_lost(plaza: FakePlaza) -> None:
    echoed: list[str] = []

    async def serve(connection: ServerConnection) -> None:
        async for frame in connection:
            if len(echoed) == 5:
                echoed.append("lost")
                connection.transport.abort()
                return
            echoed.append(str(frame))
            plaza.changed()
            await connection.send(frame)

    plaza.serve = serve  # type: ignore[method-assign]
    async with Run(enlist(plaza.url, users=1, mix=Mix(echo=1))) as run:
        await plaza.until(lambda: len(echoed) >= ENOUGH)
        seen = await run.end()
    assert (seen.counts["reconnects"], seen.unanswered) == (1, 0)
    assert not seen.wrong
