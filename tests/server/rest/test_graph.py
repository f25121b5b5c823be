"""server/rest/graph.py: who follows whom, requests and lists."""

import asyncio

import pytest

LISTS = ["followers", "following", "mutuals"]


async def close(person):
    answer = await person.patch(f"/accounts/{person.id}", json={"visibility": "followers"})
    assert answer.status_code == 200


async def follow(one, other):
    answer = await one.put(f"/accounts/{other.id}/follow")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def counters(viewer, person):
    shown = (await viewer.get(f"/accounts/{person.id}")).json()
    return shown.get("followers", 0), shown.get("following", 0)


async def names(viewer, path, limit=50):
    """All pages of a list."""
    found, query = [], {"limit": limit}
    while True:
        answer = await viewer.get(path, params=query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) <= limit
        found += [person["username"] for person in page["items"]]
        if page["next_cursor"] is None:
            return found
        query["cursor"] = page["next_cursor"]


class TestFollow:
    async def test_is_told_to_both(self, alice, bob):
        for _ in range(2):
            assert await follow(alice, bob) == {"account": bob.id, "following": True}
        assert await counters(alice, alice) == (0, 1)
        assert await counters(alice, bob) == (1, 0)
        back = await follow(bob, alice)
        assert back == {
            "account": alice.id, "following": True, "followed_by": True, "friend": True
        }  # fmt: skip
        for _ in range(2):
            answer = await alice.delete(f"/accounts/{bob.id}/follow")
            assert answer.json() == {"account": bob.id, "followed_by": True}
        assert await counters(alice, alice) == (1, 0)

    @pytest.mark.parametrize("path", ["follow", "close"])
    async def test_not_oneself_and_not_nobody(self, alice, path):
        for send in (alice.put, alice.delete):
            assert (await send(f"/accounts/{alice.id}/{path}")).code == "bad_request"
            assert (await send(f"/accounts/17/{path}")).code == "not_found"
        assert (await alice.delete("/accounts/17/follower")).code == "not_found"
        assert (await alice.delete(f"/accounts/{alice.id}/follower")).code == "bad_request"

    async def test_not_across_a_block(self, alice, bob):
        await follow(alice, bob)
        await follow(bob, alice)
        await alice.put(f"/me/blocks/{bob.id}")
        assert await counters(bob, bob) == await counters(alice, alice) == (0, 0)
        hidden = await bob.put(f"/accounts/{alice.id}/follow")
        absent = await bob.put("/accounts/17/follow")
        assert (hidden.code, hidden.content) == ("not_found", absent.content)
        assert (await alice.put(f"/accounts/{bob.id}/follow")).code == "blocked"
        await alice.delete(f"/me/blocks/{bob.id}")
        assert (await follow(bob, alice))["following"] is True

    async def test_a_follower_can_be_removed(self, alice, bob):
        await follow(alice, bob)
        for _ in range(2):
            answer = await bob.delete(f"/accounts/{alice.id}/follower")
            assert answer.json() == {"account": alice.id}
        assert await counters(bob, bob) == (0, 0)

    async def test_close_is_one_s_own_affair(self, alice, bob):
        assert (await alice.put(f"/accounts/{bob.id}/close")).code == "bad_request"
        assert (await alice.delete(f"/accounts/{bob.id}/close")).json() == {"account": bob.id}
        await follow(alice, bob)
        answer = await alice.put(f"/accounts/{bob.id}/close")
        assert answer.json() == {"account": bob.id, "following": True, "close": True}
        shown = (await bob.get(f"/accounts/{alice.id}")).json()
        assert shown["relationship"] == {"account": alice.id, "followed_by": True}
        answer = await alice.delete(f"/accounts/{bob.id}/close")
        assert answer.json() == {"account": bob.id, "following": True}

    async def test_fifty_at_once(self, site, alice, bob):
        async def flicker(number):
            for turn in range(4):
                send = alice.put if (number + turn) % 2 else alice.delete
                assert (await send(f"/accounts/{bob.id}/follow")).status_code == 200

        await asyncio.gather(*map(flicker, range(50)))
        async with site.database.connection() as connection:
            rows = await connection.fetchval("SELECT count(*) FROM follows")
        assert await counters(alice, bob) == (rows, 0)
        assert await counters(alice, alice) == (0, rows)


