"""server/rest/profiles.py and the searches of server/rest/accounts.py."""

import pytest

from tests.social import new_id


async def make_moderator(site, person):
    async with site.database.connection() as connection:
        await connection.execute(
            "UPDATE accounts SET moderator = true WHERE id = $1", int(person.id)
        )


async def upload(site, person, state="ready"):
    async with site.database.connection() as connection:
        image = new_id()
        await connection.execute(
            "INSERT INTO uploads (id, account_id, key, state, kind, variants) "
            "VALUES ($1::bigint, $2, $1::text, $3, 'image', "
            """'[{"name": "1080.webp", "type": "image/webp", "bytes": 9}]')""",
            image,
            int(person.id),
            state,
        )
    return str(image)


async def change(person, **fields):
    return await person.patch(f"/accounts/{person.id}", json=fields)


class TestShow:
    async def test_a_new_one_shows_the_username(self, alice, bob):
        shown = (await alice.get(f"/accounts/{bob.id}")).json()
        assert shown.pop("created_at").endswith("Z")
        assert shown == {"id": bob.id, "username": "bob", "relationship": {"account": bob.id}}
        own = (await bob.get(f"/accounts/{bob.id}")).json()
        assert "relationship" not in own

    async def test_hidden_and_absent_are_alike(self, alice, bob):
        await alice.put(f"/me/blocks/{bob.id}")
        hidden = await bob.get(f"/accounts/{alice.id}")
        absent = await bob.get("/accounts/17")
        assert (hidden.code, hidden.content) == ("not_found", absent.content)
        names = (await alice.get(f"/accounts/{bob.id}")).json()
        assert names["relationship"] == {"account": bob.id, "blocked": True}

    async def test_needs_a_login(self, site, alice):
        assert (await site.anyone.get(f"/accounts/{alice.id}")).code == "unauthorized"
        assert (await site.anyone.patch(f"/accounts/{alice.id}", json={})).code == "unauthorized"


class TestChange:
    async def test_what_is_given_is_changed_and_the_rest_stays(self, alice, bob):
        everything = {
            "display_name": "Alice L.",
            "pronouns": "she/her",
            "bio": "Weaves *patterns*",
            "location": "London",
            "website": "https://example.org/alice",
            "birthday": "1990-02-28",
            "interests": ["looms", "Numbers"],
            "birthday_visibility": "public",
            "interests_visibility": "friends",
            "visibility": "followers",
        }
        answer = await change(alice, **everything)
        assert answer.status_code == 200
        seen = (await bob.get(f"/accounts/{alice.id}")).json()
        assert seen["bio_html"] == "<p>Weaves <em>patterns</em></p>"
        for field in ("display_name", "pronouns", "bio", "location", "website", "visibility"):
            assert seen[field] == answer.json()[field] == everything[field]
        # That account's "public" is for its followers.
        assert {"birthday", "interests"}.isdisjoint(seen)
        again = (await change(alice, bio="")).json()
        assert {"bio", "bio_html"}.isdisjoint(again)
        assert again["interests"] == ["looms", "Numbers"]
        assert again["birthday"] == "1990-02-28"
        cleared = (await change(alice, birthday=None, interests=[], display_name="")).json()
        assert {"birthday", "interests", "display_name"}.isdisjoint(cleared)
        unchanged = (await change(alice)).json()
        assert unchanged == cleared

    @pytest.mark.parametrize(
        ("field", "value", "says"),
        [
            ("display_name", "x" * 51, "display_name"),
            ("display_name", "a\0b", "U+0000"),
            ("display_name", None, "display_name"),
            ("pronouns", "a\nb", "U+000A"),
            ("bio", "x" * 1_001, "bio"),
            ("bio", "a\0", "U+0000"),
            ("location", "\x1b", "U+001B"),
            ("website", "example.org", "https://"),
            ("website", "javascript:alert(1)", "https://"),
            ("birthday", "2999-01-01", "future"),
            ("birthday", "yesterday", "birthday"),
            ("interests", ["x"] * 21, "interests"),
            ("interests", [" "], "empty"),
            ("interests", ["x" * 41], "interests"),
            ("birthday_visibility", "nobody", "birthday_visibility"),
            ("visibility", "friends", "visibility"),
            ("avatar", "17", "avatar"),
            ("banner", "9223372036854775808", "banner"),
            ("verified", 1, "verified"),
        ],
    )
    async def test_refuses_what_breaks_the_rules(self, alice, field, value, says):
        before = (await alice.get(f"/accounts/{alice.id}")).json()
        answer = await change(alice, **{"location": "Paris", field: value})
        assert answer.code == "bad_request"
        assert says in answer.json()["error"]["message"]
        assert (await alice.get(f"/accounts/{alice.id}")).json() == before

    async def test_refuses_broken_text(self, alice):
        for body in (b'{"bio": "\\ud800"}', b'{"bio": "\xff"}', b"[]", b"null"):
            answer = await alice.patch(
                f"/accounts/{alice.id}", content=body, headers={"Content-Type": "application/json"}
            )
            assert answer.code == "bad_request"

    async def test_is_for_oneself(self, alice, bob):
        answers = [
            await alice.patch(f"/accounts/{other}", json={"bio": "x"}) for other in (bob.id, "17")
        ]
        assert [answer.code for answer in answers] == ["forbidden"] * 2
        assert answers[0].content == answers[1].content

    async def test_moderators_say_who_is_verified(self, site, alice, bob):
        assert (await change(alice, verified=True)).code == "forbidden"
        assert (await bob.patch(f"/accounts/{alice.id}", json={"verified": True})).code == (
            "forbidden"
        )
        await make_moderator(site, bob)
        verified = await bob.patch(f"/accounts/{alice.id}", json={"verified": True})
        assert verified.json()["verified"] is True
        more = {"verified": False, "bio": "x"}
        assert (await bob.patch(f"/accounts/{alice.id}", json=more)).code == "forbidden"
        assert (await bob.patch("/accounts/17", json={"verified": True})).code == "not_found"
        assert (await bob.get(f"/accounts/{alice.id}")).json()["verified"] is True


