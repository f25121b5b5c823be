"""Comments on posts: /posts/{post}/comments, /comments/{comment}."""

from typing import Annotated

from litestar import Controller, delete, get, patch, post, put
from litestar.params import JSONBody, QueryParameter

from protocol import errors
from protocol.ids import Id
from protocol.posts import Comment
from server.comments import Comments
from server.rest.cursors import cursor_after, position_of
from server.rest.engagement_bodies import CommentPage, EditComment, WriteComment
from server.rest.errors import refusals
from server.rest.parameters import CommentId, Cursor, IdempotencyKey, PageLimit, PostId
from server.rest.wire import Injected
from server.tokens import Claims

Parent = Annotated[
    Id | None,
    QueryParameter(description="A comment on the post: its answers; none: what answers the post"),
]


class PostComments(Controller):
    """Write and list comments."""

    path = "/posts/{post:str}/comments"
    tags = ["comments"]

    @post(
        summary="Comment on a post",
        description="With `parent`: answer a comment on it. A retry with the same key writes "
        "nothing and gets the comment of the first time.",
        responses=refusals(
            errors.NOT_FOUND, errors.FORBIDDEN, errors.NONCE_CONFLICT, errors.MESSAGE_DELETED
        ),
    )
    async def write_comment(
        self,
        post: PostId,
        data: JSONBody[WriteComment],
        caller: Injected[Claims],
        comments: Injected[Comments],
        idempotency_key: IdempotencyKey = None,
    ) -> Comment:
        """Comment on a post."""
        return await comments.write(
            caller.account, post, data.content, parent=data.parent, key=idempotency_key
        )

    @get(
        summary="List the comments on a post",
        description="The oldest first. A deleted one that has answers stays in its place, empty. "
        "Those of accounts that one has blocked, or that have blocked one, are left out.",
        responses=refusals(errors.NOT_FOUND),
    )
    async def list_comments(
        self,
        post: PostId,
        caller: Injected[Claims],
        comments: Injected[Comments],
        parent: Parent = None,
        cursor: Cursor = None,
        limit: PageLimit = 50,
    ) -> CommentPage:
        """List comments."""
        items, position = await comments.page(
            caller.account, post, parent=parent, after=position_of(cursor), limit=limit
        )
        return CommentPage(items=items, next_cursor=cursor_after(position))


class OneComment(Controller):
    """Show, edit, delete and like a comment."""

    path = "/comments/{comment:str}"
    tags = ["comments"]

    @get(summary="Show a comment", responses=refusals(errors.NOT_FOUND))
    async def show_comment(
        self, comment: CommentId, caller: Injected[Claims], comments: Injected[Comments]
    ) -> Comment:
        """Show a comment."""
        return await comments.comment(caller.account, comment)

    @patch(
        summary="Edit one's comment",
        responses=refusals(errors.NOT_FOUND, errors.FORBIDDEN, errors.MESSAGE_DELETED),
    )
    async def edit_comment(
        self,
        comment: CommentId,
        data: JSONBody[EditComment],
        caller: Injected[Claims],
        comments: Injected[Comments],
    ) -> Comment:
        """Replace the text of a comment."""
        return await comments.edit(caller.account, comment, data.content)

    @delete(
        summary="Delete a comment",
        description="One's own, one on one's own post, or any as a moderator. If it has answers, "
        "it stays in its place, empty.",
        responses=refusals(errors.NOT_FOUND, errors.FORBIDDEN, errors.MESSAGE_DELETED),
    )
    async def delete_comment(
        self, comment: CommentId, caller: Injected[Claims], comments: Injected[Comments]
    ) -> None:
        """Delete a comment."""
        await comments.delete(caller.account, comment)

    @put(
        "/like",
        summary="Like a comment",
        responses=refusals(errors.NOT_FOUND, errors.FORBIDDEN, errors.MESSAGE_DELETED),
    )
    async def like_comment(
        self, comment: CommentId, caller: Injected[Claims], comments: Injected[Comments]
    ) -> Comment:
        """Like a comment."""
        return await comments.like(caller.account, comment)

    @delete(
        "/like",
        status_code=200,
        summary="Like a comment no longer",
        responses=refusals(errors.NOT_FOUND, errors.MESSAGE_DELETED),
    )
    async def unlike_comment(
        self, comment: CommentId, caller: Injected[Claims], comments: Injected[Comments]
    ) -> Comment:
        """Like a comment no longer."""
        return await comments.unlike(caller.account, comment)
