"""server/rest/sessions.py and authentication.py, and the sessions of server/auth.py."""

import asyncio

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST, RFC_9106_LOW_MEMORY

from protocol.ids import Id
from server.passwords import Passwords
from server.tokens import TokenKey

LOG_IN = {"login": "alice", "password": "correct horse battery"}


class TestLogIn:
    @pytest.mark.parametrize(
        "login", ["alice", " ALICE ", "alice@example.org", "Alice@Example.Org"]
    )
    async def test_takes_a_username_or_an_address(self, site, alice, login):
        again = await site.log_in(login)
        assert again.id == alice.id
        assert (await again.get("/me")).status_code == 200

    @pytest.mark.parametrize(
        "wrong",
        [
            {"password": "wrong horse battery"},
            {"password": ""},
            {"login": "nobody"},
            {"login": "nobody@example.org"},
            {"login": ""},
            {"login": "alice\0"},
        ],
    )
    async def test_refuses_wrong_credentials(self, site, alice, wrong):
        answer = await site.anyone.post("/sessions", json=LOG_IN | wrong)
        assert answer.code == "invalid_credentials"
        assert answer.headers["www-authenticate"] == 'Bearer realm="plaza"'

    async def test_an_unknown_name_costs_as_much(self, site, alice, monkeypatch):
        verified = []
        verify = Passwords.verify

        async def counted(self, password_hash, password):
            verified.append(password_hash)
            return await verify(self, password_hash, password)

        monkeypatch.setattr(Passwords, "verify", counted)
        for login in ("alice", "nobody", "nobody@example.org"):
            body = {"login": login, "password": "wrong horse battery"}
            await site.anyone.post("/sessions", json=body)
        assert [password_hash is None for password_hash in verified] == [False, True, True]

    async def test_renews_a_hash_of_other_parameters(self, site, alice):
        costly = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY).hash(LOG_IN["password"])
        async with site.database.connection() as connection:
            await connection.execute("UPDATE accounts SET password_hash = $1", costly)
            await site.log_in("alice")
            stored = await connection.fetchval("SELECT password_hash FROM accounts")
        assert not PasswordHasher.from_parameters(CHEAPEST).check_needs_rehash(stored)
        await site.log_in("alice")

    async def test_a_password_changed_meanwhile_is_not_let_in(self, site, alice, monkeypatch):
        """The password is right when it is verified, and another one when the session begins."""
        verify = Passwords.verify

        async def verify_then_change(self, password_hash, password):
            right = await verify(self, password_hash, password)
            monkeypatch.undo()
            answer = await alice.put(
                "/me/password",
                json={
                    "current_password": LOG_IN["password"],
                    "new_password": "staple of battery",
                },
            )
            assert answer.status_code == 200
            return right

        monkeypatch.setattr(Passwords, "verify", verify_then_change)
        answer = await site.anyone.post("/sessions", json=LOG_IN)
        assert answer.code == "invalid_credentials"

    async def test_is_throttled_by_address(self, serve):
        site = await serve(logins_per_ip_minute=2)
        await site.sign_up("alice")
        await site.log_in("alice")
        await site.anyone.post("/sessions", json={"login": "nobody", "password": "x"})
        answer = await site.anyone.post("/sessions", json=LOG_IN)
        assert answer.code == "rate_limited"
        assert answer.headers["retry-after"] == "30"
        assert answer.json()["error"]["retry_after"] == pytest.approx(30)
        site.clock.advance(30)
        await site.log_in("alice")


