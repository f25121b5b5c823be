"""A whole town, written to the database: all of it, or nothing."""

import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import NamedTuple

import asyncpg

from persistence import partitions, seed
from persistence.seed import Row
from protocol.ids import EPOCH_MS, MAX_NODE, IdMint
from protocol.posts import PostStatus, PostType, Visibility
from protocol.times import from_ms
from server.seeding import words
from server.seeding.people import Follow, People, Person, Span, follows, people
from server.seeding.posts import Post, posts
from server.seeding.reactions import Audience, Comment, Like, comments, likes

_DAY = 86_400_000
POSTS_SPAN = 120 * _DAY
ACCOUNTS_SPAN = 60 * _DAY  # before the first post

Progress = Callable[[str, int], Callable[[int], object]]
"""Gets a step and how much there is to do; returns what is told how much more has been done."""


class Size(NamedTuple):
    """How many of each. Of follows, likes and comments there may be a few less."""

    accounts: int
    posts: int
    follows: int
    likes: int
    comments: int


class Settings(NamedTuple):
    """What else a town depends on.

    Attributes:
        until_ms: its present, in Unix milliseconds.
        chance: the same number makes the same town.
        password_hash: of all accounts.
        pull_followers: the setting of this name, of the section `feed`.
    """

    until_ms: int
    chance: int
    password_hash: str
    pull_followers: int


async def build(
    connection: asyncpg.Connection, size: Size, settings: Settings, progress: Progress
) -> list[Person]:
    """Write a town, and return its people, the most followed first.

    Raises:
        asyncpg.PostgresError: nothing was written.
    """
    posts_span = Span(
        max(EPOCH_MS + _DAY, settings.until_ms - POSTS_SPAN),
        max(EPOCH_MS + 2 * _DAY, settings.until_ms),
    )
    await partitions.ensure_between(connection, *posts_span)
    async with connection.transaction():
        await seed.trust(connection)
        town = _Town(connection, size, settings, posts_span, progress)
        await town.settle(await seed.usernames(connection))
        await town.publish()
        await town.react()
        await town.count()
    progress("statistics", 1)(0)
    await seed.analyze(connection)
    return town.by_fame()


