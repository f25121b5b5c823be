"""server/rest/rooms.py, messages.py and members.py. The rules themselves: tests/rooms/."""

import asyncio

import pytest


@pytest.fixture
async def carol(site):
    return await site.sign_up("carol")


async def room_of(creator, *members, kind="group", title="Engines"):
    answer = await creator.post(
        "/rooms",
        json={"kind": kind, "title": title, "members": [member.id for member in members]},
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


@pytest.fixture
async def group(alice, bob):
    return await room_of(alice, bob)


@pytest.fixture
async def channel(alice):
    return await room_of(alice, kind="channel", title="Town square")


async def say(person, room, body="hi", **more):
    answer = await person.post(f"/rooms/{room}/messages", json={"body": body, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


class TestRooms:
    async def test_creates_a_group(self, alice, bob):
        body = {"kind": "group", "title": "Engines", "members": [bob.id]}
        room = (await alice.post("/rooms", json=body)).json()
        assert room.pop("id").isdecimal()
        assert room == {
            "kind": "group",
            "title": "Engines",
            "last_seq": 1,
            "role": "owner",
            "members": 2,
            "read_seq": 1,
        }

    async def test_a_pair_has_one_dm(self, alice, bob):
        made = (await alice.post("/rooms", json={"kind": "dm", "members": [bob.id]})).json()
        found = (await bob.post("/rooms", json={"kind": "dm", "members": [alice.id]})).json()
        assert made["id"] == found["id"]
        assert made["peer"] == {"id": bob.id, "username": "bob"}
        assert found["peer"] == {"id": alice.id, "username": "alice"}

    async def test_a_repeated_creation_returns_the_first_room(self, alice):
        body = {"kind": "channel", "title": "Town square"}
        made = [
            (await alice.post("/rooms", json=body, headers={"Idempotency-Key": key})).json()["id"]
            for key in ("a", "a", "b")
        ]
        assert made[0] == made[1] != made[2]

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"kind": "cellar"}, "bad_request"),
            ({"kind": "group"}, "bad_request"),
            ({"kind": "group", "title": ""}, "bad_request"),
            ({"kind": "group", "title": "two\nlines"}, "bad_request"),
            ({"kind": "group", "title": "x", "members": ["999"]}, "not_found"),
            ({"kind": "group", "title": "x", "members": [999]}, "bad_request"),
            ({"kind": "group", "title": "x", "members": ["x"]}, "bad_request"),
            ({"kind": "dm", "members": []}, "bad_request"),
            ({"kind": "dm", "members": ["999"]}, "not_found"),
            ([], "bad_request"),
        ],
    )
    async def test_refuses_what_is_no_room(self, alice, body, code):
        assert (await alice.post("/rooms", json=body)).code == code

    async def test_lists_own_ones(self, alice, bob, group, channel):
        rooms = (await alice.get("/rooms")).json()
        assert [room["id"] for room in rooms["items"]] == [group, channel]
        assert rooms["next_cursor"] is None
        rooms = (await bob.get("/rooms")).json()
        assert [room["id"] for room in rooms["items"]] == [group]

    async def test_lists_channels_page_by_page(self, alice, bob, group):
        channels = [await room_of(alice, kind="channel", title=f"No. {n}") for n in range(5)]
        found, query = [], {"scope": "public", "limit": 2}
        while True:
            page = (await bob.get("/rooms", params=query)).json()
            assert len(page["items"]) <= 2
            found += [room["id"] for room in page["items"]]
            if page["next_cursor"] is None:
                break
            query["cursor"] = page["next_cursor"]
        assert found == channels

    @pytest.mark.parametrize("cursor", ["", "x", "é", "!!!!", "MA", "LTE", "OTk5" * 7])
    async def test_refuses_a_broken_cursor(self, alice, cursor):
        answer = await alice.get("/rooms", params={"scope": "public", "cursor": cursor})
        assert answer.code == "bad_request"
        assert "cursor" in answer.json()["error"]["message"]

    @pytest.mark.parametrize(
        "query", [{"scope": "all"}, {"limit": 0}, {"limit": 201}, {"limit": "x"}, {"limit": "1.5"}]
    )
    async def test_refuses_a_wrong_query(self, alice, query):
        answer = await alice.get("/rooms", params=query)
        assert answer.code == "bad_request"
        assert answer.json()["error"]["details"].keys() <= {*query, "which"}

    async def test_shows_what_one_may_see(self, alice, bob, carol, group, channel):
        assert (await bob.get(f"/rooms/{group}")).json()["role"] == "member"
        assert (await carol.get(f"/rooms/{group}")).code == "not_found"
        assert "role" not in (await carol.get(f"/rooms/{channel}")).json()
        assert (await carol.get("/rooms/999")).code == "not_found"

    async def test_renames(self, alice, bob, group):
        entry = (await alice.patch(f"/rooms/{group}", json={"title": "Looms"})).json()
        assert entry["seq"] == 2
        assert (await bob.get(f"/rooms/{group}")).json()["title"] == "Looms"
        assert (await alice.patch(f"/rooms/{group}", json={"title": "Looms"})).json() == {}
        assert (await bob.patch(f"/rooms/{group}", json={"title": "Mine"})).code == "forbidden"


