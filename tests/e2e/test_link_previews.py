"""A link is posted, and what its page says of itself is shown: if the page is anybody's."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from server.config import Config
from server.sections import Debug, Limits, Server
from tests.e2e.busy_life import Person, three_people
from tests.e2e.site import Site
from tests.files import image_file
from tests.server.test_outbound import Web, page, web

PAGE = b'<title>Looms</title><meta property="og:image" content="/loom.jpg">'


@pytest.fixture(scope="module")
def config() -> Iterator[Config]:
    folder = tempfile.mkdtemp(prefix="plaza-e2e-", dir="/tmp")
    yield Config(
        server=Server(data_dir=folder),
        limits=Limits(signups_per_ip_hour=0),
        debug=Debug(outbound_networks=["127.0.0.1"]),
    )
    shutil.rmtree(folder)


@pytest.fixture
async def ada(site: Site) -> AsyncIterator[Person]:
    async with three_people(site) as (ada, *_):
        yield ada


@asynccontextmanager
async def looms() -> AsyncIterator[Web]:
    picture = image_file(size=(1600, 900))
    async with web(
        lambda path: page(picture, kind="image/jpeg") if path == "/loom.jpg" else page(PAGE)
    ) as served:
        yield served


async def preview_of(site: Site, ada: Person, link: str) -> dict[str, Any]:
    """Post a link; what is shown of it when the job has been done."""
    body = {"type": "link", "content": "Look", "link": link}
    post = (await ada.ask("POST", "/posts", json=body))["id"]
    async with asyncio.timeout(20):
        while await site.fetch("SELECT FROM pgqueuer WHERE entrypoint = 'preview.fetch'"):
            await asyncio.sleep(0.05)
    return dict((await ada.ask("GET", f"/posts/{post}"))["preview"])


async def test_a_preview_with_a_picture(site: Site, ada: Person) -> None:
    async with looms() as served:
        preview = await preview_of(site, ada, served.url("/a"))
        assert [request.split()[1] for request in served.requests] == ["/a", "/loom.jpg"]
    assert (preview["title"], preview["site"]) == ("Looms", "127.0.0.1")
    assert preview["blurhash"]
    async with httpx.AsyncClient() as anyone:
        picture = await anyone.get(site.url + preview["image"])
    assert picture.headers["content-type"] == "image/webp"
    assert "immutable" in picture.headers["cache-control"]


async def test_those_who_watch_see_it_come(site: Site, ada: Person) -> None:
    await ada.device.do("watch", accounts=[], feed="home")
    async with looms() as served:
        await preview_of(site, ada, served.url("/b"))
    async with asyncio.timeout(10):
        while (event := await ada.device.receive())["t"] != "feed.post_updated":
            pass
    assert event["post"]["preview"]["title"] == "Looms"


async def test_a_page_that_is_not_anybodys(site: Site, ada: Person) -> None:
    async with looms() as served:
        link = served.url(host="localhost").replace("localhost", "[::1]")
        assert await preview_of(site, ada, link) == {"url": link}
        assert served.requests == []
