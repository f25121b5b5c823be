"""server/rest/comments.py: comments, answers to them, and their likes."""

import pytest

from protocol.ids import Id
from protocol.posts import Visibility
from tests import social


@pytest.fixture
async def post(database, alice):
    """A post of alice's."""
    async with database.connection() as db:
        return await social.post(db, Id(alice.id))


@pytest.fixture
async def eve(site):
    return await site.sign_up("eve")


@pytest.fixture
async def moderator(site, database):
    person = await site.sign_up("moderator")
    async with database.connection() as db:
        await db.execute("UPDATE accounts SET moderator = true WHERE id = $1", Id(person.id))
    return person


async def say(person, post, content="Hm.", **fields):
    answer = await person.post(f"/posts/{post}/comments", json={"content": content, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def listed(person, post, **query):
    """Ids of the comments on a post, page by page."""
    found, cursor = [], None
    while True:
        params = {"limit": 2, **query} | ({"cursor": cursor} if cursor else {})
        page = (await person.get(f"/posts/{post}/comments", params=params)).json()
        found += [comment["id"] for comment in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


async def test_a_comment_is_written_and_read(alice, bob, post):
    comment = await say(bob, post, "Caf\u0065\u0301 or tea, @alice?\n\tTea.")
    assert comment == {
        "id": comment["id"],
        "post": str(post),
        "at": comment["at"],
        "author": {"id": bob.id, "username": "bob"},
        "content": "Caf\u00e9 or tea, @alice?\n\tTea.",
        "mentions": [{"id": alice.id, "username": "alice"}],
    }
    assert (await alice.get(f"/comments/{comment['id']}")).json() == comment
    answer = await say(alice, post, "Both.", parent=comment["id"])
    assert answer["parent"] == comment["id"]
    assert (await bob.get(f"/comments/{comment['id']}")).json()["replies"] == 1
    counters = (await bob.put(f"/posts/{post}/like")).json()
    assert counters["comments"] == 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"content": ""},
        {"content": " \n"},
        {"content": "a\x00b"},
        {"content": "a\x9fb"},
        {"content": "x" * 2_001},
        {"content": 5},
        {"content": "x", "parent": 5},
        {"content": "x", "parent": "0"},
        {"content": "x", "parent": "9223372036854775808"},
    ],
)
async def test_what_is_no_comment(alice, post, body):
    assert (await alice.post(f"/posts/{post}/comments", json=body)).code == "bad_request"


async def test_lone_surrogates_are_refused(alice, post):
    answer = await alice.post(
        f"/posts/{post}/comments",
        content=b'{"content": "\\ud800"}',
        headers={"Content-Type": "application/json"},
    )
    assert answer.code == "bad_request"


async def test_the_longest(alice, post):
    assert len((await say(alice, post, "e\u0301" * 2_000))["content"]) == 2_000


async def test_threads_come_page_by_page(site, alice, bob, post):
    tops, below = [], []
    for _ in range(5):
        tops.append((await say(bob, post))["id"])
        site.clock.advance(1)
        below.append((await say(alice, post, parent=tops[0]))["id"])
    assert await listed(alice, post) == tops
    assert await listed(alice, post, parent=tops[0]) == below
    assert await listed(alice, post, parent=tops[1]) == []
    for parent in ("17", str(post)):
        answer = await alice.get(f"/posts/{post}/comments", params={"parent": parent})
        assert answer.code == "not_found"
    answer = await alice.get(f"/posts/{post}/comments", params={"parent": "x"})
    assert answer.code == "bad_request"


async def test_a_key_writes_once(alice, bob, post):
    async def keyed(content):
        return await bob.post(
            f"/posts/{post}/comments", json={"content": content}, headers={"Idempotency-Key": "k"}
        )

    first = await keyed("One.")
    again = await keyed("One.")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert (await keyed("Two.")).code == "nonce_conflict"
    assert await listed(alice, post) == [first.json()["id"]]


async def test_who_may_edit_and_delete(alice, bob, eve, moderator, post):
    may = {
        # Who: (status of an edit, of a deletion).
        bob: (200, 204),  # wrote it
        alice: (403, 204),  # wrote the post
        moderator: (403, 204),
        eve: (403, 403),
    }
    for person, (edited, deleted) in may.items():
        path = f"/comments/{(await say(bob, post))['id']}"
        answer = await person.patch(path, json={"content": "Hm!"})
        assert answer.status_code == edited
        if edited == 200:
            assert (answer.json()["content"], answer.json()["edited_at"]) == (
                *("Hm!", "2027-01-15T08:00:00.000Z"),
            )
        assert (await person.delete(path)).status_code == deleted
        found = await eve.get(path)
        assert found.status_code == (404 if deleted == 204 else 200)


async def test_with_answers_it_stays_empty(alice, bob, post):
    comment = await say(bob, post, "I take that back, @alice.")
    top = comment["id"]
    below = (await say(alice, post, parent=top))["id"]
    path = f"/comments/{top}"
    await alice.put(f"{path}/like")
    assert (await bob.delete(path)).status_code == 204
    tombstone = {
        "id": top,
        "post": str(post),
        "at": comment["at"],
        "deleted": True,
        "replies": 1,
    }
    page = (await alice.get(f"/posts/{post}/comments")).json()
    assert page["items"] == [(await bob.get(path)).json()] == [tombstone]
    for answer in (
        await bob.delete(path),
        await bob.patch(path, json={"content": "Hm."}),
        await alice.put(f"{path}/like"),
        await alice.delete(f"{path}/like"),
        await alice.post(f"/posts/{post}/comments", json={"content": "?", "parent": top}),
    ):
        assert (answer.status_code, answer.code) == (410, "message_deleted")
    await alice.delete(f"/comments/{below}")
    assert (await bob.get(path)).code == "not_found"
    assert await listed(alice, post) == []


async def test_likes(alice, bob, post):
    path = f"/comments/{(await say(bob, post))['id']}/like"
    for _ in range(2):
        liked = (await alice.put(path)).json()
        assert (liked["likes"], liked["liked"]) == (1, True)
    assert (await bob.put(path)).json()["likes"] == 2
    for _ in range(2):
        answer = await alice.delete(path)
        assert answer.status_code == 200
        assert answer.json()["likes"] == 1
        assert "liked" not in answer.json()


ABOUT_A_COMMENT = [
    ("GET", "", None),
    ("PATCH", "", {"content": "Hm."}),
    ("DELETE", "", None),
    ("PUT", "/like", None),
    ("DELETE", "/like", None),
]


@pytest.mark.parametrize(("method", "what", "body"), ABOUT_A_COMMENT)
async def test_hidden_and_absent_are_not_told_apart(
    site, database, alice, bob, eve, post, method, what, body
):
    async with database.connection() as db:
        secret = await social.post(db, Id(alice.id), visibility=Visibility.PRIVATE)
    hidden = (await say(alice, secret))["id"]
    bobs = (await say(bob, post))["id"]
    await bob.put(f"/me/blocks/{eve.id}")
    answers = [
        await eve.request(method, f"/comments/{comment}{what}", json=body)
        for comment in (hidden, bobs, 17)
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {
        (404, '{"error":{"code":"not_found","message":"There is no such comment."}}')
    }
    assert await listed(eve, post) == []
    answer = await site.anyone.request(method, f"/comments/{bobs}{what}", json=body)
    assert answer.code == "unauthorized"