class TestEvents:
    async def page(self, person, room, **query):
        answer = await person.get(f"/rooms/{room}/events", params=query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        return [event["seq"] for event in page["items"]], page["more"]

    async def test_reads_the_log_in_every_direction(self, alice, group):
        for number in range(9):
            await say(alice, group, str(number))
        assert await self.page(alice, group) == (list(range(1, 11)), False)
        assert await self.page(alice, group, limit=3) == ([8, 9, 10], True)
        assert await self.page(alice, group, before=4, limit=2) == ([2, 3], True)
        assert await self.page(alice, group, before=3) == ([1, 2], False)
        assert await self.page(alice, group, after=8) == ([9, 10], False)
        assert await self.page(alice, group, after=0, limit=2) == ([1, 2], True)
        seqs, _ = await self.page(alice, group, around=5, limit=3)
        assert seqs == [4, 5, 6]

    async def test_shows_events_as_on_the_socket(self, alice, bob, group):
        sent = await say(alice, group, "hi @bob", nonce="n1")
        events = (await bob.get(f"/rooms/{group}/events")).json()["items"]
        assert events[0]["t"] == "created"
        assert events[0]["members"] == {alice.id: "owner", bob.id: "member"}
        assert events[1] == {
            "t": "message",
            "room": group,
            "sender": alice.id,
            "body": "hi @bob",
            "mentions": [bob.id],
            "nonce": "n1",
            **sent,
        }

    @pytest.mark.parametrize(
        "query",
        [
            {"before": 1, "after": 1},
            {"before": -1},
            {"after": 2**53},
            {"around": "x"},
            {"limit": 0},
            {"limit": 201},
        ],
    )
    async def test_refuses_a_wrong_query(self, alice, group, query):
        answer = await alice.get(f"/rooms/{group}/events", params=query)
        assert answer.code == "bad_request"

    async def test_a_channel_is_open_and_a_group_is_not(self, carol, group, channel):
        assert (await carol.get(f"/rooms/{channel}/events")).status_code == 200
        assert (await carol.get(f"/rooms/{group}/events")).code == "not_found"


class TestMessages:
    async def test_posts(self, alice, group):
        first, second = await say(alice, group), await say(alice, group)
        assert set(first) == {"seq", "event_id", "at"}
        assert (first["seq"], second["seq"]) == (2, 3)

    async def test_a_retry_gets_the_first_answer(self, alice, group):
        first = await say(alice, group, nonce="n1")
        assert await say(alice, group, nonce="n1") == first
        retried = await alice.post(
            f"/rooms/{group}/messages", json={"body": "hi"}, headers={"Idempotency-Key": "n1"}
        )
        assert retried.json() == first
        assert (await say(alice, group))["seq"] == 3

    async def test_a_nonce_is_for_one_thing(self, alice, group, channel):
        await say(alice, group, nonce="n1")
        answer = await alice.post(f"/rooms/{channel}/messages", json={"body": "hi", "nonce": "n1"})
        assert answer.code == "nonce_conflict"

    async def test_replies_and_attaches(self, alice, bob, group):
        first = await say(alice, group)
        upload = (await bob.post("/uploads", content=b"cards", params={"name": "a.txt"})).json()
        attached = [{"id": upload["id"], "size": 7, "url": "/elsewhere"}]
        await say(bob, group, "yes", reply_to=first["seq"], attachments=attached)
        event = (await alice.get(f"/rooms/{group}/events")).json()["items"][-1]
        assert event["reply_to"] == first["seq"]
        url = upload["media"]["url"]
        assert event["attachments"] == [
            {"id": upload["id"], "name": "a.txt", "type": "text/plain", "size": 5, "url": url}
        ]

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"body": " "},
            {"body": "\0"},
            {"body": "x" * 8_001},
            {"body": 5},
            {"body": "hi", "reply_to": "2"},
            {"body": "hi", "reply_to": -1},
            {"body": "hi", "nonce": ""},
            {"body": "hi", "nonce": "x" * 65},
            {"body": "hi", "nonce": "\0"},
            {"body": "hi", "attachments": [{"id": "\0"}]},
            {"body": "hi", "attachments": [{"id": "u", "name": "\0"}]},
            {"body": "hi", "attachments": [{"id": "u", "type": "\0"}]},
            {"body": "hi", "attachments": [{"id": ""}]},
            {"body": "hi", "attachments": [{"id": "u"}] * 11},
        ],
    )
    async def test_refuses_what_is_no_message(self, alice, group, body):
        answer = await alice.post(f"/rooms/{group}/messages", json=body)
        assert answer.code == "bad_request"

    async def test_refuses_an_empty_key(self, alice, group):
        answer = await alice.post(
            f"/rooms/{group}/messages", json={"body": "hi"}, headers={"Idempotency-Key": ""}
        )
        assert answer.code == "bad_request"

    async def test_edits_and_deletes(self, alice, bob, group):
        seq = (await say(alice, group))["seq"]
        path = f"/rooms/{group}/messages/{seq}"
        assert (await bob.patch(path, json={"body": "no"})).code == "forbidden"
        assert (await alice.patch(path, json={"body": "hello"})).json()["seq"] == seq + 1
        event = (await bob.get(f"/rooms/{group}/events", params={"around": seq})).json()
        assert next(each for each in event["items"] if each["seq"] == seq)["body"] == "hello"
        assert (await bob.delete(path)).code == "forbidden"
        assert (await alice.delete(path)).json()["seq"] == seq + 2
        assert (await alice.delete(path)).json() == {}
        assert (await alice.patch(path, json={"body": "again"})).code == "message_deleted"

    async def test_reacts(self, alice, bob, group):
        seq = (await say(alice, group))["seq"]
        path = f"/rooms/{group}/messages/{seq}/reactions/👍🏽"
        assert (await bob.put(path)).json()["seq"] == seq + 1
        assert (await bob.put(path)).json() == {}
        events = (await alice.get(f"/rooms/{group}/events", params={"limit": 2})).json()["items"]
        assert events[0]["reactions"] == [{"emoji": "👍🏽", "accounts": [bob.id]}]
        assert (await bob.delete(path)).json()["seq"] == seq + 2
        assert (await bob.delete(path)).json() == {}

    @pytest.mark.parametrize("emoji", ["a%20b", "%00", "x" * 65])
    async def test_refuses_what_is_no_reaction(self, alice, group, emoji):
        seq = (await say(alice, group))["seq"]
        answer = await alice.put(f"/rooms/{group}/messages/{seq}/reactions/{emoji}")
        assert answer.code == "bad_request"

    @pytest.mark.parametrize("seq", ["0", "-1", "x", "1_0", "9007199254740992", "1.5", "%D9%A1"])
    async def test_refuses_a_broken_seq(self, alice, group, seq):
        answer = await alice.delete(f"/rooms/{group}/messages/{seq}")
        assert answer.code == "bad_request"

    async def test_refuses_what_is_no_message_of_the_room(self, alice, group):
        assert (await alice.delete(f"/rooms/{group}/messages/1")).code == "not_found"
        assert (await alice.delete(f"/rooms/{group}/messages/99")).code == "not_found"


