"""What one does with posts: /posts/{post}/like, /bookmark, /vote; /me/bookmarks."""

from litestar import Controller, delete, get, put
from litestar.params import JSONBody

from protocol import errors
from protocol.ids import MAX_ID
from protocol.posts import Counters, Poll
from server.engagement import Engagement
from server.rest.cursors import cursor_after, cursor_after_like, like_position, position_of
from server.rest.engagement_bodies import AuthorPage, PostPage, Vote
from server.rest.errors import refusals
from server.rest.parameters import Cursor, PageLimit, PostId
from server.rest.wire import Injected
from server.tokens import Claims


class Likes(Controller):
    """Like posts; see who likes them."""

    path = "/posts/{post:str}"
    tags = ["posts"]

    @put(
        "/like",
        summary="Like a post",
        description="Once: liking it again changes nothing.",
        responses=refusals(errors.NOT_FOUND, errors.FORBIDDEN),
    )
    async def like_post(
        self, post: PostId, caller: Injected[Claims], engagement: Injected[Engagement]
    ) -> Counters:
        """Like a post."""
        return await engagement.like(caller.account, post)

    @delete(
        "/like",
        status_code=200,
        summary="Like a post no longer",
        responses=refusals(errors.NOT_FOUND),
    )
    async def unlike_post(
        self, post: PostId, caller: Injected[Claims], engagement: Injected[Engagement]
    ) -> Counters:
        """Like a post no longer."""
        return await engagement.unlike(caller.account, post)

    @get(
        "/likes",
        summary="List who likes a post",
        description="The newest like first. Without those whom one has blocked, or who have "
        "blocked one: `likes` of the post counts them all.",
        responses=refusals(errors.NOT_FOUND),
    )
    async def list_likes(
        self,
        post: PostId,
        caller: Injected[Claims],
        engagement: Injected[Engagement],
        cursor: Cursor = None,
        limit: PageLimit = 50,
    ) -> AuthorPage:
        """List who likes a post."""
        authors, position = await engagement.likers(
            caller.account, post, after=like_position(cursor), limit=limit
        )
        return AuthorPage(items=authors, next_cursor=cursor_after_like(position))


class Votes(Controller):
    """Vote in polls."""

    path = "/posts/{post:str}/vote"
    tags = ["posts"]

    @put(
        summary="Vote in a poll",
        description="Instead of what one has voted before, until the poll closes.",
        responses=refusals(errors.NOT_FOUND, errors.FORBIDDEN, errors.POLL_CLOSED),
    )
    async def vote(
        self,
        post: PostId,
        data: JSONBody[Vote],
        caller: Injected[Claims],
        engagement: Injected[Engagement],
    ) -> Poll:
        """Vote in a poll."""
        return await engagement.vote(caller.account, post, data.options)

    @delete(
        status_code=200,
        summary="Take one's vote back",
        responses=refusals(errors.NOT_FOUND, errors.FORBIDDEN, errors.POLL_CLOSED),
    )
    async def withdraw_vote(
        self, post: PostId, caller: Injected[Claims], engagement: Injected[Engagement]
    ) -> Poll:
        """Take one's vote back."""
        return await engagement.withdraw_vote(caller.account, post)


class Bookmarks(Controller):
    """Keep posts to find them again."""

    path = "/posts/{post:str}/bookmark"
    tags = ["posts"]

    @put(
        status_code=204,
        summary="Bookmark a post",
        description="Nobody is told, and nobody else sees it.",
        responses=refusals(errors.NOT_FOUND),
    )
    async def bookmark_post(
        self, post: PostId, caller: Injected[Claims], engagement: Injected[Engagement]
    ) -> None:
        """Bookmark a post."""
        await engagement.bookmark(caller.account, post)

    @delete(summary="Remove a bookmark", responses=refusals(errors.NOT_FOUND))
    async def unbookmark_post(
        self, post: PostId, caller: Injected[Claims], engagement: Injected[Engagement]
    ) -> None:
        """Remove a bookmark."""
        await engagement.unbookmark(caller.account, post)


class OwnBookmarks(Controller):
    """What one has bookmarked."""

    path = "/me/bookmarks"
    tags = ["posts"]

    @get(
        summary="List one's bookmarks",
        description="The posts, the last one bookmarked first. What one may not see any more is "
        "left out, so a page may be shorter than asked for: the list ends where `next_cursor` is "
        "null.",
        responses=refusals(),
    )
    async def list_bookmarks(
        self,
        caller: Injected[Claims],
        engagement: Injected[Engagement],
        cursor: Cursor = None,
        limit: PageLimit = 50,
    ) -> PostPage:
        """List bookmarked posts."""
        before = MAX_ID if cursor is None else position_of(cursor)
        page = await engagement.bookmarks(caller.account, before=before, limit=limit)
        return PostPage(items=page.posts, next_cursor=cursor_after(page.last))
