"""Who is told what of posts, round by round, by what the database says."""

import asyncio
from collections.abc import Callable, Mapping

import asyncpg
import pytest

from feed_push.watching import HOME, author_feed, post_feed, tag_feed
from persistence.database import Database
from protocol.errors import UNAVAILABLE, PlazaError
from protocol.events import Event
from protocol.feed_events import NewComment, NewPost, PostCounters
from protocol.ids import Id
from protocol.posts import PostStatus, Visibility
from server import live_feed
from server.live_feed import BATCH, LiveFeed
from tests import social
from tests.feed_push.watchers import Format, Watcher, about

TAG = "looms"
OPEN, FOLLOWERS = Visibility.PUBLIC, Visibility.FOLLOWERS
FRIENDS, PRIVATE = Visibility.FRIENDS, Visibility.PRIVATE

# Who may see what, by profile and visibility; everybody watches everything.
ANYBODY = {"stranger", "asking", "follower", "friend", "followed", "muting", "moderator", "owner"}
FOLLOWING = {"follower", "friend", "muting", "moderator", "owner"}
FRIEND = {"friend", "moderator", "owner"}
MAY_SEE: Mapping[tuple[Visibility, Visibility], set[str]] = {
    (OPEN, OPEN): ANYBODY,
    (FOLLOWERS, OPEN): FOLLOWING,
    **{(profile, FOLLOWERS): FOLLOWING for profile in (OPEN, FOLLOWERS)},
    **{(profile, FRIENDS): FRIEND for profile in (OPEN, FOLLOWERS)},
    **{(profile, PRIVATE): {"owner"} for profile in (OPEN, FOLLOWERS)},
}
AT_HOME = {"follower", "friend", "owner"}  # those who follow, have not muted, are not blocked


class Crowd:
    """An author, and somebody of every kind who watches whatever there is to watch."""

    def __init__(self, database: Database, limit: int = 0) -> None:
        self.feed = LiveFeed(database, limit=limit)
        self.wire = Format()
        self.people: dict[str, Watcher] = {}
        self.author = Id()

    async def gather(self, db: asyncpg.Connection, profile: Visibility = OPEN) -> None:
        self.author = await social.person(db, visibility=profile.value)
        self._admit("owner", self.author)
        for name in ("stranger", "asking", "follower", "friend", "followed", "muting"):
            self._admit(name, await social.person(db))
        for name in ("blocked", "blocking"):
            self._admit(name, await social.person(db))
        self._admit("moderator", await social.person(db, moderator=True))
        for name in ("follower", "muting", "blocked", "blocking"):
            await social.follow(db, self[name], self.author)
        await social.follow(db, self["asking"], self.author, accepted=False)
        await social.follow(db, self.author, self["followed"])
        await social.befriend(db, self["friend"], self.author)
        await social.block(db, self.author, self["blocked"])
        await social.block(db, self["blocking"], self.author)
        await social.mute(db, self["muting"], self.author)

    def __getitem__(self, name: str) -> Id:
        return self.people[name].account

    def _admit(self, name: str, account: Id) -> None:
        self.people[name] = Watcher(account, self.wire)
        self.watch(name, HOME, author_feed(self.author), tag_feed(TAG))

    def watch(self, name: str, *feeds: str) -> None:
        watcher = self.people[name]
        self.feed.watch(watcher.account, watcher, feeds)

    def watch_all(self, *feeds: str) -> None:
        for name in self.people:
            self.watch(name, *feeds)

    async def told(self) -> dict[str, list[tuple[str, str | None, Id]]]:
        """Who was told what in a round; who was told nothing is left out."""
        await self.feed.round()
        heard = {name: watcher.take() for name, watcher in self.people.items()}
        return {name: list(map(about, events)) for name, events in heard.items() if events}

    async def heard(self, name: str) -> list[Event]:
        """What somebody was told in a round."""
        await self.feed.round()
        return self.people[name].take()

    def expected(
        self, kind: str, post: Id, seers: set[str]
    ) -> dict[str, list[tuple[str, str | None, Id]]]:
        """What is told to those who may see a post: all of it is in all of its feeds."""
        feeds = {
            HOME: AT_HOME,
            author_feed(self.author): seers,
            tag_feed(TAG): seers - {"muting"},
            post_feed(post): seers,
        }
        return {
            name: [(kind, feed, post) for feed, of in feeds.items() if name in of]
            for name in self.people
            if name in seers
        }


@pytest.fixture
def crowd(database: Database) -> Crowd:
    return Crowd(database)


