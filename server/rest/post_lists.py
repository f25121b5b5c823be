"""Lists of posts: /accounts/{account}/posts, /tags/{tag}/posts, /me/drafts."""

from typing import Annotated

from litestar import Controller, get
from litestar.params import PathParameter

from feed_push.hashtags import MAX_TAG, fold_tag
from persistence import post_lists
from persistence.database import Database
from persistence.post_lists import PageOfPosts
from protocol.errors import BAD_REQUEST, PlazaError
from protocol.ids import MAX_ID
from server.rest.cursors import cursor_after, position_of
from server.rest.engagement_bodies import PostPage
from server.rest.errors import refusals
from server.rest.parameters import AccountId, Cursor, PageLimit
from server.rest.wire import Injected
from server.tokens import Claims

TagName = Annotated[
    str,
    PathParameter(min_length=1, max_length=2 * MAX_TAG, description="A hashtag; case is ignored"),
]


class AuthorPosts(Controller):
    """What an account has published."""

    path = "/accounts/{account:str}/posts"
    tags = ["posts"]

    @get(
        summary="List what an account has published",
        description="What one may see of it, the newest first, shares included. A page may be "
        "short, or empty, and yet not the last.",
        responses=refusals(),
    )
    async def list_posts_of_account(
        self,
        account: AccountId,
        caller: Injected[Claims],
        database: Injected[Database],
        cursor: Cursor = None,
        limit: PageLimit = 50,
    ) -> PostPage:
        """List what an account has published."""
        async with database.connection() as connection:
            page = await post_lists.of_author(
                connection, caller.account, account, before=_below(cursor), limit=limit
            )
        return _page(page)


class TagPosts(Controller):
    """What has been published with a hashtag."""

    path = "/tags/{tag:str}/posts"
    tags = ["posts"]

    @get(
        summary="List what has been published with a hashtag",
        description="What one may see of it, the newest first, but for accounts that one has "
        "muted. A page may be short, or empty, and yet not the last.",
        responses=refusals(),
    )
    async def list_posts_of_tag(
        self,
        tag: TagName,
        caller: Injected[Claims],
        database: Injected[Database],
        cursor: Cursor = None,
        limit: PageLimit = 50,
    ) -> PostPage:
        """List what has been published with a hashtag."""
        folded = fold_tag(tag)
        if folded is None:
            raise PlazaError(
                BAD_REQUEST,
                f"A hashtag is up to {MAX_TAG} letters, digits and _, with a letter among them.",
            )
        async with database.connection() as connection:
            page = await post_lists.of_tag(
                connection, caller.account, folded, before=_below(cursor), limit=limit
            )
        return _page(page)


class Drafts(Controller):
    """What one has not published yet."""

    path = "/me/drafts"
    tags = ["posts"]

    @get(
        summary="List one's drafts and scheduled posts",
        description="The newest first.",
        responses=refusals(),
    )
    async def list_drafts(
        self,
        caller: Injected[Claims],
        database: Injected[Database],
        cursor: Cursor = None,
        limit: PageLimit = 50,
    ) -> PostPage:
        """List one's drafts and scheduled posts."""
        async with database.connection() as connection:
            page = await post_lists.unpublished(
                connection, caller.account, before=_below(cursor), limit=limit
            )
        return _page(page)


def _below(cursor: str | None) -> int:
    return position_of(cursor) or MAX_ID


def _page(page: PageOfPosts) -> PostPage:
    return PostPage(items=page.posts, next_cursor=cursor_after(page.after))
