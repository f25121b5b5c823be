"""server/rest/engagement.py: likes, bookmarks, votes."""

from datetime import timedelta

import pytest

from protocol.ids import Id
from protocol.posts import PostStatus, PostType, Visibility
from protocol.times import from_ms
from tests import social
from tests.server.rest.conftest import START


@pytest.fixture
def write(database):
    """Writes a post."""

    async def post(author, **columns):
        async with database.connection() as db:
            return await social.post(db, Id(author.id), **columns)

    return post


@pytest.fixture
def ask(database):
    """Writes a poll."""

    async def poll(author, **options):
        async with database.connection() as db:
            return await social.poll(db, Id(author.id), **options)

    return poll


async def every(person, path, **query):
    """All items of a list, page by page."""
    found, cursor = [], None
    while True:
        params = {"limit": 2, **query} | ({"cursor": cursor} if cursor else {})
        page = (await person.get(path, params=params)).json()
        assert len(page["items"]) <= 2
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


# Method, what comes after the post, body.
ABOUT_A_POST = [
    ("PUT", "like", None),
    ("DELETE", "like", None),
    ("GET", "likes", None),
    ("PUT", "bookmark", None),
    ("DELETE", "bookmark", None),
    ("PUT", "vote", {"options": [0]}),
    ("DELETE", "vote", None),
    ("POST", "comments", {"content": "Hm."}),
    ("GET", "comments", None),
]


async def test_every_route_needs_a_token_and_an_id(site, alice, ask):
    post = await ask(alice)
    for method, what, body in ABOUT_A_POST:
        answer = await site.anyone.request(method, f"/posts/{post}/{what}", json=body)
        assert answer.code == "unauthorized"
        answer = await alice.request(method, f"/posts/none/{what}", json=body)
        assert answer.status_code in (400, 404)


async def test_no_route_tells_hidden_from_absent(site, alice, bob, write, ask):
    eve = await site.sign_up("eve")
    await alice.put(f"/me/blocks/{eve.id}")
    held_back = set(PostStatus) - {PostStatus.PUBLISHED}
    hidden = [
        (eve, await ask(alice)),
        (bob, await ask(alice, visibility=Visibility.FOLLOWERS)),
        (bob, await ask(alice, visibility=Visibility.FRIENDS)),
        (bob, await ask(alice, visibility=Visibility.PRIVATE)),
        *[(bob, await write(alice, status=status)) for status in sorted(held_back)],
        (alice, await write(alice, status=PostStatus.DELETED)),
        (bob, 17),
    ]
    for method, what, body in ABOUT_A_POST:
        answers = [
            await person.request(method, f"/posts/{post}/{what}", json=body)
            for person, post in hidden
        ]
        assert {(answer.status_code, answer.text) for answer in answers} == {
            (404, '{"error":{"code":"not_found","message":"There is no such post."}}')
        }


class TestLikes:
    async def test_counters_are_answered(self, alice, bob, write):
        path = f"/posts/{await write(alice)}/like"
        for _ in range(2):
            assert (await bob.put(path)).json() == {
                "likes": 1,
                "comments": 0,
                "shares": 0,
                "liked": True,
            }
        for _ in range(2):
            answer = await bob.delete(path)
            assert answer.status_code == 200
            assert answer.json() == {"likes": 0, "comments": 0, "shares": 0, "liked": False}

    async def test_one_s_draft_cannot_be_liked(self, alice, write):
        post = await write(alice, status=PostStatus.DRAFT)
        assert (await alice.put(f"/posts/{post}/like")).code == "forbidden"

    async def test_who_likes_is_listed(self, site, alice, bob, write):
        post = await write(alice)
        fans = [await site.sign_up(f"fan_{number}") for number in range(5)]
        for fan in fans:
            await fan.put(f"/posts/{post}/like")
        await bob.put(f"/me/blocks/{fans[1].id}")
        await fans[2].put(f"/me/blocks/{bob.id}")
        listed = await every(alice, f"/posts/{post}/likes")
        assert listed[0] == {"id": fans[4].id, "username": "fan_4"}
        assert [author["id"] for author in listed] == [fan.id for fan in fans[::-1]]
        listed = await every(bob, f"/posts/{post}/likes")
        assert [author["username"] for author in listed] == ["fan_4", "fan_3", "fan_0"]

    @pytest.mark.parametrize("cursor", ["x", "MTc", "A" * 21, "", "é", f"f{'_' * 9}8{'A' * 11}"])
    async def test_cursors_are_ours(self, alice, write, cursor):
        post = await write(alice)
        answer = await alice.get(f"/posts/{post}/likes", params={"cursor": cursor})
        assert answer.code == "bad_request"


