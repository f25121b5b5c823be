"""One goes away and comes back: nothing is lost, nothing is there twice."""

import pytest
from playwright.async_api import expect

from tests.web.conftest import Arrive
from tests.web.line import Line
from tests.web.person import NETWORK

pytestmark = pytest.mark.browser


async def test_away_and_back(arrive: Arrive, line: Line) -> None:
    ada, bob = await arrive("ada"), await arrive("bob", url=line.url)
    bob.allow(NETWORK)
    await ada.open_dm(bob)
    await ada.say("before")
    await bob.open(ada.name)
    await bob.sees("before")

    line.cut()
    banner = bob.page.locator(".banner")
    await expect(banner).to_be_visible()
    await expect(banner).to_contain_text("No connection to the server")
    await ada.say("missed one")
    await ada.say("missed two")
    await bob.say("from afar")
    waiting = bob.message("from afar")
    await expect(waiting).to_have_attribute("aria-label", "You, being sent")
    await expect(banner).to_contain_text("Next try in")
    assert await bob.message("missed").count() == 0

    await line.mend()
    await banner.get_by_role("button", name="Try now").click()
    await expect(banner).to_be_hidden()
    everything = ["before", "missed one", "missed two", "from afar"]
    await expect(waiting.get_by_title("Read")).to_be_visible()
    assert await bob.texts() == everything
    await ada.sees("from afar")
    assert await ada.texts() == everything
    await bob.page.reload()
    await bob.sees("from afar")
    assert await bob.texts() == everything


async def test_the_page_opens_once_the_server_is_back(arrive: Arrive, line: Line) -> None:
    """The session lives in the browser: a page that was open keeps trying."""
    ada = await arrive("ada", url=line.url)
    ada.allow(NETWORK)
    await ada.create("group", "Harbour")
    line.cut()
    await expect(ada.page.locator(".banner")).to_be_visible()
    await ada.say("still here")
    await line.mend()
    await expect(ada.message("still here").get_by_title("Sent")).to_be_visible(timeout=60_000)
