"""Rows become posts, for those who may see them."""

import pytest

from persistence.database import Database
from persistence.post_reader import posts_for_all, visible_post, visible_posts
from protocol.ids import Id
from protocol.posts import PollOption, PostStatus, PostType, Visibility
from tests import social

pytestmark = pytest.mark.filterwarnings("error")


async def test_a_post_with_everything(database: Database) -> None:
    async with database.connection() as db:
        ada = await social.person(db, "ada", display_name="Ada L.", verified=True)
        bob = await social.person(db, "bob")
        image = await db.fetchval(
            "INSERT INTO uploads (id, account_id, key, state, kind, media_type, width, height, "
            "blurhash, alt, variants) VALUES ($1, $2, 'k1', 'ready', 'image', 'image/webp', 1080, "
            "720, 'LEHV6n', 'A loom', "
            """'[{"name": "1080.webp", "type": "image/webp", "bytes": 9, "width": 1080, """
            """"height": 720}]') RETURNING id""",
            social.new_id(),
            ada,
        )
        original = await social.post(db, bob, "The first.")
        link = "https://example.org/a"
        post = await social.post(
            db,
            ada,
            "Look @bob #looms",
            type=PostType.LINK,
            tags=["looms"],
            media=[image],
            mentions=[bob],
            link=link,
            shared_id=original,
        )
        await db.execute(
            "INSERT INTO link_previews (digest, url, state, title) "
            "VALUES (sha256(convert_to($1, 'UTF8')), $1, 'ready', 'A title')",
            link,
        )
        await db.execute("INSERT INTO post_likes (post_id, account_id) VALUES ($1, $2)", post, bob)
        await db.execute("UPDATE post_counters SET likes = 1 WHERE post_id = $1", post)
        seen = await visible_post(db, bob, post)
        pushed = (await posts_for_all(db, [post]))[post]
    assert seen is not None
    assert seen.author.display_name == "Ada L."
    assert seen.author.verified
    assert seen.media[0].url == "/media/k1/1080.webp"
    assert seen.media[0].alt == "A loom"
    assert [user.username for user in seen.mentions] == ["bob"]
    assert seen.preview is not None
    assert seen.preview.title == "A title"
    assert seen.shared is not None
    assert seen.shared.content == "The first."
    assert (seen.likes, seen.liked) == (1, True)
    assert (pushed.likes, pushed.liked) == (1, False)


async def test_a_poll(database: Database) -> None:
    async with database.connection() as db:
        ada = await social.person(db)
        post = await social.post(db, ada, "Tea?", type=PostType.POLL)
        await db.execute(
            "INSERT INTO polls (post_id, multiple, voters) VALUES ($1, false, 1)", post
        )
        await db.execute(
            "INSERT INTO poll_options (post_id, option, text, votes) "
            "VALUES ($1, 0, 'yes', 1), ($1, 1, 'no', 0)",
            post,
        )
        await db.execute(
            "INSERT INTO poll_votes (post_id, account_id, option, multiple) "
            "VALUES ($1, $2, 0, false)",
            post,
            ada,
        )
        seen = await visible_post(db, ada, post)
    assert seen is not None
    assert seen.poll is not None
    assert seen.poll.options == [PollOption(text="yes", votes=1), PollOption(text="no")]
    assert (seen.poll.voters, seen.poll.chosen, seen.poll.closed) == (1, [0], False)


# Who sees a post of each visibility, by how they stand to its author.
SEES = {
    Visibility.PUBLIC: {"stranger", "follower", "friend", "moderator"},
    Visibility.FOLLOWERS: {"follower", "friend", "moderator"},
    Visibility.FRIENDS: {"friend", "moderator"},
    Visibility.PRIVATE: set(),
}


async def test_who_sees_what(database: Database) -> None:
    async with database.connection() as db:
        author = await social.person(db)
        roles = {
            role: await social.person(db, moderator=role == "moderator")
            for role in ("stranger", "follower", "friend", "blocked", "asked", "moderator")
        }
        await social.follow(db, roles["follower"], author)
        await social.follow(db, roles["asked"], author, accepted=False)
        await social.befriend(db, roles["friend"], author)
        await social.befriend(db, roles["blocked"], author)
        await social.block(db, author, roles["blocked"])
        posts = {
            visibility: await social.post(db, author, visibility=visibility)
            for visibility in Visibility
        }
        for role, viewer in roles.items():
            seen = await visible_posts(db, viewer, posts.values())
            expected = {
                visibility
                for visibility in Visibility
                if role in SEES[visibility] | ({"asked"} if visibility == "public" else set())
            }
            assert {post.visibility for post in seen.values()} == expected, role
        assert len(await visible_posts(db, author, posts.values())) == 4


async def test_of_a_closed_profile_only_followers_see_what_is_public(database: Database) -> None:
    async with database.connection() as db:
        author = await social.person(db, visibility="followers")
        stranger, follower = await social.person(db), await social.person(db)
        await social.follow(db, follower, author)
        post = await social.post(db, author)
        assert await visible_post(db, stranger, post) is None
        assert await visible_post(db, follower, post) is not None


@pytest.mark.parametrize("status", [each for each in PostStatus if each != "published"])
async def test_what_is_not_out_is_its_author_s(database: Database, status: PostStatus) -> None:
    async with database.connection() as db:
        author, other = await social.person(db), await social.person(db)
        moderator = await social.person(db, moderator=True)
        post = await social.post(db, author, status=status)
        seen = {
            name
            for name, viewer in {"author": author, "other": other, "moderator": moderator}.items()
            if await visible_post(db, viewer, post)
        }
    held = status in ("under_review", "flagged")
    assert seen == (set() if status == "deleted" else {"author"}) | (
        {"moderator"} if held else set()
    )


async def test_a_plain_share_of_what_one_may_not_see_is_hidden(database: Database) -> None:
    async with database.connection() as db:
        ada, bob, eve = [await social.person(db) for _ in range(3)]
        original = await social.post(db, ada)
        share = await social.post(db, bob, "", shared_id=original)
        quote = await social.post(db, bob, "So true.", shared_id=original)
        assert len(await visible_posts(db, eve, [share, quote])) == 2
        await social.block(db, ada, eve)
        assert list(await visible_posts(db, eve, [share, quote])) == [quote]


async def test_nothing_comes_of_nothing(database: Database) -> None:
    async with database.connection() as db:
        assert await visible_posts(db, Id(1), []) == {}
        assert await visible_post(db, Id(1), Id(2)) is None
