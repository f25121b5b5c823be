"""server/rest/posts.py and post_lists.py: posts over HTTP."""

import asyncio

import pytest

from protocol.times import from_ms, rfc3339
from tests.server.rest.conftest import START

TEXT = {"type": "text", "content": "Good morning."}


def after(seconds):
    """A time so many seconds from now, by the site's clock."""
    return rfc3339(from_ms(START + seconds * 1000))


async def write(person, **fields):
    answer = await person.post("/posts", json=TEXT | fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def ids_of(person, path, **query):
    answer = await person.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return [post["id"] for post in answer.json()["items"]]


async def test_a_post_is_written_read_changed_and_deleted(alice, bob):
    content = "Hello @bob, @nobody_here! #Looms #looms #12"
    post = await write(alice, content=content, warning="Looms")
    assert post == {
        "id": post["id"],
        "author": {"id": alice.id, "username": "alice"},
        "type": "text",
        "at": after(0),
        "content": content,
        "warning": "Looms",
        "tags": ["looms"],
        "mentions": [{"id": bob.id, "username": "bob"}],
    }
    path = f"/posts/{post['id']}"
    assert (await bob.get(path)).json() == post
    assert (await bob.patch(path, json={"content": "x"})).code == "forbidden"
    assert (await bob.delete(path)).code == "forbidden"
    changed = (await alice.patch(path, json={"content": "Bye. #dobby", "warning": None})).json()
    assert (changed["content"], changed["tags"], changed["edits"]) == ("Bye. #dobby", ["dobby"], 1)
    assert not changed.keys() & {"warning", "mentions"}
    assert (await bob.get(path)).json() == changed
    page = (await bob.get(f"{path}/edits")).json()
    version = {"version": 1, "at": after(0), "content": content, "warning": "Looms"}
    assert page == {"items": [version], "next_cursor": None}
    assert (await alice.delete(path)).status_code == 204
    for person in (alice, bob):
        for answer in (
            await person.get(path),
            await person.get(f"{path}/edits"),
            await person.patch(path, json={"content": "x"}),
            await person.delete(path),
            await person.post(f"{path}/share"),
        ):
            assert answer.code == "not_found"


async def test_a_poll_and_a_draft(alice, bob):
    poll = {"options": ["yes", "no"], "seconds": 300}
    post = await write(alice, type="poll", content="Tea?", poll=poll, status="draft")
    path = f"/posts/{post['id']}"
    assert (await bob.get(path)).code == "not_found"
    assert await ids_of(alice, "/me/drafts") == [post["id"]]
    scheduled = {"status": "scheduled", "publish_at": after(60)}
    assert (await alice.patch(path, json=scheduled)).json()["publish_at"] == after(60)
    assert await ids_of(alice, "/me/drafts") == [post["id"]]
    published = (await alice.patch(path, json={"status": "published"})).json()
    assert published["poll"] == {
        "options": [{"text": "yes"}, {"text": "no"}],
        "closes_at": after(300),
    }
    assert await ids_of(alice, "/me/drafts") == []
    assert await ids_of(bob, f"/accounts/{alice.id}/posts") == [post["id"]]


async def test_sharing(alice, bob):
    post = await write(alice)
    share = (await bob.post(f"/posts/{post['id']}/share")).json()
    assert share["shared"]["content"] == "Good morning."
    answer = await bob.post(f"/posts/{post['id']}/share")
    assert (answer.status_code, answer.json()["id"]) == (201, share["id"])
    quote = await write(bob, content="So true.", shared=post["id"])
    assert await ids_of(alice, f"/accounts/{bob.id}/posts") == [quote["id"], share["id"]]
    seen = (await bob.get(f"/posts/{post['id']}")).json()
    assert (seen["shares"], seen["shared_by_me"]) == (2, True)
    for _ in range(2):
        assert (await bob.delete(f"/posts/{post['id']}/share")).status_code == 204
    assert (await alice.get(f"/posts/{post['id']}")).json()["shares"] == 1
    friends = await write(alice, visibility="followers")
    assert (await bob.post(f"/posts/{friends['id']}/share")).code == "not_found"
    assert (await alice.post(f"/posts/{friends['id']}/share")).status_code == 201


async def test_a_retry_has_no_second_effect(alice, bob):
    async def once(person, content="Once."):
        headers = {"Idempotency-Key": "one"}
        return await person.post("/posts", json=TEXT | {"content": content}, headers=headers)

    answers = await asyncio.gather(*(once(alice) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (await once(alice, "Twice.")).code == "nonce_conflict"
    assert (await once(bob)).json()["id"] != answers[0].json()["id"]
    assert len(await ids_of(bob, f"/accounts/{alice.id}/posts")) == 1


@pytest.mark.parametrize("by", ["account", "tag"])
async def test_pages_neither_skip_nor_repeat_when_posts_arrive_and_go(alice, bob, by):
    path = f"/accounts/{alice.id}/posts" if by == "account" else "/tags/LOOMS/posts"
    posts = [(await write(alice, content=f"#looms {number}"))["id"] for number in range(7)]
    hidden = (await write(alice, content="#looms", visibility="private"))["id"]
    found, cursor = [], None
    while True:
        query = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await bob.get(path, params=query)).json()
        found += [post["id"] for post in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        assert len(page["items"]) == 3
        await write(alice, content="#looms, and more")
        if len(found) == 3:
            await alice.delete(f"/posts/{found[-1]}")
    assert found == posts[::-1]
    if by == "account":
        assert hidden in await ids_of(alice, path)


async def test_several_at_once(alice, bob):
    posts = [(await write(alice))["id"] for _ in range(3)]
    hidden = (await write(alice, visibility="private"))["id"]
    asked = [posts[2], hidden, posts[0], "17", posts[2]]
    assert await ids_of(bob, "/posts", ids=asked) == [posts[2], posts[0]]
    assert await ids_of(alice, "/posts", ids=hidden) == [hidden]
    assert (await bob.get("/posts")).code == "bad_request"
    assert (await bob.get("/posts", params={"ids": list(range(1, 102))})).code == "bad_request"
    assert (await bob.get("/posts", params={"ids": ["1", "x"]})).code == "bad_request"


async def test_hidden_and_absent_look_the_same(alice, bob):
    hidden = (await write(alice, visibility="friends"))["id"]
    draft = (await write(alice, status="draft"))["id"]
    for method, path, options in (
        ("GET", "/posts/{}", {}),
        ("GET", "/posts/{}/edits", {}),
        ("PATCH", "/posts/{}", {"json": {"content": "x"}}),
        ("DELETE", "/posts/{}", {}),
        ("POST", "/posts/{}/share", {}),
        ("DELETE", "/posts/{}/share", {}),
    ):
        answers = [
            await bob.request(method, path.format(post), **options)
            for post in (hidden, draft, "17")
        ]
        assert len({(answer.status_code, answer.text) for answer in answers}) == 1, path
    answers = [
        await bob.post("/posts", json=TEXT | {"shared": post}) for post in (hidden, draft, "17")
    ]
    assert {(answer.code, answer.text) for answer in answers} == {("not_found", answers[0].text)}
    assert await ids_of(bob, f"/accounts/{alice.id}/posts") == await ids_of(
        bob, "/accounts/17/posts"
    )


async def test_a_share_is_hidden_with_what_it_shares(alice, bob, site):
    eve = await site.sign_up("eve")
    post = (await write(alice))["id"]
    share = (await bob.post(f"/posts/{post}/share")).json()["id"]
    await alice.put(f"/me/blocks/{eve.id}")
    for method, path in (
        ("GET", "/posts/{}"),
        ("GET", "/posts/{}/edits"),
        ("PATCH", "/posts/{}"),
        ("DELETE", "/posts/{}"),
        ("POST", "/posts/{}/share"),
    ):
        body = {"json": {"content": "x"}} if method == "PATCH" else {}
        answers = [await eve.request(method, path.format(id_), **body) for id_ in (share, "17")]
        assert {answer.code for answer in answers} == {"not_found"}, path
        assert answers[0].text == answers[1].text
    assert await ids_of(eve, f"/accounts/{bob.id}/posts") == []
    assert await ids_of(alice, f"/accounts/{bob.id}/posts") == [share]


BAD = [
    {"type": "song"},
    {"content": ""},
    {"content": "x" * 5001},
    {"content": "\x00"},
    {"content": 5},
    {"visibility": "nobody"},
    {"status": "flagged"},
    {"status": "scheduled"},
    {"publish_at": after(60)},
    {"status": "scheduled", "publish_at": after(-1)},
    {"status": "scheduled", "publish_at": "2027-01-15T08:01:00"},
    {"status": "scheduled", "publish_at": "0001-01-01T00:00:00+14:00"},
    {"status": "scheduled", "publish_at": "9999-12-31T23:59:59-14:00"},
    {"warning": "w" * 201},
    {"link": "https://example.org"},
    {"type": "link", "link": "javascript:alert(1)"},
    {"media": ["17"]},
    {"type": "image", "media": ["17"]},
    {"type": "image", "media": ["9223372036854775808"]},
    {"poll": {"options": ["yes", "no"]}},
    {"type": "poll"},
    {"type": "poll", "poll": {"options": ["yes"]}},
    {"type": "poll", "poll": {"options": ["yes", "no"], "seconds": 1}},
    {"type": "poll", "poll": {"options": ["yes", "no"], "closes_at": after(1)}},
    {"type": "poll", "poll": {"options": ["yes", "no"], "closes_at": "0001-01-01T00:00:00+14:00"}},
    {"shared": "x"},
]


@pytest.mark.parametrize("fields", BAD, ids=str)
async def test_what_is_wrong_is_refused(alice, fields):
    assert (await alice.post("/posts", json=TEXT | fields)).code == "bad_request"


async def test_surrogates_are_refused(alice):
    body = b'{"type":"text","content":"\\ud800"}'
    answer = await alice.post("/posts", content=body, headers={"Content-Type": "application/json"})
    assert answer.code == "bad_request"


async def test_the_longest_texts_fit(alice):
    post = await write(alice, content="e\u0301" * 5_000)
    assert post["content"] == "é" * 5_000


@pytest.mark.parametrize("tag", ["12", "a-b", "%00", "a%20b", "x" * 101])
async def test_what_is_no_tag_is_refused(alice, tag):
    assert (await alice.get(f"/tags/{tag}/posts")).code == "bad_request"


async def test_tags_in_any_spelling(alice):
    post = await write(alice, content="#Café")
    for tag in ("café", "CAFE\u0301", "%23caf%C3%A9"):
        assert await ids_of(alice, f"/tags/{tag}/posts") == [post["id"]]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/posts"),
        ("GET", "/posts?ids=17"),
        ("GET", "/posts/17"),
        ("PATCH", "/posts/17"),
        ("DELETE", "/posts/17"),
        ("GET", "/posts/17/edits"),
        ("POST", "/posts/17/share"),
        ("DELETE", "/posts/17/share"),
        ("GET", "/accounts/17/posts"),
        ("GET", "/tags/a/posts"),
        ("GET", "/me/drafts"),
    ],
)
async def test_nothing_is_for_anonymous_people(site, method, path):
    assert (await site.anyone.request(method, path)).code == "unauthorized"