@pytest.mark.parametrize(("profile", "visibility"), MAY_SEE)
async def test_a_watcher_gets_what_it_may_see(
    database: Database, crowd: Crowd, profile: Visibility, visibility: Visibility
) -> None:
    seers = MAY_SEE[profile, visibility]
    async with database.connection() as db:
        await crowd.gather(db, profile)
        post = await social.post(db, crowd.author, visibility=visibility, tags=[TAG])
    crowd.watch_all(post_feed(post))
    crowd.feed.published(post)
    assert await crowd.told() == crowd.expected("NewPost", post, seers)
    crowd.feed.updated(post)
    assert await crowd.told() == crowd.expected("PostUpdated", post, seers)
    crowd.feed.counted(post)
    crowd.feed.turn()
    assert await crowd.told() == {name: [("PostCounters", None, post)] for name in seers}
    comment = await _comment(database, post, crowd.author)
    crowd.feed.commented(post, comment)
    assert await crowd.told() == {name: [("NewComment", None, comment)] for name in seers}
    await _execute(database, "UPDATE posts SET status = 'deleted' WHERE id = $1", post)
    crowd.feed.gone(post, crowd.author, [TAG], visibility)
    assert await crowd.told() == crowd.expected("PostDeleted", post, seers)


@pytest.mark.parametrize("status", [each for each in PostStatus if each != "published"])
async def test_what_is_not_published_is_not_told(
    database: Database, crowd: Crowd, status: PostStatus
) -> None:
    async with database.connection() as db:
        await crowd.gather(db)
        post = await social.post(db, crowd.author, status=status, tags=[TAG])
    crowd.watch_all(post_feed(post))
    crowd.feed.published(post)
    crowd.feed.updated(post)
    assert await crowd.told() == {}


@pytest.mark.parametrize(
    ("change", "kept_by"),
    [
        ("visibility = 'followers'", FOLLOWING),
        ("visibility = 'friends'", FRIEND),
        ("visibility = 'private'", {"owner"}),
        ("status = 'flagged'", {"moderator", "owner"}),
        ("status = 'deleted'", set()),
    ],
)
async def test_gone_is_told_to_those_who_cannot_see_it_any_more(
    database: Database, crowd: Crowd, change: str, kept_by: set[str]
) -> None:
    async with database.connection() as db:
        await crowd.gather(db)
        post = await social.post(db, crowd.author, tags=[TAG])
    crowd.watch_all(post_feed(post))
    await _execute(database, f"UPDATE posts SET {change} WHERE id = $1", post)
    crowd.feed.gone(post, crowd.author, [TAG], OPEN)
    crowd.feed.updated(post)
    told = await crowd.told()
    lost = crowd.expected("PostDeleted", post, ANYBODY - kept_by)
    kept = crowd.expected("PostUpdated", post, kept_by) if "visibility" in change else {}
    assert told == lost | kept


async def test_a_hashtag_that_a_post_has_no_longer(database: Database, crowd: Crowd) -> None:
    async with database.connection() as db:
        await crowd.gather(db)
        post = await social.post(db, crowd.author, visibility=FRIENDS)
    crowd.feed.updated(post, left=[TAG])
    told = await crowd.told()
    assert told.keys() == FRIEND
    for events in told.values():
        assert ("PostDeleted", tag_feed(TAG), post) in events
        assert ("PostUpdated", tag_feed(TAG), post) not in events


async def test_what_the_database_says_now_counts(database: Database, crowd: Crowd) -> None:
    async with database.connection() as db:
        await crowd.gather(db)
        post = await social.post(db, crowd.author, visibility=FOLLOWERS)
    crowd.feed.published(post)
    await _execute(database, "DELETE FROM follows WHERE follower_id = $1", crowd["follower"])
    async with database.connection() as db:
        await social.follow(db, crowd["stranger"], crowd.author)
        await social.block(db, crowd["friend"], crowd.author)
    assert (await crowd.told()).keys() == {"stranger", "muting", "moderator", "owner"}


async def test_shares_of_what_one_may_not_see(database: Database, crowd: Crowd) -> None:
    async with database.connection() as db:
        await crowd.gather(db)
        sharer = await social.person(db)
        for name in crowd.people:
            await social.follow(db, crowd[name], sharer)
        public = await social.post(db, crowd.author)
        limited = await social.post(db, crowd.author, visibility=FOLLOWERS)
        shares = {
            original: await social.post(db, sharer, "", shared_id=original)
            for original in (public, limited)
        }
        quote = await social.post(db, sharer, "Look!", shared_id=public)
    for original, seers in ((public, ANYBODY), (limited, FOLLOWING)):
        crowd.feed.published(shares[original])
        assert await crowd.told() == {
            name: [("NewPost", HOME, shares[original])] for name in seers - {"muting"}
        }
    crowd.feed.published(quote)
    await crowd.feed.round()
    assert crowd.people.pop("muting").take() == []
    for name, watcher in crowd.people.items():
        (event,) = watcher.take()
        assert isinstance(event, NewPost)
        assert event.post.shared_id == public
        shown = None if event.post.shared is None else event.post.shared.id
        assert shown == (public if name in ANYBODY else None), name


