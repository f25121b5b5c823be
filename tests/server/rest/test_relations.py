"""server/rest/relations.py: blocks, mutes and settings."""

import pytest

LISTS = ["/me/blocks", "/me/mutes"]


@pytest.mark.parametrize("path", LISTS)
class TestLists:
    async def test_what_is_put_is_listed_until_it_is_deleted(self, alice, bob, path):
        for _ in range(2):
            assert (await alice.put(f"{path}/{bob.id}")).status_code == 204
        page = (await alice.get(path)).json()
        assert page == {"items": [{"id": bob.id, "username": "bob"}], "next_cursor": None}
        assert (await bob.get(path)).json()["items"] == []
        for _ in range(2):
            assert (await alice.delete(f"{path}/{bob.id}")).status_code == 204
        assert (await alice.get(path)).json()["items"] == []

    async def test_the_two_lists_are_apart(self, alice, bob, path):
        await alice.put(f"{path}/{bob.id}")
        for other in set(LISTS) - {path}:
            assert (await alice.get(other)).json()["items"] == []

    async def test_are_paged(self, site, alice, path):
        others = [(await site.sign_up(f"other{number}")).id for number in range(5)]
        for other in others:
            await alice.put(f"{path}/{other}")
        found, cursor = [], None
        while True:
            query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = (await alice.get(path, params=query)).json()
            found += [user["id"] for user in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert found == others

    async def test_one_is_not_on_one_s_own_list(self, alice, path):
        assert (await alice.put(f"{path}/{alice.id}")).code == "bad_request"

    async def test_others_must_exist(self, alice, path):
        assert (await alice.put(f"{path}/17")).code == "not_found"
        assert (await alice.delete(f"{path}/17")).status_code == 204

    async def test_are_finite(self, serve, path):
        site = await serve(blocked_accounts=2)
        alice = await site.sign_up("alice")
        others = [await site.sign_up(f"other{number}") for number in range(3)]
        for other in others[:2]:
            assert (await alice.put(f"{path}/{other.id}")).status_code == 204
        assert (await alice.put(f"{path}/{others[2].id}")).code == "forbidden"
        assert (await alice.put(f"{path}/{others[0].id}")).status_code == 204
        assert len((await alice.get(path)).json()["items"]) == 2
        await alice.delete(f"{path}/{others[0].id}")
        assert (await alice.put(f"{path}/{others[2].id}")).status_code == 204

    async def test_are_one_s_own(self, site, path):
        assert (await site.anyone.get(path)).code == "unauthorized"


class TestSettings:
    async def test_change_one_by_one(self, alice, bob):
        path = "/me/settings"
        assert (await alice.get(path)).json() == {"busy": False, "hidden": False}
        answer = await alice.patch(path, json={"busy": True})
        assert answer.json() == {"busy": True, "hidden": False}
        answer = await alice.patch(path, json={"hidden": True})
        assert answer.json() == {"busy": True, "hidden": True}
        answer = await alice.patch(path, json={})
        assert answer.json() == (await alice.get(path)).json() == {"busy": True, "hidden": True}
        assert (await bob.get(path)).json() == {"busy": False, "hidden": False}

    async def test_are_true_or_false(self, alice):
        assert (await alice.patch("/me/settings", json={"busy": 1})).code == "bad_request"


class TestDm:
    async def test_none_can_be_opened_where_one_has_blocked_the_other(self, alice, bob):
        await alice.put(f"/me/blocks/{bob.id}")
        for one, other in ((alice, bob), (bob, alice)):
            answer = await one.post("/rooms", json={"kind": "dm", "members": [other.id]})
            assert answer.code == "blocked"
        assert (await alice.get("/rooms")).json()["items"] == []
        answer = await bob.post(
            "/rooms", json={"kind": "group", "title": "x", "members": [alice.id]}
        )
        assert answer.status_code == 201
