"""Trends, exports and deletion through the REST client, against the real server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from persistence.embedded import EmbeddedPostgres
from plaza_client import Export, PlazaRefused, Rest, Span
from protocol.ids import Id
from server.clock import now_ms
from server.config import Config
from server.sections import Server
from server.trends import Trends
from tests import social
from tests.e2e.site import Site, copy_of, serving


@pytest.fixture(scope="module")
async def site(
    postgres: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    folder: Path = tmp_path_factory.mktemp("data")
    config = Config(server=Server(data_dir=str(folder)))
    async with copy_of(template, postgres) as dsn, serving(dsn, config) as served:
        yield served


async def test_trends(site: Site) -> None:
    ada = await site.person()
    async with site.database.connection() as db:
        post = await social.post(db, Id(ada.id), tags=["looms"])
        for _ in range(3):
            other = await social.person(db)
            await social.post(db, other, tags=["looms"])
            await db.execute(
                "INSERT INTO post_likes (post_id, account_id) VALUES ($1, $2)", post, other
            )
    await Trends(site.database, clock=lambda: now_ms() + 1_000).refresh_hour()
    async with Rest(site.url, access_token=ada.token) as rest:
        (tag,) = await rest.trending_tags(Span.HOUR)
        assert (tag.tag, tag.why.accounts) == ("looms", 4)
        (trend,) = await rest.trending_posts(Span.HOUR, limit=1)
        assert (trend.post.id, trend.why.accounts) == (post, 3)
        assert await rest.trending_tags() == []


async def test_an_export_and_the_end(site: Site) -> None:
    async with Rest(site.url) as rest:
        await rest.sign_up("ada", "ada@example.org", "correct horse battery")
        asked = await rest.request_export()
        found = await rest.export(asked.id)
        assert isinstance(found, Export)
        assert found.id == asked.id
        with pytest.raises(PlazaRefused, match="no such export"):
            await rest.export(1)
        with pytest.raises(PlazaRefused):
            await rest.delete_account("wrong")
        await rest.delete_account("correct horse battery")
        with pytest.raises(PlazaRefused):
            await rest.me()
