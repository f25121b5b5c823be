"""Lists of posts: of an author, of a hashtag, of one's own drafts.

Places are read by an index, and then it is asked what is there and who may see it; so a page is
looked for until it is full, or until so many places have been looked at that the rest can wait for
the next request.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import asyncpg

from persistence.post_reader import visible_posts
from persistence.visibility import MUTED
from protocol.ids import Id
from protocol.posts import Post

LOOKED_AT = 2_000
"""Places that one request looks at, about: a page may be short where one may see little."""

OF_AUTHOR = """
SELECT id, position FROM posts
WHERE author_id = $1 AND status = 'published' AND position < $2 ORDER BY position DESC LIMIT $3
"""

OF_TAG = f"""
SELECT t.post_id AS id, t.position FROM post_tags t
WHERE t.tag = $1 AND t.position < $2 AND NOT {MUTED.format(viewer="$4", author="t.author_id")}
ORDER BY t.position DESC LIMIT $3
"""

UNPUBLISHED = """
SELECT id, id AS position FROM posts
WHERE author_id = $1 AND status IN ('draft', 'scheduled') AND id < $2 ORDER BY id DESC LIMIT $3
"""


class Place(NamedTuple):
    """Where a post stands in a list."""

    position: int
    post: Id


class PageOfPosts(NamedTuple):
    """A part of a list. `after`: where it goes on; None: it does not."""

    posts: list[Post]
    after: int | None


Places = Callable[[int, int], Awaitable[Sequence[Place]]]
"""At most so many places below a position, the highest first: `places(before, limit)`."""


async def of_author(
    connection: asyncpg.Connection, viewer: Id, author: Id, *, before: int, limit: int
) -> PageOfPosts:
    """What an account has published, the newest first, below a position."""

    async def places(below: int, most: int) -> Sequence[Place]:
        return _places(await connection.fetch(OF_AUTHOR, author, below, most))

    return await visible_page(connection, viewer, places, before=before, limit=limit)


async def of_tag(
    connection: asyncpg.Connection, viewer: Id, tag: str, *, before: int, limit: int
) -> PageOfPosts:
    """What has been published with a hashtag, but for muted accounts; else as `of_author`.

    Args:
        tag: folded.
    """

    async def places(below: int, most: int) -> Sequence[Place]:
        return _places(await connection.fetch(OF_TAG, tag, below, most, viewer))

    return await visible_page(connection, viewer, places, before=before, limit=limit)


async def unpublished(
    connection: asyncpg.Connection, author: Id, *, before: int, limit: int
) -> PageOfPosts:
    """An account's own drafts and scheduled posts, the newest first, below an id."""

    async def places(below: int, most: int) -> Sequence[Place]:
        return _places(await connection.fetch(UNPUBLISHED, author, below, most))

    return await visible_page(connection, author, places, before=before, limit=limit)


async def visible_page(
    connection: asyncpg.Connection,
    viewer: Id,
    places: Places,
    *,
    before: int,
    limit: int,
    shows: Callable[[Post], bool] = lambda _: True,
) -> PageOfPosts:
    """A page of what an account may see of a list.

    Nothing is skipped and nothing comes twice, whatever is posted between two pages: the next page
    goes on below the last place that this one has looked at.

    Args:
        places: reads the list.
        before: the position below which the page begins.
        limit: posts at most.
        shows: what of the visible ones the list shows.
    """
    found: list[Post] = []
    looked_at = 0
    while looked_at < LOOKED_AT:
        # The first read is for a page that hides nothing; where much is hidden, more at a time.
        most = limit + 1 if looked_at == 0 else max(limit + 1, looked_at)
        batch = await places(before, most)
        looked_at += len(batch)
        visible = await visible_posts(connection, viewer, [place.post for place in batch])
        for place in batch:
            if len(found) == limit:
                return PageOfPosts(found, before)
            before = place.position
            if place.post in visible and shows(visible[place.post]):
                found.append(visible[place.post])
        if len(batch) < most:
            return PageOfPosts(found, None)
    return PageOfPosts(found, before)


def _places(rows: Sequence[asyncpg.Record]) -> list[Place]:
    return [Place(row["position"], Id(row["id"])) for row in rows]
