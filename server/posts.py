"""Posting: posts are written, shared and deleted.

What is changed is written in one transaction, with all that counts and lists it; then those who
watch are told. Posts change in server/post_changes.py, and come out on time in
server/post_schedule.py.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import asyncpg

from feed_push.composition import (
    Composition,
    Wanted,
    WantedPoll,
    check_publication,
    compose,
    compose_poll,
)
from feed_push.ports import Watchers
from feed_push.post_status import BIRTHS
from persistence import post_deletion, post_publication, post_shares, posts
from persistence.database import Database
from persistence.post_media import show_media
from persistence.post_reader import visible_post
from persistence.posts import StoredPost
from persistence.seen_post import no_such_post
from protocol.codec import dump_json
from protocol.errors import BAD_REQUEST, FORBIDDEN, NOT_FOUND, PlazaError
from protocol.ids import Id, IdMint
from protocol.posts import Post, PostStatus, PostType, Visibility
from protocol.times import from_ms


class _Checked(NamedTuple):
    """What is to be written. `now`: the moment of all of it."""

    author: Id
    wanted: Wanted
    composed: Composition
    poll: WantedPoll | None
    now: datetime


class Posts:
    """Writes posts.

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

    async def create(self, author: Id, wanted: Wanted, *, key: str | None = None) -> Post:
        """Write a post, and publish it unless it is a draft or scheduled.

        Args:
            key: the author's name for this; a repeat with it writes nothing.

        Returns:
            The post; at a repeat the first one, as it is by now.

        Raises:
            PlazaError: bad_request; not_found, forbidden: of what it shares; nonce_conflict.
        """
        checked = self._check(author, wanted)
        async with self._database.transaction() as connection:
            new = first = self._mint.mint(self._clock())
            if key is not None:
                digest = hashlib.sha256(dump_json(wanted).encode()).digest()
                first = await posts.claim_key(connection, author, key, new, digest)
            if first == new:
                await _write(connection, new, checked)
            post = await visible_post(connection, author, first)
        if post is None:
            raise PlazaError(NOT_FOUND, "The post of this key is deleted. Use another key.")
        if first == new and post.status is PostStatus.PUBLISHED:
            self._tell_published(post)
        return post

    async def share(self, sharer: Id, post: Id) -> Post:
        """Share a post without a text, once: a repeat gets the first share.

        Raises:
            PlazaError: not_found; forbidden: it is not for everybody.
        """
        async with self._database.transaction() as connection:
            original = await post_shares.shareable(connection, sharer, post)
            known = await post_shares.lock_share_of(connection, sharer, original)
            share_id = known or self._mint.mint(self._clock())
            if known is None:
                new = _plain_share(sharer, share_id, original, from_ms(self._clock()))
                await posts.insert(connection, new)
                await post_shares.add(connection, sharer, original, share_id)
                await post_publication.bring_out(connection, new)
            share = await visible_post(connection, sharer, share_id)
        if share is None:  # its author has blocked the sharer at this very moment
            raise no_such_post()
        if known is None:
            self._tell_published(share)
        return share

    async def unshare(self, sharer: Id, post: Id) -> None:
        """Share a post without a text no longer."""
        async with self._database.connection() as connection:
            original = await post_shares.original_of(connection, post)
            share = await post_shares.share_of(connection, sharer, original)
        if share is None:
            return
        try:
            await self.delete(sharer, share)
        except PlazaError as refusal:
            if refusal.spec is not NOT_FOUND:  # which is as it should be: somebody was faster
                raise

    async def delete(self, account: Id, post: Id) -> None:
        """Delete a post, one's own or, as a moderator, anybody's.

        Raises:
            PlazaError: not_found, forbidden.
        """
        async with self._database.transaction() as connection:
            stored = await posts.lock(connection, account, post)
            if stored.author_id != account and not await posts.is_moderator(connection, account):
                raise PlazaError(FORBIDDEN, "This is somebody else's post. Ask a moderator.")
            gone = await post_deletion.delete(connection, stored)
        for each in gone:
            self._watchers.gone(each.post, each.author, each.tags, each.was)
        if stored.shared_id is not None and stored.status is PostStatus.PUBLISHED:
            self._watchers.counted(stored.shared_id)

    def _check(self, author: Id, wanted: Wanted) -> _Checked:
        now = from_ms(self._clock())
        if wanted.status not in BIRTHS:
            raise PlazaError(BAD_REQUEST, "A new post is published, scheduled or a draft.")
        check_publication(wanted.status, wanted.publish_at, now=now)
        return _Checked(author, wanted, compose(wanted), compose_poll(wanted, now=now), now)

    def _tell_published(self, post: Post) -> None:
        self._watchers.published(post.id)
        if post.shared_id is not None:
            self._watchers.counted(post.shared_id)


async def _write(connection: asyncpg.Connection, post: Id, checked: _Checked) -> None:
    author, wanted, composed, poll, now = checked
    shared = None
    if wanted.shared is not None:
        shared = await post_shares.shareable(connection, author, wanted.shared)
    is_out = wanted.status is PostStatus.PUBLISHED
    new = StoredPost(
        id=post,
        author_id=author,
        position=post if is_out else None,
        type=wanted.type,
        status=wanted.status,
        visibility=wanted.visibility,
        content=composed.content,
        warning=composed.warning,
        link=composed.link,
        shared_id=shared,
        media=composed.media,
        tags=composed.tags,
        mentions=await posts.accounts_named(connection, composed.names),
        publish_at=wanted.publish_at,
        published_at=now if is_out else None,
    )
    await posts.insert(connection, new)
    await show_media(connection, new)
    if poll is not None:
        await posts.add_poll(
            connection,
            post,
            poll.options,
            multiple=poll.multiple,
            closes_at=poll.closes_at,
            seconds=poll.seconds,
        )
    if is_out:
        await post_publication.bring_out(connection, new)
    elif new.publish_at is not None:
        await post_publication.schedule(connection, post, new.publish_at - now)


def _plain_share(sharer: Id, share: Id, original: Id, now: datetime) -> StoredPost:
    return StoredPost(
        id=share,
        author_id=sharer,
        position=share,
        type=PostType.TEXT,
        status=PostStatus.PUBLISHED,
        visibility=Visibility.PUBLIC,
        shared_id=original,
        published_at=now,
        is_share=True,
    )
