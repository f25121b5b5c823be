"""Streams as their owners use them: made, changed, ended, deleted, given other keys.

How they are listed and shown: server/stream_pages.py; who may publish and watch them:
server/stream_admission.py.
"""

from collections.abc import Callable
from typing import NamedTuple

from msgspec import UNSET
from msgspec.structs import replace

from persistence import rooms, stream_reader, streams
from persistence.database import Database
from persistence.posts import is_moderator
from persistence.streams import StoredStream, no_such_stream
from protocol.errors import FORBIDDEN, NONCE_CONFLICT, PlazaError
from protocol.events import Created
from protocol.ids import Id, IdMint
from protocol.records import Role, RoomKind
from protocol.streams import Stream
from protocol.times import from_ms
from rooms import conversation
from server import sections
from server.chat import Chat
from server.stream_keys import hash_of, new_key
from server.stream_ports import Air
from server.stream_rules import (
    Changes,
    Wanted,
    clean_category,
    clean_description,
    clean_title,
)
from server.stream_stage import StreamStage

NOT_YOURS = "Only its owner can do that with a stream."


class NewStream(NamedTuple):
    """A stream, and its key, which cannot be shown again."""

    stream: Stream
    key: str


class Streams:
    """Streams, and what is done with them.

    Args:
        database: keeps them.
        chat: has their rooms.
        stage: has their state, and what carries the media.
        settings: limits.
        mint: makes ids.
        clock: Unix time in milliseconds.
    """

    def __init__(
        self,
        database: Database,
        chat: Chat,
        stage: StreamStage,
        *,
        settings: sections.Streams,
        mint: IdMint,
        clock: Callable[[], int],
    ) -> None:
        self._database = database
        self._chat = chat
        self._stage = stage
        self._settings = settings
        self._mint = mint
        self._clock = clock

    @property
    def _air(self) -> Air:
        return self._stage.air

    async def create(self, owner: Id, wanted: Wanted, *, key: str | None = None) -> NewStream:
        """Make a stream, and its chat, whose owner is the stream's.

        Args:
            key: the owner's name for this. A repeat with it makes no second stream, but gives the
                first one another stream key: that of the first answer cannot be shown again.

        Raises:
            PlazaError: bad_request; forbidden: the account has as many as it may; nonce_conflict.
        """
        now = self._clock()
        created, stored = self._new(owner, wanted, now)
        stream_key = new_key()
        async with self._database.transaction() as connection:
            many = await streams.count_of(connection, owner)
            room, is_new = await rooms.create(connection, created, at=from_ms(now), key=key)
            if is_new:
                self._check_count(many)
                await streams.create(
                    connection, stored, key_hash=hash_of(stream_key), at=from_ms(now)
                )
            found = await streams.of_room(connection, room, owner)
            if found is None:
                raise PlazaError(NONCE_CONFLICT)
            await streams.set_key(connection, found, hash_of(stream_key))
            stream = await stream_reader.visible(connection, owner, found)
            if stream is None:  # the account is deleted at this very moment
                raise no_such_stream()
        await self._chat.admit_first(created, room)
        return NewStream(stream, stream_key)

    def _new(self, owner: Id, wanted: Wanted, now: int) -> tuple[Created, StoredStream]:
        stored = StoredStream(
            id=self._mint.mint(now),
            owner_id=owner,
            room_id=self._mint.mint(now),
            title=clean_title(wanted.title),
            description=clean_description(wanted.description),
            category=clean_category(wanted.category),
            visibility=wanted.visibility,
            thumbnail_id=wanted.thumbnail,
        )
        created = Created(
            room=stored.room_id,
            event_id=self._mint.mint(now),
            seq=1,
            sender=owner,
            kind=RoomKind.CHANNEL,
            title=stored.title,
            members={owner: Role.OWNER},
        )
        return created, stored

    def _check_count(self, many: int) -> None:
        most = self._settings.per_account
        if most and many >= most:
            raise PlazaError(FORBIDDEN, f"An account has at most {most} streams. Delete one first.")

    async def change(self, account: Id, stream: Id, changes: Changes) -> Stream:
        """Change a stream. Its chat takes over another title; who may not watch any more, is out.

        Raises:
            PlazaError: bad_request, not_found; forbidden: it is somebody else's.
        """
        async with self._database.transaction() as connection:
            before = await streams.lock(connection, account, stream)
            _own(before, account)
            after = _changed(before, changes)
            thumbnail = before.thumbnail_id != after.thumbnail_id
            await streams.update(connection, after, other_thumbnail=thumbnail)
            shown = await stream_reader.visible(connection, account, stream)
        if shown is None:
            raise no_such_stream()
        if changes.title is not UNSET:
            await self._rename(after)
        if after.visibility != before.visibility:
            await self._air.recheck(stream)
        return self.with_numbers(shown)

    async def _rename(self, stream: StoredStream) -> None:
        try:
            await self._chat.write(
                conversation.rename(stream.owner_id, stream.room_id, stream.title)
            )
        except PlazaError as refusal:
            if refusal.spec.retry:
                raise  # the same request again brings the title to the chat, too
            # Its owner has left the chat, or handed it to somebody else.

    async def rotate_key(self, account: Id, stream: Id) -> str:
        """Give a stream another key, and end what is published with the one before.

        Raises:
            PlazaError: not_found; forbidden: it is somebody else's.
        """
        stream_key = new_key()
        async with self._database.transaction() as connection:
            _own(await streams.lock(connection, account, stream), account)
            await streams.set_key(connection, stream, hash_of(stream_key))
        await self._stage.end(stream, "key")
        self._air.end_stream(stream, "key")  # also who has yet to send
        return stream_key

    async def end(self, account: Id, stream: Id) -> Stream:
        """End a stream that is on. Its owner may begin it again at any time.

        Raises:
            PlazaError: not_found; forbidden: only owners and moderators.
        """
        await self._mine_to_end(account, stream)
        await self._stage.end(stream, "ended")
        self._air.end_stream(stream, "ended")
        async with self._database.connection() as connection:
            shown = await stream_reader.visible(connection, account, stream)
        if shown is None:
            raise no_such_stream()
        return shown

    async def delete(self, account: Id, stream: Id) -> None:
        """End a stream and delete it. Its chat becomes a group of those who are in it.

        Raises:
            PlazaError: not_found; forbidden: only owners and moderators.
        """
        await self._mine_to_end(account, stream)
        await self._stage.end(stream, "deleted")
        async with self._database.transaction() as connection:
            stored = await streams.lock(connection, account, stream)
            await streams.delete(connection, stream, stored.room_id)
        # Whoever has begun to publish meanwhile.
        self._air.end_stream(stream, "deleted")

    async def _mine_to_end(self, account: Id, stream: Id) -> None:
        async with self._database.transaction() as connection:
            stored = await streams.lock(connection, account, stream)
            if stored.owner_id != account and not await is_moderator(connection, account):
                raise PlazaError(FORBIDDEN, NOT_YOURS)

    def with_numbers(self, stream: Stream) -> Stream:
        """A stream with the numbers of this moment, if this process has it on air."""
        numbers = self._stage.numbers(stream.id)
        if numbers is None:
            return stream
        return replace(
            stream,
            viewers=numbers.viewers,
            peak_viewers=max(stream.peak_viewers, numbers.peak),
            total_viewers=max(stream.total_viewers, numbers.total),
        )


def _changed(stream: StoredStream, changes: Changes) -> StoredStream:
    fields: dict[str, object] = {}
    if changes.title is not UNSET:
        fields["title"] = clean_title(changes.title)
    if changes.description is not UNSET:
        fields["description"] = clean_description(changes.description)
    if changes.category is not UNSET:
        fields["category"] = clean_category(changes.category)
    if changes.visibility is not UNSET:
        fields["visibility"] = changes.visibility
    if changes.thumbnail is not UNSET:
        fields["thumbnail_id"] = changes.thumbnail
    return replace(stream, **fields)


def _own(stream: StoredStream, account: Id) -> None:
    if stream.owner_id != account:
        raise PlazaError(FORBIDDEN, NOT_YOURS)
