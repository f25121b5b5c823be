"""plaza_client/rest_feed.py against the real server."""

from collections.abc import AsyncIterator

import pytest

from persistence.embedded import EmbeddedPostgres
from plaza_client import FeedOrder, PlazaRefused, Rest
from server.config import Config
from tests.e2e.site import Site, copy_of, serving


@pytest.fixture(scope="module")
async def site(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Site]:
    async with copy_of(template, postgres) as dsn, serving(dsn, Config()) as served:
        yield served


async def test_the_feed_page_by_page(site: Site) -> None:
    ada, bob = await site.people("ada", "bob")
    async with (
        Rest(site.url, access_token=ada.token) as own,
        Rest(site.url, access_token=bob.token) as others,
    ):
        await own.follow(int(bob.id))
        written = [(await others.create_post(f"Number {number}")).id for number in range(5)]
        for order in (FeedOrder.LATEST, "ranked"):
            page = await own.feed(order, limit=2)
            found = page.items
            while page.next_cursor is not None:
                page = await own.feed(order, limit=2, cursor=page.next_cursor)
                found = found + page.items
            assert [post.id for post in found] == written[::-1]
        assert len((await own.feed(limit=1000)).items) == 5
        with pytest.raises(PlazaRefused) as refusal:
            await own.feed(cursor="of another server")
        assert refusal.value.code == "bad_request"
