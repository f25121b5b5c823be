"""People, who follows whom, and posts, written straight into a test's database."""

import itertools
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from protocol.ids import Id, IdMint
from protocol.posts import PostStatus, PostType, Visibility

_mint = IdMint(1000)
_names = itertools.count(1)


def new_id() -> Id:
    """An id of now."""
    return _mint.mint(time.time_ns() // 1_000_000)


async def person(
    connection: asyncpg.Connection,
    name: str = "",
    *,
    moderator: bool = False,
    **profile: Any,
) -> Id:
    """Make an account.

    Args:
        name: a username; one that nobody has by default.
        profile: columns of its profile.
    """
    account = new_id()
    username = name or f"person_{next(_names)}"
    await connection.execute(
        "INSERT INTO accounts (id, username, email, password_hash, moderator) "
        "VALUES ($1, $2, $3, 'none', $4)",
        account,
        username,
        f"{username}@example.org",
        moderator,
    )
    columns = ["account_id", *profile]
    places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    await connection.execute(
        f"INSERT INTO profiles ({', '.join(columns)}) VALUES ({places})",
        account,
        *profile.values(),
    )
    return account


async def follow(
    connection: asyncpg.Connection,
    follower: Id,
    *followees: Id,
    accepted: bool = True,
    backfilled: bool = True,
) -> None:
    """Let an account follow others, counters included."""
    for followee in followees:
        await connection.execute(
            "INSERT INTO follows (follower_id, followee_id, id, accepted, backfilled) "
            "VALUES ($1, $2, $3, $4, $5)",
            follower,
            followee,
            new_id(),
            accepted,
            backfilled,
        )
        if accepted:
            await connection.execute(
                "UPDATE profiles SET followers = followers + (account_id = $2)::int, "
                "following = following + (account_id = $1)::int WHERE account_id IN ($1, $2)",
                follower,
                followee,
            )


async def befriend(connection: asyncpg.Connection, one: Id, other: Id) -> None:
    """Let two accounts follow each other."""
    await follow(connection, one, other)
    await follow(connection, other, one)


async def block(connection: asyncpg.Connection, account: Id, other: Id) -> None:
    """Let an account block another one."""
    await connection.execute(
        "INSERT INTO account_blocks (account_id, other_id) VALUES ($1, $2)", account, other
    )


async def mute(connection: asyncpg.Connection, account: Id, other: Id) -> None:
    """Let an account mute another one."""
    await connection.execute(
        "INSERT INTO account_mutes (account_id, other_id) VALUES ($1, $2)", account, other
    )


async def post(
    connection: asyncpg.Connection,
    author: Id,
    content: str = "Good morning.",
    *,
    id: Id | None = None,
    type: PostType = PostType.TEXT,
    visibility: Visibility = Visibility.PUBLIC,
    status: PostStatus = PostStatus.PUBLISHED,
    tags: Sequence[str] = (),
    **columns: Any,
) -> Id:
    """Make a post with its counters and hashtags.

    Args:
        columns: others of the table posts.
    """
    post_id = id or new_id()
    is_out = status not in (PostStatus.DRAFT, PostStatus.SCHEDULED)
    row = {
        "id": post_id,
        "author_id": author,
        "position": post_id if is_out else None,
        "published_at": datetime.now(UTC) if is_out else None,
        "type": type.value,
        "status": status.value,
        "visibility": visibility.value,
        "content": content,
        "tags": list(tags),
        **columns,
    }
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    await connection.execute(
        f"INSERT INTO posts ({', '.join(row)}) VALUES ({places})", *row.values()
    )
    await connection.execute("INSERT INTO post_counters (post_id) VALUES ($1)", post_id)
    if status is PostStatus.PUBLISHED:
        await connection.execute(
            "UPDATE profiles SET posts = posts + 1 WHERE account_id = $1", author
        )
        for tag in tags:
            await connection.execute(
                "INSERT INTO post_tags (tag, position, post_id, author_id) VALUES ($1, $2, $2, $3)",
                tag,
                post_id,
                author,
            )
    return post_id


async def poll(
    connection: asyncpg.Connection,
    author: Id,
    *,
    options: int = 2,
    multiple: bool = False,
    closes_at: datetime | None = None,
    **columns: Any,
) -> Id:
    """Make a post with a poll.

    Args:
        options: how many answers it has.
        columns: as of `post`.
    """
    post_id = await post(connection, author, "Which one?", type=PostType.POLL, **columns)
    await connection.execute(
        "INSERT INTO polls (post_id, multiple, closes_at) VALUES ($1, $2, $3)",
        *(post_id, multiple, closes_at),
    )
    for option in range(options):
        await connection.execute(
            "INSERT INTO poll_options (post_id, option, text) VALUES ($1, $2, $3)",
            *(post_id, option, f"Number {option}"),
        )
    return post_id


async def upload(
    connection: asyncpg.Connection, account: Id, *, kind: str = "image", **columns: Any
) -> Id:
    """Make an upload that is ready. Its objects are nowhere.

    Args:
        columns: others of the table uploads.
    """
    upload_id = new_id()
    row = {
        "id": upload_id,
        "account_id": account,
        "key": f"key-{upload_id}",
        "name": "engine.webp",
        "state": "ready",
        "received": 9,
        "kind": kind,
        "media_type": "image/webp",
        "width": 640,
        "height": 480,
        "variants": json.dumps([{"name": "original", "type": "image/webp", "bytes": 9}]),
        **columns,
    }
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    await connection.execute(
        f"INSERT INTO uploads ({', '.join(row)}) VALUES ({places})", *row.values()
    )
    return upload_id
