"""What `feed_push` needs from outside, and what it is told."""

from collections.abc import Sequence
from typing import Protocol

from protocol.events import Event
from protocol.ids import Id
from protocol.posts import Visibility


class WireFormat(Protocol):
    """How a connection wants its events. Observers that share a format share the object."""

    def frame(self, event: Event) -> bytes:
        """The event as it goes over the wire."""


class Observer(Protocol):
    """One connection of one account."""

    @property
    def wire(self) -> WireFormat:
        """The format that the connection negotiated."""

    def offer(self, chunk: bytes) -> bool:
        """Queue framed events, and return True; or drop them and return False.

        Neither blocks nor fails.
        """


class Watchers(Protocol):
    """Those who watch feeds. Told after the commit, never before; returns at once.

    Whatever cannot be told is lost: a client that was behind, or away, reads the feed anew.
    """

    def published(self, post: Id) -> None:
        """A post has become visible to others: at its top in every feed that it belongs to."""

    def updated(self, post: Id, *, left: Sequence[str] = ()) -> None:
        """A post that is published has been edited.

        Args:
            left: hashtags that it has no longer.
        """

    def gone(self, post: Id, author: Id, tags: Sequence[str], was: Visibility) -> None:
        """A post that was published has been deleted, held back, or shown to fewer people.

        Those are told who could see it, and cannot any more.

        Args:
            tags: that it had.
            was: its visibility until then.
        """

    def counted(self, post: Id) -> None:
        """A counter of a post has changed: likes, comments, shares, votes."""

    def commented(self, post: Id, comment: Id) -> None:
        """A post has a new comment."""
