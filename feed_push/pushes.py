"""What is said to those who watch, feed by feed.

A push is one event for the watchers of one feed. It is encoded once for each wire format, whoever
gets it; so there is nothing in it that is a viewer's own. But what a post shares is not for
everybody who may see the post: of that there are two forms, with and without.
"""

from collections.abc import Iterable

from msgspec import structs

from feed_push.news import Change, Gone
from feed_push.ports import WireFormat
from feed_push.watching import HOME, Feed, author_feed, post_feed, tag_feed
from protocol.events import Event
from protocol.feed_events import NewComment, NewPost, PostCounters, PostDeleted, PostUpdated
from protocol.ids import Id
from protocol.posts import Comment, Post

NONE = Id(0)


class Push:
    """An event on its way to the watchers of a feed.

    Args:
        feed: whose watchers.
        post: those who may see it get the event.
        event: for those who may also see what the post shares, if it shares something.
        bare: for the others; None: they get nothing.
        author: of the post, if the feed is HOME.
        comment: that the event is about: it is for those who may see that, too.
    """

    __slots__ = ("_bare", "_event", "_frames", "author", "comment", "feed", "post")

    def __init__(
        self,
        feed: Feed,
        post: Id,
        event: Event,
        bare: Event | None,
        *,
        author: Id = NONE,
        comment: Id = NONE,
    ) -> None:
        self.feed = feed
        self.post = post
        self.author = author
        self.comment = comment
        self._event = event
        self._bare = bare
        self._frames: dict[tuple[WireFormat, bool], bytes] = {}

    def frame(self, wire: WireFormat, *, whole: bool) -> bytes | None:
        """The event as it goes over the wire.

        Args:
            whole: the receiver may see what the post shares.
        """
        event = self._event if whole else self._bare
        if event is None:
            return None
        whole = event is self._event
        frame = self._frames.get((wire, whole))
        if frame is None:
            frame = self._frames[wire, whole] = wire.frame(event)
        return frame


def of_post(post: Post, change: Change) -> list[Push]:
    """The pushes of a post that was published or edited, as it is now."""
    kind = NewPost if change.new else PostUpdated
    author = post.author.id
    bare = _without_shared(post)
    pushes = []
    for feed in _feeds(post.id, author, post.tags):
        event: Event = kind(feed=feed, post=post)
        if bare is post:
            bare_event: Event | None = event
        else:
            bare_event = None if bare is None else kind(feed=feed, post=bare)
        pushes.append(Push(feed, post.id, event, bare_event, author=author))
    for tag in sorted(change.left.difference(post.tags)):
        pushes.append(_deleted(tag_feed(tag), post.id, author))
    return pushes


def of_gone(post: Id, gone: Gone) -> list[Push]:
    """The pushes of a post that some can see no longer."""
    return [_deleted(feed, post, gone.author) for feed in _feeds(post, gone.author, gone.tags)]


def of_comment(comment: Comment) -> Push:
    """The push of a new comment."""
    event = NewComment(comment=comment)
    return Push(post_feed(comment.post), comment.post, event, event, comment=comment.id)


def of_counters(counters: PostCounters) -> Push:
    """The push of a post's counters."""
    return Push(post_feed(counters.post), counters.post, counters, counters)


def _deleted(feed: Feed, post: Id, author: Id) -> Push:
    event = PostDeleted(feed=feed, post=post)
    return Push(feed, post, event, event, author=author)


def _feeds(post: Id, author: Id, tags: Iterable[str]) -> list[Feed]:
    """The feeds that a post belongs to, each once."""
    named = [HOME, author_feed(author), *map(tag_feed, sorted(tags)), post_feed(post)]
    return list(dict.fromkeys(named))


def _without_shared(post: Post) -> Post | None:
    """A post for those who may not see what it shares; None: it is not for them at all."""
    if post.shared_id is None:
        return post
    if not post.content and not post.media:
        return None
    return post if post.shared is None else structs.replace(post, shared=None)
