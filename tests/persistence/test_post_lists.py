"""Lists of posts: full pages of what one may see, without holes and without repeats."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from persistence import post_lists
from persistence.database import Database
from persistence.post_lists import LOOKED_AT, Place, visible_page
from persistence.post_reader import visible_posts
from protocol.ids import MAX_ID, Id
from protocol.posts import Post, PostStatus, PostType, Visibility
from tests import social

HIDDEN = {"visibility": Visibility.PRIVATE}


async def test_of_an_author_and_of_a_tag(database: Database) -> None:
    async with database.connection() as db:
        ada, bob = await social.person(db), await social.person(db)
        posts = [
            await social.post(db, ada, f"#a {number}", tags=["a"], **({} if number % 3 else HIDDEN))
            for number in range(10)
        ]
        await social.post(db, ada, status=PostStatus.DRAFT, tags=["a"])
        await social.post(db, ada, status=PostStatus.FLAGGED)
        other = await social.post(db, bob, "#a", tags=["a"])
        seen = [post for number, post in enumerate(posts) if number % 3][::-1]
        page = await post_lists.of_author(db, bob, ada, before=MAX_ID, limit=4)
        assert [post.id for post in page.posts] == seen[:4]
        page = await post_lists.of_author(db, bob, ada, before=page.after or 0, limit=4)
        assert ([post.id for post in page.posts], page.after) == (seen[4:], None)
        page = await post_lists.of_author(db, ada, ada, before=MAX_ID, limit=50)
        assert [post.id for post in page.posts] == posts[::-1]
        page = await post_lists.of_tag(db, bob, "a", before=MAX_ID, limit=50)
        assert [post.id for post in page.posts] == [other, *seen]
        await social.mute(db, bob, ada)
        page = await post_lists.of_tag(db, bob, "a", before=MAX_ID, limit=50)
        assert [post.id for post in page.posts] == [other]
        await social.block(db, ada, bob)
        assert not (await post_lists.of_author(db, bob, ada, before=MAX_ID, limit=50)).posts
        page = await post_lists.of_tag(db, ada, "a", before=MAX_ID, limit=50)
        assert other not in [post.id for post in page.posts]


async def test_drafts_are_one_s_own(database: Database) -> None:
    async with database.connection() as db:
        ada, bob = await social.person(db), await social.person(db)
        drafts = [
            await social.post(db, ada, status=status)
            for status in (PostStatus.DRAFT, PostStatus.SCHEDULED, PostStatus.DRAFT)
        ]
        await social.post(db, ada)
        page = await post_lists.unpublished(db, ada, before=MAX_ID, limit=2)
        assert ([post.id for post in page.posts], page.after) == (drafts[:0:-1], drafts[1])
        page = await post_lists.unpublished(db, ada, before=page.after or 0, limit=2)
        assert ([post.id for post in page.posts], page.after) == (drafts[:1], None)
        assert not (await post_lists.unpublished(db, bob, before=MAX_ID, limit=2)).posts


class List:
    """A list in memory of which every post may be seen whose number is in `shown`."""

    def __init__(self, size: int, shown: set[int]) -> None:
        self.size = size
        self.shown = shown
        self.reads = 0

    async def places(self, before: int, limit: int) -> list[Place]:
        self.reads += 1
        top = min(self.size, before - 1)
        return [Place(number, Id(number)) for number in range(top, max(0, top - limit), -1)]

    async def visible(self, _connection: object, _viewer: Id, ids: list[Id]) -> dict[Id, Post]:
        return {id_: _post(id_) for id_ in ids if id_ in self.shown}


def _post(id_: Id) -> Post:
    return Post(id=id_, author=None, type=PostType.TEXT, at="")  # type: ignore[arg-type]


async def pages(listed: List, limit: int, grow: int) -> list[list[Id]]:
    """All pages; so many posts come in between two."""
    found, before = [], MAX_ID
    while True:
        page = await visible_page(None, Id(1), listed.places, before=before, limit=limit)  # type: ignore[arg-type]
        found.append([post.id for post in page.posts])
        if page.after is None:
            return found
        assert page.after < before
        before = page.after
        listed.shown |= set(range(listed.size + 1, listed.size + grow + 1))
        listed.size += grow


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.integers(0, 60),
    hidden=st.sets(st.integers(1, 60)),
    limit=st.integers(1, 10),
    grow=st.integers(0, 3),
)
async def test_pages_neither_skip_nor_repeat(
    monkeypatch: pytest.MonkeyPatch, size: int, hidden: set[int], limit: int, grow: int
) -> None:
    shown = set(range(1, size + 1)) - hidden
    listed = List(size, set(shown))
    monkeypatch.setattr(post_lists, "visible_posts", listed.visible)
    found = await pages(listed, limit, grow)
    assert [id_ for page in found for id_ in page] == sorted(shown, reverse=True)
    assert all(len(page) == limit for page in found[:-1])


async def test_a_request_does_not_search_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = List(3 * LOOKED_AT, {1})
    monkeypatch.setattr(post_lists, "visible_posts", listed.visible)
    found = await pages(listed, 50, 0)
    assert [id_ for page in found for id_ in page] == [1]
    assert 2 <= len(found) <= 4
    assert listed.reads < 40


def test_the_reader_that_is_replaced_above_is_the_one_that_is_used() -> None:
    assert post_lists.visible_posts is visible_posts
