"""/posts: what people publish."""

from typing import Annotated

from litestar import Controller, delete, get, patch, post
from litestar.params import JSONBody, QueryParameter

from persistence import post_edits
from persistence.database import Database
from persistence.post_reader import visible_post, visible_posts
from persistence.seen_post import no_such_post
from protocol import errors
from protocol.ids import Id
from protocol.posts import Post
from server.post_changes import PostChanges
from server.posts import Posts
from server.rest.cursors import cursor_after, position_of
from server.rest.engagement_bodies import PostPage
from server.rest.errors import refusals
from server.rest.parameters import Cursor, IdempotencyKey, PageLimit, PostId
from server.rest.post_bodies import EditPost, PostVersionPage, WritePost
from server.rest.wire import Injected
from server.tokens import Claims

WRITE = """\
The answer comes when the post is on disk. A retry with the same `Idempotency-Key` posts nothing \
and gets the first post as it is by then.

Of type `text` a post needs content, of `image` and `video` media, of `link` a link, of `poll` \
content and a poll. With `shared` it quotes another post, which has to be one that everybody may \
see, or one's own; who shares a share without a text shares what that shares. A draft may be \
unfinished.\
"""
EDIT = """\
What is published keeps its former versions: `edits` counts them. A draft is published by \
`status`, or scheduled with `publish_at`. Of what is published moderators may set the status to \
`flagged` or `under_review`, which hides it from everybody else, and back.\
"""
DELETE = """\
One's own or, as a moderator, anyone's that is not private. Its text is gone, and so is what \
people did with it: likes, comments, bookmarks, votes, shares without a text.\
"""

MAX_VERSION = 2**31 - 1

Ids = Annotated[
    list[Id], QueryParameter(min_items=1, max_items=100, description="Of posts: `ids=1&ids=2`")
]


class PostPages(Controller):
    """Write, read, change and delete posts."""

    path = "/posts"
    tags = ["posts"]

    @post(
        summary="Write a post",
        description=WRITE,
        responses=refusals(errors.NOT_FOUND, errors.FORBIDDEN, errors.NONCE_CONFLICT),
    )
    async def write_post(
        self,
        data: JSONBody[WritePost],
        caller: Injected[Claims],
        posts: Injected[Posts],
        idempotency_key: IdempotencyKey = None,
    ) -> Post:
        """Write a post."""
        return await posts.create(caller.account, data.wanted(), key=idempotency_key)

    @get(
        summary="Show several posts",
        description="Those of them that one may see, in the order of the ids asked for.",
        responses=refusals(),
    )
    async def show_posts(
        self, ids: Ids, caller: Injected[Claims], database: Injected[Database]
    ) -> PostPage:
        """Show several posts."""
        async with database.connection() as connection:
            found = await visible_posts(connection, caller.account, ids)
        return PostPage(items=[found[id_] for id_ in dict.fromkeys(ids) if id_ in found])

    @get("/{post:str}", summary="Show a post", responses=refusals(errors.NOT_FOUND))
    async def show_post(
        self, post: PostId, caller: Injected[Claims], database: Injected[Database]
    ) -> Post:
        """Show a post."""
        async with database.connection() as connection:
            found = await visible_post(connection, caller.account, post)
        if found is None:
            raise no_such_post()
        return found

    @patch(
        "/{post:str}",
        summary="Change a post",
        description=EDIT,
        responses=refusals(errors.NOT_FOUND, errors.FORBIDDEN),
    )
    async def edit_post(
        self,
        post: PostId,
        data: JSONBody[EditPost],
        caller: Injected[Claims],
        post_changes: Injected[PostChanges],
    ) -> Post:
        """Change a post."""
        return await post_changes.change(caller.account, post, data.changes())

    @delete(
        "/{post:str}",
        summary="Delete a post",
        description=DELETE,
        responses=refusals(errors.NOT_FOUND, errors.FORBIDDEN),
    )
    async def delete_post(
        self, post: PostId, caller: Injected[Claims], posts: Injected[Posts]
    ) -> None:
        """Delete a post."""
        await posts.delete(caller.account, post)

    @get(
        "/{post:str}/edits",
        summary="List the former versions of a post",
        description="The newest first, for whoever sees the post.",
        responses=refusals(errors.NOT_FOUND),
    )
    async def list_edits(
        self,
        post: PostId,
        caller: Injected[Claims],
        database: Injected[Database],
        cursor: Cursor = None,
        limit: PageLimit = 50,
    ) -> PostVersionPage:
        """List the former versions of a post."""
        before = min(position_of(cursor) or MAX_VERSION, MAX_VERSION)
        async with database.connection() as connection:
            if await visible_post(connection, caller.account, post) is None:
                raise no_such_post()
            found = await post_edits.versions(connection, post, before=before, limit=limit + 1)
        more = found[limit - 1].version if len(found) > limit else None
        return PostVersionPage(items=found[:limit], next_cursor=cursor_after(more))


class Shares(Controller):
    """Share posts without a text of one's own."""

    path = "/posts/{post:str}/share"
    tags = ["posts"]

    @post(
        summary="Share a post",
        description="Without a text; with one, write a post with `shared`. Only what everybody "
        "may see can be shared, and one's own. Once: who shares it again gets the first share.",
        responses=refusals(errors.NOT_FOUND, errors.FORBIDDEN),
    )
    async def share_post(
        self, post: PostId, caller: Injected[Claims], posts: Injected[Posts]
    ) -> Post:
        """Share a post."""
        return await posts.share(caller.account, post)

    @delete(
        summary="Share a post no longer",
        description="Deletes one's share without a text; quotes stay.",
        responses=refusals(),
    )
    async def unshare_post(
        self, post: PostId, caller: Injected[Claims], posts: Injected[Posts]
    ) -> None:
        """Share a post no longer."""
        await posts.unshare(caller.account, post)
