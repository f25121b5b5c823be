"""What happens to posts, pushed to those who watch feeds.

Whoever changes a post says so and goes on; one task takes what has gathered since its last round,
and tells it. A round reads posts and judges watchers in one snapshot of the database: what somebody
gets they could have read at that moment, which is after everything that is told was committed.

A round for many goes in small steps, and the event loop does what else there is in between:
accounts are judged ASKS at a time, by one statement; connections are handed what is theirs BATCH at
a time. Each of them costs a write to its socket, 5 us, at the end of the tick.
"""

import asyncio
import time
from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from itertools import chain
from typing import Protocol

import asyncpg
import structlog

from feed_push import pushes
from feed_push.news import Batch, Gone, News
from feed_push.ports import Observer
from feed_push.pushes import Push
from feed_push.watching import HOME, Feed, Watching, is_tag_feed, post_feed
from persistence import feed_audience
from persistence.comment_reader import comment_for_all
from persistence.database import Database
from persistence.feed_audience import Ask, Judge, Lost, Sight
from persistence.post_reader import posts_for_all
from protocol.errors import PlazaError
from protocol.ids import Id
from protocol.posts import Visibility

logger = structlog.get_logger(__name__)

POSTS = 20  # in a round, so that its snapshot does not get old
COUNTERS = 500
ASKS = 1_000
BATCH = 500
WAITING = 10_000  # news
RETRY_SECONDS = 1.0

Letter = tuple[Id, list[Push]]
"""An account, and what it is told if it may see it."""


class PushObserver(Protocol):
    """Is told what is pushed."""

    def handed_over(self, connections: int, seconds: float) -> None:
        """What so many connections get was queued for them, in so long."""


class Unobserved:
    """Nobody is told."""

    def handed_over(self, connections: int, seconds: float) -> None:
        """What so many connections get was queued for them, in so long."""


