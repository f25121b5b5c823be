"""server/posts.py: posts are written, once, and shared."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from feed_push.composition import WantedPoll
from persistence import post_publication, post_shares
from persistence.database import Database
from persistence.posts import FAN_OUT, PREVIEW
from protocol.errors import BAD_REQUEST, FORBIDDEN, NONCE_CONFLICT, NOT_FOUND
from protocol.ids import Id
from protocol.posts import PollOption, PostStatus, PostType, Visibility
from protocol.times import rfc3339
from tests import social
from tests.server.newsroom import Newsroom, refused


@pytest.fixture
async def room(database: Database) -> Newsroom:
    return await Newsroom(database).open()


class TestWriting:
    async def test_what_is_published_is_listed_counted_and_told(self, room):
        post = await room.write("Hello @bob #Looms", warning="Looms")
        assert (post.tags, [user.id for user in post.mentions]) == (["looms"], [room.bob])
        assert (post.warning, post.at) == ("Looms", rfc3339(room.moment))
        position = await room.value("SELECT position FROM posts WHERE id = $1", post.id)
        assert position == post.id
        assert await room.rows("SELECT * FROM post_tags") == [
            ("looms", position, post.id, room.ada)
        ]
        assert await room.rows("SELECT * FROM post_mentions") == [(room.bob, position, post.id)]
        assert await room.rows("SELECT * FROM feed_pending") == [(post.id, room.ada, position, 0)]
        assert await room.jobs(FAN_OUT) == [str(post.id).encode()]
        assert room.watchers.take() == [("published", post.id)]
        await room.counted()

    @pytest.mark.parametrize("status", [PostStatus.DRAFT, PostStatus.SCHEDULED])
    async def test_what_is_not_yet_published_is_not(self, room, status):
        publish_at = room.later(60) if status is PostStatus.SCHEDULED else None
        post = await room.write("Hello @bob #Looms", status=status, publish_at=publish_at)
        assert (post.status, post.tags) == (status, ["looms"])
        for table in ("post_tags", "post_mentions", "feed_pending", "post_counters"):
            assert await room.rows(f"SELECT * FROM {table}") == []
        assert await room.jobs(FAN_OUT) == []
        assert room.watchers.take() == []
        await room.counted()

    async def test_what_is_private_is_in_no_lists(self, room):
        await room.write("Hello @bob #Looms", visibility=Visibility.PRIVATE)
        for table in ("post_tags", "post_mentions", "feed_pending"):
            assert await room.rows(f"SELECT * FROM {table}") == []
        assert await room.jobs(FAN_OUT) == []
        await room.counted()

    async def test_what_is_read_when_followers_look_is_not_brought_to_them(self, room):
        await room.rows("UPDATE profiles SET pulled = true RETURNING 1")
        await room.write("#Looms")
        assert await room.rows("SELECT tag FROM post_tags") == [("looms",)]
        assert await room.rows("SELECT * FROM feed_pending") == []
        assert await room.jobs(FAN_OUT) == []

    async def test_a_link_is_looked_at(self, room):
        link = "https://example.org/a"
        post = await room.write("", type=PostType.LINK, link=link)
        assert post.link == post.preview.url == link
        assert await room.jobs(PREVIEW) == [link.encode()]

    async def test_a_poll_is_open_from_now_on(self, room):
        poll = WantedPoll(options=("yes", "no"), multiple=True, seconds=300)
        post = await room.write("Tea?", type=PostType.POLL, poll=poll)
        assert post.poll.options == [PollOption(text="yes"), PollOption(text="no")]
        assert (post.poll.multiple, post.poll.closes_at) == (True, rfc3339(room.later(300)))

    async def test_a_failure_leaves_nothing(self, room, monkeypatch):
        before = await room.snapshot()

        async def fail(*_arguments, **_options):
            raise RuntimeError("the last step")

        monkeypatch.setattr(post_publication, "enqueue", fail)
        with pytest.raises(RuntimeError):
            await room.write("Hello @bob #Looms", key="one")
        assert await room.snapshot() == before
        assert room.watchers.take() == []
        await room.counted()
        monkeypatch.undo()
        assert await room.write("Hello @bob #Looms", key="one")

    async def test_a_new_post_is_not_held_back_already(self, room):
        await refused(BAD_REQUEST, room.write(status=PostStatus.FLAGGED))
        await refused(BAD_REQUEST, room.write(status=PostStatus.DELETED))


class TestMedia:
    async def test_are_shown_in_order_and_used(self, room):
        media = tuple([await room.upload() for _ in range(3)])
        post = await room.write("", type=PostType.IMAGE, media=media[::-1])
        assert [each.id for each in post.media] == list(media[::-1])
        uses = await room.rows("SELECT * FROM upload_uses ORDER BY upload_id")
        assert uses == [(upload, "post", post.id) for upload in media]

    async def test_are_of_the_right_kind(self, room):
        image, video = await room.upload(), await room.upload(kind="video")
        assert (await room.write("", type=PostType.VIDEO, media=(video,))).media
        await refused(BAD_REQUEST, room.write("", type=PostType.VIDEO, media=(image,)))
        await refused(BAD_REQUEST, room.write("", type=PostType.IMAGE, media=(image, video)))

    async def test_are_one_s_own_and_ready(self, room):
        others = await room.upload(by=room.bob)
        unready = await room.upload(state="processing")
        for upload in (others, unready, Id(17)):
            await refused(BAD_REQUEST, room.write("", type=PostType.IMAGE, media=(upload,)))
        assert await room.rows("SELECT * FROM posts") == []


class TestKeys:
    async def test_a_repeat_gets_the_first_post(self, room):
        first = await room.write("Once.", key="one")
        room.watchers.take()
        assert await room.write("Once.", key="one") == first
        assert room.watchers.take() == []
        changed = await room.change(first.id, content="Twice.")
        assert await room.write("Once.", key="one") == changed
        assert len(await room.rows("SELECT * FROM posts")) == 1
        await room.counted()

    async def test_a_key_is_for_one_content(self, room):
        await room.write("Once.", key="one")
        await refused(NONCE_CONFLICT, room.write("Twice.", key="one"))
        await refused(NONCE_CONFLICT, room.write("Once.", key="one", warning="w"))
        assert len(await room.rows("SELECT * FROM posts")) == 1

    async def test_keys_are_one_s_own(self, room):
        posts = [await room.write("Once.", key="one", by=by) for by in (room.ada, room.bob)]
        assert posts[0].id != posts[1].id

    async def test_twenty_at_once_are_one(self, room):
        posts = await asyncio.gather(*(room.write("Once. #one", key="one") for _ in range(20)))
        assert len({post.id for post in posts}) == 1
        assert len(await room.rows("SELECT * FROM posts")) == 1
        assert room.watchers.take() == [("published", posts[0].id)]
        assert len(await room.jobs(FAN_OUT)) == 1
        await room.counted()

    async def test_of_two_contents_at_once_one_wins(self, room):
        contents = [f"Number {number % 2}." for number in range(10)]
        posts = await asyncio.gather(
            *(room.write(content, key="one") for content in contents), return_exceptions=True
        )
        written = [post for post in posts if not isinstance(post, Exception)]
        assert len(written) == 5
        assert len({post.id for post in written}) == 1
        refusals = [post.spec for post in posts if isinstance(post, Exception)]
        assert refusals == [NONCE_CONFLICT] * 5

    async def test_a_late_repeat_does_not_bring_back_what_is_deleted(self, room):
        post = await room.write("Once.", key="one")
        await room.posts.delete(room.ada, post.id)
        await refused(NOT_FOUND, room.write("Once.", key="one"))
        assert await room.rows("SELECT status FROM posts") == [("deleted",)]


class TestSharing:
    async def test_once_for_each_account(self, room):
        post = await room.write()
        room.watchers.take()
        share = await room.posts.share(room.bob, post.id)
        assert (share.shared_id, share.shared.id, share.content) == (post.id, post.id, "")
        assert share.shared.shared_by_me
        assert share.shared.shares == 1
        assert room.watchers.take() == [("published", share.id), ("counted", post.id)]
        assert (await room.posts.share(room.bob, post.id)).id == share.id
        assert room.watchers.take() == []
        await room.posts.unshare(room.bob, post.id)
        assert room.watchers.take() == [
            ("gone", share.id, room.bob, (), Visibility.PUBLIC),
            ("counted", post.id),
        ]
        await room.posts.unshare(room.bob, post.id)
        assert room.watchers.take() == []
        again = await room.posts.share(room.bob, post.id)
        assert again.id != share.id
        await room.counted()

    async def test_at_once(self, room):
        post = await room.write()
        sharers = [room.ada, room.bob, room.eve] * 7
        shares = await asyncio.gather(*(room.posts.share(by, post.id) for by in sharers))
        assert len({share.id for share in shares}) == 3
        await room.counted()
        await asyncio.gather(*(room.posts.unshare(by, post.id) for by in sharers))
        assert await room.rows("SELECT * FROM post_shares") == []
        await room.counted()

    async def test_a_share_of_a_share_shares_its_original(self, room):
        post = await room.write()
        share = await room.posts.share(room.bob, post.id)
        again = await room.posts.share(room.eve, share.id)
        assert again.shared_id == post.id
        quote = await room.write("So true.", by=room.eve, shared=share.id)
        assert quote.shared_id == post.id
        await room.posts.unshare(room.eve, share.id)
        assert len(await room.rows("SELECT * FROM post_shares")) == 1
        await room.counted()

    async def test_a_quote_is_shared_as_itself(self, room):
        post = await room.write()
        quotes = [await room.write("So true.", by=room.bob, shared=post.id) for _ in range(2)]
        assert [quote.shared.id for quote in quotes] == [post.id] * 2
        share = await room.posts.share(room.eve, quotes[0].id)
        assert share.shared_id == quotes[0].id
        counters = dict(await room.rows("SELECT post_id, shares FROM post_counters"))
        assert (counters[post.id], counters[quotes[0].id]) == (2, 1)
        await room.counted()

    @pytest.mark.parametrize("visibility", list(Visibility))
    async def test_only_what_everybody_may_see_is_shared_by_others(self, room, visibility):
        async with room.database.connection() as db:
            await social.befriend(db, room.bob, room.ada)
        post = await room.write(visibility=visibility)
        spec = {Visibility.PUBLIC: None, Visibility.PRIVATE: NOT_FOUND}.get(visibility, FORBIDDEN)
        for call in (
            lambda by: room.posts.share(by, post.id),
            lambda by: room.write("So true.", by=by, shared=post.id),
        ):
            if spec is None:
                await call(room.bob)
            else:
                await refused(spec, call(room.bob))
            assert (await call(room.ada)).shared_id == post.id
        await room.counted()

    async def test_of_a_closed_profile_nothing_is_shared_by_others(self, room):
        async with room.database.connection() as db:
            await social.follow(db, room.bob, room.ada)
        post = await room.write()
        await room.rows("UPDATE profiles SET visibility = 'followers' RETURNING 1")
        await refused(FORBIDDEN, room.posts.share(room.bob, post.id))
        await refused(NOT_FOUND, room.posts.share(room.eve, post.id))
        assert await room.posts.share(room.ada, post.id)

    async def test_nobody_shares_what_they_may_not_see(self, room):
        post = await room.write()
        async with room.database.connection() as db:
            await social.block(db, room.ada, room.bob)
        for target in (post.id, Id(17)):
            await refused(NOT_FOUND, room.posts.share(room.bob, target))
            await refused(NOT_FOUND, room.write("So true.", by=room.bob, shared=target))

    async def test_what_is_being_shared_is_not_deleted_meanwhile(self, room):
        post = await room.write()
        async with room.database.transaction() as sharing, room.database.connection() as other:
            await post_shares.shareable(sharing, room.bob, post.id)
            with pytest.raises(asyncpg.LockNotAvailableError):
                await other.execute("SELECT FROM posts WHERE id = $1 FOR UPDATE NOWAIT", post.id)

    async def test_what_is_not_out_is_not_shared(self, room):
        draft = await room.write(status=PostStatus.DRAFT)
        await refused(FORBIDDEN, room.posts.share(room.ada, draft.id))
        await refused(NOT_FOUND, room.posts.share(room.bob, draft.id))
        post = await room.write()
        await room.change(post.id, by=room.moderator, status=PostStatus.FLAGGED)
        await refused(FORBIDDEN, room.posts.share(room.moderator, post.id))
        await refused(NOT_FOUND, room.posts.share(room.bob, post.id))
        await room.counted()

    async def test_a_draft_of_a_quote_counts_when_it_is_published(self, room):
        post = await room.write()
        quote = await room.write(
            "So true.", by=room.bob, shared=post.id, status=PostStatus.SCHEDULED,
            publish_at=room.moment + timedelta(hours=1),
        )  # fmt: skip
        assert await room.value("SELECT shares FROM post_counters") == 0
        room.watchers.take()
        await room.change(quote.id, by=room.bob, status=PostStatus.PUBLISHED)
        assert room.watchers.take() == [("published", quote.id), ("counted", post.id)]
        await room.counted()
