"""What REST takes and gives of likes, bookmarks, votes and comments, besides the records."""

from typing import Annotated, Any

from msgspec import Meta

from protocol.codec import to_builtins
from protocol.ids import Id
from protocol.posts import Author, Comment, Post
from server.rest.bodies import Page, RequestBody

# Room for a text that shrinks when it is normalised; feed_push/comment_rules.py has the exact rule.
CommentText = Annotated[
    str, Meta(max_length=4_000, description="1 to 2,000 characters after NFC; @name mentions")
]


class WriteComment(RequestBody):
    """A comment on a post, or an answer to one."""

    content: CommentText
    parent: Annotated[Id, Meta(description="The comment that this answers")] | None = None


class EditComment(RequestBody):
    """Another text for a comment."""

    content: CommentText


class Vote(RequestBody):
    """What one votes for."""

    options: Annotated[
        list[Annotated[int, Meta(ge=0, le=5)]],
        Meta(
            min_length=1,
            max_length=6,
            description="Positions of the answers, from 0; of a single choice exactly one",
        ),
    ]


EXAMPLES: dict[str, Any] = {
    type(example).__name__: to_builtins(example)
    for example in (
        WriteComment(content="Well said, @bob.", parent=Id(118094627143680001)),
        EditComment(content="Very well said, @bob."),
        Vote(options=[0]),
    )
}


class AuthorPage(Page, frozen=True):
    """Accounts, as they stand above what they write."""

    items: list[Author]


class PostPage(Page, frozen=True):
    """Posts."""

    items: list[Post]


class CommentPage(Page, frozen=True):
    """Comments."""

    items: list[Comment]