class TestWrongPasswords:
    WRONG = LOG_IN | {"password": "wrong horse battery"}

    async def test_are_throttled_by_account(self, serve):
        site = await serve(logins_per_account_minute=2)
        await site.sign_up("alice")
        await site.sign_up("bob")
        for _ in range(2):
            answer = await site.anyone.post("/sessions", json=self.WRONG)
            assert answer.code == "invalid_credentials"
        assert (await site.anyone.post("/sessions", json=LOG_IN)).code == "rate_limited"
        await site.log_in("bob")
        site.clock.advance(30)
        await site.log_in("alice")

    async def test_of_an_unknown_name_are_throttled_alike(self, serve):
        site = await serve(logins_per_account_minute=2)
        codes = [
            (await site.anyone.post("/sessions", json=LOG_IN | {"login": login})).code
            for login in ("nobody", " NOBODY", "nobody")
        ]
        assert codes == ["invalid_credentials", "invalid_credentials", "rate_limited"]

    async def test_right_ones_cost_nothing(self, serve):
        site = await serve(logins_per_account_minute=1)
        await site.sign_up("alice")
        for _ in range(5):
            await site.log_in("alice")

    async def test_guesses_at_the_same_time_count(self, serve):
        site = await serve(logins_per_account_minute=2)
        await site.sign_up("alice")
        answers = await asyncio.gather(
            *(site.anyone.post("/sessions", json=self.WRONG) for _ in range(8))
        )
        assert sorted(answer.code for answer in answers) == (
            ["invalid_credentials"] * 2 + ["rate_limited"] * 6
        )

    async def test_from_elsewhere_do_not_keep_the_owner_out(self, serve):
        site = await serve(logins_per_account_minute=1)
        alice = await site.sign_up("alice")
        async with site.database.connection() as connection:
            await connection.execute("UPDATE sessions SET address = '192.0.2.1'")
        assert (await site.anyone.post("/sessions", json=self.WRONG)).code == "invalid_credentials"
        assert (await site.anyone.post("/sessions", json=LOG_IN)).code == "rate_limited"
        # The address of the test client becomes one where alice is logged in.
        async with site.database.connection() as connection:
            await connection.execute("UPDATE sessions SET address = '127.0.0.1'")
        await site.log_in("alice")
        assert (await alice.get("/me")).status_code == 200


class TestRefresh:
    async def refresh(self, site, token):
        return await site.anyone.post("/sessions/refresh", json={"refresh_token": token})

    async def test_gives_fresh_tokens_of_the_same_session(self, site, alice):
        site.clock.advance(60)
        answer = await self.refresh(site, alice.refresh_token)
        assert answer.status_code == 200
        fresh = site.signed_in(answer)
        assert fresh.id == alice.id
        assert fresh.access_token != alice.access_token
        assert fresh.refresh_token != alice.refresh_token
        assert len((await fresh.get("/sessions")).json()["items"]) == 1

    async def test_a_reused_token_ends_the_session(self, site, alice):
        session = (await alice.get("/sessions")).json()["items"][0]["id"]
        thief = site.signed_in(await self.refresh(site, alice.refresh_token))
        answer = await self.refresh(site, alice.refresh_token)
        assert answer.code == "refresh_reused"
        assert answer.headers["www-authenticate"] == 'Bearer realm="plaza"'
        assert site.closed_sessions.closed == [session]
        assert (await thief.get("/me")).code == "unauthorized"
        assert (await self.refresh(site, thief.refresh_token)).code == "unauthorized"

    async def test_of_two_at_once_one_is_reuse(self, site, alice):
        answers = await asyncio.gather(*(self.refresh(site, alice.refresh_token) for _ in range(2)))
        assert sorted(str(answer.code) for answer in answers) == ["None", "refresh_reused"]

    @pytest.mark.parametrize("token", ["", "x", "é", "\0", "x" * 200])
    async def test_refuses_what_is_no_token(self, site, token):
        assert (await self.refresh(site, token)).code == "unauthorized"

    async def test_refuses_after_the_session_ended(self, site, alice):
        await alice.delete("/sessions/current")
        assert (await self.refresh(site, alice.refresh_token)).code == "unauthorized"

    async def test_refuses_after_thirty_days(self, site, alice):
        site.clock.advance(30 * 86_400 + 1)
        assert (await self.refresh(site, alice.refresh_token)).code == "unauthorized"


