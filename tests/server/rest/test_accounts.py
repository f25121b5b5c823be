"""server/rest/accounts.py, and the sign-up of server/auth.py."""

import pytest

SIGN_UP = {"username": "ada", "email": "ada@example.org", "password": "correct horse battery"}


class TestSignUp:
    async def test_creates_an_account_and_a_session(self, site):
        answer = await site.anyone.post("/accounts", json=SIGN_UP)
        assert answer.status_code == 201
        body = answer.json()
        assert set(body) == {"account", "access_token", "refresh_token"}
        assert body["account"]["username"] == "ada"
        assert body["account"]["email"] == "ada@example.org"
        assert body["account"]["id"].isdecimal()
        me = await site.anyone.get(
            "/me", headers={"Authorization": f"Bearer {body['access_token']}"}
        )
        assert me.json() == body["account"]

    async def test_folds_the_username(self, site):
        answer = await site.anyone.post("/accounts", json=SIGN_UP | {"username": " Ada "})
        assert answer.json()["account"]["username"] == "ada"

    @pytest.mark.parametrize(
        ("taken", "code"),
        [
            ({"username": "ADA", "email": "other@example.org"}, "username_taken"),
            ({"username": "other", "email": "ADA@Example.ORG"}, "email_taken"),
        ],
    )
    async def test_refuses_what_is_taken(self, site, taken, code):
        await site.anyone.post("/accounts", json=SIGN_UP)
        answer = await site.anyone.post("/accounts", json=SIGN_UP | taken)
        assert answer.code == code

    @pytest.mark.parametrize(
        ("wrong", "says"),
        [
            ({"username": "a"}, "A username is 3 to 30"),
            ({"username": "ada lovelace"}, "A username is 3 to 30"),
            ({"username": "ada\0"}, "A username is 3 to 30"),
            ({"username": "x" * 101}, "`$.username`"),
            ({"username": 5}, "`$.username`"),
            ({"username": None}, "`$.username`"),
            ({"email": "ada"}, "An e-mail address"),
            ({"email": "ada@"}, "An e-mail address"),
            ({"email": "ada@exa mple.org"}, "An e-mail address"),
            ({"email": "ada@example.org\0"}, "An e-mail address"),
            ({"email": f"{'a' * 250}@b.org"}, "An e-mail address"),
            ({"password": "1234567"}, "8 to 200"),
            ({"password": "x" * 201}, "8 to 200"),
            ({"password": "ada@example.org"}, "must not be"),
        ],
    )
    async def test_refuses_what_breaks_the_rules(self, site, wrong, says):
        answer = await site.anyone.post("/accounts", json=SIGN_UP | wrong)
        assert answer.code == "bad_request"
        assert says in answer.json()["error"]["message"]

    async def test_is_throttled_by_address(self, serve):
        site = await serve(signups_per_ip_hour=2)
        await site.sign_up("first")
        await site.sign_up("second")
        answer = await site.anyone.post("/accounts", json=SIGN_UP)
        assert answer.code == "rate_limited"
        assert answer.json()["error"]["retry_after"] == pytest.approx(1800)
        assert answer.headers["retry-after"] == "1800"
        site.clock.advance(1800)
        assert (await site.anyone.post("/accounts", json=SIGN_UP)).status_code == 201

    async def test_what_breaks_the_rules_costs_no_try(self, serve):
        site = await serve(signups_per_ip_hour=1)
        await site.anyone.post("/accounts", json=SIGN_UP | {"password": "short"})
        await site.sign_up("ada")


