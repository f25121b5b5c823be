"""Comments: written, edited, deleted, liked, read.

What others may see is written, then told to those who watch.
"""

from collections.abc import Callable
from hashlib import sha256

from feed_push.comment_rules import Standing, clean_comment, may_delete, may_edit
from feed_push.ports import Watchers
from persistence import comment_reader, comments
from persistence.comments import NewComment, Place
from persistence.database import Database
from protocol.codec import dump_json
from protocol.ids import Id, IdMint
from protocol.names import mentioned_names
from protocol.posts import Comment
from protocol.times import from_ms


class Comments:
    """The comments of all posts.

    Args:
        database: keeps them.
        watchers: are told of new ones, and of changed counters.
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

    async def write(
        self, author: Id, post: Id, content: str, *, parent: Id | None, key: str | None
    ) -> Comment:
        """Comment on a post, or answer a comment on it.

        Args:
            key: a second comment with it by the same author is not written; the first is returned.

        Raises:
            PlazaError: bad_request, not_found, nonce_conflict; forbidden: the post is not
                published; message_deleted: the parent is.
        """
        content = clean_comment(content)
        id_ = self._mint.mint(self._clock())
        new = NewComment(id_, post, author, parent, content, mentioned_names(content))
        async with self._database.transaction() as connection:
            if key is not None:
                id_ = await comments.claim(connection, author, key, new.id, _digest(new))
            if id_ == new.id:
                await comments.add(connection, new)
        if id_ == new.id:
            self._watchers.counted(post)
            self._watchers.commented(post, id_)
        return await self.comment(author, id_)

    async def comment(self, viewer: Id, comment: Id) -> Comment:
        """A comment, or what is left of it. Raises PlazaError not_found."""
        async with self._database.connection() as connection:
            return await comment_reader.visible_comment(connection, viewer, comment)

    async def page(
        self, viewer: Id, post: Id, *, parent: Id | None, after: int, limit: int
    ) -> tuple[list[Comment], Id | None]:
        """Comments on a post, oldest first, and where the next page is.

        Args:
            parent: the answers to this comment; None: what answers the post itself.
            after: ids above this one.

        Raises:
            PlazaError: not_found.
        """
        async with self._database.connection() as connection:
            if parent is None:
                found = await comment_reader.comments_of_post(
                    connection, viewer, post, after=after, limit=limit + 1
                )
            else:
                found = await comment_reader.answers(
                    connection, viewer, post, parent, after=after, limit=limit + 1
                )
        page = found[:limit]
        return page, page[-1].id if len(found) > limit else None

    async def edit(self, account: Id, comment: Id, content: str) -> Comment:
        """Replace the text of one's comment.

        Raises:
            PlazaError: bad_request, not_found, message_deleted; forbidden: it is not one's own.
        """
        content = clean_comment(content)
        async with self._database.transaction() as connection:
            place = await comments.place_of(connection, account, comment)
            may_edit(_standing(account, place))
            now = from_ms(self._clock())
            await comments.edit(connection, comment, content, mentioned_names(content), at=now)
        return await self.comment(account, comment)

    async def delete(self, account: Id, comment: Id) -> None:
        """Delete a comment: one's own, one on one's own post, any as a moderator.

        Raises:
            PlazaError: not_found, message_deleted, forbidden.
        """
        async with self._database.transaction() as connection:
            place = await comments.place_of(connection, account, comment)
            may_delete(_standing(account, place))
            now = from_ms(self._clock())
            await comments.remove(connection, place.post, comment, at=now)
        self._watchers.counted(place.post)

    async def like(self, account: Id, comment: Id) -> Comment:
        """Like a comment.

        Raises:
            PlazaError: not_found, message_deleted; forbidden: the post is not published.
        """
        async with self._database.connection() as connection:
            await comments.like(connection, account, comment)
            return await comment_reader.visible_comment(connection, account, comment)

    async def unlike(self, account: Id, comment: Id) -> Comment:
        """Like a comment no longer. Raises PlazaError not_found, message_deleted."""
        async with self._database.connection() as connection:
            await comments.unlike(connection, account, comment)
            return await comment_reader.visible_comment(connection, account, comment)


def _digest(new: NewComment) -> bytes:
    return sha256(dump_json([new.post, new.parent, new.content]).encode()).digest()


def _standing(viewer: Id, place: Place) -> Standing:
    return Standing(viewer, place.author, place.host, place.viewer_is_moderator)
