import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, cast

import pytest

from loadtest.crowd.body import body
from loadtest.crowd.feed_actions import FEED
from loadtest.scenario import Mix, Scenario
from plaza_client.errors import PlazaRefused, Unreachable
from tests.loadtest.crowd.bystanders import Bystander, Company

if TYPE_CHECKING:
    from loadtest.crowd.user import User

publish, read = FEED.actions["post"], FEED.actions["timeline"]
hear, connected = FEED.listeners["feed.new_post"], FEED.listeners["ready"]
PATIENCE_SECONDS = 20


class Rest:
    """A server that answers with what is laid down here.

    Attributes:
        requests: head and body of each.
        answers: status and body; None: the connection is closed instead.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []
        self.answers: list[tuple[int, object] | None] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = re.search(r"Content-Length: (\d+)", head)
                sent = (await reader.readexactly(int(length[1]))).decode() if length else ""
                self.requests.append((head, sent))
                answer = self.answers.pop(0)
                if answer is None:
                    return
                status, content = answer
                body = json.dumps(content).encode()
                writer.write(
                    f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
                )
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@pytest.fixture
def rest() -> Rest:
    return Rest()


@pytest.fixture
async def company(rest: Rest) -> AsyncIterator[Company]:
    server = await asyncio.start_server(rest.serve, "127.0.0.1")
    yield Company(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    server.close()


@pytest.fixture
def ada(company: Company) -> "User":
    return company.user("1")


async def over(user: "User") -> Bystander:
    """Wait until nothing is under way."""
    bystander, changed = cast("Bystander", user), asyncio.Event()
    bystander.changed = changed.set
    async with asyncio.timeout(PATIENCE_SECONDS):
        while bystander.under_way:
            changed.clear()
            await changed.wait()
    return bystander


def refusal(code: str, **fields: object) -> dict[str, object]:
    return {"error": {"code": code, "message": "?", **fields}}


def new_post(post: str, author: str, content: str) -> bytes:
    return json.dumps(
        {"t": "feed.new_post", "feed": "home",
         "post": {"id": post, "author": {"id": author}, "type": "text", "content": content}}
    ).encode()  # fmt: skip


# Publishing and reading


async def test_a_post_says_when_it_was_due(rest: Rest, ada: "User") -> None:
    rest.answers = [(201, {})]
    publish(ada, 12.5)
    await over(ada)

    [(head, sent)] = rest.requests
    assert head.startswith("POST /api/v1/posts HTTP/1.1\r\nHost: 127.0.0.1:")
    assert "Authorization: Bearer token of 1\r\n" in head
    assert json.loads(sent) == {"type": "text", "content": body("feed", "1", 12_500_000_000, 60)}
    assert cast("Bystander", ada).finished == ["publish"]


async def test_every_post_has_a_key_of_its_own_and_keeps_it(rest: Rest, ada: "User") -> None:
    rest.answers = [(201, {}), None, None, (201, {})]
    publish(ada, 1.0)
    await over(ada)
    publish(ada, 2.0)
    await over(ada)

    first, *again = (re.findall(r"Idempotency-Key: (\S+)", head)[0] for head, _ in rest.requests)
    assert len(set(again)) == 1
    assert first not in again
    assert cast("Bystander", ada).finished == ["publish", "publish"]


async def test_what_is_unavailable_is_asked_for_again(rest: Rest, ada: "User") -> None:
    rest.answers = [(503, refusal("unavailable", retry_after=0.001)), (200, {"items": []})]
    read(ada, 1.0)
    bystander = await over(ada)

    assert (bystander.finished, bystander.failed) == (["timeline"], [])


async def test_a_token_that_has_run_out_is_renewed(rest: Rest, ada: "User") -> None:
    rest.answers = [(401, refusal("token_expired")), (200, {"items": []})]
    read(ada, 1.0)
    bystander = await over(ada)

    assert "Bearer token of 1, renewed\r\n" in rest.requests[1][0]
    assert bystander.finished == ["timeline"]


async def test_while_no_token_can_be_had_it_is_asked_for_again(
    rest: Rest, company: Company, ada: "User"
) -> None:
    company.tokens.problems = [Unreachable("nobody answers")]
    rest.answers = [(401, refusal("token_expired"))] * 2 + [(200, {"items": []})]
    read(ada, 1.0)
    bystander = await over(ada)

    assert (bystander.finished, bystander.failed) == (["timeline"], [])


async def test_without_a_token_it_has_failed(rest: Rest, company: Company, ada: "User") -> None:
    company.tokens.problems = [PlazaRefused("unauthorized", "?")]
    rest.answers = [(401, refusal("token_expired"))]
    read(ada, 1.0)

    assert (await over(ada)).failed == ["unauthorized"]


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ([(429, refusal("rate_limited", retry_after=3.0))], "rate_limited"),
        ([(401, refusal("token_expired"))] * 2, "token_expired"),
        ([(502, "Bad gateway")], "http_502"),
    ],
)
async def test_what_was_refused_has_failed(
    rest: Rest, ada: "User", answers: list[tuple[int, object] | None], code: str
) -> None:
    rest.answers = list(answers)
    read(ada, 1.0)
    bystander = await over(ada)

    assert (bystander.finished, bystander.failed) == ([], [code])


def entry(post: int) -> dict[str, object]:
    return {"id": f"{post}", "at": "2026-11-22T18:53:04.640Z", "content": "x"}


@pytest.mark.parametrize(
    ("page", "wrong"),
    [
        ({"items": [entry(12), entry(11), entry(9)]}, {}),
        ({"items": []}, {}),
        ({"items": [entry(9), entry(12)]}, {"disordered": 1}),
        ({"items": [entry(3), entry(3)]}, {"doubled": 1}),
        ({"posts": []}, {"forged": 1}),
    ],
)
async def test_timelines_are_looked_at(
    rest: Rest, company: Company, ada: "User", page: object, wrong: dict[str, int]
) -> None:
    rest.answers = [(200, page)]
    read(ada, 1.0)
    await over(ada)

    assert company.meter.wrongs == wrong


# Hearing


def test_every_connection_watches(ada: "User") -> None:
    connected(ada, b"", 1.0)
    connected(ada, b"", 2.0)

    assert cast("Bystander", ada).asked == [b'"t":"watch","feed":"home"'] * 2


def test_a_post_takes_until_each_follower_hears_of_it(company: Company, ada: "User") -> None:
    bob = company.user("2")
    event = new_post("7", "1", body("feed", "1", 10_000_000_000, 60))
    hear(ada, event, 10.5)
    hear(bob, bytes(bytearray(event)), 10.75)

    assert company.meter.latencies["post"] == {500_000: 1, 750_000: 1}
    assert company.meter.counts["posts"] == 2
    assert not company.meter.wrongs


def test_who_hears_of_a_post_twice_says_so(company: Company, ada: "User") -> None:
    first = new_post("7", "1", body("feed", "1", 10_000_000_000, 60))
    second = new_post("8", "1", body("feed", "1", 10_100_000_000, 60))
    for event in (first, second, first):
        hear(ada, event, 10.5)

    assert company.meter.wrongs == {"doubled": 1}


def test_what_an_author_did_not_write_is_forged(company: Company, ada: "User") -> None:
    company.user("2")
    hear(ada, new_post("7", "2", body("feed", "1", 10_000_000_000, 60)), 10.5)

    assert company.meter.wrongs == {"forged": 1}
    assert "post" not in company.meter.latencies


def test_posts_of_people_outside_are_counted_and_not_measured(
    company: Company, ada: "User"
) -> None:
    hear(ada, new_post("7", "99", "Good morning."), 10.5)

    assert company.meter.counts["posts"] == 1
    assert "post" not in company.meter.latencies
    assert not company.meter.wrongs


def test_who_posts_nothing_need_not_listen() -> None:
    assert FEED.concerns(Scenario(question="?", mix=Mix(post=1.0)))
    assert not FEED.concerns(Scenario(question="?", mix=Mix(timeline=1.0)))
