"""What accounts show of themselves, as others see it, and as they change it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import asyncpg
from msgspec.structs import asdict

from persistence.media_rows import MEDIA_JSON, StoredMedia, media_of
from persistence.people import (
    AUTHOR_COLUMNS,
    MAY_BE_MET,
    RELATIONSHIP_COLUMNS,
    RELATIONSHIP_JOINS,
    person_of,
)
from persistence.visibility import reached
from protocol.codec import load_json
from protocol.ids import Id
from protocol.names import fold_username
from protocol.posts import Media, Profile, Relationship, Visibility
from protocol.times import rfc3339

_REACHED = reached("{what}", viewer="$1", author="a.id", is_open="pr.visibility = 'public'")
# Moderators see what is not private, as with posts.
_SHOWN = f"(a.id = $1 OR {_REACHED} OR {{what}} <> 'private' AND v.moderator)"
_MEDIA = f"""CASE WHEN {{media}} IS NOT NULL THEN (
    SELECT {MEDIA_JSON} FROM uploads u WHERE u.id = {{media}} AND u.state = 'ready'
)::text END"""

PROFILE = f"""
SELECT {AUTHOR_COLUMNS}, {RELATIONSHIP_COLUMNS},
    a.created_at, pr.pronouns, pr.bio, pr.bio_html, pr.location, pr.website, pr.visibility,
    pr.posts, pr.followers, pr.following,
    CASE WHEN {_SHOWN.format(what="pr.birthday_visibility")} THEN pr.birthday END AS birthday,
    CASE WHEN {_SHOWN.format(what="pr.interests_visibility")} THEN pr.interests END AS interests,
    {_MEDIA.format(media="pr.avatar_id")} AS avatar_media,
    {_MEDIA.format(media="pr.banner_id")} AS banner
FROM accounts a
JOIN profiles pr ON pr.account_id = a.id
LEFT JOIN accounts v ON v.id = $1
{RELATIONSHIP_JOINS}
WHERE a.id = $2 AND {MAY_BE_MET}
"""


async def profile(connection: asyncpg.Connection, viewer: Id, account: Id) -> Profile | None:
    """A profile as an account sees it.

    Of an account that it has blocked it sees no more than the names.

    Returns:
        None also for an account that the viewer may not meet.
    """
    row = await connection.fetchrow(PROFILE, viewer, account)
    if row is None:
        return None
    person = person_of(row, viewer)
    created_at = rfc3339(row["created_at"])
    if person.relationship is not None and person.relationship.blocked:
        return Profile(
            id=person.id,
            username=person.username,
            display_name=person.display_name,
            created_at=created_at,
            relationship=Relationship(
                account=account, blocked=True, muted=person.relationship.muted
            ),
        )
    return Profile(
        **asdict(person),
        created_at=created_at,
        pronouns=row["pronouns"],
        bio=row["bio"],
        bio_html=row["bio_html"],
        location=row["location"],
        website=row["website"],
        birthday=None if row["birthday"] is None else row["birthday"].isoformat(),
        interests=row["interests"] or [],
        avatar_media=_media(row["avatar_media"]),
        banner=_media(row["banner"]),
        visibility=Visibility(row["visibility"]),
        posts=row["posts"],
        followers=row["followers"],
        following=row["following"],
    )


def _media(stored: str | None) -> Media | None:
    return None if stored is None else media_of(load_json(stored, StoredMedia))


IS_MODERATOR = "SELECT moderator FROM accounts WHERE id = $1"


async def is_moderator(connection: asyncpg.Connection, account: Id) -> bool:
    """Whether an account may look after others."""
    return bool(await connection.fetchval(IS_MODERATOR, account))


# --- changes ---------------------------------------------------------------------------------

CHANGEABLE = frozenset({
    "display_name", "pronouns", "bio", "bio_html", "location", "website", "birthday", "interests",
    "birthday_visibility", "interests_visibility", "avatar_id", "banner_id", "verified",
    "visibility",
})  # fmt: skip
"""Columns of profiles."""


async def change(connection: asyncpg.Connection, account: Id, columns: Mapping[str, Any]) -> bool:
    """Write columns of a profile.

    Args:
        columns: those of CHANGEABLE that change, and their values: clean, and allowed.

    Returns:
        Whether there is such an account.
    """
    assert columns.keys() <= CHANGEABLE
    places = ", ".join(f"{name} = ${place}" for place, name in enumerate(columns, 2))
    changed = await connection.fetchval(
        f"UPDATE profiles SET {places} WHERE account_id = $1 RETURNING true",
        account,
        *columns.values(),
    )
    return bool(changed)


# Touched, so that the sweep of what nothing shows does not take it away meanwhile.
TAKE_IMAGE = """
UPDATE uploads SET touched_at = now()
WHERE id = $1 AND account_id = $2 AND kind = 'image' AND state = 'ready' RETURNING true
"""
NO_USE = "DELETE FROM upload_uses WHERE used_by = $1 AND purpose = $2"
USE = "INSERT INTO upload_uses (upload_id, purpose, used_by) VALUES ($1, $2, $3)"


async def show_image(
    connection: asyncpg.Connection, account: Id, image: Id | None, *, purpose: str
) -> bool:
    """Note which upload a profile shows; the column of it is for `change`. In a transaction.

    Args:
        image: None: none any more.
        purpose: 'avatar' or 'banner'.

    Returns:
        Whether the upload is an image of the account that is ready.
    """
    if image is not None and not await connection.fetchval(TAKE_IMAGE, image, account):
        return False
    await connection.execute(NO_USE, account, purpose)
    if image is not None:
        await connection.execute(USE, image, purpose, account)
    return True


# --- what operators say of an account --------------------------------------------------------


class Marks(NamedTuple):
    """What an account is trusted with."""

    account: Id
    username: str
    verified: bool
    moderator: bool


MARK = """
WITH account AS (
    UPDATE accounts SET moderator = coalesce($3, moderator) WHERE username = $1
    RETURNING id, username, moderator
)
UPDATE profiles SET verified = coalesce($2, verified) FROM account WHERE account_id = account.id
RETURNING account.id, account.username, verified, account.moderator
"""


async def mark(
    connection: asyncpg.Connection,
    username: str,
    *,
    verified: bool | None = None,
    moderator: bool | None = None,
) -> Marks | None:
    """Say what an account is trusted with; what is None stays.

    Args:
        username: in any case.

    Returns:
        What it is trusted with now; None: there is no such account.
    """
    try:
        folded = fold_username(username)
    except ValueError:
        return None
    row = await connection.fetchrow(MARK, folded, verified, moderator)
    return None if row is None else Marks(Id(row["id"]), *row[1:])
