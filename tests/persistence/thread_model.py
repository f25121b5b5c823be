"""What threads of comments have to look like, worked out from their rows or from a model."""

from datetime import UTC, datetime

import asyncpg

from persistence import comments
from protocol.errors import MESSAGE_DELETED, PlazaError
from protocol.ids import Id

WRONG_COUNTERS = """
SELECT 'post', post_id AS id FROM post_counters c WHERE comments <> (
    SELECT count(*) FROM comments m WHERE m.post_id = c.post_id AND m.deleted_at IS NULL
)
UNION ALL
SELECT 'replies', id FROM comments c WHERE replies <> (
    SELECT count(*) FROM comments m WHERE m.parent_id = c.id AND m.deleted_at IS NULL
)
UNION ALL
SELECT 'likes', id FROM comments c WHERE likes <> (
    SELECT count(*) FROM comment_likes l WHERE l.comment_id = c.id
)
UNION ALL
SELECT 'tombstone without answers', id FROM comments c
WHERE deleted_at IS NOT NULL AND NOT EXISTS (SELECT FROM comments m WHERE m.parent_id = c.id)
"""


async def check_counters(connection: asyncpg.Connection) -> None:
    """Check that what is counted is there."""
    assert await connection.fetch(WRONG_COUNTERS) == []


async def delete(connection: asyncpg.Connection, comment: Id) -> None:
    """Delete a comment, whoever may."""
    async with connection.transaction():
        post = await connection.fetchval("SELECT post_id FROM comments WHERE id = $1", comment)
        if post is None:
            raise PlazaError(MESSAGE_DELETED)
        await comments.remove(connection, post, comment, at=datetime.now(UTC))


class Thread:
    """The comments of a post, in memory."""

    def __init__(self) -> None:
        self.parents: dict[Id, Id | None] = {}
        self.deleted: set[Id] = set()
        self.likes: dict[Id, set[Id]] = {}

    def standing(self) -> list[Id]:
        return [comment for comment in self.parents if comment not in self.deleted]

    def answers(self, comment: Id) -> list[Id]:
        return [other for other, parent in self.parents.items() if parent == comment]

    def write(self, comment: Id, parent: Id | None) -> None:
        self.parents[comment] = parent
        self.likes[comment] = set()

    def delete(self, comment: Id) -> None:
        self.deleted.add(comment)
        self.likes[comment] = set()
        last: Id | None = comment
        while last is not None and last in self.deleted and not self.answers(last):
            self.deleted.discard(last)
            del self.likes[last]
            last = self.parents.pop(last)

    def rows(self) -> dict[Id, tuple[Id | None, bool, int, int]]:
        """Parent, whether deleted, likes, replies: of each comment."""
        return {
            comment: (
                parent,
                comment in self.deleted,
                len(self.likes[comment]),
                len([one for one in self.answers(comment) if one not in self.deleted]),
            )
            for comment, parent in self.parents.items()
        }
