"""Accounts over REST, on servers that make it hard."""

import base64
import json
from pathlib import Path

import pytest

from loadtest.endpoint import TargetError
from loadtest.preparing.accounts_file import Account, AccountsFile
from loadtest.preparing.rest import RestPreparation
from tests.loadtest.strangers import Answer, Request, answering, refusal

GONE = refusal(401, "invalid_credentials")
REUSED = refusal(401, "refresh_reused")
TAKEN = refusal(409, "username_taken")
LATER = refusal(429, "rate_limited", "Too many requests.", retry_after=0.01)
MUCH_LATER = refusal(429, "rate_limited", "Too many requests.", retry_after=172.4)


class Town:
    """A server: what it is asked for, it grants, unless it is told what to answer first.

    Args:
        lifetime: of its access tokens, in seconds.
        answers: to requests, by the last part of their path; None: it grants what is asked for.

    Attributes:
        asked: the last parts of the paths.
        names: with which somebody signed up or logged in.
    """

    def __init__(self, *, lifetime: int = 900, **answers: list[Answer | None]) -> None:
        self.asked: list[str] = []
        self.names: list[str] = []
        self._lifetime = lifetime
        self._answers = answers
        self._born = 100

    def __call__(self, request: Request) -> Answer:
        what = request.path.rpartition("/")[2]
        self.asked.append(what)
        self.names += filter(None, (request.fields.get("username"), request.fields.get("login")))
        waiting = self._answers.get(what)
        answer = waiting.pop(0) if waiting else None
        return self._welcome() if answer is None else answer

    def _welcome(self) -> Answer:
        self._born += 1
        life = {"iat": 1_000, "exp": 1_000 + self._lifetime, "sub": self._born}
        payload = base64.urlsafe_b64encode(json.dumps(life).encode()).decode().rstrip("=")
        tokens = {"access_token": f"x.{payload}.y", "refresh_token": f"refresh {self._born}"}
        return Answer(201, {"account": {"id": str(self._born), "username": "x"}, **tokens})


async def ask(town: Town, count: int, path: Path, *, former: int = 0) -> list[Account]:
    """Ask for people; return the accounts that are kept after it.

    Args:
        former: how many were kept before.
    """
    async with answering(town) as url:
        file = AccountsFile(path)
        file.keep(
            url, [Account(str(n), f"name_{n}", "password", "old", "old") for n in range(former)]
        )
        try:
            people = await RestPreparation(url, file, lambda *_: None).people(count)
            assert len({person.account for person in people}) == len(people) == count
        finally:
            file.close()
        return AccountsFile(path).of(url)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "accounts.json"


async def test_who_was_kept_is_not_signed_up_again(path: Path) -> None:
    town = Town()
    kept = await ask(town, 5, path, former=7)
    assert town.asked == ["refresh"] * 5
    assert [account.refresh_token for account in kept[5:]] == ["old", "old"]
    assert all(account.refresh_token.startswith("refresh 1") for account in kept[:5])


async def test_who_is_missing_is_signed_up(path: Path) -> None:
    town = Town()
    kept = await ask(town, 6, path, former=4)
    assert town.asked == ["refresh"] * 4 + ["accounts"] * 2
    assert [account.username for account in kept[4:]] == town.names
    assert len({account.password for account in kept[4:]}) == 2


async def test_tokens_that_do_not_last_are_fresh_when_the_run_begins(path: Path) -> None:
    town = Town(lifetime=0)
    await ask(town, 3, path)
    assert town.asked == ["accounts"] * 3 + ["refresh"] * 3


async def test_a_session_that_has_ended_is_begun_anew(path: Path) -> None:
    town = Town(refresh=[REUSED])
    await ask(town, 2, path, former=2)
    assert sorted(town.asked) == ["refresh", "refresh", "sessions"]
    assert town.names[0].startswith("name_")


async def test_who_is_gone_is_replaced(path: Path) -> None:
    town = Town(refresh=[REUSED], sessions=[GONE])
    kept = await ask(town, 5, path, former=5)
    assert sorted(town.asked) == ["accounts"] + ["refresh"] * 5 + ["sessions"]
    assert len(kept) == 5


async def test_a_server_with_another_database_is_not_asked_for_everybody(path: Path) -> None:
    town = Town(refresh=[REUSED] * 90, sessions=[GONE] * 90)
    kept = await ask(town, 4, path, former=80)
    assert sorted(town.asked) == ["accounts"] * 4 + ["refresh"] * 3 + ["sessions"] * 3
    assert len(kept) == 4


async def test_a_sign_up_is_put_off(path: Path) -> None:
    town = Town(accounts=[LATER, LATER, None, LATER])
    assert len(await ask(town, 2, path)) == 2


async def test_a_sign_up_whose_answer_was_lost(path: Path) -> None:
    town = Town(accounts=[Answer(None), TAKEN])
    kept = await ask(town, 1, path)
    assert town.asked == ["accounts", "accounts", "sessions"]
    assert {account.username for account in kept} == set(town.names)


@pytest.mark.parametrize(
    ("town", "former", "sentence"),
    [
        (
            Town(accounts=[None, None, MUCH_LATER, MUCH_LATER, MUCH_LATER, MUCH_LATER]),
            0,
            r"for 172 s\. For the test, raise limits\.signups_per_ip_hour .* 2 of 9 accounts",
        ),
        (
            Town(refresh=[REUSED] * 9, sessions=[MUCH_LATER] * 9),
            9,
            r"for 172 s\. For the test, raise limits\.logins_per_ip_minute",
        ),
        (
            Town(accounts=[refusal(403, "forbidden", "Nobody comes in here.")] * 9),
            0,
            r"Nobody can sign up: Nobody comes in here\. 0 of 9 accounts are there",
        ),
        (Town(accounts=[Answer(201, {"id": 7})] * 9), 0, "could not be read"),
        (
            Town(refresh=[REUSED] * 9, sessions=[refusal(403, "forbidden", "Not you.")] * 9),
            9,
            r"An account cannot log in: Not you\.",
        ),
    ],
    ids=["sign-ups", "logins", "closed", "another version", "shut out"],
)
async def test_why_there_are_not_as_many(
    path: Path, town: Town, former: int, sentence: str
) -> None:
    with pytest.raises(TargetError, match=sentence):
        await ask(town, 9, path, former=former)


async def test_those_who_could_sign_up_are_kept(path: Path) -> None:
    town = Town(accounts=[None, None, None, *[MUCH_LATER] * 9])
    with pytest.raises(TargetError, match="3 of 9 accounts are there"):
        await ask(town, 9, path)
    [kept] = json.loads(read(path)).values()
    assert len(kept) == 3


def read(path: Path) -> str:
    return path.read_text()