class TestLookUp:
    async def test_shows_others_without_their_address(self, alice, bob):
        answer = await alice.get(f"/accounts/{bob.id}")
        assert answer.json()["username"] == "bob"
        assert "email" not in answer.json()

    async def test_finds_by_username(self, alice, bob):
        answer = await alice.get("/accounts", params={"username": "BOB"})
        assert answer.json() == {
            "items": [{"id": bob.id, "username": "bob", "relationship": {"account": bob.id}}],
            "next_cursor": None,
        }

    @pytest.mark.parametrize("name", ["nobody", "", "no such name", "null", "\0", "é"])
    async def test_finds_nobody(self, alice, name):
        answer = await alice.get("/accounts", params={"username": name})
        assert answer.json()["items"] == []

    @pytest.mark.parametrize("query", [{}, {"username": "bob", "prefix": "bob"}])
    async def test_needs_a_username_or_its_beginning(self, alice, query):
        answer = await alice.get("/accounts", params=query)
        assert answer.code == "bad_request"
        assert "username" in answer.json()["error"]["message"]

    async def test_finds_by_the_beginning_page_by_page(self, site, alice):
        names = ["ada", "ada_2", "ada_lovelace", "adam"]
        for name in [*names, "a_da", "adb"]:
            await site.sign_up(name)
        found, query = [], {"prefix": "ADA", "limit": 2}
        while True:
            page = (await alice.get("/accounts", params=query)).json()
            found += [user["username"] for user in page["items"]]
            if page["next_cursor"] is None:
                break
            query["cursor"] = page["next_cursor"]
        assert found == names

    @pytest.mark.parametrize("prefix", ["nobody", "a%", "é", "\0", "x" * 31])
    async def test_finds_nobody_who_begins_so(self, alice, prefix):
        answer = await alice.get("/accounts", params={"prefix": prefix})
        assert answer.json() == {"items": [], "next_cursor": None}

    @pytest.mark.parametrize(
        "query", [{"prefix": ""}, {"prefix": "x" * 101}, {"prefix": "a", "cursor": "YQ"}]
    )
    async def test_refuses_a_wrong_query(self, alice, query):
        assert (await alice.get("/accounts", params=query)).code == "bad_request"

    async def test_refuses_an_unknown_id(self, alice):
        assert (await alice.get("/accounts/999")).code == "not_found"

    @pytest.mark.parametrize(
        "broken",
        ["0", "-1", "01", "x", "9223372036854775808", "1" * 40, "1.5", "%D9%A1", "%00"],
    )
    async def test_refuses_a_broken_id(self, alice, broken):
        answer = await alice.get(f"/accounts/{broken}")
        assert answer.code == "bad_request"
        assert "an id is" in answer.json()["error"]["message"]


class TestChangePassword:
    NEW = "staple of battery"

    async def change(self, person, *, current="correct horse battery", new=NEW):
        return await person.put(
            "/me/password", json={"current_password": current, "new_password": new}
        )

    async def test_ends_every_session_and_begins_a_new_one(self, site, alice):
        elsewhere = await site.log_in("alice")
        before = (await alice.get("/sessions")).json()["items"]
        changed = site.signed_in(await self.change(alice))
        assert (await alice.get("/me")).code == "unauthorized"
        assert (await elsewhere.get("/me")).code == "unauthorized"
        refreshed = await site.anyone.post(
            "/sessions/refresh", json={"refresh_token": alice.refresh_token}
        )
        assert refreshed.code == "unauthorized"
        assert sorted(site.closed_sessions.closed) == sorted(each["id"] for each in before)
        sessions = (await changed.get("/sessions")).json()["items"]
        assert [each["current"] for each in sessions] == [True]

    async def test_the_new_password_is_good_and_the_old_one_is_not(self, site, alice):
        await self.change(alice)
        old = {"login": "alice", "password": "correct horse battery"}
        assert (await site.anyone.post("/sessions", json=old)).code == "invalid_credentials"
        await site.log_in("alice", self.NEW)

    async def test_needs_the_present_password(self, site, alice):
        answer = await self.change(alice, current="wrong horse battery")
        assert answer.code == "invalid_credentials"
        assert (await alice.get("/me")).status_code == 200
        assert site.closed_sessions.closed == []

    @pytest.mark.parametrize("new", ["short", "x" * 201, "alice@example.org"])
    async def test_refuses_what_breaks_the_rules(self, alice, new):
        assert (await self.change(alice, new=new)).code == "bad_request"

    async def test_guesses_are_throttled(self, serve):
        site = await serve(logins_per_account_minute=2)
        alice = await site.sign_up("alice")
        for _ in range(2):
            assert (await self.change(alice, current="wrong")).code == "invalid_credentials"
        assert (await self.change(alice)).code == "rate_limited"
