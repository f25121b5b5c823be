"""Groups and channels: who is in them, who may do what."""

import re

import pytest
from playwright.async_api import expect

from tests.web.conftest import Arrive

pytestmark = pytest.mark.browser


async def test_a_group(arrive: Arrive) -> None:
    ada, bob, grace = await arrive("ada"), await arrive("bob"), await arrive("grace")
    await ada.create("group", "Harbour", bob, grace)
    await ada.composer.press_sequentially(f"ahoy @{bob.name[:4]}")
    await ada.page.get_by_role("option", name=bob.name).click()
    await ada.composer.press("Enter")

    # A mention is more than an unread message.
    row = bob.room("Harbour")
    await expect(row.locator(".badge").first).to_contain_text("@")
    await expect(grace.room("Harbour").locator(".badge")).to_have_count(1)
    await bob.open("Harbour")
    await expect(bob.message("ahoy").locator(".mention.own")).to_have_text(f"@{bob.name}")
    await expect(ada.main.get_by_text(f"Seen by {bob.name}")).to_be_visible()
    await expect(row.locator(".badge")).to_have_count(0)

    await ada.page.get_by_role("button", name="About this conversation").click()
    about = ada.page.get_by_role("complementary", name="About")
    await about.get_by_role("button", name="Rename").click()
    await ada.page.get_by_label("Name", exact=True).fill("Old harbour")
    await ada.page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    await expect(bob.page.get_by_role("heading", name="Old harbour")).to_be_visible()
    await about.get_by_label("Slow mode").select_option("60")
    await expect(bob.main.get_by_text("Slow mode: a message every minute.")).to_be_visible()

    await about.get_by_role("button", name=f"Manage {bob.name}").click()
    await ada.page.get_by_role("menuitem", name="Mute for an hour").click()
    await expect(bob.main.get_by_text("You are muted here until")).to_be_visible()
    await expect(bob.composer).to_be_disabled()
    await about.get_by_role("button", name=f"Manage {bob.name}").click()
    await ada.page.get_by_role("menuitem", name="Remove").click()
    await expect(bob.room("Old harbour")).to_have_count(0)
    await expect(bob.page.get_by_role("heading", name="Hello,")).to_be_visible()


async def test_a_channel_is_found_joined_and_left(arrive: Arrive) -> None:
    ada, bob = await arrive("ada"), await arrive("bob")
    title = f"Engines of {ada.name}"
    await ada.create("channel", title)
    await bob.page.get_by_role("main").get_by_role("button", name="Browse channels").click()
    await bob.page.get_by_role("button", name=f"Join {title}").click()
    await expect(bob.composer).to_be_visible()
    await expect(ada.main.get_by_text(f"{bob.name} joined")).to_be_visible()
    await expect(ada.main.get_by_text("2 members")).to_be_visible()

    await bob.page.get_by_role("button", name="About this conversation").click()
    await bob.page.get_by_role("button", name="Leave this room").click()
    await bob.page.get_by_role("dialog").get_by_role("button", name="Leave").click()
    await expect(bob.room(title)).to_have_count(0)
    await expect(ada.main.get_by_text(f"{bob.name} left")).to_be_visible()


async def test_a_ban_and_its_end(arrive: Arrive) -> None:
    ada, eve = await arrive("ada"), await arrive("eve")
    await ada.create("group", "Harbour", eve)
    await ada.page.get_by_role("button", name="About this conversation").click()
    about = ada.page.get_by_role("complementary", name="About")
    await about.get_by_role("button", name=f"Manage {eve.name}").click()
    await ada.page.get_by_role("menuitem", name="Ban").click()
    await ada.page.get_by_role("dialog").get_by_role("button", name="Ban").click()
    await expect(eve.room("Harbour")).to_have_count(0)
    await about.get_by_role("button", name="Banned accounts").click()
    await about.get_by_role("button", name=f"Lift the ban on {eve.name}").click()
    await expect(about.get_by_text("Nobody is banned.")).to_be_visible()
    await about.get_by_role("combobox", name="Invite somebody").fill(eve.name)
    await ada.page.get_by_role("option", name=eve.name).click()
    await expect(eve.room("Harbour")).to_be_visible()


async def test_mark_all_read_and_what_one_is_told_of(arrive: Arrive) -> None:
    ada, bob = await arrive("ada"), await arrive("bob")
    await ada.create("group", "Harbour", bob)
    await ada.say("one")
    await ada.create("group", "Lighthouse", bob)
    await ada.say("two")
    badges = bob.page.locator(".badge")
    await expect(badges).to_have_count(2)
    await expect(bob.page).to_have_title("(2) Plaza")
    await bob.page.get_by_role("navigation").get_by_role("button", name="More").click()
    await bob.page.get_by_role("menuitem", name="Mark all as read").click()
    await expect(badges).to_have_count(0)
    await expect(bob.page).to_have_title("Plaza")

    await bob.open("Lighthouse")
    await bob.page.get_by_role("button", name="About this conversation").click()
    await bob.page.get_by_label("Notify me of").select_option("none")
    await bob.room("Harbour").click()
    await ada.say("three")
    await expect(bob.room("Lighthouse").locator(".badge")).to_contain_text("1")
    await expect(bob.page).to_have_title("Harbour · Plaza")


async def test_a_profile(arrive: Arrive) -> None:
    ada, bob = await arrive("ada"), await arrive("bob")
    await ada.create("group", "Harbour", bob)
    await ada.page.get_by_role("button", name="About this conversation").click()
    about = ada.page.get_by_role("complementary", name="About")
    await about.get_by_role("button", name=re.compile(f"^{bob.name}")).click()
    card = ada.page.get_by_role("dialog", name="Profile")
    await expect(card.get_by_role("heading", name=bob.name)).to_be_visible()
    await expect(card.get_by_text("online", exact=True)).to_be_visible()
    await card.get_by_role("button", name="Message").click()
    await expect(ada.page.get_by_role("heading", name=bob.name)).to_be_visible()
