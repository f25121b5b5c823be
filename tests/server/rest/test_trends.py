"""/trends over HTTP."""

import pytest

from protocol.ids import Id
from server.clock import now_ms
from server.trends import Trends
from tests import social
from tests.server.rest.conftest import Person, Site


async def busy(site: Site, author: Person) -> Id:
    """A post with a tag that several use, and that several like."""
    async with site.database.connection() as db:
        post = await social.post(db, Id(author.id), "Look at #looms", tags=["looms"])
        for _ in range(4):
            other = await social.person(db)
            await social.post(db, other, "#looms", tags=["looms"])
            await db.execute(
                "INSERT INTO post_likes (post_id, account_id) VALUES ($1, $2)", post, other
            )
    return post


async def refresh(site: Site) -> None:
    # The ids of tests/social.py are of the present.
    trends = Trends(site.database, clock=lambda: now_ms() + 1_000)
    await trends.refresh_hour()
    await trends.refresh_rest()


@pytest.mark.parametrize("span", ["1h", "24h", "7d"])
async def test_what_trends_and_why(site: Site, alice: Person, bob: Person, span: str) -> None:
    post = await busy(site, alice)
    await refresh(site)
    tags = (await bob.get("/trends/tags", params={"span": span})).json()["items"]
    assert [trend["tag"] for trend in tags] == ["looms"]
    why = tags[0]["why"]
    assert (why["accounts"], why["expected"], why["ratio"]) == (5, 2.0, 2.5)
    assert 0 < why["freshness"] <= 1
    assert tags[0]["score"] > 0
    posts = (await bob.get("/trends/posts", params={"span": span, "limit": 1})).json()["items"]
    assert [trend["post"]["id"] for trend in posts] == [str(post)]
    assert posts[0]["post"]["author"]["username"] == "alice"
    assert posts[0]["why"]["accounts"] == 4


async def test_a_blocked_authors_post_is_left_out(site: Site, alice: Person, bob: Person) -> None:
    await busy(site, alice)
    await refresh(site)
    await alice.put(f"/me/blocks/{bob.id}")
    assert (await bob.get("/trends/posts")).json() == {"items": []}


@pytest.mark.parametrize("query", [{"span": "2h"}, {"limit": "0"}, {"limit": "51"}])
@pytest.mark.parametrize("path", ["/trends/tags", "/trends/posts"])
async def test_what_cannot_be_asked(alice: Person, path: str, query: dict[str, str]) -> None:
    answer = await alice.get(path, params=query)
    assert answer.code == "bad_request"


@pytest.mark.parametrize("path", ["/trends/tags", "/trends/posts"])
async def test_nobody_asks_without_a_token(site: Site, path: str) -> None:
    assert (await site.anyone.get(path)).code == "unauthorized"
