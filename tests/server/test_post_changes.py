"""server/post_changes.py: posts change, and keep their former versions."""

import asyncio

import pytest

from feed_push.composition import WantedPoll
from persistence import post_edits
from persistence.database import Database
from persistence.post_reader import visible_post
from persistence.posts import FAN_OUT, PREVIEW, PUBLISH_DUE
from protocol.errors import BAD_REQUEST, FORBIDDEN, NOT_FOUND
from protocol.posts import PostStatus, PostType, Visibility
from protocol.times import rfc3339
from tests import social
from tests.server.newsroom import Newsroom, refused


@pytest.fixture
async def room(database: Database) -> Newsroom:
    return await Newsroom(database).open()


async def versions(room, post, *, before=99, limit=99):
    async with room.database.connection() as db:
        return await post_edits.versions(db, post, before=before, limit=limit)


class TestEdits:
    async def test_former_versions_are_kept(self, room):
        post = await room.write("One. #a", warning="w")
        times = [rfc3339(room.moment)]
        for content in ("Two. #b", "Three. #b"):
            room.pass_seconds(60)
            times.append(rfc3339(room.moment))
            changed = await room.change(post.id, content=content)
            assert (changed.content, changed.edited_at) == (content, times[-1])
        assert changed.edits == 2
        found = await versions(room, post.id)
        assert [(each.version, each.content, each.at) for each in found] == [
            (2, "Two. #b", times[1]),
            (1, "One. #a", times[0]),
        ]
        assert found[1].warning == "w"
        assert [each.version for each in await versions(room, post.id, before=2)] == [1]
        assert [each.version for each in await versions(room, post.id, limit=1)] == [2]

    async def test_what_changes_nothing_is_no_edit(self, room):
        post = await room.write("One.")
        room.watchers.take()
        assert await room.change(post.id, content=" One. ", warning=None) == post
        assert await room.change(post.id) == post
        assert await versions(room, post.id) == []
        assert room.watchers.take() == []

    async def test_who_may_see_a_post_is_no_part_of_its_versions(self, room):
        post = await room.write("One.")
        changed = await room.change(post.id, visibility=Visibility.FOLLOWERS)
        assert (changed.visibility, changed.edits) == (Visibility.FOLLOWERS, 0)

    async def test_drafts_have_no_versions(self, room):
        post = await room.write("One.", status=PostStatus.DRAFT)
        changed = await room.change(post.id, content="")
        assert (changed.content, changed.edits, changed.edited_at) == ("", 0, None)
        await refused(BAD_REQUEST, room.change(post.id, status=PostStatus.PUBLISHED))

    async def test_hashtags_and_mentions_follow(self, room):
        post = await room.write("#a #b @bob")
        room.watchers.take()
        changed = await room.change(post.id, content="#b #c @eve")
        assert changed.tags == ["b", "c"]
        listed = "SELECT tag, position FROM post_tags ORDER BY tag"
        assert await room.rows(listed) == [("b", post.id), ("c", post.id)]
        assert await room.rows("SELECT account_id FROM post_mentions") == [(room.eve,)]
        assert room.watchers.take() == [("updated", post.id, "a")]

    async def test_media_change(self, room):
        first, second = await room.upload(), await room.upload()
        post = await room.write("", type=PostType.IMAGE, media=(first,))
        changed = await room.change(post.id, media=(second,))
        assert [media.id for media in changed.media] == [second]
        assert await room.rows("SELECT upload_id FROM upload_uses") == [(second,)]
        assert [media.id for media in (await versions(room, post.id))[0].media] == [first]
        await refused(BAD_REQUEST, room.change(post.id, media=()))
        others = await room.upload(by=room.bob)
        await refused(BAD_REQUEST, room.change(post.id, media=(second, others)))
        assert await room.rows("SELECT upload_id FROM upload_uses") == [(second,)]

    async def test_another_link_is_looked_at(self, room):
        links = ["https://example.org/a", "https://example.org/b"]
        post = await room.write("", type=PostType.LINK, link=links[0])
        await room.change(post.id, link=links[1])
        await room.change(post.id, content="Look.")
        assert await room.jobs(PREVIEW) == [link.encode() for link in links]

    async def test_edits_at_once_are_all_kept(self, room):
        post = await room.write("0")
        contents = [str(number) for number in range(1, 11)]
        await asyncio.gather(*(room.change(post.id, content=content) for content in contents))
        async with room.database.connection() as db:
            now = await visible_post(db, room.ada, post.id)
        kept = await versions(room, post.id)
        assert [each.version for each in kept] == list(range(10, 0, -1))
        assert {each.content for each in kept} | {now.content} == {"0", *contents}

    async def test_are_the_author_s(self, room):
        post = await room.write()
        hidden = await room.write(visibility=Visibility.PRIVATE)
        await refused(FORBIDDEN, room.change(post.id, by=room.bob, content="x"))
        await refused(FORBIDDEN, room.change(post.id, by=room.moderator, content="x"))
        for by in (room.bob, room.moderator):
            await refused(NOT_FOUND, room.change(hidden.id, by=by, content="x"))

    async def test_a_share_has_nothing_to_edit(self, room):
        post = await room.write()
        share = await room.posts.share(room.bob, post.id)
        for changes in ({"content": "x"}, {"visibility": Visibility.PRIVATE}):
            await refused(BAD_REQUEST, room.change(share.id, by=room.bob, **changes))
        quote = await room.write("So true.", by=room.bob, shared=post.id)
        await refused(BAD_REQUEST, room.change(quote.id, by=room.bob, content=""))


