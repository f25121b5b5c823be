"""Streams in the database: what goes with an account, what stays, and what a lease is worth."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from persistence import account_deletion, account_rooms, stream_air, stream_reader, streams
from persistence.account_export import rows_of
from persistence.database import Database
from persistence.stream_air import Numbers
from persistence.streams import StoredStream
from protocol.ids import Id
from protocol.posts import Visibility
from protocol.times import from_ms
from tests import social

START = from_ms(1_800_000_000_000)


async def stream_of(db: asyncpg.Connection, owner: Id, thumbnail: Id | None = None) -> StoredStream:
    """Make a stream, whose chat has nobody in it."""
    stream = StoredStream(
        id=social.new_id(),
        owner_id=owner,
        room_id=social.new_id(),
        title="Weaving",
        visibility=Visibility.PUBLIC,
        thumbnail_id=thumbnail,
    )
    await db.execute(
        "INSERT INTO rooms (id, kind, title, creator_id) VALUES ($1, 'channel', 'Weaving', $2)",
        *(stream.room_id, owner),
    )
    await streams.create(db, stream, key_hash=b"", at=START)
    return stream


async def enter(db: asyncpg.Connection, stream: StoredStream, account: Id, role: str) -> None:
    await db.execute(
        "INSERT INTO room_members (room_id, account_id, role) VALUES ($1, $2, $3)",
        *(stream.room_id, account, role),
    )


async def test_streams_go_with_their_account_and_chats_stay_with_who_is_in_them(
    database: Database,
) -> None:
    async with database.transaction() as db:
        ada, bob = await social.person(db), await social.person(db)
        picture = await social.upload(db, ada)
        mine = [await stream_of(db, ada, picture) for _ in range(3)]
        other = await stream_of(db, bob)
        await stream_air.go_live(db, mine[0].id, node=1, at=START)
        async for rows in rows_of(db, ada, "streams"):
            assert len(rows) == 3
            assert "key_hash" not in rows[0]
        assert await account_deletion.forget_streams(db, ada, limit=2) == 2
        assert await account_deletion.forget_streams(db, ada, limit=2) == 1
        assert await account_deletion.forget_streams(db, ada, limit=2) == 0
        assert await stream_reader.for_all(db, mine[0].id) is None
        assert await stream_reader.for_all(db, other.id) is not None
        kinds = await db.fetch("SELECT id, kind FROM rooms")
        assert {row["id"]: row["kind"] for row in kinds} == {
            **{stream.room_id: "group" for stream in mine},
            other.room_id: "channel",
        }
        assert not await db.fetch("SELECT FROM upload_uses")
        # The process that had it on air finds out.
        assert await stream_air.save(db, 1, [(mine[0].id, Numbers(1, 1, 1))]) == set()


async def test_the_chat_of_a_stream_is_not_deleted_with_its_last_member(
    database: Database,
) -> None:
    async with database.transaction() as db:
        ada, bob = await social.person(db), await social.person(db)
        stream = await stream_of(db, ada)
        await account_rooms.settle(db, stream.room_id, bob)
        assert await stream_reader.for_all(db, stream.id) is not None
        await streams.delete(db, stream.id, stream.room_id)
        await account_rooms.settle(db, stream.room_id, bob)
        assert not await db.fetch("SELECT FROM rooms")


async def test_of_an_account_that_is_going_nothing_is_shown_and_nothing_published(
    database: Database,
) -> None:
    async with database.transaction() as db:
        ada, bob = await social.person(db), await social.person(db)
        stream = await stream_of(db, ada)
        await stream_air.go_live(db, stream.id, node=1, at=START)
        wish, top = stream_reader.LiveWish(), stream_reader.TOP
        assert await streams.key_hash_of(db, stream.id) is not None
        assert len(await stream_reader.live(db, bob, wish, after=top, limit=9)) == 1
        await db.execute("UPDATE accounts SET deleted_at = now() WHERE id = $1", ada)
        assert await streams.key_hash_of(db, stream.id) is None
        assert await stream_reader.visible(db, bob, stream.id) is None
        assert await stream_reader.live(db, bob, wish, after=top, limit=9) == []
        assert await stream_reader.seeing(db, stream.id, [ada, bob]) == set()


async def test_a_lease_that_runs_out_is_anybodys_to_end(database: Database) -> None:
    async with database.connection() as db:
        stream = await stream_of(db, await social.person(db))
        silent = timedelta(seconds=60)
        assert await stream_air.end_abandoned(db, silent_for=silent) == []
        begun = await stream_air.go_live(db, stream.id, node=1, at=START)
        assert begun is not None
        assert begun.fresh
        assert await stream_air.end_abandoned(db, silent_for=silent) == []
        await db.execute("UPDATE streams SET lease_at = now() - interval '61 seconds'")
        ended = await stream_air.end_abandoned(db, silent_for=silent)
        assert [place.stream for place in ended] == [stream.id]
        assert await stream_air.end_abandoned(db, silent_for=silent) == []


@pytest.mark.parametrize("node", [1, 2])
async def test_whoever_takes_a_stream_over_has_it(database: Database, node: int) -> None:
    async with database.connection() as db:
        stream = (await stream_of(db, await social.person(db))).id
        await stream_air.go_live(db, stream, node=1, at=START)
        await stream_air.save(db, 1, [(stream, Numbers(5, 6, 7))])
        again = await stream_air.go_live(db, stream, node=node, at=START + timedelta(hours=1))
        assert again is not None
        assert not again.fresh
        assert again.numbers == Numbers(0, 6, 7)
        taken = node == 2
        former = await stream_air.interrupt(db, stream, node=1, numbers=Numbers(1, 6, 8))
        assert former is not taken
        assert await stream_air.end(db, stream, node=1, at=START, numbers=Numbers()) is not taken
        shown = await stream_reader.for_all(db, stream)
        assert shown is not None
        assert shown.state == ("live" if taken else "ended")
        assert shown.total_viewers == (7 if taken else 8)
        assert shown.started_at == "2027-01-15T08:00:00.000Z"


async def test_numbers_of_many_are_written_at_once_by_several(database: Database) -> None:
    async with database.transaction() as db:
        owner = await social.person(db)
        made = [(await stream_of(db, owner)).id for _ in range(50)]
        for number, stream in enumerate(made):
            await stream_air.go_live(db, stream, node=number % 2, at=START)

    async def save(node: int) -> set[Id]:
        numbers = [(stream, Numbers(node, 2, 3)) for stream in reversed(made)]
        async with database.connection() as db:
            return await stream_air.save(db, node, numbers)

    for _ in range(5):
        kept = await asyncio.gather(save(0), save(1), save(0), save(1))
        assert kept[0] == kept[2] == set(made[::2])
        assert kept[1] == kept[3] == set(made[1::2])
    async with database.connection() as db:
        viewers = await db.fetch("SELECT viewers FROM streams ORDER BY id")
    assert [row["viewers"] for row in viewers] == [0, 1] * 25