class TestMembers:
    async def roles(self, person, room):
        members = (await person.get(f"/rooms/{room}/members")).json()["items"]
        return {member["username"]: member["role"] for member in members}

    async def test_lists_page_by_page(self, alice, bob, carol):
        room = await room_of(alice, bob, carol)
        first = (await alice.get(f"/rooms/{room}/members", params={"limit": 2})).json()
        assert [member["account"] for member in first["items"]] == [alice.id, bob.id]
        second = (
            await alice.get(f"/rooms/{room}/members", params={"cursor": first["next_cursor"]})
        ).json()
        assert [member["account"] for member in second["items"]] == [carol.id]
        assert second["next_cursor"] is None

    async def test_join_and_leave(self, bob, channel):
        path = f"/rooms/{channel}/members"
        assert (await bob.post(path, json={"account": bob.id})).json()["seq"] == 2
        assert (await bob.post(path, json={"account": bob.id})).json() == {}
        assert await self.roles(bob, channel) == {"alice": "owner", "bob": "member"}
        assert (await bob.delete(f"{path}/{bob.id}")).json()["seq"] == 3
        assert await self.roles(bob, channel) == {"alice": "owner"}

    async def test_invite_promote_and_kick(self, alice, bob, carol, group):
        path = f"/rooms/{group}/members"
        assert (await bob.post(path, json={"account": carol.id})).code == "forbidden"
        assert (await carol.post(path, json={"account": carol.id})).code == "not_found"
        assert (await alice.post(path, json={"account": carol.id})).status_code == 200
        assert (await alice.patch(f"{path}/{bob.id}", json={"role": "admin"})).status_code == 200
        assert (await carol.delete(f"{path}/{bob.id}")).code == "forbidden"
        assert (await bob.delete(f"{path}/{carol.id}")).status_code == 200
        assert await self.roles(alice, group) == {"alice": "owner", "bob": "admin"}
        assert (await carol.get(f"/rooms/{group}/members")).code == "not_found"

    async def test_the_last_owner_stays(self, alice, group):
        path = f"/rooms/{group}/members/{alice.id}"
        assert (await alice.delete(path)).code == "last_owner"
        assert (await alice.patch(path, json={"role": "member"})).code == "last_owner"

    async def test_refuses_an_unknown_role_or_account(self, alice, group):
        path = f"/rooms/{group}/members"
        assert (await alice.patch(f"{path}/999", json={"role": "king"})).code == "bad_request"
        assert (await alice.patch(f"{path}/999", json={"role": "admin"})).code == "not_found"
        assert (await alice.post(path, json={"account": "999"})).code == "not_found"

    async def test_one_order_for_all(self, alice, bob, group):
        """What comes at the same time over REST has one order, without holes."""
        entries = await asyncio.gather(
            *(say(person, group, str(number)) for number in range(20) for person in (alice, bob))
        )
        assert sorted(entry["seq"] for entry in entries) == list(range(2, 42))
