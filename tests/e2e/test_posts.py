"""Posts on a running server: they come out on time, and kill -9 neither loses nor doubles them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from plaza_client import Client, NewPost, PlazaRefused, Rest, Unreachable
from protocol.times import rfc3339
from tests.e2e.process import ServerProcess
from tests.e2e.site import Site

PASSWORD = "correct horse battery"
WRITERS = 8
POSTS = 12  # of each


async def new_posts(client: Client) -> AsyncIterator[NewPost]:
    async for event in client.events():
        if isinstance(event, NewPost):
            yield event


async def test_a_scheduled_post_comes_out_on_time(site: Site) -> None:
    ada, bob = await site.people("ada", "bob")
    async with (
        Rest(site.url, access_token=ada.token) as rest,
        Client(site.url, token=bob.token) as client,
    ):
        await client.watch(tags=["looms"])
        publish_at = datetime.now(UTC) + timedelta(seconds=1)
        fields = {"status": "scheduled", "publish_at": publish_at}
        post = await rest.create_post("On time. #looms", **fields)  # type: ignore[arg-type]
        assert (await rest.posts_of(int(ada.id))).items == []
        async with asyncio.timeout(30):
            event = await anext(new_posts(client))
        assert event.post.id == post.id
        assert event.post.at >= rfc3339(publish_at)
        assert [each.id for each in (await rest.posts_of(int(ada.id))).items] == [post.id]


class Writer:
    """Somebody who posts, and asks again with the same key until the answer comes."""

    def __init__(self, rest: Rest, progress: asyncio.Semaphore) -> None:
        self.rest = rest
        self.written: list[int] = []
        self._progress = progress

    async def write(self) -> None:
        for number in range(POSTS):
            while True:
                with suppress(Unreachable, PlazaRefused, httpx.TransportError):
                    post = await self.rest.create_post(f"#a {number}", key=f"key-{number}")
                    break
                await asyncio.sleep(0.05)  # the server is away
            self.written.append(post.id)
            self._progress.release()


@pytest.mark.timeout(180)
async def test_kill_9_neither_loses_nor_doubles_a_post(server: ServerProcess) -> None:
    progress = asyncio.Semaphore(0)
    writers = []
    for number in range(WRITERS):
        rest = Rest(server.url)
        await rest.sign_up(f"writer_{number}", f"writer_{number}@example.org", PASSWORD)
        writers.append(Writer(rest, progress))
    async with asyncio.timeout(150), asyncio.TaskGroup() as tasks:
        for writer in writers:
            tasks.create_task(writer.write())
        for _ in range(WRITERS * POSTS // 3):
            await progress.acquire()
        await server.kill()
        await server.start()
    for writer in writers:
        me = await writer.rest.me()
        page = await writer.rest.posts_of(me.id, limit=200)
        assert [post.id for post in page.items] == writer.written[::-1]
        assert sorted(set(writer.written)) == writer.written
        await writer.rest.close()
