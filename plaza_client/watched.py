"""What a client watches, to be said again on each connection."""

from collections.abc import Iterator
from typing import TypeVar

from protocol.commands import Unwatch, Watch
from protocol.ids import Id

# What the server takes in one command: protocol/commands.py.
IDS_AT_ONCE = 100
TAGS_AT_ONCE = 20

T = TypeVar("T", Id, str)


class Watched:
    """The accounts and feeds that a client watches."""

    def __init__(self) -> None:
        self._home = False
        self._accounts: set[Id] = set()
        self._authors: set[Id] = set()
        self._tags: set[str] = set()
        self._posts: set[Id] = set()

    def add(self, command: Watch) -> None:
        """The server has carried a command out."""
        self._home = self._home or command.feed is not None
        self._accounts.update(command.accounts)
        self._authors.update(command.authors)
        self._tags.update(map(_plain, command.tags))
        self._posts.update(command.posts)

    def remove(self, command: Unwatch) -> None:
        """The server has carried a command out."""
        self._home = self._home and command.feed is None
        self._accounts.difference_update(command.accounts)
        self._authors.difference_update(command.authors)
        self._tags.difference_update(map(_plain, command.tags))
        self._posts.difference_update(command.posts)

    def commands(self) -> Iterator[Watch]:
        """The commands that say it all."""
        for accounts in _parts(self._accounts, IDS_AT_ONCE):
            yield Watch(id=0, accounts=accounts)
        if self._home:
            yield Watch(id=0, feed="home")
        for authors in _parts(self._authors, IDS_AT_ONCE):
            yield Watch(id=0, authors=authors)
        for tags in _parts(self._tags, TAGS_AT_ONCE):
            yield Watch(id=0, tags=tags)
        for posts in _parts(self._posts, IDS_AT_ONCE):
            yield Watch(id=0, posts=posts)


def _plain(tag: str) -> str:
    # The server does more to make them alike; to watch one twice does no harm.
    return tag.removeprefix("#").lower()


def _parts(watched: set[T], size: int) -> Iterator[list[T]]:
    ordered = sorted(watched)
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]
