"""server/rest/receipts.py: markers, receipts and wishes over HTTP."""

from typing import Any

import pytest


@pytest.fixture
async def room(alice: Any, bob: Any) -> str:
    """Alice's, with bob: 2 and 3 are hers, and 3 mentions bob."""
    made = await alice.post("/rooms", json={"kind": "group", "title": "x", "members": [bob.id]})
    room = str(made.json()["id"])
    for text in ("hi", f"hi @{bob.username}"):
        sent = await alice.post(f"/rooms/{room}/messages", json={"body": text})
        assert sent.status_code == 201
    return room


async def seen(person: Any, room: str) -> tuple[int, int, int]:
    """read_seq, unread and mentions, as the list of rooms and the room say alike."""
    (listed,) = [
        each for each in (await person.get("/rooms")).json()["items"] if each["id"] == room
    ]
    shown = (await person.get(f"/rooms/{room}")).json()
    assert shown == listed
    return shown.get("read_seq", 0), shown.get("unread", 0), shown.get("mentions", 0)


class TestRead:
    async def test_moves_the_marker_and_leaves_what_is_above(self, alice, bob, room):
        assert await seen(bob, room) == (1, 2, 1)
        assert await seen(alice, room) == (3, 0, 0)
        answer = await bob.put(f"/rooms/{room}/read", json={"seq": 2})
        assert (answer.status_code, answer.content) == (204, b"")
        assert await seen(bob, room) == (2, 1, 1)
        await bob.put(f"/rooms/{room}/read", json={"seq": 1})
        assert await seen(bob, room) == (2, 1, 1)
        await bob.put(f"/rooms/{room}/read", json={"seq": 2**53 - 1})
        assert await seen(bob, room) == (3, 0, 0)

    async def test_counts_what_stands(self, alice, bob, room):
        await alice.delete(f"/rooms/{room}/messages/3")
        assert await seen(bob, room) == (1, 1, 0)
        await alice.patch(f"/rooms/{room}/messages/2", json={"body": f"@{bob.username}"})
        assert await seen(bob, room) == (1, 1, 1)

    async def test_is_for_members(self, site, room):
        eve = await site.sign_up("eve")
        assert (await eve.put(f"/rooms/{room}/read", json={"seq": 2})).code == "not_found"
        assert (await eve.put("/rooms/7/read", json={"seq": 2})).code == "not_found"

    @pytest.mark.parametrize("body", [{}, {"seq": -1}, {"seq": "2"}, {"seq": 2**53}])
    async def test_takes_a_seq(self, bob, room, body):
        assert (await bob.put(f"/rooms/{room}/read", json=body)).code == "bad_request"


class TestReadAll:
    async def test_leaves_nothing_unread(self, alice, bob, room):
        dm = (await alice.post("/rooms", json={"kind": "dm", "members": [bob.id]})).json()["id"]
        await alice.post(f"/rooms/{dm}/messages", json={"body": "hi"})
        answer = await bob.post("/me/read-all")
        assert (answer.status_code, answer.content) == (204, b"")
        assert await seen(bob, room) == (3, 0, 0)
        assert await seen(bob, dm) == (2, 0, 0)
        assert (await bob.post("/me/read-all")).status_code == 204


class TestReceipts:
    async def test_show_all_members(self, alice, bob, room):
        await bob.put(f"/rooms/{room}/read", json={"seq": 2})
        for person in (alice, bob):
            answer = await person.get(f"/rooms/{room}/receipts")
            assert answer.json() == {
                "items": [
                    {"account": alice.id, "read_seq": 3, "delivered_seq": 3},
                    {"account": bob.id, "read_seq": 2, "delivered_seq": 2},
                ],
                "next_cursor": None,
            }

    async def test_are_for_members(self, site, alice):
        made = await alice.post("/rooms", json={"kind": "channel", "title": "News"})
        eve = await site.sign_up("eve")
        assert (await eve.get(f"/rooms/{made.json()['id']}/receipts")).code == "not_found"
        assert (await eve.get("/rooms/7/receipts")).code == "not_found"

    async def test_are_for_small_rooms(self, serve):
        site = await serve(receipts_members=2)
        ada, bob, eve = [await site.sign_up(name) for name in ("ada", "bob", "eve")]
        body = {"kind": "group", "title": "x", "members": [bob.id]}
        room = (await ada.post("/rooms", json=body)).json()["id"]
        assert (await ada.get(f"/rooms/{room}/receipts")).status_code == 200
        await ada.post(f"/rooms/{room}/members", json={"account": eve.id})
        answer = await ada.get(f"/rooms/{room}/receipts")
        assert answer.code == "forbidden"
        assert "more than 2 members" in answer.json()["error"]["message"]


class TestWishes:
    async def test_are_ones_own(self, alice, bob, room):
        answer = await bob.patch(f"/rooms/{room}/me", json={"notify": "mentions"})
        assert answer.json()["notify"] == "mentions"
        assert (await bob.get(f"/rooms/{room}")).json() == answer.json()
        assert "notify" not in (await alice.get(f"/rooms/{room}")).json()
        answer = await bob.patch(f"/rooms/{room}/me", json={"notify": "all"})
        assert "notify" not in answer.json()

    async def test_are_for_members(self, site, room):
        eve = await site.sign_up("eve")
        answer = await eve.patch(f"/rooms/{room}/me", json={"notify": "none"})
        assert answer.code == "not_found"

    @pytest.mark.parametrize("body", [{}, {"notify": "some"}, {"notify": None}])
    async def test_are_levels(self, bob, room, body):
        assert (await bob.patch(f"/rooms/{room}/me", json=body)).code == "bad_request"
