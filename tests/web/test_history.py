"""Long conversations: back to the beginning, to the newest, to one message."""

import pytest
from playwright.async_api import expect

from tests.web.conftest import Arrive
from tests.web.person import Person

pytestmark = pytest.mark.browser

FILL = """
async ([room, from, to]) => {
    const { Rest, LocalTokens } = await import("/sdk/plaza.js");
    const rest = new Rest(location.origin, { tokens: new LocalTokens("plaza") });
    for (let number = from; number <= to; number += 1)
        await rest.messages.send(room, `message number ${String(number).padStart(4, "0")}`);
}
"""


async def fill(person: Person, first: int, last: int) -> None:
    """Say much in the room that is open."""
    room = person.page.url.split("/")[-1]
    await person.page.evaluate(FILL, [room, first, last])


async def test_back_to_the_beginning_without_a_jump(arrive: Arrive) -> None:
    ada = await arrive("ada")
    await ada.create("group", "Long")
    await fill(ada, 1, 520)
    await ada.sees("number 0520")
    log = ada.page.get_by_role("log")
    # The row in view stays where it is while a page is put in front.
    await log.hover()
    shown = 520
    for _ in range(200):
        await ada.page.mouse.wheel(0, -3000)
        numbers = [int(text[-4:]) for text in await ada.texts()]
        assert numbers == list(range(numbers[0], numbers[-1] + 1)), "no hole, no double"
        assert len(numbers) <= 400, "far pages are dropped"
        shown = min(shown, numbers[0])
        if shown == 1:
            break
        await ada.page.wait_for_timeout(30)
    assert shown == 1
    await expect(ada.message("number 0520")).to_have_count(0)

    await ada.page.get_by_role("button", name="To the newest message").click()
    await ada.sees("number 0520")
    await expect(ada.message("number 0520")).to_be_in_viewport()


async def test_a_page_in_front_moves_nothing(arrive: Arrive) -> None:
    ada = await arrive("ada")
    await ada.create("group", "Long")
    await fill(ada, 1, 150)
    await ada.sees("number 0150")
    await ada.page.reload()
    await ada.sees("number 0150")
    articles = ada.main.get_by_role("article")
    shown = await articles.count()
    assert shown < 150
    row = await articles.nth(12).element_handle()
    assert row is not None
    where = "row => row.getBoundingClientRect().top"
    # Set and measured in one go: the page in front comes as soon as the edge is near.
    before = await row.evaluate(
        f"row => {{ row.closest('[role=log]').scrollTop = 400; return ({where})(row); }}"
    )
    await expect(articles).not_to_have_count(shown)
    assert await row.evaluate(where) == pytest.approx(before, abs=1.5)


async def test_what_is_unread_begins_below_a_line(arrive: Arrive) -> None:
    ada, bob = await arrive("ada"), await arrive("bob")
    await ada.create("group", "Long", bob)
    await fill(ada, 1, 20)
    await bob.open("Long")
    await bob.sees("number 0020")
    await bob.page.get_by_role("log").press("End")
    await expect(bob.room("Long").locator(".badge")).to_have_count(0)
    await bob.create("group", "Elsewhere")
    await fill(ada, 21, 80)
    await expect(bob.room("Long").locator(".badge")).to_contain_text("60")
    await bob.open("Long")
    line = bob.page.get_by_role("separator", name="New messages")
    await expect(line).to_be_in_viewport()
    newest = bob.page.get_by_role("button", name="To the newest message")
    await expect(newest).to_be_visible()
    assert int((await newest.inner_text()).split()[0]) > 20
    await newest.click()
    await bob.sees("number 0080")
    await expect(bob.room("Long").locator(".badge")).to_have_count(0)


async def test_search_finds_and_jumps(arrive: Arrive) -> None:
    ada, bob = await arrive("ada"), await arrive("bob")
    await ada.create("group", "Long", bob)
    await ada.say("the zeppelin leaves at dawn")
    await fill(ada, 1, 150)
    await bob.open("Long")
    await bob.say("which zeppelin?")
    await bob.sees("which zeppelin?")
    page = ada.page
    await page.reload()  # the newest page only
    await ada.sees("which zeppelin?")
    await page.get_by_role("button", name="Search").click()
    panel = page.get_by_role("complementary", name="Search")
    hits = panel.get_by_role("listitem")
    await panel.get_by_label("Words").fill("zeppelin")
    await expect(hits).to_have_count(2)
    await expect(hits.first.locator("mark")).to_have_text("zeppelin")
    await panel.get_by_label("From").fill(ada.name)
    await expect(hits).to_have_count(1)
    await hits.get_by_role("button").click()
    found = ada.message("the zeppelin leaves at dawn")
    await expect(found).to_be_in_viewport()
    await expect(found).to_be_focused()
    await expect(hits).to_have_count(1)  # what was found stays beside it
    await expect(ada.message("number 0150")).to_have_count(0)
    # What is said now is not put behind a window that ends long ago.
    await bob.say("still there?")
    await expect(bob.message("still there?").get_by_title("Sent")).to_be_visible()
    await expect(ada.message("still there?")).to_have_count(0)
    await page.get_by_role("button", name="To the newest message").click()
    await ada.sees("still there?")
