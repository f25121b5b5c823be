"""Threads over REST: /rooms/{room}/events?thread=SEQ."""

import pytest


@pytest.fixture
async def channel(alice):
    """2 and 3 begin threads; 4, 6, 8 reply to 2, and 5, 7 to 3."""
    body = {"kind": "channel", "title": "Town square"}
    room = (await alice.post("/rooms", json=body)).json()["id"]
    for target in (None, None, 2, 3, 2, 3, 2):
        message = {"body": "x"} if target is None else {"body": "x", "reply_to": target}
        assert (await alice.post(f"/rooms/{room}/messages", json=message)).status_code == 201
    return room


async def page(person, room, **query):
    answer = await person.get(f"/rooms/{room}/events", params=query)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    return [event["seq"] for event in found["items"]], found["more"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"thread": 2}, ([2, 4, 6, 8], False)),
        ({"thread": 6}, ([2, 4, 6, 8], False)),  # by one of its replies
        ({"thread": 2, "limit": 2}, ([6, 8], True)),
        ({"thread": 2, "before": 6, "limit": 2}, ([2, 4], False)),
        ({"thread": 2, "before": 6, "limit": 1}, ([4], True)),
        ({"thread": 2, "after": 2, "limit": 2}, ([4, 6], True)),
        ({"thread": 2, "after": 4}, ([6, 8], False)),
        ({"thread": 2, "around": 6, "limit": 2}, ([4, 6], True)),
        ({"thread": 2, "around": 5, "limit": 4}, ([2, 4, 6, 8], False)),
        ({"thread": 8, "around": 2, "limit": 3}, ([2, 4], False)),
        ({"thread": 3}, ([3, 5, 7], False)),
    ],
)
async def test_a_page(alice, channel, query, expected):
    assert await page(alice, channel, **query) == expected


async def test_a_message_without_replies_is_a_thread_of_one(alice, channel):
    await alice.post(f"/rooms/{channel}/messages", json={"body": "x"})
    assert await page(alice, channel, thread=9) == ([9], False)


async def test_shows_the_present_state(alice, channel):
    await alice.patch(f"/rooms/{channel}/messages/4", json={"body": "y"})
    await alice.delete(f"/rooms/{channel}/messages/6")
    items = (await alice.get(f"/rooms/{channel}/events?thread=2")).json()["items"]
    root, edited, deleted, _ = items
    assert root["replies"]["replies"] == 2
    assert root["replies"]["last_seq"] == 8
    assert edited["body"] == "y"
    assert deleted["deleted"] is True


@pytest.mark.parametrize("thread", [0, 1, 99])
async def test_what_is_no_message_begins_no_thread(alice, channel, thread):
    answer = await alice.get(f"/rooms/{channel}/events", params={"thread": thread})
    assert answer.code == "not_found"


async def test_who_may_read_the_room_may_read_its_threads(alice, bob, channel):
    assert await page(bob, channel, thread=3) == ([3, 5, 7], False)
    group = (await alice.post("/rooms", json={"kind": "group", "title": "x"})).json()["id"]
    await alice.post(f"/rooms/{group}/messages", json={"body": "x"})
    assert (await bob.get(f"/rooms/{group}/events?thread=2")).code == "not_found"
