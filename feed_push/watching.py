"""Which connection watches which feeds.

Whether what happens in a feed is for an account to see is asked when it happens, and nothing of it
is kept here: so a block or an unfollow holds from the next event on.
"""

from collections.abc import Collection, Iterable, Mapping

from feed_push.ports import Observer
from protocol.errors import FORBIDDEN, PlazaError
from protocol.ids import Id

Feed = str
"""What is watched, as events name it."""

HOME: Feed = "home"
"""Everybody's own: what whom they follow posts."""


def author_feed(author: Id) -> Feed:
    """What an account posts."""
    return f"author:{author}"


def tag_feed(tag: str) -> Feed:
    """What is posted with a hashtag.

    Args:
        tag: folded.
    """
    return f"tag:{tag}"


def is_tag_feed(feed: Feed) -> bool:
    """Whether a feed is that of a hashtag."""
    return feed.startswith("tag:")


def post_feed(post: Id) -> Feed:
    """What becomes of a post."""
    return f"post:{post}"


Audience = Mapping[Id, Mapping[Observer, None]]
"""Account -> those of its connections that watch."""

_NOBODY: Audience = {}


class Watching:
    """The watchers of each feed, and the feeds of each watcher.

    Args:
        limit: feeds besides HOME that one connection may watch; 0: any number.
    """

    __slots__ = ("_feeds", "_limit", "_watchers")

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._watchers: dict[Feed, dict[Id, dict[Observer, None]]] = {}
        self._feeds: dict[Observer, tuple[Id, set[Feed]]] = {}

    def check(self, observer: Observer, feeds: Iterable[Feed]) -> None:
        """See whether a connection may watch these, too.

        Raises:
            PlazaError: forbidden, when it would watch too many.
        """
        if self._limit and len(self.feeds(observer) | set(feeds) - {HOME}) > self._limit:
            raise PlazaError(
                FORBIDDEN,
                f"A connection can watch {self._limit} authors, tags and posts. "
                "Unwatch some of them first.",
            )

    def watch(self, account: Id, observer: Observer, feeds: Collection[Feed]) -> None:
        """Let a connection of an account watch feeds. Idempotent.

        Raises:
            PlazaError: forbidden, when it would watch too many: then it watches none of them.
        """
        self.check(observer, feeds)
        if not feeds:
            return
        _, watched = self._feeds.setdefault(observer, (account, set()))
        watched.update(feeds)
        for feed in feeds:
            self._watchers.setdefault(feed, {}).setdefault(account, {})[observer] = None

    def unwatch(self, observer: Observer, feeds: Iterable[Feed]) -> None:
        """Let a connection watch feeds no longer. Idempotent."""
        account, watched = self._feeds.get(observer, (Id(), set()))
        for feed in watched.intersection(feeds):
            watched.discard(feed)
            self._forget(account, observer, feed)
        if not watched:
            self._feeds.pop(observer, None)

    def leave(self, observer: Observer) -> None:
        """A connection is gone."""
        account, watched = self._feeds.pop(observer, (Id(), set()))
        for feed in watched:
            self._forget(account, observer, feed)

    def _forget(self, account: Id, observer: Observer, feed: Feed) -> None:
        accounts = self._watchers[feed]
        observers = accounts[account]
        del observers[observer]
        if not observers:
            del accounts[account]
        if not accounts:
            del self._watchers[feed]

    # --- who -------------------------------------------------------------------------------------

    def of(self, feed: Feed) -> Audience:
        """Who watches a feed. A view: it changes with what follows."""
        return self._watchers.get(feed, _NOBODY)

    def feeds(self, observer: Observer) -> set[Feed]:
        """What a connection watches, besides HOME."""
        _, watched = self._feeds.get(observer, (Id(), set()))
        return watched - {HOME}

    @property
    def observers(self) -> int:
        """How many connections watch something."""
        return len(self._feeds)

    def __contains__(self, feed: Feed) -> bool:
        """Whether anybody watches a feed."""
        return feed in self._watchers

    def __bool__(self) -> bool:
        return bool(self._feeds)
