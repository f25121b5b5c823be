"""server/passwords.py."""

import asyncio
from collections.abc import Iterator
from threading import Event

import pytest
from argon2 import Parameters, PasswordHasher, Type
from argon2.profiles import CHEAPEST, RFC_9106_LOW_MEMORY

from protocol.errors import BAD_REQUEST, OVERLOADED, PlazaError
from server.passwords import Passwords, check_password


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    pool = Passwords(workers=1, parameters=CHEAPEST)
    yield pool
    pool.close()


async def test_verifies_what_it_hashed(passwords: Passwords):
    stored = await passwords.hash("correct horse")
    assert stored.startswith("$argon2id$")
    assert await passwords.verify(stored, "correct horse")
    assert not await passwords.verify(stored, "correct horsf")


async def test_a_password_is_the_same_however_it_is_typed(passwords: Passwords):
    stored = await passwords.hash("Åse's pa\N{LATIN SMALL LIGATURE FI}sword")
    assert await passwords.verify(stored, "A\N{COMBINING RING ABOVE}se's pafisword")


async def test_an_unknown_account_costs_a_verification(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
):
    verified = []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, password_hash: str, password: str) -> bool:
        verified.append(password_hash)
        return verify(self, password_hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    stored = await passwords.hash("correct horse")
    await passwords.verify(stored, "wrong horse")
    assert not await passwords.verify(None, "wrong horse")
    assert len(verified) == 2
    # The same parameters, so the same cost.
    assert verified[0].split("$")[:4] == verified[1].split("$")[:4]


async def test_a_hash_of_other_parameters_is_outdated(passwords: Passwords):
    assert not passwords.outdated(await passwords.hash("correct horse"))
    costlier = Parameters(
        type=Type.ID,
        version=19,
        salt_len=16,
        hash_len=16,
        time_cost=2,
        memory_cost=16,
        parallelism=1,
    )
    assert passwords.outdated(PasswordHasher.from_parameters(costlier).hash("correct horse"))


def test_takes_64_mib_by_default():
    pool = Passwords(workers=1)
    assert pool.outdated(PasswordHasher.from_parameters(CHEAPEST).hash("x"))
    assert not pool.outdated(PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY).hash("x"))
    assert RFC_9106_LOW_MEMORY.memory_cost == 64 * 1024
    pool.close()


async def test_refuses_more_than_it_can_queue(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
):
    release = Event()
    monkeypatch.setattr(PasswordHasher, "hash", lambda self, password: release.wait() and password)
    waiting = [asyncio.ensure_future(passwords.hash(str(number))) for number in range(21)]
    await asyncio.sleep(0)
    with pytest.raises(PlazaError) as caught:
        await passwords.hash("one too many")
    assert caught.value.spec is OVERLOADED
    assert caught.value.retry_after
    release.set()
    assert await asyncio.gather(*waiting) == [str(number) for number in range(21)]
    assert await passwords.hash("room again") == "room again"


async def test_a_caller_that_gives_up_keeps_its_place_until_the_thread_is_free(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
):
    release = Event()
    monkeypatch.setattr(PasswordHasher, "hash", lambda self, password: release.wait() and password)
    waiting = [asyncio.ensure_future(passwords.hash(str(number))) for number in range(21)]
    await asyncio.sleep(0)
    for caller in waiting:
        caller.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    with pytest.raises(PlazaError):
        await passwords.hash("no room yet")
    release.set()


class TestCheckPassword:
    def check(self, password: str) -> None:
        check_password(password, username="alice_b", email="Alice.B@example.org")

    @pytest.mark.parametrize(
        "password", ["12345678", "x" * 200, "пароль-и-ещё", "🐎" * 8, "eight  8"]
    )
    def test_accepts(self, password: str):
        self.check(password)

    @pytest.mark.parametrize(
        "password",
        ["", "1234567", "x" * 201, "alice.b@example.org", "ALICE.B@EXAMPLE.ORG", "Alice.B"],
    )
    def test_refuses(self, password: str):
        with pytest.raises(PlazaError) as caught:
            self.check(password)
        assert caught.value.spec is BAD_REQUEST

    def test_says_what_is_wrong(self):
        with pytest.raises(PlazaError, match="8 to 200 characters, this one has 3"):
            self.check("abc")

    def test_counts_characters_after_normalisation(self):
        with pytest.raises(PlazaError, match="has 7"):
            self.check("A\N{COMBINING RING ABOVE}" * 7)
        self.check("\N{ARABIC LIGATURE JALLAJALALOUHOU}" * 2)
