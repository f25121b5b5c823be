"""Whom what happens in feeds is for: asked for all at once, and the same as asked one by one."""

import asyncpg
import pytest

from persistence.comment_reader import visible_comment
from persistence.database import Database
from persistence.feed_audience import (
    Ask,
    Lost,
    Sight,
    counters_of,
    followers_among,
    losing,
    seeing,
)
from persistence.post_reader import visible_posts
from protocol.errors import PlazaError
from protocol.feed_events import PostCounters
from protocol.ids import Id
from protocol.posts import PostStatus, PostType, Visibility
from tests import social

OPEN, FOLLOWERS = Visibility.PUBLIC, Visibility.FOLLOWERS
FRIENDS, PRIVATE = Visibility.FRIENDS, Visibility.PRIVATE
NARROWER = [(OPEN, FOLLOWERS), (OPEN, FRIENDS), (FOLLOWERS, FRIENDS), (FRIENDS, PRIVATE)]


async def roles(db: asyncpg.Connection, author: Id) -> dict[str, Id]:
    """Accounts, by how they stand to the author."""
    names = ("stranger", "asking", "follower", "friend", "followed", "muting")
    people = {name: await social.person(db) for name in (*names, "blocked", "blocking")}
    people |= {"moderator": await social.person(db, moderator=True), "owner": author}
    for name in ("follower", "muting", "blocked", "blocking"):
        await social.follow(db, people[name], author)
    await social.follow(db, people["asking"], author, accepted=False)
    await social.follow(db, author, people["followed"])
    await social.befriend(db, people["friend"], author)
    await social.block(db, author, people["blocked"])
    await social.block(db, people["blocking"], author)
    await social.mute(db, people["muting"], author)
    people["blocked moderator"] = await social.person(db, moderator=True)
    await social.block(db, author, people["blocked moderator"])
    return people


@pytest.mark.parametrize("profile", [OPEN, FOLLOWERS])
async def test_it_is_what_each_of_them_would_read(database: Database, profile: Visibility) -> None:
    async with database.connection() as db:
        author = await social.person(db, visibility=profile.value)
        people = await roles(db, author)
        posts = [
            await social.post(db, author, visibility=visibility, status=status)
            for visibility in Visibility
            for status in PostStatus
        ]
        asks = [Ask(post, viewer) for post in posts for viewer in people.values()]
        seen = await seeing(db, asks)
        read = {
            Ask(post, viewer)
            for viewer in people.values()
            for post in await visible_posts(db, viewer, posts)
        }
    assert seen.keys() == read
    assert {ask.viewer for ask, sight in seen.items() if sight.muted} == {people["muting"]}
    assert all(sight.whole for sight in seen.values())


@pytest.mark.parametrize("shown", list(Visibility))
@pytest.mark.parametrize("profile", [OPEN, FOLLOWERS])
async def test_what_is_shared_is_not_for_everybody(
    database: Database, shown: Visibility, profile: Visibility
) -> None:
    async with database.connection() as db:
        author, sharer = await social.person(db, visibility=profile.value), await social.person(db)
        people = await roles(db, author)
        original = await social.post(db, author, visibility=shown)
        quote = await social.post(db, sharer, shared_id=original)
        seen = await seeing(db, [Ask(quote, viewer) for viewer in people.values()])
        whole = {
            viewer
            for viewer in people.values()
            if (await visible_posts(db, viewer, [quote]))[quote].shared is not None
        }
    assert {ask.viewer for ask in seen} == set(people.values()), "the quote itself is public"
    assert {ask.viewer for ask, sight in seen.items() if sight.whole} == whole
    assert not any(sight.muted for sight in seen.values()), "the sharer is not muted"
    sharing = {ask.viewer for ask, sight in seen.items() if sight.shares_muted}
    assert sharing == whole & {people["muting"]}


async def test_comments_are_hidden_as_in_lists(database: Database) -> None:
    async with database.connection() as db:
        author, host = await social.person(db), await social.person(db)
        people = await roles(db, author)
        bystander = await social.person(db)
        post = await social.post(db, host)
        comment, answer, deeper = (social.new_id() for _ in range(3))
        for id_, parent, writer in (
            (comment, None, author),
            (answer, comment, bystander),
            (deeper, answer, bystander),
        ):
            await db.execute(
                "INSERT INTO comments (id, post_id, author_id, parent_id, content) "
                "VALUES ($1, $2, $3, $4, 'Nice.')",
                *(id_, post, writer, parent),
            )
        viewers = people.values()
        asks = [Ask(post, viewer, id_) for id_ in (comment, answer, deeper) for viewer in viewers]
        seen = await seeing(db, asks)
        for viewer in viewers:
            for id_ in (comment, deeper):
                try:
                    await visible_comment(db, viewer, id_)
                except PlazaError:
                    assert Ask(post, viewer, id_) not in seen
                else:
                    assert Ask(post, viewer, id_) in seen
    for id_ in (comment, answer):
        hidden_from = set(viewers) - {ask.viewer for ask in seen if ask.comment == id_}
        assert hidden_from == {people["blocked"], people["blocking"]}


