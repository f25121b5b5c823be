"""REST: what one does with posts: likes, comments, bookmarks, votes."""

from collections.abc import Iterable
from uuid import uuid4

from plaza_client.rest_requests import Requests, shaped
from protocol.posts import Author, Comment, Counters, Poll, Post


class EngagementRequests(Requests):
    """The requests about likes, comments, bookmarks and votes. Part of Rest."""

    # --- likes -----------------------------------------------------------------------------------

    async def like(self, post: int) -> Counters:
        """Like a post; once, however often it is asked. Raises PlazaRefused not_found."""
        return shaped(await self._call("PUT", f"/posts/{post}/like"), Counters)

    async def unlike(self, post: int) -> Counters:
        """Like a post no longer. Raises PlazaRefused not_found."""
        return shaped(await self._call("DELETE", f"/posts/{post}/like"), Counters)

    async def likers(self, post: int) -> list[Author]:
        """Who likes a post, newest like first, without those one shares a block with."""
        return shaped(await self._all(f"/posts/{post}/likes"), list[Author])

    # --- bookmarks -------------------------------------------------------------------------------

    async def bookmark(self, post: int) -> None:
        """Keep a post to find it again. Raises PlazaRefused not_found."""
        await self._call("PUT", f"/posts/{post}/bookmark")

    async def unbookmark(self, post: int) -> None:
        """Keep a post no longer. Raises PlazaRefused not_found."""
        await self._call("DELETE", f"/posts/{post}/bookmark")

    async def bookmarks(self) -> list[Post]:
        """What one keeps and may see, the last one kept first."""
        return shaped(await self._all("/me/bookmarks"), list[Post])

    # --- polls -----------------------------------------------------------------------------------

    async def vote(self, post: int, options: Iterable[int]) -> Poll:
        """Vote in a poll, instead of what one has voted before.

        Args:
            options: positions of the answers, from 0; of a single choice one.

        Raises:
            PlazaRefused: not_found, poll_closed, bad_request (the vote does not fit), and others.
        """
        fields = {"options": list(options)}
        return shaped(await self._call("PUT", f"/posts/{post}/vote", fields), Poll)

    async def withdraw_vote(self, post: int) -> Poll:
        """Take one's votes back. Raises PlazaRefused not_found, poll_closed, and others."""
        return shaped(await self._call("DELETE", f"/posts/{post}/vote"), Poll)

    # --- comments --------------------------------------------------------------------------------

    async def write_comment(
        self, post: int, content: str, *, parent: int | None = None, key: str | None = None
    ) -> Comment:
        """Comment on a post; with a `key` used before, the comment that exists is returned.

        Args:
            content: 1 to 2,000 characters.
            parent: the comment that this answers.
            key: the author's own name for this comment.

        Raises:
            PlazaRefused: not_found, bad_request, message_deleted (the parent), and others.
        """
        fields = {"content": content}
        if parent is not None:
            fields["parent"] = str(parent)
        headers = {"Idempotency-Key": key or uuid4().hex}
        answer = await self._call("POST", f"/posts/{post}/comments", fields, headers=headers)
        return shaped(answer, Comment)

    async def comments(self, post: int, *, parent: int | None = None) -> list[Comment]:
        """All comments on a post that answer no other one, or the answers to one; oldest first."""
        query = {} if parent is None else {"parent": str(parent)}
        return shaped(await self._all(f"/posts/{post}/comments", **query), list[Comment])

    async def comment(self, comment: int) -> Comment:
        """A comment, or what is left of it. Raises PlazaRefused not_found."""
        return shaped(await self._call("GET", f"/comments/{comment}"), Comment)

    async def edit_comment(self, comment: int, content: str) -> Comment:
        """Replace the text of one's comment. Raises PlazaRefused."""
        answer = await self._call("PATCH", f"/comments/{comment}", {"content": content})
        return shaped(answer, Comment)

    async def delete_comment(self, comment: int) -> None:
        """Delete one's comment, or one on one's own post. Raises PlazaRefused."""
        await self._call("DELETE", f"/comments/{comment}")

    async def like_comment(self, comment: int) -> Comment:
        """Like a comment. Raises PlazaRefused not_found, message_deleted."""
        return shaped(await self._call("PUT", f"/comments/{comment}/like"), Comment)

    async def unlike_comment(self, comment: int) -> Comment:
        """Like a comment no longer. Raises PlazaRefused not_found, message_deleted."""
        return shaped(await self._call("DELETE", f"/comments/{comment}/like"), Comment)
