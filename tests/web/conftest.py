"""A server as a process of its own, Debian's Chromium, and the people in front of it."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright

from tests.e2e.process import ServerProcess
from tests.web.line import Line
from tests.web.person import Person

CHROMIUM = "/usr/bin/chromium"
# No service of its own, and nothing that needs a graphics card or a user namespace.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTINGS = {
    "PLAZA_LIMITS__SIGNUPS_PER_IP_HOUR": "0",
    "PLAZA_LIMITS__LOGINS_PER_IP_MINUTE": "0",
}

Arrive = Callable[..., Awaitable[Person]]


@pytest.fixture(scope="session")
async def served() -> AsyncIterator[ServerProcess]:
    """`plaza serve`, once for all of these tests."""
    data_dir = Path(tempfile.mkdtemp(prefix="plaza-web-", dir="/tmp"))
    server = ServerProcess(data_dir, SETTINGS)
    try:
        await server.start()
        yield server
    finally:
        await server.end()
        shutil.rmtree(data_dir, ignore_errors=True)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    assert shutil.which(CHROMIUM), "Install Debian's package chromium."
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture
async def line(served: ServerProcess) -> AsyncIterator[Line]:
    """A connection to the server that can be cut."""
    line = await Line.open(served.url)
    yield line
    line.cut()


@pytest.fixture
async def arrive(browser: Browser, served: ServerProcess) -> AsyncIterator[Arrive]:
    """Opens the page for somebody: `await arrive("ada")`.

    At the end nobody's console may have complained.
    """
    people: list[Person] = []

    async def arrive(name: str, *, url: str = "", enter: bool = True, **options: Any) -> Person:
        person = await Person.arrive(browser, url or served.url, name, **options)
        people.append(person)
        if enter:
            await person.sign_up()
        return person

    yield arrive
    for person in people:
        await person.context.close()
    for person in people:
        person.check()
