"""What the server says of feeds, to those who watch them.

Each is encoded once for all who get it, so the post in it has nothing that is a viewer's own. They
are signs of life: a reader that is behind does not get them, and reads the feed anew.
"""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from protocol.events import Event
from protocol.ids import Id
from protocol.posts import Comment, Post

FeedName = Annotated[
    str,
    Meta(description="What was watched: `home`, `author:ID`, `tag:NAME` or `post:ID`"),
]


class NewPost(Event, tag="feed.new_post"):
    """A post was published that belongs to a feed that one watches, at its top."""

    feed: FeedName
    post: Post


class PostUpdated(Event, tag="feed.post_updated"):
    """A post of a feed that one watches was edited."""

    feed: FeedName
    post: Post


class PostDeleted(Event, tag="feed.post_deleted"):
    """A post of a feed that one watches is gone, or hidden from one."""

    feed: FeedName
    post: Id


class PostCounters(Event, tag="feed.counters", omit_defaults=False):
    """The counters of a post that one watches: the latest, at most once a second for a post.

    Of a poll also its `votes`, option by option, and its `voters`.
    """

    post: Id
    likes: int
    comments: int
    shares: int
    votes: list[int] | UnsetType = UNSET
    voters: int | UnsetType = UNSET


class NewComment(Event, tag="feed.new_comment"):
    """Somebody commented on a post that one watches, or answered a comment."""

    comment: Comment


AnyFeedEvent = NewPost | PostUpdated | PostDeleted | PostCounters | NewComment
