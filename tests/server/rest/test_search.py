"""server/search.py, and server/rest/search.py. The language itself: tests/rooms/test_search.py."""

import pytest


@pytest.fixture
async def carol(site):
    return await site.sign_up("carol")


async def room_of(creator, *members, kind="group", title="Engines"):
    body = {"kind": kind, "members": [member.id for member in members]}
    answer = await creator.post("/rooms", json=body if kind == "dm" else body | {"title": title})
    return answer.json()["id"]


async def say(person, room, body):
    answer = await person.post(f"/rooms/{room}/messages", json={"body": body})
    assert answer.status_code == 201, answer.text
    return answer.json()["seq"]


async def search(person, q, **more):
    answer = await person.get("/search/messages", params={"q": q, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def found(person, q):
    return [hit["message"]["body"] for hit in (await search(person, q))["items"]]


async def test_shows_the_message_and_what_was_found(alice, bob):
    room = await room_of(alice, bob)
    seq = await say(alice, room, "The steam engine & the <b>loom</b>")
    await bob.put(f"/rooms/{room}/messages/{seq}/reactions/👍")
    page = await search(bob, "loo steam")
    events = (await bob.get(f"/rooms/{room}/events", params={"around": seq})).json()["items"]
    (message,) = [event for event in events if event["seq"] == seq]
    assert page == {
        "items": [
            {
                "room": room,
                "message": message,
                "fragments": [
                    {"text": "The "},
                    {"text": "steam", "match": True},
                    {"text": " engine & the <b>"},
                    {"text": "loom", "match": True},
                    {"text": "</b>"},
                ],
            }
        ],
        "next_cursor": None,
    }


async def test_one_finds_what_one_has_just_written_changed_and_deleted(alice):
    room = await room_of(alice)
    seq = await say(alice, room, "loom")
    assert await found(alice, "loom") == ["loom"]
    await alice.patch(f"/rooms/{room}/messages/{seq}", json={"body": "engine"})
    assert await found(alice, "loom") == []
    assert await found(alice, "engine") == ["engine"]
    await alice.delete(f"/rooms/{room}/messages/{seq}")
    assert await found(alice, "engine") == []


async def test_a_message_that_the_index_has_wrong_is_not_shown(alice, site):
    room = await room_of(alice)
    edited, deleted = await say(alice, room, "loom one"), await say(alice, room, "loom two")
    await say(alice, room, "loom three")
    assert len(await found(alice, "loom")) == 3
    # As if they had been changed between the look at the index and the one at the log.
    async with site.database.connection() as connection:
        change = "UPDATE room_events SET {} WHERE room_id = $1 AND seq = $2"
        await connection.execute(change.format("body = 'engine'"), int(room), edited)
        await connection.execute(
            change.format("body = NULL, deleted_at = now()"), int(room), deleted
        )
    assert await found(alice, "loom") == ["loom three"]


async def test_only_of_the_rooms_that_one_is_in_now(alice, bob, carol):
    shared, alices = await room_of(alice, bob), await room_of(alice)
    channel = await room_of(alice, kind="channel", title="Town square")
    for room in (shared, alices, channel):
        await say(alice, room, f"loom {room}")
    assert len(await found(alice, "loom")) == 3
    assert await found(bob, "loom") == [f"loom {shared}"]
    assert await found(carol, "loom") == []
    assert await found(carol, "from:alice") == []
    # Public, but not one's own: search is for one's own rooms.
    await carol.post(f"/rooms/{channel}/members", json={"account": carol.id})
    assert await found(carol, "loom") == [f"loom {channel}"]
    await alice.delete(f"/rooms/{shared}/members/{bob.id}")
    assert await found(bob, "loom") == []


class TestFilters:
    @pytest.fixture
    async def rooms(self, alice, bob):
        engines = await room_of(alice, bob, title="Steam  Engines")
        garden = await room_of(alice, bob, title="Garden")
        dm = await room_of(alice, bob, kind="dm")
        for name, room in {"engines": engines, "garden": garden, "dm": dm}.items():
            await say(alice, room, f"alice {name}")
            await say(bob, room, f"bob {name}")
        return {"engines": engines, "garden": garden, "dm": dm}

    @pytest.mark.parametrize(
        ("q", "bodies"),
        [
            ("from:alice", {"alice engines", "alice garden", "alice dm"}),
            ("from:@BOB", {"bob engines", "bob garden", "bob dm"}),
            ("from:me garden", {"alice garden"}),
            ("-from:me garden", {"bob garden"}),
            ("from:alice from:bob garden", {"alice garden", "bob garden"}),
            ("in:garden", {"alice garden", "bob garden"}),
            ("in:#Garden from:bob", {"bob garden"}),
            ('in:"steam engines" bob', {"bob engines"}),
            ("in:@bob", {"alice dm", "bob dm"}),
            ("-in:garden -in:@bob", {"alice engines", "bob engines"}),
            ("in:garden in:@bob bob", {"bob garden", "bob dm"}),
            ("in:garden -in:garden", set()),
            ("bob before:2027-01-15T08:00:00Z", set()),  # the clock stands there
            ("bob after:2027-01-14 in:garden", {"bob garden"}),
            ("bob after:2027-01-15", set()),
            ("bob before:2027-01-16 in:garden", {"bob garden"}),
        ],
    )
    async def test_filter(self, alice, rooms, q, bodies):
        assert set(await found(alice, q)) == bodies

    async def test_by_the_id_of_a_room(self, alice, rooms):
        assert set(await found(alice, f"in:{rooms['garden']}")) == {"alice garden", "bob garden"}

    @pytest.mark.parametrize(
        ("q", "says"),
        [
            ("from:nobody", "from:ada"),
            ("from:no-name", "from:ada"),
            ("in:nowhere", "in:@ada"),
            ("in:@carol", "in:@ada"),
            ("in:999", "in:@ada"),
            ("before:tomorrow", "2026-11-01"),
            ("...", "a word at least"),
            ("\0", "a word at least"),
        ],
    )
    async def test_refuses_what_cannot_be_met(self, alice, rooms, carol, q, says):
        answer = await alice.get("/search/messages", params={"q": q})
        assert answer.code == "bad_request"
        assert says in answer.json()["error"]["message"]

    async def test_a_room_of_others_has_no_name(self, carol, rooms):
        for name in ("garden", rooms["garden"], "@bob"):
            answer = await carol.get("/search/messages", params={"q": f"in:{name}"})
            assert answer.code == "bad_request"


@pytest.mark.parametrize("limit", [1, 2, 5, 50])
async def test_pages(alice, limit):
    room = await room_of(alice)
    for number in range(7):
        await say(alice, room, "loom " * (number % 3 + 1) + str(number))
    whole = await found(alice, "loom")
    assert len(whole) == 7
    paged, cursor = [], {}
    while True:
        page = await search(alice, "loom", limit=limit, **cursor)
        assert len(page["items"]) <= limit
        paged += [hit["message"]["body"] for hit in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
        await say(alice, room, "loom loom")  # comes too late for this list
    assert paged == whole


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"q": ""},
        {"q": "x" * 501},
        {"q": "x", "limit": 0},
        {"q": "x", "limit": 51},
        {"q": "x", "cursor": ""},
        {"q": "x", "cursor": "LTE"},
        {"q": "x", "cursor": "é"},
        {"q": "x", "cursor": "f" * 32},
        {"q": "x", "cursor": "AAAAAAAAAAB_8AAAAAAAAAAAAAAAAAAA"},  # a score of infinity
    ],
)
async def test_refuses_a_wrong_query(alice, query):
    answer = await alice.get("/search/messages", params=query)
    assert answer.code == "bad_request"


async def test_whose_rooms_are_none_finds_nothing(carol):
    assert await search(carol, "loom") == {"items": [], "next_cursor": None}
