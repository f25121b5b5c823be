"""REST requests for many accounts, and servers that put them off or answer strangely."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from loadtest.endpoint import TargetError
from loadtest.preparing.calls import Calls, each
from plaza_client.errors import PlazaRefused
from tests.loadtest.strangers import Answer, Request, answering, refusal

LATER = refusal(429, "rate_limited", "Too many requests.", retry_after=0.01)
MUCH_LATER = refusal(429, "rate_limited", "Too many requests.", retry_after=172.4)


def in_turn(*answers: Answer) -> Callable[[Request], Answer]:
    waiting: Iterator[Answer] = iter(answers)
    return lambda _: next(waiting)


@pytest.mark.parametrize(
    "trouble",
    [
        LATER,
        refusal(503, "overloaded", retry_after=0.01),
        refusal(503, "unavailable", retry_after=0.0),
        Answer(503, "<h1>Gateway</h1>", ("Retry-After: 0",)),
        Answer(None),
    ],
    ids=["429", "overloaded", "unavailable", "a proxy's 503", "hangs up"],
)
async def test_a_request_is_repeated_when_the_server_asks_for_it(trouble: Answer) -> None:
    good = Answer(200, {"id": "1"})
    async with answering(in_turn(trouble, trouble, good)) as url, Calls(url) as calls:
        assert await calls.call("GET", "/me") == {"id": "1"}


async def test_a_refusal_is_not_repeated() -> None:
    async with answering(in_turn(refusal(403, "forbidden"))) as url, Calls(url) as calls:
        with pytest.raises(PlazaRefused, match="No"):
            await calls.call("GET", "/me")


async def test_who_would_wait_for_long_is_told_which_limit_to_raise() -> None:
    async with answering(in_turn(MUCH_LATER)) as url, Calls(url) as calls:
        with pytest.raises(
            TargetError,
            match=r"PUT /it: the server takes no more of these for 172 s\. For the test, raise "
            r"limits\.commands_per_account_second and limits\.commands_per_ip_second of it",
        ):
            await calls.call("PUT", "/it")


@pytest.mark.parametrize(
    "strange", [Answer(200, "<h1>Hello</h1>"), Answer(404, "nothing"), Answer(200, {"items": 1})]
)
async def test_an_answer_that_is_no_plaza_s(strange: Answer) -> None:
    async with answering(in_turn(strange)) as url, Calls(url) as calls:
        with pytest.raises(TargetError, match="GET /rooms: "):
            await calls.items("/rooms", token="token")


async def test_so_many_at_once_and_in_their_order() -> None:
    under_way, most = 0, 0
    told: list[int] = []

    async def work(number: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(number % 3):
            await asyncio.sleep(0)
        under_way -= 1
        return number * 2

    assert await each(work, range(20), done=told.append, at_once=4) == list(range(0, 40, 2))
    assert most == 4
    assert told == list(range(1, 21))
    assert await each(work, []) == []


async def test_the_first_failure_is_raised_when_the_others_are_done() -> None:
    finished: list[int] = []

    async def work(number: int) -> None:
        for _ in range(3 if number != 1 else 1):
            await asyncio.sleep(0)
        if number == 1:
            raise TargetError("No more.")
        finished.append(number)

    with pytest.raises(TargetError, match="No more"):
        await each(work, range(90), at_once=3)
    assert finished == [0, 2]
