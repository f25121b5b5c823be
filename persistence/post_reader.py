"""Posts as one account sees them: the one place where rows become `protocol.posts.Post`.

Feeds find ids, each in its own way; what is behind them, and whether the viewer may see it, is
asked here, in one statement for a page (and one for the posts that they share).
"""

from collections.abc import Iterable, Sequence

import asyncpg
from msgspec import Struct

from persistence.media_rows import (
    MEDIA_JSON,
    StoredMedia,
    avatar_url,
    media_of,
    url_of,
)
from persistence.visibility import visible
from protocol.codec import load_json
from protocol.ids import Id, minted_at_ms
from protocol.posts import (
    Author,
    Media,
    Poll,
    PollOption,
    Post,
    PostStatus,
    PostType,
    Preview,
    Visibility,
)
from protocol.records import User
from protocol.times import from_ms, rfc3339

NOBODY = 0
"""A viewer without an id: what anybody may see, and nothing that is a viewer's own."""

AUTHOR = """
    a.username, pr.display_name, pr.verified,
    CASE WHEN pr.avatar_id IS NOT NULL THEN (
        SELECT u.key FROM uploads u WHERE u.id = pr.avatar_id AND u.state = 'ready'
    ) END AS avatar
"""
"""What `author_of` reads besides author_id, of accounts `a` with their profiles `pr`."""

# What most posts do not have is looked up behind a CASE, so that it costs them nothing.
COLUMNS = f"""
    p.id, p.author_id, p.type, p.status, p.visibility, p.content, p.warning, p.link, p.shared_id,
    p.tags, p.publish_at, p.published_at, p.edited_at, p.edits,
    {AUTHOR},
    coalesce(c.likes, 0) AS likes, coalesce(c.comments, 0) AS comments,
    coalesce(c.shares, 0) AS shares,
    EXISTS (SELECT FROM post_likes l WHERE (l.post_id, l.account_id) = (p.id, $1)) AS liked,
    EXISTS (SELECT FROM bookmarks b WHERE (b.account_id, b.post_id) = ($1, p.id)) AS bookmarked,
    EXISTS (
        SELECT FROM post_shares s WHERE (s.author_id, s.shared_id) = ($1, p.id)
    ) AS shared_by_me,
    CASE WHEN p.media <> '{{}}' THEN (
        SELECT jsonb_agg({MEDIA_JSON} ORDER BY array_position(p.media, u.id))
        FROM uploads u WHERE u.id = ANY(p.media) AND u.state = 'ready'
    )::text END AS media,
    CASE WHEN p.mentions <> '{{}}' THEN (
        SELECT jsonb_agg(jsonb_build_object('id', m.id::text, 'username', m.username) ORDER BY m.id)
        FROM accounts m WHERE m.id = ANY(p.mentions)
    )::text END AS mentions,
    CASE WHEN p.link IS NOT NULL THEN (
        SELECT ROW(v.title, v.description, v.site, v.image ->> 'key', v.image ->> 'name',
            v.image ->> 'blurhash')
        FROM link_previews v
        WHERE v.digest = sha256(convert_to(p.link, 'UTF8')) AND v.state = 'ready'
    ) END AS preview,
    CASE WHEN p.type = 'poll' THEN (
        SELECT jsonb_build_object(
            'multiple', q.multiple, 'closed', coalesce(q.closes_at <= now(), false),
            'closes_ms', (extract(epoch FROM q.closes_at) * 1000)::bigint, 'voters', q.voters,
            'options', (
                SELECT jsonb_agg(jsonb_build_array(o.text, o.votes) ORDER BY o.option)
                FROM poll_options o WHERE o.post_id = p.id
            ),
            'chosen', ARRAY(
                SELECT w.option FROM poll_votes w WHERE (w.post_id, w.account_id) = (p.id, $1)
                ORDER BY w.option
            )
        )
        FROM polls q WHERE q.post_id = p.id
    )::text END AS poll
"""

FROM = """
FROM posts p
JOIN accounts a ON a.id = p.author_id
JOIN profiles pr ON pr.account_id = p.author_id
LEFT JOIN post_counters c ON c.post_id = p.id
"""

# A join with the ids, not = ANY: so each id is looked up in the one partition that can have it.
# With 16 of them, 20 posts cost 0.31 ms rather than 1.8.
AMONG = "JOIN unnest($2::bigint[]) AS wanted (id) ON wanted.id = p.id"
# And what they share, in the same statement: most pages have a share.
AMONG_WITH_SHARED = """JOIN (
    SELECT id FROM unnest($2::bigint[]) AS given (id)
    UNION
    SELECT s.shared_id FROM unnest($2::bigint[]) AS given (id)
    JOIN posts s ON s.id = given.id AND s.shared_id IS NOT NULL
) AS wanted ON wanted.id = p.id"""
VISIBLE_POSTS = f"SELECT {COLUMNS} {FROM} {AMONG_WITH_SHARED} WHERE {visible('$1')}"
# Published, whoever may see it: who pushes it decides that for each receiver.
PUBLISHED_POSTS = f"SELECT {COLUMNS} {FROM} {AMONG} WHERE p.status = $3"


