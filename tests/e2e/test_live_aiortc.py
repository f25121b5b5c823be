"""aiortc publishes over WHIP, aiortc watches over WHEP: pictures and sound are decoded."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

import httpx
import pytest

from tests.e2e.live_peers import HEIGHT, WIDTH, Camera, Peer, Player, bar_of
from tests.e2e.site import Person, Site

P = TypeVar("P", bound=Peer)


class Show:
    """A stream, and those who publish and watch it."""

    def __init__(self, http: httpx.AsyncClient, made: dict[str, Any]) -> None:
        self.id = made["id"]
        self.key = made["stream_key"]
        self.http = http
        self.peers: list[Peer] = []

    @property
    def publish_url(self) -> str:
        return str(self.http.base_url.join(f"/whip/{self.id}"))

    async def publish(self) -> Camera:
        return await self._connected(Camera(self.http), f"/whip/{self.id}", self.key)

    async def watch(self, viewer: Person | None = None) -> Player:
        token = viewer.token if viewer else None
        return await self._connected(Player(self.http), f"/whep/{self.id}", token)

    async def shown(self) -> dict[str, Any]:
        answer: dict[str, Any] = (await self.http.get(f"/api/v1/streams/{self.id}")).json()
        return answer

    async def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The stream as soon as it is so."""
        async with asyncio.timeout(10):
            while not holds(shown := await self.shown()):
                await asyncio.sleep(0.05)
        return shown

    async def _connected(self, peer: P, path: str, token: str | None) -> P:
        self.peers.append(peer)
        await peer.connect(path, token)
        return peer


@asynccontextmanager
async def show_on(site: Site) -> AsyncIterator[Show]:
    owner = await site.person("ada")
    async with httpx.AsyncClient(base_url=site.url) as http:
        answer = await http.post(
            "/api/v1/streams", json={"title": "A bar that moves"}, headers=owner.bearer
        )
        assert answer.status_code == 201, answer.text
        show = Show(http, answer.json())
        yield show
        for peer in show.peers:
            await peer.close()


@pytest.fixture
async def show(site: Site) -> AsyncIterator[Show]:
    async with show_on(site) as show:
        yield show


async def test_what_is_published_is_seen_and_heard(show: Show, site: Site) -> None:
    await show.publish()
    await show.until(lambda shown: shown["state"] == "live")
    player = await show.watch(await site.person("bob"))
    frames = await player.frames(20)
    assert {(frame.width, frame.height) for frame in frames} == {(WIDTH, HEIGHT)}
    places = [bar_of(frame) for frame in frames]
    assert None not in places
    assert len(set(places)) > 10  # it moves
    sound = await player.frame("audio")
    assert sound.sample_rate == 48_000
    assert (await show.until(lambda shown: shown.get("viewers", 0) == 1))["total_viewers"] == 1


async def test_who_comes_late_sees_a_picture_at_once(
    show: Show, capsys: pytest.CaptureFixture[str]
) -> None:
    await show.publish()
    await show.until(lambda shown: shown["state"] == "live")
    first = await show.watch()
    await first.frames(30)
    draining = asyncio.create_task(first.drain())
    late = await show.watch()
    await late.frame()
    waited = time.monotonic() - late.connected_at
    with capsys.disabled():
        print(f"\nfirst frame {waited * 1000:.0f} ms after DTLS")
    assert waited < 1.0
    draining.cancel()


async def test_a_publisher_that_vanished_comes_back(show: Show) -> None:
    camera = await show.publish()
    await show.until(lambda shown: shown["state"] == "live")
    player = await show.watch()
    await player.frames(10)
    await camera.vanish()
    await show.publish()
    # What was on its way is seen yet; then there are more than could have been.
    assert None not in [bar_of(frame) for frame in await player.frames(30)]
    assert (await show.shown())["viewers"] == 1


async def test_a_publisher_that_leaves_ends_it_for_all(show: Show) -> None:
    camera = await show.publish()
    await show.until(lambda shown: shown["state"] == "live")
    player = await show.watch()
    await player.frame()
    await camera.leave()
    await asyncio.wait_for(player.closed.wait(), 10)
    assert (await show.until(lambda shown: shown["state"] == "ended")).get("viewers", 0) == 0


async def test_the_server_does_not_wait_for_those_who_follow_events(site: Site) -> None:
    server = AsyncExitStack()
    other = await server.enter_async_context(site.another())
    async with show_on(other) as show:
        await show.publish()
        await show.until(lambda shown: shown["state"] == "live")
        player = await show.watch()
        made = await show.http.post(f"{player.location}/events")
        async with show.http.stream("GET", made.headers["location"]) as events:
            lines = events.aiter_lines()
            assert await anext(lines) == "event: active"
            stopping = asyncio.create_task(server.aclose())
            assert "event: reconnect" in [line async for line in lines]
        await asyncio.wait_for(stopping, 5)
        await asyncio.wait_for(player.closed.wait(), 5)