class TestSessions:
    async def test_lists_own_ones(self, site, alice, bob):
        user_agent = "phone\x851.0 (ünlike)" + "x" * 300
        phone = await site.anyone.post(
            "/sessions", json=LOG_IN, headers={"User-Agent": user_agent.encode("latin-1")}
        )
        assert phone.status_code == 201
        items = (await alice.get("/sessions")).json()["items"]
        assert [each["current"] for each in items] == [False, True]
        assert items[0]["user_agent"].startswith("phone1.0 (ünlike)x")
        assert len(items[0]["user_agent"]) == 200
        assert items[0]["address"] == "127.0.0.1"
        assert set(items[0]) == {
            "id",
            "user_agent",
            "address",
            "created_at",
            "refreshed_at",
            "current",
        }

    async def test_revokes_another_one(self, site, alice):
        phone = await site.log_in("alice")
        items = (await alice.get("/sessions")).json()["items"]
        other = next(each["id"] for each in items if not each["current"])
        answer = await alice.delete(f"/sessions/{other}")
        assert (answer.status_code, answer.content) == (204, b"")
        assert site.closed_sessions.closed == [other]
        assert (await phone.get("/me")).code == "unauthorized"
        assert (await alice.get("/me")).status_code == 200
        assert (await alice.delete(f"/sessions/{other}")).code == "not_found"

    async def test_logs_out(self, site, alice):
        current = (await alice.get("/sessions")).json()["items"][0]["id"]
        assert (await alice.delete("/sessions/current")).status_code == 204
        assert site.closed_sessions.closed == [current]
        assert (await alice.get("/me")).code == "unauthorized"

    async def test_does_not_touch_those_of_others(self, site, alice, bob):
        others = (await bob.get("/sessions")).json()["items"][0]["id"]
        assert (await alice.delete(f"/sessions/{others}")).code == "not_found"
        assert (await bob.get("/me")).status_code == 200
        assert site.closed_sessions.closed == []


class TestAuthentication:
    async def challenge(self, site, authorization):
        answer = await site.anyone.get("/me", headers={"Authorization": authorization})
        assert answer.status_code == 401
        return answer.code, answer.headers["www-authenticate"]

    async def test_needs_a_token(self, site):
        answer = await site.anyone.get("/me")
        assert answer.code == "unauthorized"
        # RFC 6750, section 3.1: no error code for a request without a token.
        assert answer.headers["www-authenticate"] == 'Bearer realm="plaza"'

    @pytest.mark.parametrize(
        "authorization",
        ["Basic YTpi", "Bearer", "Bearer x", "x", "Bearer a b", "bearer ünlike"],
    )
    async def test_refuses_what_is_no_token(self, site, authorization):
        code, challenge = await self.challenge(site, authorization.encode("latin-1"))
        assert code == "unauthorized"
        assert 'error="invalid_token"' in challenge

    async def test_the_scheme_knows_no_case(self, site, alice):
        answer = await site.anyone.get(
            "/me", headers={"Authorization": f"bearer {alice.access_token}"}
        )
        assert answer.status_code == 200

    async def test_says_when_a_token_has_expired(self, site, alice):
        site.clock.advance(900)
        code, challenge = await self.challenge(site, f"Bearer {alice.access_token}")
        assert code == "token_expired"
        assert 'error="invalid_token"' in challenge
        assert "expired" in challenge

    async def test_refuses_a_session_of_somebody_else(self, site, alice, bob):
        session = (await bob.get("/sessions")).json()["items"][0]["id"]
        forged = TokenKey(bytes(32), lifetime=900).issue(
            Id(alice.id), Id(session), site.clock() / 1000
        )
        assert (await self.challenge(site, f"Bearer {forged}"))[0] == "unauthorized"

    async def test_comes_before_the_body_is_looked_at(self, site):
        assert (await site.anyone.post("/rooms", content=b"{")).code == "unauthorized"
