"""The pictures of docs/: `PLAZA_SCREENSHOTS=docs/images make browser ARGS="-k pictures"`.

Without the variable they go to a temporary folder: that the scenes can be played is a test.
"""

import os
from pathlib import Path

import pytest
from playwright.async_api import ViewportSize, expect

from tests.web.conftest import Arrive
from tests.web.person import Person

pytestmark = pytest.mark.browser

DESKTOP = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=390, height=780)
MOST_BYTES = 200_000

CODE = """The loop is the whole trick:
```
for n in range(1, 11):
    b[n] = bernoulli(n, b)
```"""


async def play(ada: Person, bob: Person, grace: Person, eve: Person) -> None:
    """What the pictures show."""
    await eve.create("group", "Harbour walk", ada, bob)
    await eve.say("Sunday at ten, by the lighthouse?")
    await grace.create("group", "Reading circle", ada, eve)
    await grace.say("Chapter four is shorter than it looks")
    await bob.open_dm(ada)
    await bob.say("Lunch tomorrow?")
    await grace.create("channel", "Analytical engine", ada, bob, eve)
    await ada.open("Analytical engine")
    await bob.open("Analytical engine")
    await grace.say("The punched cards came back from the weaver today. They are **beautiful**.")
    await grace.say("Pictures are at https://example.org/cards")
    await bob.sees("Pictures are at")
    await bob.say("Did anybody try the Bernoulli numbers on them?")
    await ada.sees("Bernoulli numbers")
    await ada.say(CODE)
    await grace.sees("whole trick")
    await grace.act("whole trick", "React")
    await grace.page.get_by_role("button", name="party").click()
    await bob.act("whole trick", "React")
    await bob.page.get_by_role("button", name="rocket").click()
    await expect(ada.message("whole trick").locator(".reaction")).to_have_count(2)
    await ada.message("whole trick").locator(".reaction").first.click()
    await bob.act("Pictures are at", "Reply")
    await bob.say("The third one deserves a frame 👀")
    await bob.act("Did anybody try", "Open thread")
    await answer(bob, "I have an hour on Thursday, if somebody turns the crank.")
    await ada.act("Did anybody try", "Open thread")
    await answer(ada, "I will. Bring the cards, and something against the noise.")
    await ada.page.keyboard.press("Escape")
    await grace.say(f"Excellent. @{ada.name} will you write it up for the journal?")
    await ada.sees("write it up")
    await ada.say("With pleasure. A note or two may become longer than the paper, though.")
    await grace.sees("With pleasure")
    await bob.sees("With pleasure")


async def answer(person: Person, text: str) -> None:
    """Say something in the thread that is open."""
    box = person.page.get_by_role("complementary", name="Thread").get_by_role("textbox")
    await box.fill(text)
    await box.press("Enter")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the pictures go."""
    folder = Path(os.environ.get("PLAZA_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


async def test_pictures(arrive: Arrive, folder: Path) -> None:
    numbered = "PLAZA_SCREENSHOTS" not in os.environ
    ada, bob, grace, eve = [
        await arrive(name, numbered=numbered, viewport=DESKTOP, color_scheme="light")
        for name in ("ada", "bob", "grace", "eve")
    ]
    page = ada.page

    async def take(name: str) -> None:
        path = folder / f"{name}.png"
        await page.mouse.move(0, 0)
        await page.screenshot(path=path, animations="disabled", caret="hide")
        assert path.stat().st_size < MOST_BYTES

    await play(ada, bob, grace, eve)
    await expect(ada.main.get_by_text("Seen by")).to_contain_text(bob.name)
    # Longer than the pause between two notices of typing.
    await grace.composer.press_sequentially("They hum when wound", delay=250)
    await expect(ada.main.get_by_text(f"{grace.name} is typing")).to_be_visible()
    await take("conversation-light")
    await page.emulate_media(color_scheme="dark")
    await page.get_by_role("button", name="replies").click()
    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread.get_by_role("article")).to_have_count(3)
    await take("thread-dark")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="About this conversation").click()
    about = page.get_by_role("complementary", name="About")
    await expect(about.get_by_role("listitem")).to_have_count(4)
    await take("members-dark")
    await page.keyboard.press("Escape")

    await page.emulate_media(color_scheme="light")
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("option", name="Harbour walk")).to_be_visible()
    await take("switcher-light")
    await page.keyboard.press("Escape")

    await page.set_viewport_size(PHONE)
    await page.get_by_role("link", name="Back to the list").click()
    await expect(page.get_by_role("heading", name="Plaza", exact=True)).to_be_visible()
    await take("phone-list-light")
    await page.emulate_media(color_scheme="dark")
    await ada.open("Analytical engine")
    await expect(ada.message("With pleasure")).to_be_in_viewport()
    await take("phone-conversation-dark")


async def test_a_narrow_phone_does_not_scroll_sideways(arrive: Arrive) -> None:
    ada = await arrive("ada", viewport=ViewportSize(width=360, height=640), has_touch=True)
    await ada.create("group", "A title that is far too long for such a narrow phone, and goes on")
    await ada.say("https://example.org/" + "long/" * 60)
    await ada.say("```\n" + "wide " * 60 + "\n```")
    await ada.sees("wide wide")
    fits = "document.documentElement.scrollWidth <= innerWidth"
    log_fits = "log => log.scrollWidth <= log.clientWidth"
    assert await ada.page.evaluate(fits)
    assert await ada.page.get_by_role("log").evaluate(log_fits)
    # The message's buttons are inside of the page, too.
    await ada.message("wide wide").locator(".meta").tap()
    toolbar = ada.page.get_by_role("toolbar")
    box = await toolbar.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    await ada.page.get_by_role("link", name="Back to the list").click()
    await expect(ada.page.get_by_role("navigation")).to_be_visible()
    assert await ada.page.evaluate(fits)
