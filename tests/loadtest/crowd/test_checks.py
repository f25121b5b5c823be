"""What a server must never do is seen, each thing by its name; and what it may do is not held
against it.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from loadtest.scenario import Mix
from tests.loadtest.crowd.fake_plaza import ROOM, FakePlaza, Frame, Run, Seen, enlist, fake_plaza

ENOUGH = 12


@pytest.fixture
async def plaza() -> AsyncIterator[FakePlaza]:
    async with fake_plaza() as running:
        yield running


async def seen_of(plaza: FakePlaza, entries: int = ENOUGH, **scenario: object) -> Seen:
    """Let a crowd of three talk until the log has so many entries."""
    async with Run(enlist(plaza.url, **scenario)) as run:  # type: ignore[arg-type]
        await plaza.until(lambda: len(plaza.log) >= entries)
        return await run.end()


async def test_nothing_is_wrong_with_a_server_that_is_right(plaza: FakePlaza) -> None:
    seen = await seen_of(plaza)
    messages = len(plaza.log) - 1
    assert (seen.wrong, seen.violations, seen.lost, seen.unanswered) == ({}, [], 0, 0)
    assert seen.counts["acknowledged"] == seen.counts["sent"] == seen.counts["due"] == messages
    # Who connects while the others talk begins where the log is then.
    assert 2 * (messages - 3) < seen.counts["delivered"] <= 3 * messages
    assert seen.counts["connects"] == 3
    assert "dropped" not in seen.counts
    assert sum(seen.latencies["ack"].values()) == messages
    assert sum(seen.latencies["delivery"].values()) == seen.counts["delivered"]


async def test_what_does_not_come_is_lost(plaza: FakePlaza) -> None:
    plaza.tell = lambda account, event: [] if (account, event["seq"]) == ("2", 6) else [event]
    seen = await seen_of(plaza)
    assert seen.lost == 1
    assert seen.wrong == {"disordered": 1}
    assert "7 came where 6 of 7 was due" in seen.violations[0]


async def test_what_does_not_come_at_the_end_is_lost(plaza: FakePlaza) -> None:
    plaza.tell = lambda account, event: [] if account == "2" and event["seq"] > 6 else [event]
    seen = await seen_of(plaza)
    assert seen.lost == len(plaza.log) - 6
    assert not seen.wrong
    assert any(words.startswith("lost: 2 misses") for words in seen.violations)


async def test_what_comes_twice_is_doubled(plaza: FakePlaza) -> None:
    plaza.tell = lambda account, event: [event] * (2 if (account, event["seq"]) == ("2", 6) else 1)
    seen = await seen_of(plaza)
    assert (seen.wrong, seen.lost) == ({"doubled": 1}, 0)


async def test_what_comes_too_early_is_disordered(plaza: FakePlaza) -> None:
    held: list[Frame] = []

    def tell(account: str, event: Frame) -> list[Frame]:
        if account != "2":
            return [event]
        if event["seq"] == 6:
            held.append(event)
            return []
        return [event, held.pop()] if held else [event]

    plaza.tell = tell
    seen = await seen_of(plaza)
    assert (seen.wrong, seen.lost) == ({"disordered": 1}, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"body": "hello"},
        {"body": ""},
        {"sender": "3"},
    ],
    ids=["another body", "no body", "another sender"],
)
async def test_what_was_not_said_is_forged(plaza: FakePlaza, change: Frame) -> None:
    plaza.tell = lambda account, event: [
        {**event, **change} if (account, event["seq"]) == ("2", 6) else event
    ]
    seen = await seen_of(plaza)
    assert (seen.wrong, seen.lost) == ({"forged": 1}, 0)


async def test_what_cannot_be_read_is_forged(plaza: FakePlaza) -> None:
    plaza.tell = lambda account, event: [
        {**event, "seq": "six"} if (account, event["seq"]) == ("2", 6) else event
    ]
    seen = await seen_of(plaza)
    assert seen.wrong == {"forged": 1, "disordered": 1}
    assert seen.lost == 1


async def test_what_takes_too_long_is_late(plaza: FakePlaza) -> None:
    plaza.tell = lambda account, event: [] if account == "2" and event["seq"] == 6 else [event]
    async with Run(enlist(plaza.url, late_ms=50.0, patience=5.0)) as run:
        await plaza.until(lambda: len(plaza.log) >= 6)
        plaza.tell = lambda account, event: [] if account == "2" else [event]
        await asyncio.sleep(0.06)  # what is measured, and not waited for
        plaza.tell = lambda _, event: [event]
        plaza.say("2", *plaza.log[5:])
        seen = await run.end()
    assert seen.wrong["late"] >= 1
    assert set(seen.wrong) == {"late"}
    assert "ms after it was due" in seen.violations[0]


async def test_what_was_written_twice_is_doubled(plaza: FakePlaza) -> None:
    def answer(command: Frame, answer: Frame) -> list[Frame]:
        if answer.get("seq") == 6:
            plaza.publish({**plaza.log[5]})  # the same nonce at another seq
        return [answer]

    plaza.answer = answer
    seen = await seen_of(plaza)
    assert (seen.wrong, seen.lost) == ({"doubled": 1}, 0)


async def test_what_is_answered_twice_is_doubled(plaza: FakePlaza) -> None:
    plaza.answer = lambda _, answer: [answer] * (2 if answer.get("seq") == 6 else 1)
    seen = await seen_of(plaza)
    assert (seen.wrong, seen.lost) == ({"doubled": 1}, 0)


async def test_an_answer_that_names_another_place_is_seen(plaza: FakePlaza) -> None:
    plaza.answer = lambda _, answer: [{**answer, "seq": 5} if answer.get("seq") == 6 else answer]
    seen = await seen_of(plaza)
    assert seen.wrong == {"doubled": 1}


async def test_what_is_acknowledged_and_is_something_else_is_lost(plaza: FakePlaza) -> None:
    """All numbers are there, but the message is not."""

    def tell(_: str, event: Frame) -> list[Frame]:
        return [
            {"t": "title", "room": ROOM, "sender": "1", "seq": 6} if event["seq"] == 6 else event
        ]

    plaza.tell = tell
    seen = await seen_of(plaza)
    assert (seen.wrong, seen.lost) == ({}, 1)


async def test_what_is_no_entry_costs_nothing(plaza: FakePlaza) -> None:
    """Signs of life, rooms of somebody else, and what a newer server says."""
    others = [
        {"t": "typing", "room": ROOM, "account": "1"},
        {"t": "presence", "account": "1", "state": "away"},
        {"t": "balloons", "colour": "red"},
        {"t": "message", "room": "8", "sender": "1", "seq": 70, "body": "hi"},
    ]
    plaza.tell = lambda _, event: [*others, event]
    seen = await seen_of(plaza)
    assert (seen.wrong, seen.lost) == ({}, 0)


async def test_entries_of_a_newer_kind_are_counted(plaza: FakePlaza) -> None:
    newer = {"t": "confetti", "room": ROOM, "sender": "1", "event_id": "5"}
    async with Run(enlist(plaza.url)) as run:
        await plaza.until(lambda: len(plaza.log) >= ENOUGH)
        plaza.publish(newer)
        seen = await run.end()
    assert (seen.wrong, seen.lost) == ({}, 0)


async def test_a_forged_echo_is_seen(plaza: FakePlaza) -> None:
    sent: list[str] = []

    async def serve(connection: object) -> None:
        async for frame in connection:  # type: ignore[attr-defined]
            sent.append(frame)
            plaza.changed()
            await connection.send(frame.replace("x", "y") if len(sent) == 3 else frame)  # type: ignore[attr-defined]

    plaza.serve = serve  # type: ignore[method-assign]
    async with Run(enlist(plaza.url, mix=Mix(echo=1))) as run:
        await plaza.until(lambda: len(sent) >= ENOUGH)
        seen = await run.end()
    assert seen.wrong == {"forged": 1}
    assert sum(seen.latencies["echo"].values()) >= ENOUGH
