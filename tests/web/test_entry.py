"""Sign up, log in, stay, leave."""

import pytest
from playwright.async_api import expect

from tests.web.conftest import Arrive
from tests.web.person import NETWORK, PASSWORD

pytestmark = pytest.mark.browser


async def test_errors_are_shown_at_their_fields(arrive: Arrive) -> None:
    ada = await arrive("ada")
    eve = await arrive("eve", enter=False)
    eve.allow(NETWORK)
    page = eve.page
    await page.get_by_role("button", name="Create an account").click()
    await page.get_by_label("E-mail").fill("nonsense")
    await page.get_by_role("button", name="Create account").click()
    username = page.get_by_label("Username")
    await expect(username).to_be_focused()
    await expect(username).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_label("E-mail")).to_have_attribute("aria-invalid", "true")

    await username.fill(ada.name)
    await page.get_by_label("E-mail").fill("eve@example.org")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Create account").click()
    await expect(page.get_by_text("Somebody has this username")).to_be_visible()
    await expect(username).to_be_focused()
    described = await username.get_attribute("aria-describedby") or ""
    error = page.locator(f"#{described.split()[0]}")
    await expect(error).to_contain_text("Somebody has this username")


async def test_password_managers_find_their_fields(arrive: Arrive) -> None:
    page = (await arrive("ada", enter=False)).page
    await expect(page.get_by_label("Username")).to_have_attribute("autocomplete", "username")
    await expect(page.get_by_label("Password")).to_have_attribute(
        "autocomplete", "current-password"
    )
    await page.get_by_role("button", name="Create an account").click()
    await expect(page.get_by_label("E-mail")).to_have_attribute("autocomplete", "email")
    await expect(page.get_by_label("Password")).to_have_attribute("autocomplete", "new-password")


async def test_one_stays_logged_in_until_one_logs_out(arrive: Arrive) -> None:
    ada = await arrive("ada")
    ada.allow(NETWORK)
    page = ada.page
    await page.reload()
    await ada.is_in()

    await page.get_by_role("button", name="your menu").click()
    await page.get_by_role("menuitem", name="Log out").click()
    await expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()

    await page.get_by_label("Username or e-mail").fill(ada.name)
    await page.get_by_label("Password").fill("not the password")
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_text("The name or the password is wrong")).to_be_visible()
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await ada.is_in()


async def test_the_theme_is_kept(arrive: Arrive) -> None:
    ada = await arrive("ada", color_scheme="light")
    page = ada.page
    background = "getComputedStyle(document.body).backgroundColor"
    light = await page.evaluate(background)
    await page.get_by_role("button", name="your menu").click()
    await page.get_by_role("menuitem", name="Dark theme").click()
    dark = await page.evaluate(background)
    assert dark != light
    await page.reload()
    await ada.is_in()
    assert await page.evaluate(background) == dark