class TestVisibility:
    async def test_what_becomes_private_leaves_all_lists(self, room):
        post = await room.write("#a @bob")
        room.watchers.take()
        await room.change(post.id, visibility=Visibility.PRIVATE)
        for table in ("post_tags", "post_mentions", "feed_pending"):
            assert await room.rows(f"SELECT * FROM {table}") == []
        assert room.watchers.take() == [
            ("gone", post.id, room.ada, ("a",), Visibility.PUBLIC),
            ("updated", post.id),
        ]
        await room.counted()

    async def test_what_is_private_no_longer_comes_into_them(self, room):
        post = await room.write("#a @bob", visibility=Visibility.PRIVATE)
        room.watchers.take()
        await room.change(post.id, visibility=Visibility.FRIENDS)
        for table in ("post_tags", "post_mentions", "feed_pending"):
            assert await room.rows(f"SELECT position FROM {table}") == [(post.id,)]
        assert await room.jobs(FAN_OUT) == [str(post.id).encode()]
        assert room.watchers.take() == [("published", post.id)]
        await room.counted()

    async def test_what_is_for_fewer_is_gone_for_the_others(self, room):
        post = await room.write("#a")
        room.watchers.take()
        await room.change(post.id, visibility=Visibility.FOLLOWERS, content="#b")
        assert room.watchers.take() == [
            ("gone", post.id, room.ada, ("a",), Visibility.PUBLIC),
            ("updated", post.id, "a"),
        ]
        await room.change(post.id, visibility=Visibility.PUBLIC)
        assert room.watchers.take() == [("updated", post.id)]


class TestDrafts:
    async def test_are_published_with_a_place_of_their_own(self, room):
        draft = await room.write("@bob #a", status=PostStatus.DRAFT)
        room.pass_seconds(3600)
        between = await room.write("Between.")
        room.watchers.take()
        post = await room.change(draft.id, status=PostStatus.PUBLISHED, content="@bob #b")
        assert (post.id, post.at, post.edits) == (draft.id, rfc3339(room.moment), 0)
        position = await room.value("SELECT position FROM posts WHERE id = $1", post.id)
        assert position > between.id > draft.id
        assert await room.rows("SELECT tag, position FROM post_tags") == [("b", position)]
        assert room.watchers.take() == [("published", post.id)]
        await room.counted()
        await refused(BAD_REQUEST, room.change(draft.id, status=PostStatus.DRAFT))

    async def test_are_scheduled_and_back(self, room):
        draft = await room.write(status=PostStatus.DRAFT)
        await refused(BAD_REQUEST, room.change(draft.id, status=PostStatus.SCHEDULED))
        await refused(BAD_REQUEST, room.change(draft.id, publish_at=room.later(60)))
        fields = {"status": PostStatus.SCHEDULED, "publish_at": room.later(60)}
        post = await room.change(draft.id, **fields)
        assert (post.status, post.publish_at) == ("scheduled", rfc3339(room.later(60)))
        assert await room.jobs(PUBLISH_DUE) == [str(draft.id).encode()]
        moved = await room.change(draft.id, publish_at=room.later(120))
        assert moved.publish_at == rfc3339(room.later(120))
        assert len(await room.jobs(PUBLISH_DUE)) == 2
        back = await room.change(draft.id, status=PostStatus.DRAFT)
        assert (back.status, back.publish_at) == ("draft", None)
        assert room.watchers.take() == []

    async def test_a_poll_is_open_from_its_publication_on(self, room):
        poll = WantedPoll(options=("yes", "no"), seconds=600)
        fields = {"type": PostType.POLL, "status": PostStatus.DRAFT}
        draft = await room.write("Tea?", poll=poll, **fields)
        assert draft.poll.closes_at is None
        room.pass_seconds(3600)
        post = await room.change(draft.id, status=PostStatus.PUBLISHED)
        assert post.poll.closes_at == rfc3339(room.later(600))

    async def test_a_poll_that_would_be_over_is_not_published(self, room):
        poll = WantedPoll(options=("yes", "no"), closes_at=room.later(3600))
        fields = {"type": PostType.POLL, "status": PostStatus.DRAFT}
        draft = await room.write("Tea?", poll=poll, **fields)
        late = {"status": PostStatus.SCHEDULED, "publish_at": room.later(3590)}
        await refused(BAD_REQUEST, room.change(draft.id, **late))
        room.pass_seconds(3600)
        await refused(BAD_REQUEST, room.change(draft.id, status=PostStatus.PUBLISHED))

    async def test_a_quote_of_what_may_not_be_shared_any_more_is_not_published(self, room):
        post = await room.write()
        fields = {"by": room.bob, "shared": post.id, "status": PostStatus.DRAFT}
        draft = await room.write("So true.", **fields)
        async with room.database.connection() as db:
            await social.block(db, room.ada, room.bob)
        published = room.change(draft.id, by=room.bob, status=PostStatus.PUBLISHED)
        await refused(NOT_FOUND, published)
        await room.counted()

    async def test_are_nobody_else_s_business(self, room):
        draft = await room.write(status=PostStatus.DRAFT)
        for by in (room.bob, room.moderator):
            await refused(NOT_FOUND, room.change(draft.id, by=by, status=PostStatus.PUBLISHED))


