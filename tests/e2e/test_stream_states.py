"""Streams of the whole server, without media: what a kill -9 left, and what people are told of it.

The row is as a process leaves it that is killed while it has a publisher.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from persistence.embedded import EmbeddedPostgres
from plaza_client import Client, Rest, StreamChanged, StreamEnded, StreamState
from server.config import Config
from server.sections import Streams
from tests.e2e.site import Site, copy_of, serving

LEFT_LIVE = """
UPDATE streams SET state = 'live', node = 0, lease_at = now(), started_at = now(), viewers = 3,
    peak_viewers = 4, total_viewers = 9
WHERE id = $1
"""


@pytest.fixture
async def dsn(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[str]:
    async with copy_of(template, postgres) as address:
        yield address


async def test_what_a_kill_left_live_is_interrupted_and_then_ended(dsn: str) -> None:
    config = Config(streams=Streams(grace_seconds=2))
    async with serving(dsn, config) as site:
        ada, bob = await site.people("ada", "bob")
        async with Rest(site.url, access_token=ada.token) as own:
            made = await own.create_stream("Weaving")
        async with Rest(site.url, access_token=bob.token) as others:
            await others.follow(int(ada.id))
        await site.fetch(LEFT_LIVE, made.id)
    async with (
        serving(dsn, config) as site,
        Rest(site.url) as anyone,
        Client(site.url, token=bob.token) as follower,
        Client(site.url, token=ada.token) as owner,
        asyncio.timeout(20),
    ):
        (shown,) = (await anyone.live_streams()).items
        assert (shown.id, shown.state) == (made.id, StreamState.INTERRUPTED)
        for client in (follower, owner):
            assert await told(client) == StreamEnded(stream=made.id, at=await ended_at(site))
        ended = await anyone.stream(made.id)
        assert (ended.state, ended.viewers) == (StreamState.ENDED, 0)
        assert (ended.peak_viewers, ended.total_viewers) == (4, 9)
        assert (await anyone.live_streams()).items == []


async def test_whoever_is_in_the_chat_hears_that_it_goes_on(dsn: str) -> None:
    async with serving(dsn) as site:
        ada, bob = await site.people("ada", "bob")
        async with Rest(site.url, access_token=ada.token) as own:
            made = await own.create_stream("Weaving")
        await site.fetch(LEFT_LIVE, made.id)
    async with (
        serving(dsn) as site,
        Client(site.url, token=bob.token) as guest,
        asyncio.timeout(20),
    ):
        await guest.subscribe(made.room)
        stage = site.plaza.streaming.stage
        stage.live(made.id)  # as its broadcast says, with the first packets
        assert await told(guest) == StreamChanged(stream=made.id, state=StreamState.LIVE)
        stage.viewers(made.id, 2, 2)
        assert (await told(guest)).viewers == 2  # type: ignore[attr-defined]
    async with serving(dsn) as site, Rest(site.url) as anyone:
        # It was told to stop, and has left it to the next.
        assert (await anyone.stream(made.id)).state is StreamState.INTERRUPTED
        assert (await anyone.stream(made.id)).total_viewers == 11


async def told(client: Client) -> object:
    """The next event about a stream."""
    async for event in client.events():
        if type(event).__name__.startswith("Stream"):
            return event
    raise AssertionError("the connection is over")


async def ended_at(site: Site) -> str:
    """When the stream has ended, which is waited for."""
    while True:
        (row,) = await site.fetch("SELECT ended_at, id FROM streams")
        if row["ended_at"] is not None:
            return str(row["ended_at"].isoformat(timespec="milliseconds")).replace("+00:00", "Z")
        await asyncio.sleep(0.05)