class TestRequests:
    async def test_wait_to_be_answered(self, site, alice, bob):
        eve = await site.sign_up("eve")
        await close(eve)
        assert await follow(alice, eve) == {"account": eve.id, "requested": True}
        await follow(bob, eve)
        assert await counters(alice, eve) == (0, 0)
        assert await names(eve, "/me/follow-requests") == ["bob", "alice"]
        assert await names(eve, "/me/follow-requests", limit=1) == ["bob", "alice"]
        for _ in range(2):
            accepted = await eve.put(f"/me/follow-requests/{alice.id}")
            assert accepted.json() == {"account": alice.id, "followed_by": True}
        for _ in range(2):
            assert (await eve.delete(f"/me/follow-requests/{bob.id}")).status_code == 204
        assert (await eve.put(f"/me/follow-requests/{bob.id}")).code == "not_found"
        assert (await eve.delete(f"/me/follow-requests/{alice.id}")).status_code == 204
        assert await names(eve, "/me/follow-requests") == []
        assert await names(eve, f"/accounts/{eve.id}/followers") == ["alice"]

    async def test_can_be_withdrawn(self, alice, bob):
        await close(bob)
        await follow(alice, bob)
        answer = await alice.delete(f"/accounts/{bob.id}/follow")
        assert answer.json() == {"account": bob.id}
        assert await names(bob, "/me/follow-requests") == []

    async def test_a_block_ends_them(self, alice, bob):
        await close(bob)
        await follow(alice, bob)
        await alice.put(f"/me/blocks/{bob.id}")
        assert await names(bob, "/me/follow-requests") == []

    async def test_whoever_opens_lets_all_in(self, alice, bob):
        await close(bob)
        await follow(alice, bob)
        opened = await bob.patch(f"/accounts/{bob.id}", json={"visibility": "public"})
        assert opened.json()["followers"] == 1
        assert await counters(alice, alice) == (0, 1)
        assert await names(bob, "/me/follow-requests") == []

    async def test_whoever_closes_keeps_the_followers(self, site, alice, bob):
        await follow(alice, bob)
        await close(bob)
        assert await counters(alice, bob) == (1, 0)
        shown = (await alice.get(f"/accounts/{bob.id}")).json()
        assert shown["relationship"]["following"] is True


