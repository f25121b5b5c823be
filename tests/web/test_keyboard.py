"""Without a mouse, and by ear."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.web.conftest import Arrive
from tests.web.person import PASSWORD, Person

pytestmark = pytest.mark.browser

# Every element that can be used or reached, with the name that Chromium computes for it.
INTERACTIVE = {
    "button", "link", "textbox", "searchbox", "combobox", "checkbox", "tab", "option", "menuitem",
    "menuitemradio", "dialog", "log", "list", "navigation", "complementary", "article", "listbox",
    "toolbar", "menu", "region", "Date",
}  # fmt: skip
MAY_BE_NAMELESS = {"list"}  # plain lists speak by their items


async def nameless(page: Page) -> list[str]:
    """Roles in the accessibility tree that want a name and have none."""
    session = await page.context.new_cdp_session(page)
    tree = await session.send("Accessibility.getFullAXTree")
    await session.detach()
    return [
        _role(node)
        for node in tree["nodes"]
        if not node.get("ignored")
        and _role(node) in INTERACTIVE - MAY_BE_NAMELESS
        and not node.get("name", {}).get("value", "").strip()
    ]


def _role(node: dict[str, Any]) -> str:
    return str(node.get("role", {}).get("value"))


async def focused(page: Page) -> str:
    """What the focus is on: the label or the text; empty: nothing."""
    return str(
        await page.evaluate(
            """() => {
                const element = document.activeElement;
                if (element === document.body) return "";
                return element.getAttribute("aria-label") || element.innerText;
            }"""
        )
    )


async def tab_to(page: Page, name: str, *, back: bool = False) -> None:
    """Press Tab until something of this name has the focus."""
    for _ in range(40):
        if name in await focused(page):
            return
        await page.keyboard.press("Shift+Tab" if back else "Tab")
    raise AssertionError(f"{name} cannot be reached; the focus is on {await focused(page)}")


async def test_the_main_path_by_keyboard_alone(arrive: Arrive) -> None:
    bob = await arrive("bob")
    ada = await arrive("ada", enter=False)
    page, keys = ada.page, ada.page.keyboard
    await tab_to(page, "Create an account")
    await keys.press("Enter")
    await keys.type(ada.name)  # the first field has the focus
    await keys.press("Tab")
    await keys.type(f"{ada.name}@example.org")
    await keys.press("Tab")
    await keys.type(PASSWORD)
    await keys.press("Enter")
    await ada.is_in()

    await keys.press("Control+k")
    await keys.type(bob.name)
    await expect(page.get_by_role("option", name=bob.name)).to_be_visible()
    await keys.press("Enter")
    await expect(ada.composer).to_be_focused()
    await keys.type("by hand")
    await keys.press("Enter")
    await ada.sees("by hand")

    await bob.open(ada.name)
    await bob.say("well done")
    await ada.sees("well done")
    await tab_to(page, f"{bob.name},", back=True)  # the newest message is the tab stop of the log
    await keys.press("Enter")
    assert await focused(page) == "React"
    await keys.press("Enter")
    await keys.press("ArrowRight")
    assert await focused(page) == "heart"
    await keys.press("Enter")
    await expect(bob.message("well done").locator(".reaction")).to_have_text("❤️1")
    await expect(ada.message("well done").locator(".reaction")).to_have_text("❤️1")
    await ada.message("well done").focus()
    await keys.press("ArrowUp")
    assert not (await focused(page)).startswith(bob.name)
    await keys.press("ArrowDown")
    await keys.press("r")
    await expect(ada.composer).to_be_focused()
    await keys.type("thank you")
    await keys.press("Enter")
    await expect(bob.message("thank you").locator(".quote")).to_contain_text("well done")


async def test_dialogs_keep_the_focus_and_give_it_back(arrive: Arrive) -> None:
    ada = await arrive("ada")
    page = ada.page
    opener = page.get_by_role("navigation").get_by_role("button", name="New conversation")
    await opener.focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="New conversation")
    await expect(dialog.get_by_role("combobox")).to_be_focused()
    for _ in range(12):
        await page.keyboard.press("Tab")
        inside = (
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
        assert await page.evaluate(inside), await focused(page)
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(opener).to_be_focused()

    menu = page.get_by_role("button", name="your menu")
    await menu.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitemradio", name="Available")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("menuitemradio", name="Do not disturb")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(menu).to_be_focused()


async def test_the_list_is_one_tab_stop(arrive: Arrive) -> None:
    ada = await arrive("ada")
    for title in ("Alpha", "Beta", "Gamma"):
        await ada.create("group", title)
        await expect(ada.composer).to_be_focused()  # a conversation that opens takes the focus
    await ada.room("Gamma").focus()
    await ada.page.keyboard.press("End")
    await expect(ada.room("Alpha")).to_be_focused()
    await ada.page.keyboard.press("ArrowUp")
    await expect(ada.room("Beta")).to_be_focused()
    stops = ada.page.locator(".rooms a[tabindex='0']")
    await expect(stops).to_have_count(1)
    await ada.page.keyboard.press("Enter")
    await expect(ada.page.get_by_role("heading", name="Beta")).to_be_visible()
    skip = ada.page.get_by_role("link", name="Skip to the conversation")
    await skip.focus()
    await ada.page.keyboard.press("Enter")
    await expect(ada.composer).to_be_focused()


async def test_everything_has_a_name(arrive: Arrive) -> None:
    visitor = await arrive("eve", enter=False)
    assert await nameless(visitor.page) == []
    ada, bob = await arrive("ada"), await arrive("bob")
    await ada.create("group", "Harbour", bob)
    await bob.open("Harbour")
    await bob.say("hello ```code```")
    await ada.act("hello", "React")
    assert await nameless(ada.page) == []
    await ada.page.keyboard.press("Escape")
    await ada.message("hello").press("r")
    await ada.say("hello yourself")
    await ada.sees("hello yourself")
    for panel in ("Search", "Pinned messages", "About this conversation"):
        await ada.page.get_by_role("button", name=panel).click()
        assert await nameless(ada.page) == [], panel
    await open_each(ada)


async def open_each(person: Person) -> None:
    """Look at what lies over the page."""
    page = person.page
    navigation = page.get_by_role("navigation")
    for opener in (
        navigation.get_by_role("button", name="New conversation"),
        navigation.get_by_role("button", name="More"),
        navigation.get_by_role("button", name="your menu"),
        navigation.get_by_role("button", name="Find people and rooms"),
    ):
        await opener.click()
        assert await nameless(page) == []
        await page.keyboard.press("Escape")


async def test_news_are_announced(arrive: Arrive) -> None:
    ada, bob = await arrive("ada"), await arrive("bob")
    await ada.open_dm(bob)
    await bob.open(ada.name)
    await bob.say("listen")
    region = ada.page.locator("[role=status][aria-live=polite]")
    await expect(region).to_contain_text(f"{bob.name}: listen")
