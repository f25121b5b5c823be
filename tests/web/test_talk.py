"""Two people, a conversation."""

import pytest
from playwright.async_api import expect

from tests.web.conftest import Arrive
from tests.web.person import Person

pytestmark = pytest.mark.browser


async def pair(arrive: Arrive) -> tuple[Person, Person]:
    """Ada and Bob, each with their conversation open."""
    ada, bob = await arrive("ada"), await arrive("bob")
    await ada.open_dm(bob)
    await bob.open(ada.name)
    return ada, bob


async def test_they_converse(arrive: Arrive) -> None:
    ada, bob = await arrive("ada"), await arrive("bob")
    await ada.open_dm(bob)
    await ada.say("Are you there?")
    await ada.sees("Are you there?")
    await expect(ada.message("Are you there?").get_by_title("Delivered")).to_be_visible()

    # Bob has not opened it: the list says so, and so does the title of the page.
    await expect(bob.room(ada.name).locator(".badge")).to_contain_text("1")
    await expect(bob.room(ada.name)).to_contain_text("Are you there?")
    await expect(bob.page).to_have_title("(1) Plaza")
    await bob.open(ada.name)
    await bob.sees("Are you there?")
    await expect(bob.room(ada.name).locator(".badge")).to_have_count(0)
    await expect(ada.message("Are you there?").get_by_title("Read")).to_be_visible()

    await bob.composer.press_sequentially("Yes, I")
    await expect(ada.main.get_by_text(f"{bob.name} is typing")).to_be_visible()
    await bob.composer.press_sequentially(" am")
    await bob.composer.press("Shift+Enter")
    await bob.composer.press_sequentially("What is it?")
    await bob.composer.press("Enter")
    await ada.sees("Yes, I am\nWhat is it?")
    await expect(ada.main.get_by_text(f"{bob.name} is typing")).to_have_count(0)
    assert await ada.texts() == await bob.texts() == ["Are you there?", "Yes, I am\nWhat is it?"]


async def test_presence_is_shown(arrive: Arrive) -> None:
    ada, bob = await pair(arrive)
    dot = bob.room(ada.name).locator(".presence")
    await expect(dot).to_have_attribute("data-state", "online")
    await ada.page.get_by_role("button", name="your menu").click()
    await ada.page.get_by_role("menuitemradio", name="Do not disturb").click()
    await expect(dot).to_have_attribute("data-state", "busy")
    await ada.page.get_by_role("button", name="your menu").click()
    await ada.page.get_by_role("menuitemradio", name="Appear offline").click()
    await expect(dot).to_have_attribute("data-state", "offline")


async def test_reactions(arrive: Arrive) -> None:
    ada, bob = await pair(arrive)
    await ada.say("It works")
    await bob.act("It works", "React")
    await bob.page.get_by_role("button", name="party").click()
    reaction = ada.message("It works").locator(".reaction")
    await expect(reaction).to_have_text("🎉1")
    await reaction.click()
    await expect(bob.message("It works").locator(".reaction")).to_have_text("🎉2")
    await expect(bob.message("It works").locator(".reaction")).to_have_attribute(
        "aria-pressed", "true"
    )
    await bob.message("It works").locator(".reaction").click()
    await expect(reaction).to_have_text("🎉1")


async def test_edits_and_deletes(arrive: Arrive) -> None:
    ada, bob = await pair(arrive)
    await ada.say("Meet me at noom")
    await bob.sees("Meet me at noom")
    await ada.composer.press("ArrowUp")
    await expect(ada.composer).to_have_value("Meet me at noom")
    await ada.composer.fill("Meet me at noon")
    await ada.composer.press("Enter")
    await expect(bob.message("Meet me at noon")).to_contain_text("edited")
    await expect(bob.message("noom")).to_have_count(0)
    # Escape leaves a message as it is, and what was being written.
    await ada.composer.press("ArrowUp")
    await ada.composer.fill("something else")
    await ada.composer.press("Escape")
    await expect(ada.composer).to_have_value("")

    await ada.choose("Meet me at noon", "Delete")
    await ada.page.get_by_role("button", name="Delete", exact=True).click()
    await expect(bob.message("Message deleted")).to_be_visible()
    await expect(bob.message("noon")).to_have_count(0)