class _StoredPoll(Struct):
    multiple: bool
    closed: bool
    closes_ms: int | None
    voters: int
    options: list[tuple[str, int]]
    chosen: list[int]


async def visible_posts(
    connection: asyncpg.Connection, viewer: Id, posts: Iterable[Id]
) -> dict[Id, Post]:
    """Those of `posts` that an account may see, by id.

    A plain share of a post that the viewer may not see is left out.
    """
    wanted = set(posts)
    if not wanted:
        return {}
    rows = await connection.fetch(VISIBLE_POSTS, viewer, wanted)
    shared = _shared_among(rows)
    found = {Id(row["id"]): post_of(row, shared) for row in rows if row["id"] in wanted}
    return {id_: post for id_, post in found.items() if not _shows_nothing(post)}


async def visible_post(connection: asyncpg.Connection, viewer: Id, post: Id) -> Post | None:
    """A post, if an account may see it."""
    return (await visible_posts(connection, viewer, [post])).get(post)


async def posts_for_all(connection: asyncpg.Connection, posts: Sequence[Id]) -> dict[Id, Post]:
    """Those of `posts` that are published, as they are pushed: without anything of a viewer's own.

    Whether somebody may see one is for the caller to ask. A post that they share is in them only if
    everybody may see it.
    """
    rows = await connection.fetch(PUBLISHED_POSTS, NOBODY, list(posts), PostStatus.PUBLISHED)
    ids = {row["shared_id"] for row in rows} - {None}
    public = await connection.fetch(VISIBLE_POSTS, NOBODY, ids) if ids else []
    shared = {Id(row["id"]): post_of(row, {}) for row in public}
    return {Id(row["id"]): post_of(row, shared) for row in rows}


def _shared_among(rows: Sequence[asyncpg.Record]) -> dict[Id, Post]:
    """Those of the rows that others of them share."""
    ids = {row["shared_id"] for row in rows}
    # A quote of a quote shows its own text, and an address for the rest.
    return {Id(row["id"]): post_of(row, {}) for row in rows if row["id"] in ids}


def _shows_nothing(post: Post) -> bool:
    is_plain_share = post.shared_id is not None and not post.content and not post.media
    return is_plain_share and post.shared is None and post.status is PostStatus.PUBLISHED


def post_of(row: asyncpg.Record, shared: dict[Id, Post]) -> Post:
    """A row with COLUMNS as a post; `shared`: the posts that it may share, by id."""
    shared_id = None if row["shared_id"] is None else Id(row["shared_id"])
    return Post(
        id=Id(row["id"]),
        author=author_of(row),
        type=PostType(row["type"]),
        at=rfc3339(row["published_at"] or from_ms(minted_at_ms(row["id"]))),
        visibility=Visibility(row["visibility"]),
        status=PostStatus(row["status"]),
        content=row["content"],
        warning=row["warning"],
        link=row["link"],
        preview=_preview_of(row),
        media=[] if row["media"] is None else _media_of(row["media"]),
        poll=None if row["poll"] is None else _poll_of(row["poll"]),
        tags=row["tags"],
        mentions=[] if row["mentions"] is None else load_json(row["mentions"], list[User]),
        shared_id=shared_id,
        shared=None if shared_id is None else shared.get(shared_id),
        publish_at=None if row["publish_at"] is None else rfc3339(row["publish_at"]),
        edited_at=None if row["edited_at"] is None else rfc3339(row["edited_at"]),
        edits=row["edits"],
        likes=row["likes"],
        comments=row["comments"],
        shares=row["shares"],
        liked=row["liked"],
        bookmarked=row["bookmarked"],
        shared_by_me=row["shared_by_me"],
    )


def author_of(row: asyncpg.Record) -> Author:
    """The author of a row with author_id, username, display_name, verified and avatar (a key)."""
    return Author(
        id=Id(row["author_id"]),
        username=row["username"],
        display_name=row["display_name"],
        avatar=avatar_url(row["avatar"]),
        verified=row["verified"],
    )


def _media_of(stored: str) -> list[Media]:
    return [media_of(media) for media in load_json(stored, list[StoredMedia])]


def _preview_of(row: asyncpg.Record) -> Preview | None:
    if row["link"] is None:
        return None
    if row["preview"] is None:
        return Preview(url=row["link"])
    title, description, site, key, name, blurhash = row["preview"]
    return Preview(
        url=row["link"],
        title=title,
        description=description,
        site=site,
        image=None if key is None else url_of(key, name),
        blurhash=blurhash,
    )


def _poll_of(text: str) -> Poll:
    stored = load_json(text, _StoredPoll)
    return Poll(
        options=[PollOption(text=text, votes=votes) for text, votes in stored.options],
        multiple=stored.multiple,
        closes_at=None if stored.closes_ms is None else rfc3339(from_ms(stored.closes_ms)),
        closed=stored.closed,
        voters=stored.voters,
        chosen=stored.chosen,
    )