class LiveFeed:
    """Tells those who watch. A feed_push.ports.Watchers.

    Args:
        database: knows who may see what.
        limit: feeds besides their own home feed that one connection may watch; 0: any number.
        observer: is told what is pushed.

    Attributes:
        sent: events that were handed over since the start, times connections.
    """

    def __init__(
        self, database: Database, *, limit: int, observer: PushObserver | None = None
    ) -> None:
        self._database = database
        self._observer = observer or Unobserved()
        self._watching = Watching(limit=limit)
        self._news = News(limit=WAITING)
        self._awake = asyncio.Event()
        self.sent = 0

    # --- what happens to posts -------------------------------------------------------------------

    def published(self, post: Id) -> None:
        """A post has become visible to others."""
        if self._watching:
            self._news.published(post)
            self._awake.set()

    def updated(self, post: Id, *, left: Sequence[str] = ()) -> None:
        """A post was edited, and has the hashtags `left` no longer."""
        if self._watching:
            self._news.updated(post, left)
            self._awake.set()

    def gone(self, post: Id, author: Id, tags: Sequence[str], was: Visibility) -> None:
        """A post was deleted, held back, or is for fewer people than it `was`."""
        if self._watching:
            self._news.gone(post, Gone(author, frozenset(tags), was))
            self._awake.set()

    def commented(self, post: Id, comment: Id) -> None:
        """A post has a new comment."""
        if post_feed(post) in self._watching:
            self._news.commented(post, comment)
            self._awake.set()

    def counted(self, post: Id) -> None:
        """A counter of a post has changed: told within a second."""
        if post_feed(post) in self._watching:
            self._news.counted(post)

    def turn(self) -> None:
        """A second has passed: let the counters be told that have changed in it."""
        if self._news.ripen():
            self._awake.set()

    # --- who watches -----------------------------------------------------------------------------

    def check(self, observer: Observer, feeds: Iterable[Feed]) -> None:
        """See whether a connection may watch these, too.

        Raises:
            PlazaError: forbidden, when it would watch too many.
        """
        self._watching.check(observer, feeds)

    def watch(self, account: Id, observer: Observer, feeds: Collection[Feed]) -> None:
        """Let a connection of an account watch feeds.

        Raises:
            PlazaError: forbidden, when it would watch too many.
        """
        self._watching.watch(account, observer, feeds)

    def unwatch(self, observer: Observer, feeds: Iterable[Feed]) -> None:
        """Let a connection watch feeds no longer."""
        self._watching.unwatch(observer, feeds)

    def left(self, observer: Observer) -> None:
        """A connection is gone."""
        self._watching.leave(observer)

    @property
    def watchers(self) -> int:
        """How many connections watch something."""
        return self._watching.observers

    @property
    def left_out(self) -> int:
        """News that was told to nobody, since the start: there was too much of it."""
        return self._news.left_out

    # --- telling ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Tell what comes, until cancelled."""
        while True:
            await self._awake.wait()
            try:
                await self.round()
            except PlazaError:  # the database is away
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:  # a bug must not end it for all posts
                logger.exception("news of posts could not be told")
                await asyncio.sleep(RETRY_SECONDS)

    async def round(self) -> None:
        """Tell what has gathered, the oldest first; of much a part.

        Raises:
            PlazaError: unavailable; what was not told yet is lost.
        """
        batch = self._news.take(posts=POSTS, counters=COUNTERS)
        if not self._news:
            self._awake.clear()
        if not self._watching or not any(batch):
            return
        async with (
            self._database.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await self._tell_lost(connection, batch)
            await self._tell(
                connection, await self._pushes(connection, batch), feed_audience.seeing
            )

    async def _tell_lost(self, connection: asyncpg.Connection, batch: Batch) -> None:
        gone = {post: change.gone for post, change in batch.changes.items() if change.gone}
        lost = {post: Lost(gone.author, gone.was) for post, gone in gone.items()}
        told = [push for post, what in gone.items() for push in pushes.of_gone(post, what)]
        await self._tell(connection, told, feed_audience.losing(lost))

    async def _pushes(self, connection: asyncpg.Connection, batch: Batch) -> list[Push]:
        said = [post for post, change in batch.changes.items() if change.new or change.edited]
        found = await posts_for_all(connection, said) if said else {}
        made = [
            push
            for post in said
            if post in found
            for push in pushes.of_post(found[post], batch.changes[post])
        ]
        for written in batch.comments:
            comment = await comment_for_all(connection, written)
            if comment is not None:
                made.append(pushes.of_comment(comment))
        if batch.counted:
            counters = await feed_audience.counters_of(connection, batch.counted)
            made += map(pushes.of_counters, counters)
        return made

    async def _tell(
        self, connection: asyncpg.Connection, told: Iterable[Push], judge: Judge
    ) -> None:
        audiences = await self._audiences(connection, told)
        for letters in _slices(audiences):
            asks = {_ask(push, account): None for account, about in letters for push in about}
            await self._hand_over(letters, await judge(connection, list(asks)))

    async def _audiences(
        self, connection: asyncpg.Connection, told: Iterable[Push]
    ) -> list[tuple[Push, Set[Id]]]:
        """What is said, and the accounts that watch and are told if they may see it."""
        watched = [push for push in told if push.feed in self._watching]
        authors = {push.author for push in watched if push.feed == HOME}
        at_home = self._watching.of(HOME).keys()
        followers: dict[Id, set[Id]] = {}
        if authors:
            followers = await feed_audience.followers_among(connection, authors, at_home)
        for author in authors & at_home:
            followers.setdefault(author, set()).add(author)
        return [
            (push, followers.get(push.author, frozenset()))
            if push.feed == HOME
            else (push, self._watching.of(push.feed).keys())
            for push in watched
        ]

    async def _hand_over(self, letters: Sequence[Letter], seen: dict[Ask, Sight]) -> None:
        started, connections = time.perf_counter(), 0
        for account, about in letters:
            for observer, frames in self._frames(account, about, seen).items():
                if observer.offer(b"".join(frames)):
                    self.sent += len(frames)
                connections += 1
                if connections == BATCH:
                    self._observer.handed_over(connections, time.perf_counter() - started)
                    await asyncio.sleep(0)
                    started, connections = time.perf_counter(), 0
        if connections:
            self._observer.handed_over(connections, time.perf_counter() - started)

    def _frames(
        self, account: Id, about: Iterable[Push], seen: dict[Ask, Sight]
    ) -> dict[Observer, list[bytes]]:
        """What each connection of an account gets."""
        frames: dict[Observer, list[bytes]] = {}
        for push in about:
            sight = seen.get(_ask(push, account))
            if sight is None or _is_muted(push.feed, sight):
                continue
            for observer in self._watching.of(push.feed).get(account, ()):
                frame = push.frame(observer.wire, whole=sight.whole)
                if frame is not None:
                    frames.setdefault(observer, []).append(frame)
        return frames


def _is_muted(feed: Feed, sight: Sight) -> bool:
    """Whether a feed leaves something out that may be seen: as the lists over REST do."""
    if feed == HOME:
        return sight.muted or sight.shares_muted
    return sight.muted and is_tag_feed(feed)


def _ask(push: Push, account: Id) -> Ask:
    return Ask(push.post, account, push.comment)


def _slices(audiences: Sequence[tuple[Push, Set[Id]]]) -> Iterator[list[Letter]]:
    """The letters of all accounts, in the order of the events, in parts of about ASKS asks."""
    # Events of one feed share its audience: a burst for many goes through them once. What each of
    # them gets is seen when its turn comes: to see it for all would hold the event loop for long.
    distinct = {id(accounts): accounts for _, accounts in audiences}
    part: list[Letter] = []
    size = 0
    for account in dict.fromkeys(chain.from_iterable(distinct.values())):
        about = [push for push, accounts in audiences if account in accounts]
        part.append((account, about))
        size += len(about)
        if size >= ASKS:
            yield part
            part, size = [], 0
    if part:
        yield part
