"""plaza_client/rest_engagement.py against the real server."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from persistence.embedded import EmbeddedPostgres
from plaza_client import Counters, Id, PlazaRefused, PollOption, Rest
from server.config import Config
from tests import social
from tests.e2e.site import Person, Site, copy_of, serving


@pytest.fixture(scope="module")
async def site(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Site]:
    async with copy_of(template, postgres) as dsn, serving(dsn, Config()) as served:
        yield served


async def poll_of(site: Site, author: Person, **options: object) -> Id:
    async with site.database.connection() as connection:
        return await social.poll(connection, Id(author.id), **options)  # type: ignore[arg-type]


async def refused(call: object) -> str:
    with pytest.raises(PlazaRefused) as refusal:
        await call  # type: ignore[misc]
    return refusal.value.code


async def test_likes_and_bookmarks(site: Site) -> None:
    ada, bob = await site.people("ada", "bob")
    post = await poll_of(site, ada)
    async with Rest(site.url, access_token=bob.token) as rest:
        assert await rest.like(post) == Counters(likes=1, comments=0, shares=0, liked=True)
        assert [author.username for author in await rest.likers(post)] == [bob.username]
        await rest.bookmark(post)
        [kept] = await rest.bookmarks()
        assert (kept.id, kept.liked, kept.bookmarked) == (post, True, True)
        await rest.unbookmark(post)
        assert await rest.bookmarks() == []
        assert await rest.unlike(post) == Counters(likes=0, comments=0, shares=0, liked=False)
        assert await refused(rest.like(17)) == "not_found"


async def test_votes(site: Site) -> None:
    ada = await site.person()
    post = await poll_of(site, ada, closes_at=datetime.now(UTC) + timedelta(hours=1))
    closed = await poll_of(site, ada, closes_at=datetime.now(UTC) - timedelta(hours=1))
    async with Rest(site.url, access_token=ada.token) as rest:
        poll = await rest.vote(post, [1])
        assert poll.options == [PollOption("Number 0"), PollOption("Number 1", votes=1)]
        assert (poll.chosen, poll.voters, poll.closed) == ([1], 1, False)
        assert (await rest.withdraw_vote(post)).voters == 0
        assert await refused(rest.vote(post, [0, 1])) == "bad_request"
        assert await refused(rest.vote(closed, [0])) == "poll_closed"


async def test_comments(site: Site) -> None:
    ada, bob = await site.people("ada", "bob")
    post = await poll_of(site, ada)
    async with (
        Rest(site.url, access_token=ada.token) as adas,
        Rest(site.url, access_token=bob.token) as bobs,
    ):
        top = await bobs.write_comment(post, f"What, @{ada.username}?", key="k")
        assert await bobs.write_comment(post, f"What, @{ada.username}?", key="k") == top
        assert [user.id for user in top.mentions] == [Id(ada.id)]
        answer = await adas.write_comment(post, "That.", parent=top.id)
        assert [comment.id for comment in await adas.comments(post)] == [top.id]
        assert await bobs.comments(post, parent=top.id) == [answer]
        assert (await adas.edit_comment(answer.id, "This.")).content == "This."
        assert (await bobs.like_comment(answer.id)).liked
        assert (await bobs.unlike_comment(answer.id)).likes == 0
        await bobs.delete_comment(top.id)
        assert (await adas.comment(top.id)).deleted
        assert await refused(bobs.like_comment(top.id)) == "message_deleted"
        assert await refused(bobs.delete_comment(answer.id)) == "forbidden"
        await adas.delete_comment(answer.id)
        assert await adas.comments(post) == []
