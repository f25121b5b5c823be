"""Posts change: their text, who may see them, and where they are in their lives."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import asyncpg
from msgspec import UNSET, UnsetType
from msgspec.structs import asdict, replace

from feed_push.composition import Changes, Wanted, check_poll_time, check_publication, compose
from feed_push.ports import Watchers
from feed_push.post_status import OUT, UNPUBLISHED, check_step
from persistence import post_edits, post_publication, post_shares, posts
from persistence.database import Database
from persistence.post_edits import text_of
from persistence.post_media import change_media
from persistence.post_reader import visible_post
from persistence.posts import StoredPost
from persistence.seen_post import no_such_post
from protocol.errors import BAD_REQUEST, FORBIDDEN, PlazaError
from protocol.ids import Id, IdMint
from protocol.posts import Post, PostStatus, PostType, Visibility
from protocol.times import from_ms

T = TypeVar("T")

_NARROW_TO_WIDE = [
    Visibility.PRIVATE,
    Visibility.FRIENDS,
    Visibility.FOLLOWERS,
    Visibility.PUBLIC,
]


class PostChanges:
    """Changes posts.

    Args:
        watchers: are told.
        mint: makes ids.
        clock: Unix time in milliseconds.
    """

    def __init__(
        self, database: Database, watchers: Watchers, *, mint: IdMint, clock: Callable[[], int]
    ) -> None:
        self._database = database
        self._watchers = watchers
        self._mint = mint
        self._clock = clock

    async def change(self, account: Id, post: Id, changes: Changes) -> Post:
        """Change a post: authors what they want of theirs, moderators the state of what is out.

        Raises:
            PlazaError: not_found, forbidden, bad_request.
        """
        now = from_ms(self._clock())
        async with self._database.transaction() as connection:
            before = await posts.lock(connection, account, post)
            moderator = await posts.is_moderator(connection, account)
            _check_right(account, before, changes, moderator=moderator)
            after = await _rewritten(connection, before, changes, now)
            if after != before:
                after = await self._write(connection, before, after, now)
            shown = await visible_post(connection, account, post)
        self._tell(before, after)
        if shown is None:  # a share of what a moderator may not see
            raise no_such_post()
        return shown

    async def _write(
        self, connection: asyncpg.Connection, before: StoredPost, after: StoredPost, now: datetime
    ) -> StoredPost:
        if before.status in OUT and text_of(after) != text_of(before):
            await post_edits.keep(connection, before)
            after = replace(after, edits=before.edits + 1, edited_at=now)
        if after.media != before.media:
            await change_media(connection, after)
        if before.status in UNPUBLISHED and after.status is PostStatus.PUBLISHED:
            await _check_ready(connection, after, now)
            position = self._mint.mint(self._clock())
            return await post_publication.publish(connection, after, position=position, at=now)
        await posts.update(connection, after)
        if before.status in OUT:
            await _keep_up(connection, before, after)
        elif after.publish_at not in (None, before.publish_at):
            await _check_ready(connection, after, after.publish_at)
            await post_publication.schedule(connection, after.id, after.publish_at - now)
        return after

    def _tell(self, before: StoredPost, after: StoredPost) -> None:
        was_out = before.status is PostStatus.PUBLISHED
        is_out = after.status is PostStatus.PUBLISHED
        if was_out and (not is_out or _width(after) < _width(before)):
            self._watchers.gone(after.id, after.author_id, before.tags, before.visibility)
        was_private = before.visibility is Visibility.PRIVATE
        if is_out and (not was_out or (was_private and _width(after) > 0)):
            self._watchers.published(after.id)
        elif is_out and after != before:
            left = [tag for tag in before.tags if tag not in after.tags]
            self._watchers.updated(after.id, left=left)
        if is_out is not was_out and after.shared_id is not None:
            self._watchers.counted(after.shared_id)


def _check_right(account: Id, before: StoredPost, changes: Changes, *, moderator: bool) -> None:
    given = {name for name, value in asdict(changes).items() if value is not UNSET}
    if before.author_id != account:
        if not moderator:
            raise PlazaError(FORBIDDEN, "This is somebody else's post. Change your own.")
        if given - {"status"}:
            raise PlazaError(FORBIDDEN, "Of other people's posts moderators change the status.")
    if before.is_share and given - {"status"}:
        raise PlazaError(BAD_REQUEST, "A share has nothing of its own to change. Quote the post.")
    if changes.status is not UNSET:
        check_step(before.status, changes.status, moderator=moderator)


async def _rewritten(
    connection: asyncpg.Connection, before: StoredPost, changes: Changes, now: datetime
) -> StoredPost:
    """The post as it would be. Raises PlazaError bad_request for what cannot be."""
    status = _given(changes.status, before.status)
    publish_at = _given(
        changes.publish_at, before.publish_at if status is PostStatus.SCHEDULED else None
    )
    after = replace(
        before,
        status=status,
        visibility=_given(changes.visibility, before.visibility),
        publish_at=publish_at,
    )
    if (status, publish_at) != (before.status, before.publish_at):
        check_publication(status, publish_at, now=now)
    if before.is_share:
        return after
    composed = compose(
        Wanted(
            type=before.type,
            content=_given(changes.content, before.content),
            warning=_given(changes.warning, before.warning),
            link=_given(changes.link, before.link),
            media=_given(changes.media, before.media),
            shared=before.shared_id,
            status=status,
        )
    )
    mentions = before.mentions
    if composed.content != before.content:
        mentions = await posts.accounts_named(connection, composed.names)
    return replace(
        after,
        content=composed.content,
        warning=composed.warning,
        link=composed.link,
        media=composed.media,
        tags=composed.tags,
        mentions=mentions,
    )


async def _check_ready(connection: asyncpg.Connection, post: StoredPost, opens: datetime) -> None:
    """Check what may have become untrue since a draft was written. Raises PlazaError."""
    if post.shared_id is not None:
        await post_shares.shareable(connection, post.author_id, post.shared_id)
    if post.type is PostType.POLL:
        closes_at = await posts.poll_end(connection, post.id)
        if closes_at is not None:
            check_poll_time(closes_at - opens)


async def _keep_up(connection: asyncpg.Connection, before: StoredPost, after: StoredPost) -> None:
    """Count and list a post that is out, or held back, as it is now."""
    is_out = after.status is PostStatus.PUBLISHED
    by = is_out - (before.status is PostStatus.PUBLISHED)
    if by:
        await post_publication.count(connection, after, by)
    await post_publication.relist(connection, before, after)
    # Timelines have candidates: who has it already, and may see it again, is not brought it twice.
    if is_out and (by or _width(after) > _width(before)):
        await post_publication.fan_out(connection, after)
    if after.link is not None and after.link != before.link:
        await post_publication.look_at_link(connection, after.link)


def _width(post: StoredPost) -> int:
    return _NARROW_TO_WIDE.index(post.visibility)


def _given(value: T | UnsetType, otherwise: T) -> T:
    return otherwise if value is UNSET else value
