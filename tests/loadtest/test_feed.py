"""The benchmark of the feed: all of it runs and passes its own checks, and counts rightly."""

import asyncio
import math
from contextlib import suppress

import asyncpg
import pytest

from loadtest import feed
from loadtest.deployment import Deployment
from loadtest.feed import SMALL
from loadtest.process import StartFailed
from loadtest.swarm import Violation
from loadtest.timeline_reads import Task, read
from loadtest.town import Size, seeded

BODY = b'{"items":[{}]}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


@pytest.mark.soak
async def test_all_questions(deployment: Deployment) -> None:
    figures = await feed.measure(deployment, SMALL)
    names = {figure.name for figure in figures}
    assert {
        *(f"reading, {rate} a second: p{percent}" for rate in SMALL.rates for percent in (50, 95)),
        *(f"pushing, {audience} followers: to the last" for audience in SMALL.audiences),
        *("reading, 16 at once", "delivering", "trends: trends.refresh.1h"),
    } <= names
    for figure in figures:
        assert figure.samples, figure
        assert all(math.isfinite(sample) and sample >= 0 for sample in figure.samples), figure


@pytest.mark.parametrize(
    ("percent", "expected"), [(50, 5), (95, 10), (99, 10), (10, 1), (11, 2), (100, 10)]
)
def test_percentiles(percent: int, expected: float) -> None:
    assert feed._percentile([3, 1, 2, 10, 9, 8, 4, 5, 7, 6], percent) == expected


def test_the_percentile_of_one() -> None:
    assert feed._percentile([7], 99) == 7


async def test_a_refusal_is_a_violation(deployment: Deployment) -> None:
    with pytest.raises(Violation):
        await read(Task(deployment.url, ["no token"], 0.1, rate=20))


async def test_a_town_that_cannot_be_made(deployment: Deployment) -> None:
    connection = await asyncpg.connect(deployment.dsn)
    with pytest.raises(StartFailed, match="accounts"):
        await seeded(deployment, connection, Size(accounts=0, posts=0, follows=0))
    await connection.close()


async def test_a_slow_server_cannot_hide_it() -> None:
    """At a rate, a request's time runs from when it was due."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):  # the reader has had enough
            while await reader.readuntil(b"\r\n\r\n"):
                async with busy:  # one at a time, 20 ms each
                    await asyncio.sleep(0.02)
                writer.write(HEAD % len(BODY) + BODY)
                await writer.drain()
        writer.close()

    busy = asyncio.Lock()
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        outcome = await read(Task(url, ["token"], 0.4, rate=100))
    assert len(outcome.latencies) == outcome.posts == 40
    # 40 requests within 0.4 s take 0.8 s: the last of them waits for half of that.
    assert max(outcome.latencies) >= 0.3
    assert min(outcome.latencies) < 0.2
