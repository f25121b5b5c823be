"""server/post_schedule.py: scheduled posts come out, on time and once."""

import asyncio
from datetime import timedelta

import pytest

from persistence import post_publication
from persistence.database import Database
from persistence.posts import FAN_OUT, PUBLISH_DUE
from protocol.ids import Id
from protocol.posts import PostStatus
from protocol.times import rfc3339
from tests.server.newsroom import Newsroom


@pytest.fixture
async def room(database: Database) -> Newsroom:
    return await Newsroom(database).open()


async def scheduled(room, seconds, content="Good morning. #a", **fields):
    publish_at = room.later(seconds)
    return await room.write(content, status=PostStatus.SCHEDULED, publish_at=publish_at, **fields)


async def statuses(room):
    return [status for (status,) in await room.rows("SELECT status FROM posts ORDER BY id")]


async def test_a_job_waits_until_then(room):
    post = await scheduled(room, 3600)
    assert await room.jobs(PUBLISH_DUE) == [str(post.id).encode()]
    waits = await room.value("SELECT execute_after - now() FROM pgqueuer")
    assert timedelta(minutes=59) < waits <= timedelta(hours=1)


async def test_it_is_published_at_its_time_and_not_before(room):
    post = await scheduled(room, 60)
    payload = str(post.id).encode()
    room.pass_seconds(59.9)
    await room.schedule.publish_due(payload)
    assert (await statuses(room), room.watchers.take()) == (["scheduled"], [])
    room.pass_seconds(0.1)
    for _ in range(2):
        await room.schedule.publish_due(payload)
    assert await statuses(room) == ["published"]
    assert room.watchers.take() == [("published", post.id)]
    [(position, published_at)] = await room.rows("SELECT position, published_at FROM posts")
    assert position > post.id
    assert rfc3339(published_at) == rfc3339(room.moment)
    assert await room.rows("SELECT tag, position FROM post_tags") == [("a", position)]
    assert await room.jobs(FAN_OUT) == [payload]
    await room.counted()


async def test_what_is_rescheduled_or_gone_is_left(room):
    moved, drafted, deleted = [await scheduled(room, 60) for _ in range(3)]
    await room.change(moved.id, publish_at=room.later(120))
    await room.change(drafted.id, status=PostStatus.DRAFT)
    await room.posts.delete(room.ada, deleted.id)
    room.pass_seconds(60)
    for post in (moved.id, drafted.id, deleted.id, Id(17)):
        await room.schedule.publish_due(str(post).encode())
    await room.schedule.publish_overdue()
    assert await statuses(room) == ["scheduled", "draft", "deleted"]
    assert room.watchers.take() == []


async def test_several_processes_publish_each_once(database, room):
    posts = [await scheduled(room, 1 + number, f"Number {number}.") for number in range(10)]
    other = Newsroom(database)
    for process in (room, other):
        process.pass_seconds(60)
    other.watchers = room.watchers
    rounds = [room.schedule.publish_overdue(), other.schedule.publish_overdue()]
    payloads = [str(post.id).encode() for post in posts]
    await asyncio.gather(*rounds, *(room.schedule.publish_due(payload) for payload in payloads))
    heard = room.watchers.take()
    assert await statuses(room) == ["published"] * 10
    assert len(heard) + len(other.watchers.take()) == 10
    assert len(await room.jobs(FAN_OUT)) == 10
    await room.counted()


async def test_a_failure_leaves_it_scheduled_and_does_not_keep_the_others(room, monkeypatch):
    posts = [await scheduled(room, 60 + number, "#a") for number in range(3)]
    room.pass_seconds(120)
    enqueue = post_publication.enqueue

    async def fail_for_the_first(connection, name, payload, **options):
        if payload == str(posts[0].id).encode():
            raise RuntimeError("the last step")
        await enqueue(connection, name, payload, **options)

    monkeypatch.setattr(post_publication, "enqueue", fail_for_the_first)
    with pytest.raises(ExceptionGroup):
        await room.schedule.publish_overdue()
    assert await statuses(room) == ["scheduled", "published", "published"]
    assert len(await room.rows("SELECT * FROM post_tags")) == 2
    await room.counted()
    monkeypatch.undo()
    await room.schedule.publish_overdue()
    assert await statuses(room) == ["published"] * 3
    await room.counted()


async def test_a_quote_comes_out_though_what_it_quotes_is_gone(room):
    original = await room.write()
    quote = await scheduled(room, 60, "So true.", by=room.bob, shared=original.id)
    await room.posts.delete(room.ada, original.id)
    room.pass_seconds(60)
    await room.schedule.publish_due(str(quote.id).encode())
    assert await statuses(room) == ["deleted", "published"]
    await room.counted()