async def test_comments_of_those_whom_one_has_blocked(database: Database, crowd: Crowd) -> None:
    async with database.connection() as db:
        await crowd.gather(db)
        host = await social.person(db)
        post = await social.post(db, host)
    crowd.watch_all(post_feed(post))
    comment = await _comment(database, post, crowd.author)
    answer = await _comment(database, post, host, parent=comment)
    other = await _comment(database, post, host)
    for id_ in (comment, answer, other):
        crowd.feed.commented(post, id_)
    told = await crowd.told()
    for name in crowd.people:
        heard = [comment, answer, other] if name in ANYBODY else [other]
        assert told[name] == [("NewComment", None, id_) for id_ in heard]
    await _execute(database, "UPDATE comments SET deleted_at = now() WHERE id = $1", other)
    crowd.feed.commented(post, other)
    assert await crowd.told() == {}


async def test_what_is_pushed_is_nobodys_own_view(database: Database, crowd: Crowd) -> None:
    async with database.connection() as db:
        await crowd.gather(db)
        post = await social.post(db, crowd.author)
        likes = "INSERT INTO post_likes (post_id, account_id) VALUES ($1, $2)"
        await db.execute(likes, post, crowd["follower"])
    comment = await _comment(database, post, crowd.author)
    likes = "INSERT INTO comment_likes (comment_id, account_id) VALUES ($1, $2)"
    await _execute(database, likes, comment, crowd["follower"])
    crowd.watch("follower", post_feed(post))
    crowd.feed.published(post)
    crowd.feed.commented(post, comment)
    for event in await crowd.heard("follower"):
        subject = event.post if isinstance(event, NewPost) else event
        subject = event.comment if isinstance(event, NewComment) else subject
        assert not getattr(subject, "liked")  # noqa: B009 - of either type


async def test_counters_are_told_once_a_turn_and_are_the_latest(
    database: Database, crowd: Crowd
) -> None:
    async with database.connection() as db:
        await crowd.gather(db)
        post, unwatched = [await social.post(db, crowd.author) for _ in range(2)]
    crowd.watch("stranger", post_feed(post))
    for likes in range(1, 101):
        await _like(database, post)
        crowd.feed.counted(post)
        crowd.feed.counted(unwatched)
        assert await crowd.told() == {}
        if likes in (40, 100):
            crowd.feed.turn()
            counters = PostCounters(post=post, likes=likes, comments=0, shares=0)
            assert await crowd.heard("stranger") == [counters]
    crowd.feed.turn()
    assert await crowd.told() == {}


async def test_who_watches_no_longer_is_told_no_longer(database: Database, crowd: Crowd) -> None:
    async with database.connection() as db:
        await crowd.gather(db)
        post = await social.post(db, crowd.author, tags=[TAG])
    crowd.feed.unwatch(crowd.people["follower"], [HOME, tag_feed(TAG)])
    crowd.feed.left(crowd.people["friend"])
    crowd.feed.published(post)
    told = await crowd.told()
    assert told["follower"] == [("NewPost", author_feed(crowd.author), post)]
    assert "friend" not in told
    assert crowd.feed.watchers == len(crowd.people) - 1


async def test_all_devices_of_an_account_get_it_and_slow_ones_do_not(
    database: Database, crowd: Crowd
) -> None:
    async with database.connection() as db:
        await crowd.gather(db)
        post = await social.post(db, crowd.author)
    phone = crowd.people["phone"] = Watcher(crowd["follower"], Format())
    crowd.watch("phone", HOME)
    crowd.people["friend"].slow = True
    crowd.feed.published(post)
    told = await crowd.told()
    assert told["phone"] == told["follower"][:1] == [("NewPost", HOME, post)]
    assert "friend" not in told
    assert crowd.feed.sent == sum(map(len, told.values()))
    assert len(phone.wire.encoded) == 1


async def test_where_nobody_watches_the_database_is_not_asked(dsn: str) -> None:
    database = await Database.open(dsn)
    await database.close()
    feed, watcher = LiveFeed(database, limit=0), Watcher(Id(1), Format())
    feed.published(Id(5))
    feed.watch(watcher.account, watcher, [author_feed(Id(2))])
    feed.commented(Id(5), Id(6))
    feed.counted(Id(5))
    feed.turn()
    await feed.round()
    feed.published(Id(5))
    feed.left(watcher)
    await feed.round()


