"""server/rest/moderation.py, and slow mode. The rules: tests/rooms/test_permissions.py."""

import pytest

SOON = "2027-01-15T08:10:00.000Z"  # ten minutes after the clock's start


@pytest.fixture
async def carol(site):
    return await site.sign_up("carol")


@pytest.fixture
async def channel(alice, bob):
    body = {"kind": "channel", "title": "Town square"}
    room = (await alice.post("/rooms", json=body)).json()["id"]
    await bob.post(f"/rooms/{room}/members", json={"account": bob.id})
    return room


async def last_event(person, room):
    return (await person.get(f"/rooms/{room}/events")).json()["items"][-1]


async def join(person, room):
    return await person.post(f"/rooms/{room}/members", json={"account": person.id})


async def say(person, room):
    return await person.post(f"/rooms/{room}/messages", json={"body": "hi"})


class TestBans:
    async def listed(self, person, room):
        answer = await person.get(f"/rooms/{room}/bans")
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    async def test_removes_and_keeps_out_until_it_is_lifted(self, alice, bob, channel):
        entry = (await alice.put(f"/rooms/{channel}/bans/{bob.id}", json={})).json()
        assert await last_event(alice, channel) == {
            "t": "member",
            "room": channel,
            "sender": alice.id,
            "account": bob.id,
            "cause": "banned",
            "members": 1,
            **entry,
        }
        assert (await say(bob, channel)).code == "not_found"
        assert (await join(bob, channel)).code == "banned"
        invited = await alice.post(f"/rooms/{channel}/members", json={"account": bob.id})
        assert invited.code == "banned"
        (ban,) = await self.listed(alice, channel)
        assert ban == {
            "account": bob.id,
            "username": "bob",
            "by": alice.id,
            "at": entry["at"],
        }
        assert (await alice.delete(f"/rooms/{channel}/bans/{bob.id}")).json()["seq"]
        assert (await alice.delete(f"/rooms/{channel}/bans/{bob.id}")).json() == {}
        assert await self.listed(alice, channel) == []
        assert (await join(bob, channel)).status_code == 200

    async def test_for_a_time(self, site, alice, bob, channel):
        await alice.put(f"/rooms/{channel}/bans/{bob.id}", json={"seconds": 600})
        assert (await last_event(alice, channel))["until"] == SOON
        assert [ban["until"] for ban in await self.listed(alice, channel)] == [SOON]
        site.clock.advance(599)
        assert (await join(bob, channel)).code == "banned"
        site.clock.advance(1)
        assert await self.listed(alice, channel) == []
        assert (await join(bob, channel)).status_code == 200

    async def test_a_second_one_replaces_the_first(self, alice, carol, channel):
        path = f"/rooms/{channel}/bans/{carol.id}"  # who was never a member
        await alice.put(path, json={})
        await alice.put(path, json={"seconds": 600})
        assert [ban["until"] for ban in await self.listed(alice, channel)] == [SOON]

    async def test_lists_page_by_page(self, site, alice, channel):
        people = [await site.sign_up(f"person_{number}") for number in range(5)]
        for person in people:
            await alice.put(f"/rooms/{channel}/bans/{person.id}", json={})
        found, query = [], {"limit": 2}
        while True:
            page = (await alice.get(f"/rooms/{channel}/bans", params=query)).json()
            found += [ban["account"] for ban in page["items"]]
            if page["next_cursor"] is None:
                break
            query["cursor"] = page["next_cursor"]
        assert found == [person.id for person in people]

    async def test_is_for_admins(self, alice, bob, carol, channel):
        assert (await bob.get(f"/rooms/{channel}/bans")).code == "forbidden"
        assert (await carol.get(f"/rooms/{channel}/bans")).code == "not_found"
        assert (await bob.put(f"/rooms/{channel}/bans/{alice.id}", json={})).code == "forbidden"
        assert (await alice.put(f"/rooms/{channel}/bans/999", json={})).code == "not_found"
        dm = (await alice.post("/rooms", json={"kind": "dm", "members": [bob.id]})).json()["id"]
        assert (await alice.get(f"/rooms/{dm}/bans")).code == "forbidden"

    @pytest.mark.parametrize(
        "body", [{"seconds": 0}, {"seconds": "60"}, {"seconds": 2**40}, [], None]
    )
    async def test_refuses_what_is_no_time(self, alice, bob, channel, body):
        for path in (f"bans/{bob.id}", f"members/{bob.id}/mute"):
            answer = await alice.put(f"/rooms/{channel}/{path}", json=body)
            assert answer.code == "bad_request"