class TestBookmarks:
    async def test_are_one_s_own(self, site, alice, bob, write):
        eve = await site.sign_up("eve")
        posts = [await write(author) for author in (alice, eve, alice, bob, alice)]
        for post in posts:
            for _ in range(2):
                assert (await bob.put(f"/posts/{post}/bookmark")).status_code == 204
            # A moment later: what is bookmarked at the same moment has some order.
            site.clock.advance(0.001)
        items = await every(bob, "/me/bookmarks")
        assert [item["id"] for item in items] == [str(post) for post in posts[::-1]]
        assert all(item["bookmarked"] for item in items)
        assert await every(alice, "/me/bookmarks") == []
        await eve.put(f"/me/blocks/{bob.id}")
        for _ in range(2):
            assert (await bob.delete(f"/posts/{posts[2]}/bookmark")).status_code == 204
        items = await every(bob, "/me/bookmarks")
        assert [item["id"] for item in items] == [str(posts[place]) for place in (4, 3, 0)]

    async def test_need_a_token(self, site):
        assert (await site.anyone.get("/me/bookmarks")).code == "unauthorized"


class TestVotes:
    async def test_from_the_first_vote_to_the_last(self, site, alice, bob, ask):
        closes_at = from_ms(START) + timedelta(minutes=10)
        post = await ask(alice, options=3, closes_at=closes_at)
        path = f"/posts/{post}/vote"
        answer = (await bob.put(path, json={"options": [2]})).json()
        assert answer == {
            "options": [
                {"text": "Number 0"},
                {"text": "Number 1"},
                {"text": "Number 2", "votes": 1},
            ],
            "closes_at": "2027-01-15T08:10:00.000Z",
            "voters": 1,
            "chosen": [2],
        }
        answer = (await bob.put(path, json={"options": [0]})).json()
        assert [option.get("votes", 0) for option in answer["options"]] == [1, 0, 0]
        site.clock.advance(599)
        answer = await bob.delete(path)
        assert answer.status_code == 200
        assert "chosen" not in answer.json()
        site.clock.advance(1)
        for answer in (await bob.put(path, json={"options": [0]}), await bob.delete(path)):
            assert (answer.status_code, answer.code) == (409, "poll_closed")

    @pytest.mark.parametrize(
        "options",
        [[], [3], [-1], [0, 1], [0, 0], [0.5], ["0"], None, 0, [2**63], list(range(7))],
    )
    async def test_what_does_not_fit_a_single_choice(self, alice, ask, options):
        post = await ask(alice, options=3)
        answer = await alice.put(f"/posts/{post}/vote", json={"options": options})
        assert answer.code == "bad_request"

    async def test_several(self, alice, ask):
        post = await ask(alice, options=4, multiple=True)
        path = f"/posts/{post}/vote"
        assert (await alice.put(path, json={"options": [3, 1]})).json()["chosen"] == [1, 3]
        assert (await alice.put(path, json={"options": [1, 1]})).code == "bad_request"
        assert (await alice.put(path, json={"options": [4]})).code == "bad_request"

    async def test_only_polls_are_voted_in(self, alice, write):
        post = await write(alice, type=PostType.TEXT)
        assert (await alice.put(f"/posts/{post}/vote", json={"options": [0]})).code == "bad_request"
        assert (await alice.delete(f"/posts/{post}/vote")).code == "bad_request"