# --- many ----------------------------------------------------------------------------------------


class Loop:
    """Counts what is handed over in each turn of the event loop."""

    def __init__(self) -> None:
        self.handed: list[int] = [0]
        self._ends = False

    def offered(self) -> None:
        self.handed[-1] += 1
        if not self._ends:
            self._ends = True
            asyncio.get_running_loop().call_soon(self._end)

    def _end(self) -> None:
        self._ends = False
        self.handed.append(0)


async def _fans(
    database: Database, count: int, offered: Callable[[], None], devices: int = 1
) -> tuple[Id, LiveFeed, list[Watcher]]:
    """An account with followers who are all at their home feeds."""
    feed, wire = LiveFeed(database, limit=0), Format()
    async with database.connection() as db:
        star = await social.person(db)
        fans = [Id(star + number) for number in range(1, count + 1)]
        await db.execute(
            "INSERT INTO accounts (id, username, email, password_hash) "
            "SELECT id, 'fan_' || id, id || '@example.org', '' FROM unnest($1::bigint[]) AS id",
            fans,
        )
        await db.execute(
            "INSERT INTO follows (follower_id, followee_id, id, accepted) "
            "SELECT id, $2, id, true FROM unnest($1::bigint[]) AS id",
            *(fans, star),
        )
        await db.execute("UPDATE profiles SET followers = $2 WHERE account_id = $1", star, count)
    watchers = [Watcher(fan, wire, offered) for fan in fans for _ in range(devices)]
    for watcher in watchers:
        feed.watch(watcher.account, watcher, [HOME])
    return star, feed, watchers


async def test_a_burst_reaches_many_in_batches(database: Database) -> None:
    loop = Loop()
    star, feed, watchers = await _fans(database, 1_000, loop.offered)
    async with database.connection() as db:
        posts = [await social.post(db, star) for _ in range(50)]
    for post in posts:
        feed.published(post)
    rounds = 0
    while any(len(watcher.heard) < len(posts) for watcher in watchers):
        await feed.round()
        rounds += 1
    assert rounds == 3  # of 20, 20 and 10 posts
    # In the order in which they were published, once each, and all of a round in one write.
    for watcher in watchers:
        assert [about(event)[2] for event in watcher.heard] == posts
        assert watcher.chunks == rounds
    # A statement's worth of asks at a time, in the last round for 10 posts: then the loop does
    # something else.
    assert max(loop.handed) == live_feed.ASKS // 10
    assert len(watchers[0].wire.encoded) == len(posts)


async def test_many_devices_of_few_accounts_get_it_in_batches(database: Database) -> None:
    loop = Loop()
    star, feed, watchers = await _fans(database, 30, loop.offered, devices=50)
    async with database.connection() as db:
        post = await social.post(db, star)
    feed.published(post)
    await feed.round()
    assert all(len(watcher.heard) == 1 for watcher in watchers)
    assert loop.handed == [BATCH] * 3 + [0]


async def test_the_task_tells_what_comes_and_survives(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_feed, "RETRY_SECONDS", 0)
    database = await Database.open(dsn)
    told = asyncio.Event()
    star, feed, watchers = await _fans(database, 1, told.set)
    async with database.connection() as db:
        post = await social.post(db, star)
    failures: list[Exception] = [RuntimeError("a bug"), PlazaError(UNAVAILABLE)]
    tell = feed.round

    async def fail_first() -> None:
        if failures:
            raise failures.pop()
        await tell()

    monkeypatch.setattr(feed, "round", fail_first)
    task = asyncio.create_task(feed.run())
    feed.published(post)
    await told.wait()
    assert [about(event) for event in watchers[0].heard] == [("NewPost", HOME, post)]
    assert not failures
    task.cancel()
    await asyncio.wait([task])
    await database.close()


async def _execute(database: Database, statement: str, *arguments: object) -> None:
    async with database.connection() as db:
        await db.execute(statement, *arguments)


async def _like(database: Database, post: Id) -> None:
    await _execute(database, "UPDATE post_counters SET likes = likes + 1 WHERE post_id = $1", post)


async def _comment(database: Database, post: Id, author: Id, *, parent: Id | None = None) -> Id:
    comment = social.new_id()
    await _execute(
        database,
        "INSERT INTO comments (id, post_id, author_id, parent_id, content) "
        "VALUES ($1, $2, $3, $4, 'Nice.')",
        *(comment, post, author, parent),
    )
    return comment