class TestModeration:
    async def test_what_is_held_back_is_hidden_until_it_is_let_out(self, room):
        original = await room.write()
        post = await room.write("#a", by=room.bob, shared=original.id)
        room.watchers.take()
        held = await room.change(post.id, by=room.moderator, status=PostStatus.UNDER_REVIEW)
        assert held.status == "under_review"
        assert room.watchers.take() == [
            ("gone", post.id, room.bob, ("a",), Visibility.PUBLIC),
            ("counted", original.id),
        ]
        await room.counted()
        assert await self.seen(room, post.id) == {room.bob, room.moderator}
        await room.change(post.id, by=room.moderator, status=PostStatus.FLAGGED)
        assert room.watchers.take() == []
        await room.counted()
        await room.change(post.id, by=room.moderator, status=PostStatus.PUBLISHED)
        assert room.watchers.take() == [("published", post.id), ("counted", original.id)]
        assert await self.seen(room, post.id) == {room.ada, room.bob, room.eve, room.moderator}
        await room.counted()

    async def seen(self, room, post):
        people = (room.ada, room.bob, room.eve, room.moderator)
        async with room.database.connection() as db:
            return {person for person in people if await visible_post(db, person, post)}

    async def test_authors_edit_what_is_held_back_and_do_not_let_it_out(self, room):
        post = await room.write()
        await room.change(post.id, by=room.moderator, status=PostStatus.FLAGGED)
        room.watchers.take()
        assert (await room.change(post.id, content="Sorry.")).edits == 1
        assert room.watchers.take() == []
        await refused(FORBIDDEN, room.change(post.id, status=PostStatus.PUBLISHED))
        await refused(FORBIDDEN, room.change(post.id, status=PostStatus.UNDER_REVIEW))

    async def test_nobody_else_holds_back(self, room):
        post = await room.write()
        for by in (room.ada, room.bob):
            await refused(FORBIDDEN, room.change(post.id, by=by, status=PostStatus.FLAGGED))

    async def test_moderators_change_the_status_alone(self, room):
        post = await room.write()
        both = {"status": PostStatus.FLAGGED, "visibility": Visibility.PRIVATE}
        await refused(FORBIDDEN, room.change(post.id, by=room.moderator, **both))
        await refused(BAD_REQUEST, room.change(post.id, status=PostStatus.DELETED))
        await room.counted()

    async def test_holding_and_letting_out_at_once_keeps_count(self, room):
        original = await room.write()
        share = await room.posts.share(room.bob, original.id)
        states = [PostStatus.FLAGGED, PostStatus.PUBLISHED, PostStatus.UNDER_REVIEW] * 5
        await asyncio.gather(
            *(room.change(share.id, by=room.moderator, status=status) for status in states)
        )
        await room.counted()
