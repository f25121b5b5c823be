"""server/rest/feed.py: the home feed, page by page."""

from itertools import chain

import pytest

ORDERS = ["latest", "ranked"]


@pytest.fixture
async def posts(alice, bob):
    """What alice finds: seven posts of bob's and two of her own, the newest first."""
    assert (await alice.put(f"/accounts/{bob.id}/follow")).status_code == 200
    written = []
    for number in range(9):
        author = alice if number in (2, 5) else bob
        body = {"type": "text", "content": f"Number {number}"}
        answer = await author.post("/posts", json=body)
        assert answer.status_code == 201, answer.text
        written.insert(0, answer.json()["id"])
    return written


async def pages(person, **query):
    """The ids of each page."""
    found = []
    while True:
        answer = await person.get("/feed", params=query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found.append([post["id"] for post in page["items"]])
        if page["next_cursor"] is None:
            return found
        query["cursor"] = page["next_cursor"]


async def everything(person, **query):
    """The ids of all pages."""
    return list(chain.from_iterable(await pages(person, **query)))


class TestFeed:
    async def test_has_what_one_follows_the_newest_first(self, alice, bob, posts):
        assert await pages(alice) == [posts]
        page = (await alice.get("/feed")).json()
        assert page["items"][0]["content"] == "Number 8"
        assert page["items"][0]["author"]["username"] == "bob"
        assert len((await pages(bob))[0]) == 7

    @pytest.mark.parametrize("order", ORDERS)
    async def test_pages_fit_together(self, alice, posts, order):
        for limit in (1, 4, 9, 100):
            found = await pages(alice, order=order, limit=limit)
            assert max(map(len, found)) == min(limit, 9)
            assert sorted(chain.from_iterable(found)) == sorted(posts)

    @pytest.mark.parametrize("order", ORDERS)
    async def test_nothing_moves_while_one_reads(self, alice, bob, posts, order):
        expected = await everything(alice, order=order)
        first = (await alice.get("/feed", params={"order": order, "limit": 3})).json()
        for number in range(3):
            await bob.post("/posts", json={"type": "text", "content": f"New {number}"})
            await bob.put(f"/posts/{expected[-1 - number]}/like")
        rest = await everything(alice, order=order, limit=2, cursor=first["next_cursor"])
        assert [post["id"] for post in first["items"]] + rest == expected

    async def test_who_is_left_blocked_or_muted_is_gone_at_once(self, alice, bob, posts):
        own = {posts[3], posts[6]}
        for do, undo in (
            (("PUT", f"/me/mutes/{bob.id}"), ("DELETE", f"/me/mutes/{bob.id}")),
            (("DELETE", f"/accounts/{bob.id}/follow"), ("PUT", f"/accounts/{bob.id}/follow")),
            (("PUT", f"/me/blocks/{bob.id}"), None),
        ):
            ranked = (await alice.get("/feed", params={"order": "ranked", "limit": 1})).json()
            await alice.request(*do)
            later = await everything(alice, order="ranked", cursor=ranked["next_cursor"])
            assert set(later) <= own
            for order in ORDERS:
                assert set(await everything(alice, order=order)) == own
            if undo is not None:
                await alice.request(*undo)
                assert await pages(alice) == [posts]

    async def test_a_stranger_finds_nothing(self, site, posts):
        eve = await site.sign_up("eve")
        for order in ORDERS:
            assert await pages(eve, order=order) == [[]]


class TestRefusals:
    async def test_it_is_one_s_own(self, site):
        assert (await site.anyone.get("/feed")).code == "unauthorized"

    @pytest.mark.parametrize(
        "query", [{"order": "best"}, {"limit": 0}, {"limit": 101}, {"limit": "many"}]
    )
    async def test_parameters_out_of_bounds(self, alice, query):
        assert (await alice.get("/feed", params=query)).code == "bad_request"

    @pytest.mark.parametrize("order", ORDERS)
    @pytest.mark.parametrize(
        "cursor", ["", "x", "0", "AAAA", "é", "AAAAAAAAAAAAAAAAAAAAAA", "_" * 22]
    )
    async def test_broken_cursors(self, alice, order, cursor):
        query = {"order": order, "cursor": cursor}
        assert (await alice.get("/feed", params=query)).code == "bad_request"

    @pytest.mark.parametrize(("one", "other"), [ORDERS, ORDERS[::-1]])
    async def test_cursors_are_good_for_their_own_order(self, alice, posts, one, other):
        page = (await alice.get("/feed", params={"order": one, "limit": 1})).json()
        query = {"order": other, "cursor": page["next_cursor"]}
        assert (await alice.get("/feed", params=query)).code == "bad_request"

    async def test_an_order_is_kept_for_its_reader(self, alice, bob, posts):
        page = (await alice.get("/feed", params={"order": "ranked", "limit": 1})).json()
        query = {"order": "ranked", "cursor": page["next_cursor"]}
        refused = await bob.get("/feed", params=query)
        assert refused.code == "bad_request"
        assert "without a cursor" in refused.json()["error"]["message"]
