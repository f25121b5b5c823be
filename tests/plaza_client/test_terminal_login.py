"""Logging in as a person does it, against the real server."""

import asyncio
import os
import stat
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from persistence.embedded import EmbeddedPostgres
from plaza_client import PlazaRefused
from plaza_client.terminal_login import NobodyToAsk, RememberedRest, SavedToken, sign_in
from server.config import Config
from tests.e2e.site import Site, copy_of, serving

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
async def site(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Site]:
    async with copy_of(template, postgres) as dsn, serving(dsn, Config()) as served:
        yield served


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


class Person:
    """Answers questions from a list."""

    def __init__(self, *answers: str) -> None:
        self._answers = deque(answers)
        self.asked: list[str] = []

    async def ask(self, question: str, *, hidden: bool = False) -> str:
        assert hidden == ("password" in question.lower() and "Create" not in question)
        self.asked.append(question)
        return self._answers.popleft()


async def nobody(question: str, *, hidden: bool = False) -> str:
    raise NobodyToAsk(question)


async def test_a_newcomer_signs_up_and_comes_back_without_a_password(
    site: Site, state: Path
) -> None:
    newcomer = Person("no name", "Ada", PASSWORD, "y", "ada@example.org", PASSWORD)
    rest = await sign_in(site.url, newcomer.ask)
    assert (await rest.me()).username == "ada"
    await rest.close()
    assert newcomer.asked[:2] == ["Username: ", "Username: "]

    saved = SavedToken(site.url, "ada").path
    assert saved.is_relative_to(state)
    assert stat.S_IMODE(os.stat(saved).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(saved.parent).st_mode) == 0o700

    rest = await sign_in(site.url, nobody, username="ada")
    assert (await rest.me()).username == "ada"
    await rest.close()


async def test_a_wrong_password_is_asked_for_again(site: Site) -> None:
    rest = await sign_in(
        site.url, Person("y", "bob@example.org", PASSWORD).ask, username="bob", password=PASSWORD
    )
    await rest.close()
    forgetful = Person("n", PASSWORD)
    rest = await sign_in(site.url, forgetful.ask, username="bob", password="wrong password")
    assert [question.split()[0] for question in forgetful.asked] == ["No", "Password:"]
    await rest.close()


async def test_a_name_that_is_taken_is_not_taken_over(site: Site) -> None:
    rest = await sign_in(
        site.url, Person("y", "cy@example.org", PASSWORD).ask, username="cyn", password=PASSWORD
    )
    await rest.close()
    impostor = Person("y", "im@example.org", "other password", PASSWORD)
    rest = await sign_in(site.url, impostor.ask, username="cyn", password="other password")
    assert impostor.asked[-1] == "Password: "
    await rest.close()


async def test_where_nobody_can_be_asked(site: Site) -> None:
    with pytest.raises(NobodyToAsk, match="Username"):
        await sign_in(site.url, nobody)
    with pytest.raises(NobodyToAsk, match="Password"):
        await sign_in(site.url, nobody, username="zoe")
    with pytest.raises(PlazaRefused) as refusal:
        await sign_in(site.url, nobody, username="zoe", password=PASSWORD)
    assert refusal.value.code == "invalid_credentials"
    with pytest.raises(PlazaRefused, match="a username is"):
        await sign_in(site.url, nobody, username="not a name", password=PASSWORD)


async def test_passwords_that_differ(site: Site) -> None:
    hasty = Person("y", "d@example.org", "something else")
    with pytest.raises(PlazaRefused, match="differ"):
        await sign_in(site.url, hasty.ask, username="dee", password=PASSWORD)


async def test_a_session_that_has_ended_needs_the_password(site: Site) -> None:
    rest = await sign_in(
        site.url, Person("y", "e@example.org", PASSWORD).ask, username="eve", password=PASSWORD
    )
    await rest.log_out()
    await rest.close()
    person = Person(PASSWORD)
    rest = await sign_in(site.url, person.ask, username="eve")
    assert person.asked == ["Password: "]
    await rest.close()


async def test_terminals_that_share_a_session_take_turns(site: Site) -> None:
    first = await sign_in(
        site.url, Person("y", "f@example.org", PASSWORD).ask, username="fay", password=PASSWORD
    )
    others = [RememberedRest(site.url, SavedToken(site.url, "fay")) for _ in range(3)]
    # One refresh token used twice would end the session.
    await asyncio.gather(*[rest.refresh() for rest in [first, *others, first]])
    for rest in [first, *others]:
        assert (await rest.me()).username == "fay"
        await rest.close()


async def test_a_saved_token_that_is_gone(site: Site) -> None:
    async with RememberedRest(site.url, SavedToken(site.url, "ghost")) as rest:
        with pytest.raises(PlazaRefused, match="no session"):
            await rest.refresh()