class TestLists:
    async def test_the_newest_come_first(self, site, alice, bob):
        others = [await site.sign_up(f"other_{number}") for number in range(5)]
        for other in others:
            await follow(other, alice)
            await follow(bob, other)
        newest_first = [f"other_{number}" for number in reversed(range(5))]
        for limit in (2, 5, 50):
            assert await names(bob, f"/accounts/{alice.id}/followers", limit) == newest_first
            assert await names(alice, f"/accounts/{bob.id}/following", limit) == newest_first
            assert await names(bob, f"/accounts/{alice.id}/mutuals", limit) == newest_first
        assert await names(alice, f"/accounts/{alice.id}/mutuals") == []
        assert await names(alice, "/me/friends") == []
        await follow(alice, others[1])
        await follow(alice, others[0])
        assert await names(alice, "/me/friends", 1) == ["other_0", "other_1"]

    async def test_entries_say_how_one_stands(self, alice, bob):
        await follow(alice, bob)
        page = (await bob.get(f"/accounts/{bob.id}/followers")).json()
        assert page["items"] == [
            {
                "id": alice.id,
                "username": "alice",
                "relationship": {"account": alice.id, "followed_by": True},
            }
        ]
        page = (await alice.get(f"/accounts/{bob.id}/followers")).json()
        assert "relationship" not in page["items"][0]

    async def test_neither_skip_nor_repeat_while_follows_come_and_go(self, site, alice, bob):
        others = [await site.sign_up(f"other_{number}") for number in range(8)]
        for other in others[:6]:
            await follow(other, alice)
        path, found, query = f"/accounts/{alice.id}/followers", [], {"limit": 2}
        for number in range(3):
            page = (await bob.get(path, params=query)).json()
            found += [person["username"] for person in page["items"]]
            query["cursor"] = page["next_cursor"]
            # A new one, and one gone that was seen already.
            if number < 2:
                await follow(others[6 + number], alice)
            await others[5 - number].delete(f"/accounts/{alice.id}/follow")
        assert found == [f"other_{number}" for number in reversed(range(6))]
        assert query["cursor"] is None

    @pytest.mark.parametrize("which", LISTS)
    async def test_of_a_closed_account_are_for_its_followers(self, site, alice, bob, which):
        eve = await site.sign_up("eve")
        await follow(alice, eve)
        await close(eve)
        await follow(bob, eve)
        path = f"/accounts/{eve.id}/{which}"
        assert (await alice.get(path)).status_code == 200
        assert (await eve.get(path)).status_code == 200
        hidden, absent = await bob.get(path), await bob.get(f"/accounts/17/{which}")
        assert (hidden.code, hidden.content) == ("not_found", absent.content)

    @pytest.mark.parametrize("which", LISTS)
    async def test_know_blocks(self, site, alice, bob, which):
        await alice.put(f"/me/blocks/{bob.id}")
        for viewer, other in ((alice, bob), (bob, alice)):
            answer = await viewer.get(f"/accounts/{other.id}/{which}")
            assert answer.code == "not_found"

    async def test_leave_blocked_ones_out(self, site, alice, bob):
        eve = await site.sign_up("eve")
        await follow(alice, eve)
        await follow(bob, eve)
        await alice.put(f"/me/blocks/{bob.id}")
        assert await names(alice, f"/accounts/{eve.id}/followers") == ["alice"]
        assert await names(bob, f"/accounts/{eve.id}/followers") == ["bob"]
        assert await names(eve, f"/accounts/{eve.id}/followers") == ["bob", "alice"]

    @pytest.mark.parametrize(
        "path", ["/me/friends", "/me/follow-requests", "/accounts/1/followers"]
    )
    async def test_refuse_a_wrong_query(self, site, alice, path):
        for query in ({"limit": 0}, {"limit": 201}, {"cursor": "x"}, {"cursor": "MA"}):
            assert (await alice.get(path, params=query)).code == "bad_request"
        assert (await site.anyone.get(path)).code == "unauthorized"


class TestRelationships:
    async def test_are_told_in_order(self, site, alice, bob):
        eve = await site.sign_up("eve")
        await follow(alice, bob)
        await alice.put(f"/me/mutes/{eve.id}")
        asked = [eve.id, bob.id, eve.id, alice.id, "17"]
        told = (await alice.get("/me/relationships", params={"account": asked})).json()
        assert told == {
            "items": [
                {"account": eve.id, "muted": True},
                {"account": bob.id, "following": True},
            ],
            "next_cursor": None,
        }

    async def test_who_has_blocked_one_is_not_there(self, alice, bob):
        await alice.put(f"/me/blocks/{bob.id}")
        path, query = "/me/relationships", {"account": [alice.id, bob.id]}
        assert (await bob.get(path, params=query)).json()["items"] == []
        blocked = {"account": bob.id, "blocked": True}
        assert (await alice.get(path, params=query)).json()["items"] == [blocked]

    @pytest.mark.parametrize("accounts", [[], ["x"], ["0"], ["1"] * 101, ["9223372036854775808"]])
    async def test_refuses_a_wrong_query(self, alice, accounts):
        answer = await alice.get("/me/relationships", params={"account": accounts})
        assert answer.code == "bad_request"
