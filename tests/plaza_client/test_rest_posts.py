"""plaza_client/rest_posts.py against the real server."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from persistence.embedded import EmbeddedPostgres
from plaza_client import (
    Id,
    NewPoll,
    PlazaRefused,
    PollOption,
    PostStatus,
    Rest,
    Visibility,
)
from protocol.times import rfc3339
from server.config import Config
from tests.e2e.site import Person, Site, copy_of, serving


@pytest.fixture(scope="module")
async def site(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Site]:
    async with copy_of(template, postgres) as dsn, serving(dsn, Config()) as served:
        yield served


def rest_of(site: Site, person: Person) -> Rest:
    return Rest(site.url, access_token=person.token)


async def refused(call: object) -> str:
    with pytest.raises(PlazaRefused) as refusal:
        await call  # type: ignore[misc]
    return refusal.value.code


async def test_a_post_from_its_draft_to_its_end(site: Site) -> None:
    ada, bob = await site.people("ada", "bob")
    async with rest_of(site, ada) as own, rest_of(site, bob) as others:
        draft = await own.create_post("Hello #looms", status="draft", warning="Looms")
        assert [post.id for post in await own.drafts()] == [draft.id]
        assert await refused(others.post(draft.id)) == "not_found"
        post = await own.edit_post(draft.id, status=PostStatus.PUBLISHED, warning=None)
        assert (post.status, post.warning, post.tags) == (PostStatus.PUBLISHED, None, ["looms"])
        assert (await others.post(post.id)).content == "Hello #looms"
        await own.edit_post(post.id, content="Bye #looms", visibility="followers")
        [version] = await own.post_versions(post.id)
        assert (version.version, version.content) == (1, "Hello #looms")
        await own.edit_post(post.id, visibility=Visibility.PUBLIC)
        assert [each.id for each in await others.posts([17, post.id])] == [post.id]
        await own.delete_post(post.id)
        assert await refused(own.post(post.id)) == "not_found"


async def test_polls_and_schedules(site: Site) -> None:
    (ada,) = await site.people("ada")
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    async with rest_of(site, ada) as rest:
        poll = NewPoll(options=["tea", "coffee"], multiple=True, closes_at=tomorrow)
        post = await rest.create_post("Which?", type="poll", poll=poll)
        assert post.poll is not None
        assert post.poll.options == [PollOption(text="tea"), PollOption(text="coffee")]
        assert (post.poll.multiple, post.poll.closes_at) == (True, rfc3339(tomorrow))
        later = await rest.create_post("Later.", status="scheduled", publish_at=tomorrow)
        assert later.publish_at == rfc3339(tomorrow)
        sooner = tomorrow - timedelta(hours=1)
        assert (await rest.edit_post(later.id, publish_at=sooner)).publish_at == rfc3339(sooner)
        brief = NewPoll(options=["tea", "coffee"], seconds=1)
        assert await refused(rest.create_post("Now?", type="poll", poll=brief)) == "bad_request"


async def test_keys_and_shares(site: Site) -> None:
    ada, bob = await site.people("ada", "bob")
    async with rest_of(site, ada) as own, rest_of(site, bob) as others:
        post = await own.create_post("Once.", key="one")
        assert (await own.create_post("Once.", key="one")).id == post.id
        assert await refused(own.create_post("Twice.", key="one")) == "nonce_conflict"
        share = await others.share_post(post.id)
        assert share.shared is not None
        assert share.shared.id == post.id
        quote = await others.create_post("So true.", shared=post.id)
        assert (await own.post(post.id)).shares == 2
        await others.unshare_post(post.id)
        assert [each.id for each in (await own.posts_of(Id(bob.id))).items] == [quote.id]


async def test_lists_go_on(site: Site) -> None:
    (ada,) = await site.people("ada")
    async with rest_of(site, ada) as rest:
        posts = [(await rest.create_post(f"#Größe {number}")).id for number in range(5)]
        for read in (
            lambda cursor: rest.posts_of(Id(ada.id), cursor=cursor, limit=2),
            lambda cursor: rest.posts_tagged("GRÖSSE", cursor=cursor, limit=2),
        ):
            found, cursor = [], None
            while True:
                page = await read(cursor)
                found += [post.id for post in page.items]
                cursor = page.next_cursor
                if cursor is None:
                    break
            assert found == posts[::-1]