async def test_replies_and_threads(arrive: Arrive) -> None:
    ada, bob = await pair(arrive)
    await ada.say("Which engine?")
    await bob.act("Which engine?", "Reply")
    await bob.say("The analytical one")
    quote = ada.message("The analytical one").locator(".quote")
    await expect(quote).to_contain_text(ada.name)
    await expect(quote).to_contain_text("Which engine?")

    await ada.page.get_by_role("button", name="1 reply").click()
    thread = ada.page.get_by_role("complementary", name="Thread")
    await expect(thread.get_by_role("article")).to_have_count(2)
    await thread.get_by_role("textbox").fill("Of course")
    await thread.get_by_role("textbox").press("Enter")
    await expect(thread.get_by_role("article")).to_have_count(3)
    await expect(bob.page.get_by_role("button", name="2 replies")).to_be_visible()
    # What is said beside the thread stays out of it.
    await bob.say("Another matter")
    await ada.sees("Another matter")
    await expect(thread.get_by_role("article")).to_have_count(3)
    await ada.page.keyboard.press("Escape")
    await expect(thread).to_have_count(0)


async def test_pins(arrive: Arrive) -> None:
    ada, bob = await pair(arrive)
    await ada.say("The address is 12 Harbour Street")
    await bob.choose("Harbour Street", "Pin")
    await expect(ada.main.get_by_text(f"{bob.name} pinned a message")).to_be_visible()
    await ada.page.get_by_role("button", name="Pinned messages").click()
    pins = ada.page.get_by_role("complementary", name="Pinned messages")
    await expect(pins.get_by_role("listitem")).to_contain_text("12 Harbour Street")
    await bob.choose("Harbour Street", "Unpin")
    await expect(pins.get_by_text("Nothing is pinned here")).to_be_visible()


async def test_a_blocked_person_is_hidden(arrive: Arrive) -> None:
    ada, eve = await arrive("ada"), await arrive("eve")
    await ada.create("group", "Harbour", eve)
    await eve.open("Harbour")
    await eve.say("Buy my boat")
    await ada.message("Buy my boat").get_by_role("button", name=eve.name, exact=True).click()
    await ada.page.get_by_role("button", name="Block", exact=True).click()
    await (
        ada.page.get_by_role("dialog", name=f"Block {eve.name}")
        .get_by_role("button", name="Block", exact=True)
        .click()
    )
    await ada.page.get_by_role("button", name="Close", exact=True).click()
    line = ada.main.get_by_text("Message from a blocked account")
    await expect(line).to_be_visible()
    await expect(ada.message("Buy my boat")).to_have_count(0)
    await line.get_by_role("button", name="Show").click()
    await ada.sees("Buy my boat")


async def test_a_message_that_is_refused_says_why(arrive: Arrive) -> None:
    ada, bob = await pair(arrive)
    await ada.say("Forget it")
    await bob.act("Forget it", "Reply")
    await ada.choose("Forget it", "Delete")
    await ada.page.get_by_role("button", name="Delete", exact=True).click()
    await expect(bob.message("Message deleted")).to_be_visible()
    await bob.say("Forget what?")
    refused = bob.message("Forget what?")
    await expect(refused).to_contain_text("The message has been deleted")
    await expect(refused).to_have_attribute("aria-label", "You, not sent")
    await refused.get_by_role("button", name="Try again").click()
    await expect(refused.get_by_role("button", name="Try again")).to_be_visible()
    await refused.get_by_role("button", name="Discard").click()
    await expect(refused).to_have_count(0)
    await ada.say("Never mind")
    await bob.sees("Never mind")
    assert await ada.texts() == await bob.texts() == ["Message deleted", "Never mind"]