class _Town:
    """What has been made so far, which the rest depends on."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        size: Size,
        settings: Settings,
        span: Span,
        progress: Progress,
    ) -> None:
        self._connection = connection
        self._size = size
        self._settings = settings
        self._span = span
        self._progress = progress
        self._chance = Random(settings.chance)  # noqa: S311 - nothing secret
        # By chance another one than other servers' and other towns', so that no id is made twice.
        digest = zlib.crc32(b"%d %d" % (settings.chance, settings.until_ms))
        self._node = 1 + digest % MAX_NODE
        self._people = People([], [], [])
        self._followers: list[list[int]] = []
        self._following: Counter[int] = Counter()
        self._posts: list[Post] = []
        self._likes: Counter[int] = Counter()
        self._comments: Counter[int] = Counter()

    def by_fame(self) -> list[Person]:
        """All, the most followed first."""
        numbers = range(len(self._people.all))
        order = sorted(numbers, key=lambda number: -len(self._followers[number]))
        return [self._people.all[number] for number in order]

    async def settle(self, taken: set[str]) -> None:
        """Let people come, and follow each other."""
        size, chance = self._size, self._chance
        came = Span(max(EPOCH_MS + 1, self._span.start - ACCOUNTS_SPAN), self._span.start)
        self._people = people(size.accounts, came, self._mint(), chance, taken=taken)
        await self._write(seed.ACCOUNTS, size.accounts, map(self._account, self._people.all))
        followed = follows(self._people, size.follows, self._span, self._mint(), chance)
        self._followers = [[] for _ in self._people.all]
        for follow in followed:
            if follow.accepted:
                self._followers[follow.followee].append(follow.follower)
                self._following[follow.follower] += 1
        await self._write(seed.FOLLOWS, len(followed), map(self._follow, followed))

    async def publish(self) -> None:
        """Let them write posts."""
        made = posts(self._people, self._size.posts, self._span, self._mint(), self._chance)
        self._posts = list(made)
        await self._write(seed.POSTS, len(self._posts), map(self._post, self._posts))
        listed = [post for post in self._posts if post.visibility is not Visibility.PRIVATE]
        tags = [
            (tag, post.id, post.id, self._people.all[post.author].id)
            for post in listed
            for tag in post.tags
        ]
        await self._write(seed.TAGS, len(tags), iter(tags))
        mentions = (
            (self._people.all[post.mention].id, post.id, post.id)
            for post in listed
            if post.mention is not None
        )
        await seed.copy(self._connection, seed.MENTIONS, mentions)
        shares = (
            (self._people.all[post.author].id, self._posts[post.shared].id, post.id)
            for post in self._posts
            if post.shared is not None and post.is_share
        )
        await seed.copy(self._connection, seed.SHARES, shares)

    async def react(self) -> None:
        """Let them like and comment."""
        size, chance = self._size, self._chance
        audience = Audience(self._people, self._posts, self._followers, self._span.end, chance)
        interest = audience.interest()
        liked = likes(audience, interest, size.likes, chance) if any(interest) else iter(())
        await self._write(seed.LIKES, size.likes, map(self._like, liked))
        made = list(comments(audience, interest, size.comments, self._mint(), chance))
        replies = Counter(comment.parent for comment in made if comment.parent is not None)
        rows = (
            self._comment(comment, made, replies[number]) for number, comment in enumerate(made)
        )
        await self._write(seed.COMMENTS, len(made), rows)

    async def count(self) -> None:
        """Write the counters of all."""
        shares = Counter(post.shared for post in self._posts)
        rows = (
            (post.id, self._likes[number], self._comments[number], shares[number])
            for number, post in enumerate(self._posts)
        )
        await self._write(seed.COUNTERS, len(self._posts), rows)
        written = Counter(post.author for post in self._posts)
        profiles = (
            self._profile(number, written[number]) for number in range(len(self._people.all))
        )
        await self._write(seed.PROFILES, len(self._people.all), profiles)

    async def _write(self, table: seed.Table, total: int, rows: Iterator[Row]) -> None:
        name = table.name.removeprefix("post_")
        await seed.copy(self._connection, table, rows, written=self._progress(name, total))

    def _mint(self) -> IdMint:
        return IdMint(self._node)

    def _account(self, person: Person) -> Row:
        email = f"{person.username}@example.org"
        return (
            *(person.id, person.username, email, self._settings.password_hash),
            from_ms(person.since_ms),
        )

    def _is_pulled(self, person: int) -> bool:
        return len(self._followers[person]) > self._settings.pull_followers

    def _follow(self, follow: Follow) -> Row:
        follower, followee = self._people.all[follow.follower], self._people.all[follow.followee]
        filled = follow.accepted and not self._is_pulled(follow.followee)
        return (
            *(follower.id, followee.id, follow.id),
            *(follow.accepted, follow.accepted and follow.close, filled),
        )

    def _post(self, post: Post) -> Row:
        mentions = [] if post.mention is None else [self._people.all[post.mention].id]
        shared = None if post.shared is None else self._posts[post.shared].id
        return (
            *(post.id, self._people.all[post.author].id, post.id, PostType.TEXT.value),
            *(PostStatus.PUBLISHED.value, post.visibility.value, post.content),
            *(shared, post.tags, mentions, from_ms(post.at_ms)),
        )

    def _like(self, like: Like) -> Row:
        self._likes[like.post] += 1
        person = self._people.all[like.person]
        return self._posts[like.post].id, person.id, from_ms(like.at_ms)

    def _comment(self, comment: Comment, all_: Sequence[Comment], replies: int) -> Row:
        self._comments[comment.post] += 1
        parent = None if comment.parent is None else all_[comment.parent].id
        return (
            *(comment.id, self._posts[comment.post].id, self._people.all[comment.author].id),
            *(parent, comment.content, replies),
        )

    def _profile(self, number: int, posts: int) -> Row:
        person = self._people.all[number]
        said = words.bio(self._chance)
        return (
            *(person.id, words.display_name(person.username), said, f"<p>{said}</p>"),
            "followers" if person.closed else "public",
            *(posts, len(self._followers[number]), self._following[number]),
            self._is_pulled(number),
        )