@pytest.mark.parametrize("profile", [OPEN, FOLLOWERS])
async def test_who_has_lost_a_post_could_see_it_and_cannot(
    database: Database, profile: Visibility
) -> None:
    fates = [(was, PostStatus.PUBLISHED, now) for was, now in NARROWER]
    fates += [(was, PostStatus.DELETED, was) for was in Visibility]
    fates += [(was, PostStatus.FLAGGED, was) for was in Visibility]
    async with database.connection() as db:
        author = await social.person(db, visibility=profile.value)
        people = await roles(db, author)
        posts = {await social.post(db, author, visibility=fate[0]): fate for fate in fates}

        async def seen() -> set[Ask]:
            return {
                Ask(post, viewer)
                for viewer in people.values()
                for post in await visible_posts(db, viewer, posts)
            }

        before = await seen()
        for post, (_, status, now) in posts.items():
            await db.execute(
                "UPDATE posts SET status = $2, visibility = $3 WHERE id = $1", post, status, now
            )
        judge = losing({post: Lost(author, was) for post, (was, _, _) in posts.items()})
        lost = await judge(db, [Ask(post, viewer) for post in posts for viewer in people.values()])
        assert lost.keys() == before - await seen()
    kept = set(posts) - {ask.post for ask in lost}
    nobody_loses = {(PRIVATE, PostStatus.FLAGGED, PRIVATE)}
    if profile is FOLLOWERS:
        nobody_loses.add((OPEN, PostStatus.PUBLISHED, FOLLOWERS))
    assert {posts[post] for post in kept} == nobody_loses
    assert all(sight == Sight(muted=ask.viewer == people["muting"]) for ask, sight in lost.items())


async def test_a_plain_share_is_lost_by_those_who_saw_what_it_shares(database: Database) -> None:
    async with database.connection() as db:
        author, sharer = await social.person(db), await social.person(db)
        people = await roles(db, author)
        original = await social.post(db, author)
        share = await social.post(db, sharer, "", shared_id=original, status=PostStatus.DELETED)
        lost = await losing({share: Lost(sharer, OPEN)})(
            db, [Ask(share, viewer) for viewer in people.values()]
        )
    never_saw = {people["blocked"], people["blocking"]}
    assert {ask.viewer for ask in lost} == set(people.values()) - never_saw


async def test_a_post_of_which_nothing_is_left_is_lost_too(database: Database) -> None:
    async with database.connection() as db:
        author, reader = await social.person(db), await social.person(db)
        lost = await losing({Id(1): Lost(author, OPEN)})(db, [Ask(Id(1), reader)])
        of_nobody = await losing({Id(1): Lost(Id(2), OPEN)})(db, [Ask(Id(1), reader)])
    assert lost.keys() == {Ask(Id(1), reader)}
    assert of_nobody == {}


async def test_followers_of_many_and_of_few(database: Database) -> None:
    async with database.connection() as db:
        star, nobody, lonely = [await social.person(db) for _ in range(3)]
        crowd = [await social.person(db) for _ in range(5)]
        for one in crowd:
            await social.follow(db, one, star)
        await social.follow(db, crowd[0], nobody)
        await social.follow(db, crowd[1], nobody, accepted=False)
        authors = {star, nobody, lonely}
        for asked in (crowd[:2], crowd, [*crowd, star]):
            found = await followers_among(db, authors, asked)
            assert found.get(star, set()) == set(crowd).intersection(asked)
            assert found.get(nobody, set()) == {crowd[0]}
            assert found.get(lonely, set()) == set()


async def test_counters(database: Database) -> None:
    async with database.connection() as db:
        ada = await social.person(db)
        text = await social.post(db, ada)
        poll = await social.post(db, ada, type=PostType.POLL)
        await db.execute("UPDATE post_counters SET likes = 3, comments = 2, shares = 1")
        await db.execute(
            "INSERT INTO polls (post_id, multiple, voters) VALUES ($1, false, 4)", poll
        )
        for option, votes in ((1, 3), (0, 1)):
            await db.execute(
                "INSERT INTO poll_options (post_id, option, text, votes) VALUES ($1, $2, 'x', $3)",
                *(poll, option, votes),
            )
        found = await counters_of(db, [text, poll, Id(1)])
    counts = {"likes": 3, "comments": 2, "shares": 1}
    assert sorted(found, key=lambda counters: counters.post) == [
        PostCounters(post=text, **counts),
        PostCounters(post=poll, **counts, votes=[1, 3], voters=4),
    ]
