"""What people do with posts besides writing: like them, keep them, vote.

What is changed is written, then told to those who watch.
"""

from collections.abc import Callable, Sequence

from feed_push.poll_rules import check_vote
from feed_push.ports import Watchers
from persistence import bookmarks, likes, polls
from persistence.bookmarks import BookmarkPage
from persistence.database import Database
from persistence.likes import Liked, LikePosition
from persistence.post_reader import visible_post
from persistence.seen_post import no_such_post
from protocol.ids import Id, IdMint
from protocol.posts import Author, Counters, Poll
from protocol.times import from_ms


class Engagement:
    """Likes, bookmarks and votes.

    Args:
        database: keeps them.
        watchers: are told of changed counters.
        mint: makes ids.
        clock: Unix time in milliseconds.
    """

    def __init__(
        self, database: Database, watchers: Watchers, *, mint: IdMint, clock: Callable[[], int]
    ) -> None:
        self._database = database
        self._watchers = watchers
        self._mint = mint
        self._clock = clock

    async def like(self, account: Id, post: Id) -> Counters:
        """Like a post.

        Raises:
            PlazaError: not_found; forbidden: it is not published.
        """
        async with self._database.connection() as connection:
            liked = await likes.like(connection, account, post)
        return self._told(post, liked)

    async def unlike(self, account: Id, post: Id) -> Counters:
        """Like a post no longer. Raises PlazaError not_found."""
        async with self._database.connection() as connection:
            liked = await likes.unlike(connection, account, post)
        return self._told(post, liked)

    async def likers(
        self, viewer: Id, post: Id, *, after: LikePosition, limit: int
    ) -> tuple[list[Author], LikePosition | None]:
        """Who likes a post, newest first, and where the next page is.

        Raises:
            PlazaError: not_found.
        """
        async with self._database.connection() as connection:
            found = await likes.likers(connection, viewer, post, after=after, limit=limit + 1)
        page = found[:limit]
        return [author for author, _ in page], page[-1][1] if len(found) > limit else None

    async def bookmark(self, account: Id, post: Id) -> None:
        """Keep a post. Raises PlazaError not_found."""
        id_ = self._mint.mint(self._clock())
        async with self._database.connection() as connection:
            await bookmarks.bookmark(connection, account, post, id=id_)

    async def unbookmark(self, account: Id, post: Id) -> None:
        """Keep a post no longer. Raises PlazaError not_found."""
        async with self._database.connection() as connection:
            await bookmarks.unbookmark(connection, account, post)

    async def bookmarks(self, account: Id, *, before: int, limit: int) -> BookmarkPage:
        """What an account keeps and may see, the last one kept first."""
        async with self._database.connection() as connection:
            return await bookmarks.bookmarks(connection, account, before=before, limit=limit)

    async def vote(self, account: Id, post: Id, options: Sequence[int]) -> Poll:
        """Vote in a poll, instead of what one has voted before.

        Args:
            options: positions of the answers, from 0.

        Raises:
            PlazaError: not_found; forbidden: the post is not published; bad_request: it is no poll,
                or the vote does not fit; poll_closed.
        """
        async with self._database.transaction() as connection:
            now = from_ms(self._clock())
            question = await polls.open_poll(connection, account, post, now=now)
            check_vote(options, count=question.options, multiple=question.multiple)
            changed = await polls.set_votes(connection, account, post, options, question)
        return await self._poll(account, post, changed=changed)

    async def withdraw_vote(self, account: Id, post: Id) -> Poll:
        """Take one's votes back; exceptions are those of `vote`."""
        async with self._database.transaction() as connection:
            now = from_ms(self._clock())
            question = await polls.open_poll(connection, account, post, now=now)
            changed = await polls.set_votes(connection, account, post, (), question)
        return await self._poll(account, post, changed=changed)

    def _told(self, post: Id, liked: Liked) -> Counters:
        if liked.changed:
            self._watchers.counted(post)
        return liked.counters

    async def _poll(self, account: Id, post: Id, *, changed: bool) -> Poll:
        if changed:
            self._watchers.counted(post)
        async with self._database.connection() as connection:
            seen = await visible_post(connection, account, post)
        if seen is None or seen.poll is None:  # gone in the meantime
            raise no_such_post()
        return seen.poll
