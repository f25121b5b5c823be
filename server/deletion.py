"""Accounts are deleted: at once for everybody, then piece by piece by a job.

The job can end anywhere and begin anew: what is done is not found again. Rooms come before their
logs, so that no entry comes after the log was looked through.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

import asyncpg
import structlog

from feed_push.ports import Watchers
from persistence import account_deletion, account_events, account_rooms, comments, post_deletion
from persistence import posts as post_rows
from persistence.account_events import LogPlace
from persistence.database import Database
from protocol.drafts import Draft, Written
from protocol.errors import MESSAGE_DELETED, NOT_FOUND, PlazaError
from protocol.ids import Id
from protocol.records import Role
from protocol.times import from_ms
from rooms import conversation

logger = structlog.get_logger(__name__)

# Of one transaction: others wait for its locks.
BATCH = 100
FOLLOWERS = 200  # with up to some hundred entries of a timeline each
EVENTS = 500
EVENTS_LOOKED_AT = 20_000  # 40 ms


class Writer(Protocol):
    """The rooms' log."""

    async def write(self, draft: Draft) -> Written | None:
        """Write a draft. Raises PlazaError when it is refused."""


class Deletion:
    """Does the jobs `persistence.account_deletion.DELETE`.

    Args:
        chat: writes that the account leaves its rooms.
        watchers: are told of posts that go, and of counters.
        rewritten: is told of rooms whose logs have changed.
        clock: Unix time in milliseconds.
    """

    def __init__(
        self,
        database: Database,
        chat: Writer,
        watchers: Watchers,
        *,
        rewritten: Callable[[Id], None],
        clock: Callable[[], int],
    ) -> None:
        self._database = database
        self._chat = chat
        self._watchers = watchers
        self._rewritten = rewritten
        self._clock = clock

    async def run(self, payload: bytes) -> None:
        """Take away what a deleted account has left, and the account."""
        account = Id(int(payload))
        async with self._database.connection() as connection:
            if not await account_deletion.is_going(connection, account):
                return
        await self._posts(account)
        await self._comments(account)
        await self._likes(account)
        await self._graph(account)
        await self._repeat(account_deletion.forget_streams, account, limit=BATCH)
        await self._rooms(account)
        await self._events(account)
        await self._repeat(account_deletion.forget_uploads, account, limit=BATCH)
        async with self._database.transaction() as connection:
            await account_deletion.finish(connection, account)
        logger.info("an account is deleted", account=str(account))

    # --- steps -----------------------------------------------------------------------------------

    async def _posts(self, account: Id) -> None:
        while True:
            async with self._database.connection() as connection:
                found = await account_deletion.posts_of(connection, account, limit=BATCH)
            if not found:
                break
            for post in found:
                await self._post(account, post)
        await self._repeat(account_deletion.forget_posts, account, limit=BATCH)

    async def _post(self, account: Id, post: Id) -> None:
        try:
            async with self._database.transaction() as connection:
                stored = await post_rows.lock(connection, account, post)
                gone = await post_deletion.delete(connection, stored)
        except PlazaError as refusal:
            if refusal.spec is NOT_FOUND:  # a moderator was faster
                return
            raise
        for each in gone:
            self._watchers.gone(each.post, each.author, each.tags, each.was)
        if stored.shared_id is not None:
            self._watchers.counted(stored.shared_id)

    async def _comments(self, account: Id) -> None:
        while True:
            async with self._database.connection() as connection:
                found = await account_deletion.comments_of(connection, account, limit=BATCH)
            if not found:
                break
            for comment in found:
                await self._comment(comment)
        async with self._database.transaction() as connection:
            await account_deletion.disown(connection, account)

    async def _comment(self, comment: account_deletion.Comment) -> None:
        try:
            async with self._database.transaction() as connection:
                at = from_ms(self._clock())
                await comments.remove(connection, comment.post, comment.id, at=at)
        except PlazaError as refusal:
            if refusal.spec is MESSAGE_DELETED:  # somebody was faster
                return
            raise
        self._watchers.counted(comment.post)

    async def _likes(self, account: Id) -> None:
        for step in (account_deletion.unlike_posts, account_deletion.unvote):
            changed = True
            while changed:
                async with self._database.transaction() as connection:
                    posts = await step(connection, account, limit=BATCH)
                for post in posts:
                    self._watchers.counted(post)
                changed = bool(posts)
        await self._repeat(account_deletion.unlike_comments, account, limit=BATCH)

    async def _graph(self, account: Id) -> None:
        await self._repeat(account_deletion.unfollow, account, limit=FOLLOWERS)

    async def _rooms(self, account: Id) -> None:
        async with self._database.connection() as connection:
            memberships = await account_rooms.memberships(connection, account)
        for room, _, heir in memberships:
            if heir is not None:
                await self._chat.write(conversation.promote(account, room, heir, Role.OWNER))
            await self._chat.write(conversation.depart(account, room))
            await self._settle(room, account)
        async with self._database.connection() as connection:
            left = await account_rooms.left_rooms(connection, account)
        for room in left:
            await self._settle(room, account)

    async def _settle(self, room: Id, account: Id) -> None:
        async with self._database.transaction() as connection:
            await account_rooms.settle(connection, room, account)
        self._rewritten(room)

    async def _events(self, account: Id) -> None:
        changed: set[Id] | None = None
        while changed is None or changed:
            async with self._database.transaction() as connection:
                changed = await account_events.disown(
                    connection, account, at=from_ms(self._clock()), limit=EVENTS
                )
            self._tell(changed)
        place: LogPlace | None = LogPlace()
        while place is not None:
            async with self._database.transaction() as connection:
                changed, place = await account_events.unname(
                    connection, account, place, limit=EVENTS_LOOKED_AT
                )
            self._tell(changed)

    def _tell(self, rooms: set[Id]) -> None:
        for room in rooms:
            self._rewritten(room)

    async def _repeat(self, step: "_Step", account: Id, *, limit: int) -> None:
        done = 1
        while done:
            async with self._database.transaction() as connection:
                done = await step(connection, account, limit=limit)


class _Step(Protocol):
    def __call__(
        self, connection: asyncpg.Connection, account: Id, *, limit: int
    ) -> Awaitable[int]: ...
