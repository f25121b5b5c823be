"""What has happened to posts and has not been told yet.

Of one post it is one piece of news, however much happens to it before its turn comes: what is told
is how it is by then. The queue is bounded; beyond it the oldest news is left out, and those whom it
would have reached read it in their feeds.
"""

from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from protocol.ids import Id
from protocol.posts import Visibility

_NARROWEST_FIRST = (
    Visibility.PRIVATE,
    Visibility.FRIENDS,
    Visibility.FOLLOWERS,
    Visibility.PUBLIC,
)


class Gone(NamedTuple):
    """Some could see a post who perhaps cannot any more.

    Attributes:
        tags: that it had.
        was: its visibility, at its widest.
    """

    author: Id
    tags: frozenset[str]
    was: Visibility


class Change:
    """What has happened to a post.

    Attributes:
        new: it was published.
        edited: it was edited.
        left: hashtags that it had before, and may have no longer.
        gone: for some: those who still see it are told of the above alone.
    """

    __slots__ = ("edited", "gone", "left", "new")

    def __init__(self) -> None:
        self.new = False
        self.edited = False
        self.left: set[str] = set()
        self.gone: Gone | None = None


class Batch(NamedTuple):
    """News that is told together.

    Attributes:
        comments: comment -> post.
        counted: posts with other counters.
    """

    changes: dict[Id, Change]
    comments: dict[Id, Id]
    counted: list[Id]


class News:
    """A queue of news.

    Args:
        limit: posts, and as many comments, that may wait.

    Attributes:
        left_out: how many did not fit, since the start.
    """

    __slots__ = ("_changes", "_comments", "_counted", "_limit", "_ripe", "left_out")

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._changes: dict[Id, Change] = {}
        self._comments: dict[Id, Id] = {}
        self._counted: dict[Id, None] = {}
        self._ripe: dict[Id, None] = {}
        self.left_out = 0

    def published(self, post: Id) -> None:
        """A post has become visible to others."""
        self._change(post).new = True

    def updated(self, post: Id, left: Iterable[str]) -> None:
        """A post was edited, and has these hashtags no longer."""
        change = self._change(post)
        change.edited = True
        change.left.update(left)

    def gone(self, post: Id, gone: Gone) -> None:
        """A post was deleted, held back, or is for fewer people."""
        change = self._change(post)
        before = change.gone
        if before is not None:
            was = max(before.was, gone.was, key=_NARROWEST_FIRST.index)
            gone = Gone(gone.author, before.tags | gone.tags, was)
        change.gone = gone

    def commented(self, post: Id, comment: Id) -> None:
        """A post has a new comment."""
        self._comments[comment] = post
        if len(self._comments) > self._limit:
            del self._comments[next(iter(self._comments))]
            self.left_out += 1

    def counted(self, post: Id) -> None:
        """A counter of a post has changed: news from the next `ripen` on."""
        self._counted[post] = None

    def ripen(self) -> bool:
        """Make news of the counters that have changed. Called once a second.

        Returns:
            Whether there are any.
        """
        self._ripe |= self._counted
        self._counted.clear()
        return bool(self._ripe)

    def _change(self, post: Id) -> Change:
        change = self._changes.get(post)
        if change is None:
            change = self._changes[post] = Change()
            if len(self._changes) > self._limit:
                del self._changes[next(iter(self._changes))]
                self.left_out += 1
        return change

    def take(self, *, posts: int, counters: int) -> Batch:
        """Take the oldest news out.

        Args:
            posts: how many at most, and as many comments.
            counters: of how many posts at most.
        """
        oldest = list(islice(self._changes, posts))
        changes = {post: self._changes.pop(post) for post in oldest}
        written = list(islice(self._comments, posts))
        comments = {comment: self._comments.pop(comment) for comment in written}
        counted = list(islice(self._ripe, counters))
        for post in counted:
            del self._ripe[post]
        return Batch(changes, comments, counted)

    def __bool__(self) -> bool:
        """Whether there is something to take."""
        return bool(self._changes or self._comments or self._ripe)