class TestPictures:
    async def test_are_shown_and_taken_away(self, site, alice, bob):
        avatar, banner = await upload(site, alice), await upload(site, alice)
        shown = (await change(alice, avatar=avatar, banner=banner)).json()
        assert shown["avatar"] == f"/media/{avatar}/avatar"
        assert shown["avatar_media"]["id"] == avatar
        assert shown["banner"]["url"] == f"/media/{banner}/1080.webp"
        # What is beside the name comes with it in lists too.
        found = (await bob.get("/accounts", params={"username": "alice"})).json()["items"]
        assert found[0]["avatar"] == shown["avatar"]
        gone = (await change(alice, avatar=None)).json()
        assert {"avatar", "avatar_media"}.isdisjoint(gone)
        assert gone["banner"]["id"] == banner
        async with site.database.connection() as connection:
            uses = await connection.fetch("SELECT upload_id::text, purpose FROM upload_uses")
        assert [tuple(use) for use in uses] == [(banner, "banner")]

    async def test_are_one_s_own_and_ready(self, site, alice, bob):
        for wrong in (await upload(site, bob), await upload(site, alice, "processing")):
            assert (await change(alice, avatar=wrong, bio="x")).code == "bad_request"
        assert "bio" not in (await alice.get(f"/accounts/{alice.id}")).json()


class TestFind:
    async def test_by_what_the_name_is_like(self, site, alice, bob):
        await change(bob, display_name="Robert Zuse")
        for text in ("bob", "@bob", "robert", " ROBERT zus "):
            found = (await alice.get("/accounts", params={"search": text})).json()
            assert [person["username"] for person in found["items"]] == ["bob"], text
            assert found["items"][0]["relationship"] == {"account": bob.id}

    async def test_page_by_page(self, site, alice):
        for number in range(5):
            await site.sign_up(f"eve_{number}")
        names, query = [], {"search": "eve", "limit": 2}
        while True:
            page = (await alice.get("/accounts", params=query)).json()
            names += [person["username"] for person in page["items"]]
            if page["next_cursor"] is None:
                break
            query["cursor"] = page["next_cursor"]
        assert sorted(names) == [f"eve_{number}" for number in range(5)]

    @pytest.mark.parametrize("text", ["\0", " ", "@", "nobody like this", "%"])
    async def test_nobody(self, alice, text):
        assert (await alice.get("/accounts", params={"search": text})).json() == {
            "items": [],
            "next_cursor": None,
        }

    @pytest.mark.parametrize(
        "query",
        [
            {"search": ""},
            {"search": "x" * 101},
            {"search": "a", "prefix": "a"},
            {"search": "a", "cursor": "YQ"},
            {"search": "a", "cursor": "f_gAAAAAAAAAAAAAAAAAAQ"},  # not a number
        ],
    )
    async def test_refuses_a_wrong_query(self, alice, query):
        assert (await alice.get("/accounts", params=query)).code == "bad_request"

    async def test_not_who_has_blocked_one(self, alice, bob):
        await alice.put(f"/me/blocks/{bob.id}")
        for query in ({"username": "alice"}, {"prefix": "ali"}, {"search": "alice"}):
            assert (await bob.get("/accounts", params=query)).json()["items"] == []
        assert (await alice.get("/accounts", params={"search": "bob"})).json()["items"] == []
        for query in ({"username": "bob"}, {"prefix": "bo"}):
            found = (await alice.get("/accounts", params=query)).json()["items"]
            assert found[0]["relationship"]["blocked"] is True