class TestMutes:
    async def muted_until(self, person, room):
        members = (await person.get(f"/rooms/{room}/members")).json()["items"]
        return {member["username"]: member.get("muted_until") for member in members}

    async def test_for_a_time(self, site, alice, bob, channel):
        path = f"/rooms/{channel}/members/{bob.id}/mute"
        entry = (await alice.put(path, json={"seconds": 600})).json()
        assert await last_event(bob, channel) == {
            "t": "mute",
            "room": channel,
            "sender": alice.id,
            "account": bob.id,
            "until": SOON,
            **entry,
        }
        answer = await say(bob, channel)
        assert answer.code == "muted"
        assert answer.json()["error"]["retry_after"] == 600
        assert await self.muted_until(alice, channel) == {"alice": None, "bob": SOON}
        site.clock.advance(600)
        assert (await say(bob, channel)).status_code == 201

    async def test_for_good_until_it_is_lifted_wherever_one_goes(self, alice, bob, channel):
        path = f"/rooms/{channel}/members/{bob.id}/mute"
        await alice.put(path, json={})
        for _ in range(2):
            answer = await say(bob, channel)
            assert answer.code == "muted"
            assert "retry_after" not in answer.json()["error"]
            await bob.delete(f"/rooms/{channel}/members/{bob.id}")
            await join(bob, channel)
        assert (await self.muted_until(bob, channel))["bob"].startswith("9999-")
        assert (await alice.delete(path)).json()["seq"]
        assert (await alice.delete(path)).json() == {}
        assert (await say(bob, channel)).status_code == 201
        assert await self.muted_until(bob, channel) == {"alice": None, "bob": None}

    async def test_is_for_admins_and_members(self, alice, bob, carol, channel):
        path = f"/rooms/{channel}/members"
        assert (await bob.put(f"{path}/{alice.id}/mute", json={})).code == "forbidden"
        assert (await alice.put(f"{path}/{carol.id}/mute", json={})).code == "not_found"


class TestSlowMode:
    async def test_members_wait_and_admins_do_not(self, site, alice, bob, channel):
        entry = (await alice.patch(f"/rooms/{channel}", json={"slow_mode": 60})).json()
        event = await last_event(bob, channel)
        assert event == {
            "t": "slow_mode", "room": channel, "sender": alice.id, "seconds": 60, **entry
        }  # fmt: skip
        assert (await bob.get(f"/rooms/{channel}")).json()["slow_mode"] == 60
        assert (await say(bob, channel)).status_code == 201
        site.clock.advance(20)
        answer = await say(bob, channel)
        assert answer.code == "slow_mode"
        assert answer.json()["error"]["retry_after"] == 40
        assert answer.headers["retry-after"] == "40"
        for _ in range(2):
            assert (await say(alice, channel)).status_code == 201
        site.clock.advance(40)
        assert (await say(bob, channel)).status_code == 201
        await alice.patch(f"/rooms/{channel}", json={"slow_mode": 0})
        assert (await say(bob, channel)).status_code == 201
        assert "slow_mode" not in (await bob.get(f"/rooms/{channel}")).json()

    async def test_goes_with_a_title(self, alice, bob, channel):
        path = f"/rooms/{channel}"
        seq = (await alice.patch(path, json={"title": "Plaza", "slow_mode": 5})).json()["seq"]
        events = (await alice.get(f"{path}/events", params={"limit": 2})).json()["items"]
        assert [(event["t"], event["seq"]) for event in events] == [
            ("title", seq - 1),
            ("slow_mode", seq),
        ]
        assert (await alice.patch(path, json={"title": "Plaza", "slow_mode": 5})).json() == {}
        answer = (await alice.patch(path, json={"title": "Agora", "slow_mode": 5})).json()
        assert answer["seq"] == seq + 1
        assert (await bob.patch(path, json={"slow_mode": 0})).code == "forbidden"

    @pytest.mark.parametrize("body", [{}, {"slow_mode": -1}, {"slow_mode": 86_401}, {"title": ""}])
    async def test_refuses_what_changes_nothing(self, alice, channel, body):
        assert (await alice.patch(f"/rooms/{channel}", json=body)).code == "bad_request"
